/**
 * What must hold of mentions once faults have ended and a quiet time has passed: each device of each user has
 * each mention exactly once, and no stranger has brought more than a day's budget (design, section 6).
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PostView } from "../../core/api.ts";
import { ofOneMax } from "../../core/conversations/strangers.ts";
import type { StoredNotification } from "../../core/conversation_store.ts";
import { postNamed } from "../../core/conversations/post_named.ts";
import { addresseesOf } from "../../core/model/mentions.ts";
import type { PostName } from "../../core/model/post.ts";
import { openPost } from "../core/model/open_post.ts";
import type { GroundTruth } from "./invariants.ts";
import { addresseesIn, isUnwanted } from "./talk.ts";
import type { SimMachine, SimWorld } from "./peers.ts";

/** What one machine's user was told of, and what is on its way from there. */
interface Told {
  readonly machine: SimMachine;
  readonly username: string;
  readonly notifications: readonly StoredNotification[];
  readonly requests: readonly StoredNotification[];
  /** `to/id` of what waits for an acknowledgement. */
  readonly pending: ReadonlySet<string>;
}

async function look(machine: SimMachine, username: string): Promise<Told> {
  const { conversations } = await machine.stores.open(username);
  const [notifications, requests, pending] = await Promise.all([
    conversations.notifications({ list: "notifications", limit: Infinity }),
    conversations.notifications({ list: "requests", limit: Infinity }),
    conversations.pendingMentions(),
  ]);
  const waiting = new Set(pending.map(({ to, id }) => `${to}/${id}`));
  return { machine, username, notifications, requests, pending: waiting };
}

/** Throws an `AssertionError` for the first of them that does not hold. */
export async function checkMentions(world: SimWorld, truth: GroundTruth): Promise<void> {
  const all: Told[] = [];
  for (const [machine, username] of truth.machines) {
    all.push(await world.run(look(machine, username)));
  }
  for (const one of all) checkOnce(one);
  const counts = new Map<string, number>();
  const mentions: { to: string; author: string; id: bigint; view: PostView }[] = [];
  for (const [author, posts] of truth.acknowledged) {
    const [of] = all.filter(({ username }) => username === author);
    const store = await of?.machine.stores.open(author);
    for (const view of posts) {
      const { id } = view;
      const post = await store?.findPost({ author, id: BigInt(id) });
      const isDeleted = truth.talk?.deleted.has(`${author}/${id}`) === true;
      // A delete counts as what it takes back did.
      for (const to of addresseesIn(view)) {
        const count = counts.get(`${author} ${to}`) ?? 0;
        counts.set(`${author} ${to}`, count + (isDeleted ? 2 : 1));
      }
      if (post === undefined) continue;
      for (const to of addresseesOf(openPost(post.signed))) {
        mentions.push({ to, author, id: post.id, view });
      }
    }
  }
  for (const { to, author, id, view } of mentions) {
    const isMuted = [...truth.machines].some(([machine, username]) =>
      (username === to || username === author) &&
      (truth.talk?.unwanted.get(machine) ?? []).some((one) =>
        isUnwanted([one], view) || (one.kind === "block" && [to, author].includes(one.what))
      )
    );
    if (isMuted || truth.talk?.deleted.has(`${author}/${id}`)) continue;
    const original = truth.talk?.reposts.get(`${author}/${id}`);
    if (original !== undefined && truth.talk?.deleted.has(original)) continue;
    const theirs = all.filter(({ username }) => username === to);
    const without = theirs.filter(({ notifications, requests }) =>
      ![...notifications, ...requests].some(({ post }) => post?.author === author && post.id === id)
    );
    if (without.length === 0) continue;
    // What is beyond a stranger's budget of today waits for tomorrow with its author.
    const isMany = (counts.get(`${author} ${to}`) ?? 0) > ofOneMax;
    const waits = all.some(({ username, pending }) =>
      username === author && pending.has(`${to}/${id}`)
    );
    // … or another of the user's devices has taken it.
    const isElsewhere = without.length < theirs.length;
    // A post that was collected, or whose author was unfollowed meanwhile, is handed to no other device.
    if (isElsewhere && !await isKept(world, theirs, { author, id })) continue;
    const where = without.map(({ machine }) => machine.ip).join(", ");
    assert(
      isMany && (waits || isElsewhere),
      `${to} (${where}) was not told of ${author}'s post ${id} (waits: ${waits})`,
    );
  }
}

/** Whether one of a user's devices still has a post. */
async function isKept(world: SimWorld, theirs: readonly Told[], name: PostName): Promise<boolean> {
  for (const { machine, username } of theirs) {
    const store = await machine.stores.open(username);
    if (await world.run(postNamed(store, name)) !== undefined) return true;
  }
  return false;
}

/** Each post once, and of a stranger no more than a day's budget. */
function checkOnce({ machine, username, notifications, requests }: Told): void {
  const seen = new Set<string>();
  for (const { kind, from, post, message } of [...notifications, ...requests]) {
    const name = post === undefined ? `${from} ${kind} ${message}` : `${from} ${post.id}`;
    assert(!seen.has(name), `${username} (${machine.ip}) was told twice of ${name}`);
    seen.add(name);
  }
  for (const [from, list] of Map.groupBy(requests, (it) => it.from)) {
    const days = Map.groupBy(list, ({ at }) => Math.floor(at / 86_400_000));
    for (const { length } of days.values()) {
      assert(
        length <= ofOneMax,
        `${username} (${machine.ip}) took ${length} requests of ${from} in a day`,
      );
    }
  }
}
