/**
 * 20 real peers that post, follow, come and go: what grows, and what goes wrong.
 *
 * @module
 */

import type { PostView } from "../../core/api.ts";
import { Network, type Process, type User } from "../../tests/e2e/harness.ts";
import { LoopbackClient } from "../../ui/peer/loopback_client.ts";
import { parsePortFile, portFileName } from "../../ui/peer/loopback_protocol.ts";
import { each, note, option, print, residentMegabytes, rounded, sleep } from "./measure.ts";

/** Peers; the second half of them come and go. */
const peerCount = 20;

/** How many others each follows. */
const followedCount = 5;

/** From one thing that happens to the next. */
const stepMs = 500;

/** How long peers have at the end until everything has come: the comparison of heads comes every five minutes. */
const quietMs = 420_000;

/** A post that an online follower does not have by then came late: the comparison will bring it. */
const lateMs = 10_000;

/** What happened so many seconds before or after a post that is lacking is told with it. */
const nearS = 60;

/** Whoever has come up, or followed, a shorter while ago is still fetching. */
const settledMs = 5_000;

class Member {
  readonly user: User;
  client: LoopbackClient | undefined;
  /** Whom it follows, since when on the clock of `performance`. */
  readonly follows = new Map<Member, number>();
  /** Texts of posts that came while it was up. */
  readonly arrived = new Set<string>();
  upAt = 0;
  readonly posts: string[] = [];
  /** Standard error of processes that have ended. */
  err = "";
  /** When it posted, came and went, in seconds of the run. */
  readonly events: { readonly atS: number; readonly what: string }[] = [];
  /** Memory, of peers that stay. */
  readonly rss: number[] = [];
  faults: string[] = [];

  constructor(user: User) {
    this.user = user;
  }

  noteEvent(what: string): void {
    this.events.push({ atS: Math.round(performance.now() / 1_000), what });
  }

  async up(): Promise<void> {
    this.noteEvent("starts");
    await this.user.up();
    this.noteEvent("is up");
    const port = parsePortFile(await Deno.readTextFile(`${this.user.data}/${portFileName}`));
    if (port === undefined) throw new Error(`Cannot use the port file of ${this.user.name}`);
    const client = new LoopbackClient(port);
    await client.subscribe((event) => {
      if (event.event === "post") this.arrived.add(event.post.text);
    });
    this.upAt = performance.now();
    this.client = client;
  }

  async down(signal: Deno.Signal): Promise<void> {
    this.noteEvent(signal);
    const running: Process | undefined = this.user.process;
    this.client = undefined;
    const code = await this.user.down(signal);
    if (signal === "SIGINT" && code !== 0) this.faults.push(`exited with ${code}`);
    this.err += running?.err ?? "";
  }

  get allErr(): string {
    return this.err + (this.user.process?.err ?? "");
  }
}

/** Runs it: `--minutes=60`. */
export async function soak(): Promise<void> {
  const minutes = option("minutes", 60);
  await using network = await Network.start();
  const members: Member[] = [];
  for (let i = 0; i < peerCount; i++) {
    const member = new Member(network.user(`user_${i}`));
    await member.user.json("register", member.user.name);
    await member.up();
    members.push(member);
  }
  for (const [i, member] of members.entries()) {
    for (let n = 1; n <= followedCount; n++) await follow(member, pick(members, i + 3 * n));
  }
  note("all follow");
  const staying = members.slice(0, peerCount / 2);
  const startedAt = performance.now();
  const tally: Tally = { posts: 0, restarts: 0, kills: 0, follows: 0, expected: 0, late: 0 };
  let busy: Promise<void> | undefined;
  while (performance.now() - startedAt < minutes * 60_000) {
    await post(pick(members, random(peerCount)), members, tally);
    if (Math.random() < 0.1 && busy === undefined) {
      const comer = pick(members, peerCount / 2 + random(peerCount / 2));
      busy = churn(comer, tally).catch((error) => void comer.faults.push(String(error)))
        .finally(() => busy = undefined);
    }
    if (Math.random() < 0.05) await changeFollow(members, tally);
    if (tally.posts % 20 === 0) await weigh(staying);
    await sleep(stepMs);
  }
  await busy;
  await sleep(lateMs);
  note(`quiet: ${JSON.stringify(tally)}`);
  const { lacking, afterMs } = await untilComplete(members);
  const growth = staying.map(({ rss }) => growthOf(rss));
  const faults = members.flatMap((member) =>
    [
      ...member.faults,
      ...unexpected(member.allErr),
    ].map((fault) => `${member.user.name}: ${fault}`)
  );
  for (const fault of faults.slice(0, 40)) note(fault);
  await print({
    row: `soak of ${peerCount} peers with churn: memory growth, unhandled errors`,
    target: "under 5 %, none (in an hour)",
    figures: {
      minutes,
      ...tally,
      growth_percent: growth.map(({ percent }) => percent).toSorted((a, b) => a - b),
      rss_mb_by_quarter: growth.map(({ quartersMB }) => quartersMB.join(" ")),
      errors: faults.length,
      posts_lacking_after_quiet: lacking,
      complete_after_s: lacking === 0 ? rounded(afterMs / 1_000) : undefined,
    },
    setting: `real processes of the program; half of them are stopped or killed and come back; ` +
      "growth is that of the peers that stay, from the second quarter to the last",
  });
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

function pick(members: readonly Member[], index: number): Member {
  const member = members[index % members.length];
  if (member === undefined) throw new Error("Cannot pick: there is nobody");
  return member;
}

/** What has happened. */
interface Tally {
  posts: number;
  restarts: number;
  kills: number;
  follows: number;
  /** Deliveries of a post to a follower that was online all the while. */
  expected: number;
  /** Those of them that took longer than {@linkcode lateMs}. */
  late: number;
}

async function post(member: Member, members: readonly Member[], tally: Tally): Promise<void> {
  const { client } = member;
  if (client === undefined) return;
  const text = `${member.user.name} ${member.posts.length}`;
  try {
    await client.api.post({ text });
    member.posts.push(text);
    member.noteEvent(text);
    tally.posts++;
    lookForLate(member, { text, members, tally });
  } catch (error) {
    // Stopped in its midst: whether it was committed is not known. Text numbers may repeat.
    if (member.client === client) member.faults.push(String(error));
  }
}

/** Counts, a while later, the followers that should have got the post by then, and have not. */
function lookForLate(
  author: Member,
  { text, members, tally }: { text: string; members: readonly Member[]; tally: Tally },
): void {
  const postedAt = performance.now();
  const isSettled = (since: number | undefined) =>
    since !== undefined && since < postedAt - settledMs;
  setTimeout(() => {
    for (const reader of members) {
      if (!isSettled(reader.follows.get(author)) || !isSettled(reader.upAt)) continue;
      if (reader.client === undefined) continue;
      tally.expected++;
      if (reader.arrived.has(text)) continue;
      tally.late++;
      note(`${reader.user.name} has not got ${text} after ${lateMs / 1_000} s`);
    }
  }, lateMs);
}

async function follow(member: Member, other: Member): Promise<void> {
  if (member === other || member.follows.has(other)) return;
  await member.client?.api.follow({ username: other.user.name });
  member.follows.set(other, performance.now());
  member.noteEvent(`follows ${other.user.name}`);
}

async function changeFollow(members: readonly Member[], tally: Tally): Promise<void> {
  // Only those who stay, so that what is expected at the end is known.
  const member = pick(members, random(peerCount / 2));
  const other = pick(members, random(peerCount));
  if (member === other) return;
  if (member.follows.delete(other)) {
    member.noteEvent(`unfollows ${other.user.name}`);
    await member.client?.api.unfollow({ username: other.user.name });
  } else await follow(member, other);
  tally.follows++;
}

async function churn(member: Member, tally: Tally): Promise<void> {
  if (member.client === undefined) return;
  const isKilled = Math.random() < 0.5;
  await member.down(isKilled ? "SIGKILL" : "SIGINT");
  if (isKilled) tally.kills++;
  else tally.restarts++;
  await sleep(random(10_000));
  await member.up();
}

async function weigh(members: readonly Member[]): Promise<void> {
  await each(members, 4, async (member) => {
    const pid = member.user.process?.pid;
    if (pid !== undefined) member.rss.push(await residentMegabytes(pid));
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function growthOf(rss: readonly number[]): { percent: number; quartersMB: number[] } {
  const quarter = Math.ceil(rss.length / 4);
  const means = [0, 1, 2, 3].map((n) => mean(rss.slice(n * quarter, (n + 1) * quarter)));
  const [, early = NaN, , late = NaN] = means;
  return { percent: rounded((late / early - 1) * 100), quartersMB: means.map(rounded) };
}

/** Lines that no healthy peer prints. */
function unexpected(err: string): string[] {
  return err.split("\n").filter((line) => /error|uncaught|panic|not dealt with/i.test(line));
}

/** Waits until every peer has all posts of those it follows: how many are missing, and how long that took. */
async function untilComplete(
  members: readonly Member[],
): Promise<{ lacking: number; afterMs: number }> {
  const startedAt = performance.now();
  let hasTold = false;
  for (;;) {
    const missing = await lackingPosts(members);
    const afterMs = performance.now() - startedAt;
    if (missing.length === 0 || afterMs > quietMs) return { lacking: missing.length, afterMs };
    if (afterMs > lateMs && !hasTold) {
      hasTold = true;
      for (const { reader, author, text } of missing.slice(0, 10)) {
        const atS = author.events.find(({ what }) => what === text)?.atS ?? NaN;
        note(`${reader.user.name} lacks ${text}, of ${atS} s, ${rounded(afterMs / 1_000)} s later`);
        for (const { user, events } of [reader, author]) {
          const near = events.filter((event) => Math.abs(event.atS - atS) < nearS);
          note(`${user.name}: ${near.map((event) => `${event.atS} ${event.what}`).join(", ")}`);
        }
      }
    }
    await sleep(2_000);
  }
}

/** A post that somebody who follows its author does not have. */
interface Lacking {
  readonly reader: Member;
  readonly author: Member;
  readonly text: string;
}

async function lackingPosts(members: readonly Member[]): Promise<Lacking[]> {
  const missing: Lacking[] = [];
  for (const reader of members) {
    for (const author of reader.follows.keys()) {
      const texts = new Set((await postsOf(reader, author.user.name)).map(({ text }) => text));
      for (const text of author.posts) {
        if (!texts.has(text)) missing.push({ reader, author, text });
      }
    }
  }
  return missing;
}

async function postsOf(member: Member, author: string): Promise<PostView[]> {
  const posts: PostView[] = [];
  for (;;) {
    const before = posts.at(-1)?.id;
    const { posts: page } = await member.client?.api.timeline({
      limit: 1000,
      author,
      ...(before === undefined ? {} : { before }),
    }) ?? { posts: [] };
    posts.push(...page);
    if (page.length < 1000) return posts;
  }
}
