/**
 * What must hold between whole peers once faults have ended and a quiet time has passed (design,
 * sections 4 to 7).
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PostView } from "../../core/api.ts";
import { toHex } from "../../core/model/bytes.ts";
import { openPost } from "../core/model/open_post.ts";
import { openRecord } from "../../core/model/record.ts";
import { snowflakeTimeMs } from "../../core/model/snowflake.ts";
import type { TalkTruth } from "./talk.ts";
import type { SimMachine, SimWorld } from "./peers.ts";

/** What the run knows to be so. */
export interface GroundTruth {
  /** Posts that `post` resolved to, by author. */
  readonly acknowledged: Map<string, PostView[]>;
  /** Whose each machine is. */
  readonly machines: Map<SimMachine, string>;
  /** Posts older than this need not be there. */
  readonly lifespanMs: number | undefined;
  /** What users said in conversations, in runs that have any. */
  readonly talk?: TalkTruth;
}

/** Whether one of two users has blocked the other, or tried to. */
function areApart({ talk, machines }: GroundTruth, a: string, b: string): boolean {
  for (const [machine, list] of talk?.unwanted ?? []) {
    const blocker = machines.get(machine);
    for (const { kind, what } of list) {
      if (kind !== "block") continue;
      if ((blocker === a && what === b) || (blocker === b && what === a)) return true;
    }
  }
  return false;
}

/**
 * Whether a post may be missing with a reader: its author has begun to delete it; or what it passes on was to be
 * deleted, or is by a user whom the reader has blocked.
 */
function mayBeGone(truth: GroundTruth, name: string, reader: string): boolean {
  const { talk } = truth;
  const original = talk?.reposts.get(name);
  if (talk?.deleted.has(name)) return true;
  if (original === undefined) return false;
  const [author = ""] = original.split("/");
  return talk?.deleted.has(original) || areApart(truth, reader, author);
}

/** Bytes that may wait on the links of a peer that has been left alone. */
const quietBytesMax = 1024 * 1024;

/** The collector comes by every minute. */
const collectedWithinMs = 61_000;

/** Timers of a peer that has been left alone. */
const quietTimersMax = 200;

/** What one machine shows. */
interface Shown {
  readonly machine: SimMachine;
  readonly username: string;
  readonly timeline: readonly PostView[];
  readonly following: readonly string[];
  readonly followers: readonly string[];
}

async function look(world: SimWorld, machine: SimMachine, username: string): Promise<Shown> {
  const timeline = await world.run(machine.timeline());
  const { following, followers } = await world.run(machine.peer.profile({}));
  return { machine, username, timeline, following, followers };
}

function nameOf({ username, machine }: Shown): string {
  return `${username} (${machine.ip})`;
}

/** Throws an `AssertionError` for the first invariant that does not hold. */
export async function checkInvariants(world: SimWorld, truth: GroundTruth): Promise<void> {
  const shown: Shown[] = [];
  for (const [machine, username] of truth.machines) {
    shown.push(await look(world, machine, username));
  }
  for (const one of shown) checkOrder(one);
  const own = checkOwnPosts(shown, truth);
  checkLists(shown, truth);
  for (const one of shown) checkTimeline(one, own, truth, world);
  for (const one of shown) await checkSignatures(world, one);
  for (const one of shown) await checkBounds(world, one);
  for (const record of world.directories.records(world.machines[0]?.directory.side ?? {})) {
    openRecord(record.value);
  }
}

/** Newest first, each exactly once. */
function checkOrder(one: Shown): void {
  const ids = one.timeline.map(({ id }) => BigInt(id));
  for (const [i, id] of ids.entries()) {
    const newer = ids[i - 1];
    assert(newer === undefined || newer > id, `${nameOf(one)}: the timeline is out of order`);
  }
}

/** No acknowledged post is missing with its author, on any device. Returns all posts by author. */
function checkOwnPosts(shown: readonly Shown[], truth: GroundTruth): Map<string, Set<string>> {
  const own = new Map<string, Set<string>>();
  for (const one of shown) {
    const mine = one.timeline.filter(({ author }) => author === one.username).map(({ id }) => id);
    const known = own.get(one.username);
    if (known !== undefined) {
      assert.deepEqual(new Set(mine), known, `${nameOf(one)}: own posts differ between devices`);
    }
    own.set(one.username, new Set(mine));
    for (const { id, text } of truth.acknowledged.get(one.username) ?? []) {
      if (mayBeGone(truth, `${one.username}/${id}`, one.username)) continue;
      assert(mine.includes(id), `${nameOf(one)} lost the acknowledged post ${text}`);
    }
  }
  return own;
}

/** Followers and following agree between each pair of users, and between devices. */
function checkLists(shown: readonly Shown[], truth: GroundTruth): void {
  for (const a of shown) {
    for (const b of shown) {
      if (a.username === b.username) {
        assert.deepEqual(a.following, b.following, `${nameOf(a)}, ${nameOf(b)}: following differs`);
        assert.deepEqual(a.followers, b.followers, `${nameOf(a)}, ${nameOf(b)}: followers differ`);
        continue;
      }
      if (areApart(truth, a.username, b.username)) continue;
      assert.equal(
        a.following.includes(b.username),
        b.followers.includes(a.username),
        `${nameOf(a)} follows ${a.following}, ${nameOf(b)} is followed by ${b.followers}`,
      );
    }
  }
}

/** All posts of the authors followed, and none from anybody else. */
function checkTimeline(
  one: Shown,
  own: ReadonlyMap<string, ReadonlySet<string>>,
  truth: GroundTruth,
  world: SimWorld,
): void {
  const now = world.clock.now();
  const oldestMs = truth.lifespanMs === undefined ? 0 : now - truth.lifespanMs;
  const expected = new Set<string>();
  for (const author of [one.username, ...one.following]) {
    if (areApart(truth, one.username, author)) continue;
    for (const id of own.get(author) ?? []) expected.add(id);
  }
  for (const post of one.timeline) {
    if (areApart(truth, one.username, post.author)) continue;
    assert(
      expected.delete(post.id),
      `${nameOf(one)} shows ${post.author}'s post "${post.text}", which should not be there`,
    );
    const isKept = post.author === one.username ||
      snowflakeTimeMs(BigInt(post.id)) > oldestMs - collectedWithinMs;
    assert(isKept, `${nameOf(one)} keeps ${post.author}'s post "${post.text}" beyond its lifespan`);
  }
  for (const id of expected) {
    // The one has heard that a reposted post is deleted, and the other cannot have.
    const isExcused = ([author, ids]: readonly [string, ReadonlySet<string>]) =>
      ids.has(id) && mayBeGone(truth, `${author}/${id}`, one.username);
    if ([...own].some(isExcused)) continue;
    assert(snowflakeTimeMs(BigInt(id)) < oldestMs, `${nameOf(one)} lacks ${describe(id, own)}`);
  }
}

function describe(id: string, own: ReadonlyMap<string, ReadonlySet<string>>): string {
  const author = [...own].find(([, ids]) => ids.has(id))?.[0];
  return `${author}'s post ${id} (device ${(BigInt(id) >> 12n) & 0x3ffn})`;
}

/** Every post stored is signed by its author, and no honest author is said to have contradicted himself. */
async function checkSignatures(world: SimWorld, one: Shown): Promise<void> {
  const store = await one.machine.stores.open(one.username);
  for (const author of [one.username, ...one.following]) {
    const forks = (await store.forks(author)).map(({ text }) => text);
    assert.deepEqual(forks, [], `${nameOf(one)} notes forks of ${author}`);
  }
  for (const { author, id } of one.timeline) {
    const [post] = await store.timeline({ author, before: BigInt(id) + 1n, limit: 1 });
    assert(
      post?.id === BigInt(id),
      `${nameOf(one)}: a post of the timeline is not in the database`,
    );
    openPost(post.signed);
    const key = world.directories.peek(author, "public")?.publicKey;
    assert.equal(
      toHex(post.authorKey),
      toHex(key ?? new Uint8Array()),
      `${nameOf(one)} has a post that ${author} did not sign`,
    );
  }
}

/** Nothing waits for ever. */
async function checkBounds(world: SimWorld, one: Shown): Promise<void> {
  const { pending } = await world.run(one.machine.peer.status());
  assert.equal(pending, 0, `${nameOf(one)}: notices still wait for their acknowledgement`);
  const { queuedBytes } = one.machine.links;
  assert(queuedBytes <= quietBytesMax, `${nameOf(one)}: ${queuedBytes} bytes wait on links`);
  const timers = one.machine.clock.pending;
  assert(timers <= quietTimersMax, `${nameOf(one)}: ${timers} timers wait`);
  const warnings = one.machine.events.filter((event) =>
    event.event === "warning" && event.code === "internal"
  );
  assert.deepEqual(warnings, [], `${nameOf(one)}: internal errors`);
}
