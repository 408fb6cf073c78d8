/**
 * What must hold of conversations once faults have ended and a quiet time has passed: no user sees what is muted or
 * blocked there, no peer shows a text whose delete has reached it, a search finds what the timeline shows, and threads
 * agree between all who see the same people (design, section 6).
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NotificationView, PostNameView, PostView } from "../../core/api.ts";
import { ofOneMax } from "../../core/conversations/strangers.ts";
import type { Post } from "../../core/model/post.ts";
import type { GroundTruth } from "./invariants.ts";
import type { SimMachine, SimWorld } from "./peers.ts";
import { addresseesIn, isUnwanted, nameOf, type TalkTruth, type Unwanted } from "./talk.ts";

/** Threads that each machine opens at the end. */
const threadsMax = 4;

/** What one machine shows of conversations. */
interface Sight {
  readonly machine: SimMachine;
  readonly username: string;
  readonly timeline: readonly PostView[];
  /** Posts of notifications and requests. */
  readonly told: readonly PostView[];
  readonly found: readonly PostView[];
}

function placeOf({ username, machine }: Sight): string {
  return `${username} (${machine.ip})`;
}

async function look(world: SimWorld, machine: SimMachine, truth: GroundTruth): Promise<Sight> {
  const { peer } = machine;
  const timeline = await world.run(machine.timeline());
  const { notifications, unread } = await world.run(peer.notifications({ limit: 1_000 }));
  const { requests, unread: asked } = await world.run(peer.requests({ limit: 1_000 }));
  const told = [...notifications, ...requests].map(({ post }) => post);
  const unreadIn = (views: readonly NotificationView[]) => views.filter(({ read }) => !read).length;
  assert.deepEqual(
    [unread, asked],
    [unreadIn(notifications), unreadIn(requests)],
    `${truth.machines.get(machine)} (${machine.ip}): what is unread is not what is shown as unread`,
  );
  const query = [...truth.acknowledged.keys()].map((name) => `from:${name}`).join(" ");
  const { posts: found } = await world.run(peer.search({ query, limit: 1_000 }));
  return {
    machine,
    username: truth.machines.get(machine) ?? "",
    timeline,
    told: told.filter((post) => post !== null),
    found,
  };
}

/** Throws an `AssertionError` for the first of them that does not hold. Takes all mutes back. */
export async function checkTalk(
  world: SimWorld,
  truth: GroundTruth,
  talk: TalkTruth,
): Promise<void> {
  for (const machine of truth.machines.keys()) {
    const sight = await look(world, machine, truth);
    const unwanted = (talk.unwanted.get(machine) ?? []).filter(({ since }) => since < Infinity);
    checkMutes(sight, unwanted);
    const { followers, following } = await world.run(machine.peer.profile({}));
    for (const { kind, what } of unwanted) {
      // A block stays on its device, and another one may follow.
      const devices = [...truth.machines.values()].filter((name) => name === sight.username);
      if (kind !== "block" || devices.length > 1) continue;
      const isNear = followers.includes(what) || following.includes(what);
      assert(!isNear, `${placeOf(sight)} has blocked ${what}, and still follows or is followed`);
    }
    // A peer that crashed may have made a repost and not said so.
    for (const view of sight.timeline) {
      if (view.repost_of !== undefined) talk.reposts.set(nameOf(view), nameOf(view.repost_of));
    }
    await checkDeletes(world, sight, talk);
    checkFound(sight);
  }
  for (const machine of truth.machines.keys()) {
    for (const { kind, what } of await world.run(machine.peer.mutes())) {
      await world.run(machine.peer.unmute({ kind, what }));
    }
  }
  await checkThreads(world, truth, talk);
}

/** Nothing that is muted shows, whichever way it came; nor is it told of from then on. */
function checkMutes(sight: Sight, unwanted: readonly Unwanted[]): void {
  const { machine, username, timeline, told, found } = sight;
  for (const [where, posts] of Object.entries({ timeline, told, found })) {
    for (const post of posts) {
      if (post.author === username) continue;
      const what = unwanted.find((one) => isUnwanted([one], post));
      assert(
        what === undefined,
        `${placeOf(sight)} shows ${nameOf(post)} "${post.text}" (${where}), although ` +
          `${what?.kind} ${what?.what} is not wanted`,
      );
    }
  }
  for (const [i, event] of machine.events.entries()) {
    const post = event.event === "post"
      ? event.post
      : event.event === "notification"
      ? event.notification.post
      : event.event === "request"
      ? event.request.post
      : null;
    if (post === null || post.author === username) continue;
    const before = unwanted.filter(({ since }) => since <= i);
    assert(
      !isUnwanted(before, post),
      `${placeOf(sight)} was told of ${
        nameOf(post)
      } "${post.text}" (${event.event}), which is not wanted`,
    );
  }
}

/** No text shows that a delete which has reached the machine takes back, in a repost neither. */
async function checkDeletes(world: SimWorld, sight: Sight, talk: TalkTruth): Promise<void> {
  const { machine, username, timeline, told, found } = sight;
  const store = await machine.stores.open(username);
  const own = (name: string, isDone: boolean) => isDone && name.startsWith(`${username}/`);
  for (const [name, { post, isDone }] of talk.deleted) {
    const isShown = (view: PostView) =>
      nameOf(view) === name || (view.repost_of !== undefined && nameOf(view.repost_of) === name);
    for (const [where, views] of Object.entries({ timeline, told, found })) {
      const view = views.find(isShown);
      if (view === undefined) continue;
      assert(!own(name, isDone), `${placeOf(sight)} shows its own deleted post ${name} (${where})`);
      const id = BigInt((view.repost_of ?? view).id);
      const { author } = post;
      const kept: Post | undefined = await world.run(store.findPost({ author, id })) ??
        await world.run(store.conversations.contextPost({ author, id })) ??
        (await world.run(store.findPost({ author: view.author, id: BigInt(view.id) })))?.repostOf;
      assert(
        kept === undefined || !await world.run(store.conversations.isTakenBack(kept)),
        `${placeOf(sight)} shows ${name} "${post.text}" (${where}), which its author has deleted`,
      );
    }
  }
}

/** A search for all authors finds what the timeline shows, and marks all else that it finds. */
function checkFound(sight: Sight): void {
  const inside = sight.found.filter(({ outside }) => outside === undefined).map(nameOf);
  const timeline = new Set(sight.timeline.map(nameOf));
  // A page of a search has at most 1,000 posts.
  if (timeline.size + sight.found.length > 1_000) return;
  assert.deepEqual(new Set(inside), timeline, `${placeOf(sight)}: the search finds other posts`);
}

/** Every machine sees the same of a thread as the user who began it. */
async function checkThreads(world: SimWorld, truth: GroundTruth, talk: TalkTruth): Promise<void> {
  // What is too old is collected here and not there.
  if (truth.lifespanMs !== undefined) return;
  const blocked = new Set(
    [...talk.unwanted].flatMap(([machine, list]) =>
      list.filter(({ kind }) => kind === "block")
        .flatMap(({ what }) => [what, truth.machines.get(machine)])
    ),
  );
  const threads = [...talk.roots.values()]
    .filter(({ author }) => !blocked.has(author) && !isOverBudget(author, truth, talk))
    .slice(-threadsMax);
  for (const root of threads) {
    let first: { readonly where: string; readonly names: readonly string[] } | undefined;
    const machines = [...truth.machines].sort(([, a], [, b]) =>
      Number(b === root.author) - Number(a === root.author)
    );
    for (const [machine, username] of machines) {
      if (blocked.has(username)) continue;
      const names = await threadAt(world, machine, root);
      const where = `${username} (${machine.ip})`;
      first ??= { where, names };
      // Who unfollows an author loses what was known of that author, replies too.
      const isSure = (name: string) => {
        const [author = ""] = name.split("/");
        return !blocked.has(author) && !talk.unfollowed.has(`${root.author} ${author}`);
      };
      assert.deepEqual(
        names.filter(isSure),
        first.names.filter(isSure),
        `${where} sees another thread ${nameOf(root)} than ${first.where}`,
      );
    }
  }
}

async function threadAt(
  world: SimWorld,
  machine: SimMachine,
  root: PostNameView,
): Promise<string[]> {
  const request = { author: root.author, id: root.id };
  try {
    const { posts } = await world.run(machine.peer.thread(request));
    return posts.map(nameOf);
  } catch {
    // Nothing of it is left.
    return [];
  }
}

/** Whether a user may have been brought more by a stranger than is taken in a day. */
function isOverBudget(username: string, truth: GroundTruth, { deleted }: TalkTruth): boolean {
  for (const [author, posts] of truth.acknowledged) {
    const brought = posts.filter((post) => addresseesIn(post).includes(username));
    const takenBack = brought.filter((post) => deleted.has(nameOf(post)));
    if (author !== username && brought.length + takenBack.length > ofOneMax) return true;
  }
  return false;
}
