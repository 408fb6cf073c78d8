/**
 * Pushing new posts to every follower once they are committed (docs/DESIGN.md).
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import { batchBytesMax } from "../messages/kinds/posts.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import type { Post } from "../model/post.ts";
import { highestHeads } from "../model/record_body.ts";
import { isSame, nameOf, refOf, type UserRef } from "../model/user.ts";
import { warn } from "../session/warn.ts";
import { pause, settledWithin } from "../../lib/waiting.ts";
import { Passing } from "./passing.ts";
import { type Batch, PushQueue } from "./push_queue.ts";
import { directFollowersMax, Relay } from "./relay.ts";
import { TreeAuthor } from "./tree_author.ts";
import { type TreeLimits, treeLimits } from "./tree_draw.ts";
import { TreeRelay } from "./tree_relay.ts";

/** Own posts that wait to be pushed; of more, followers learn by the heads. */
const pendingMax = 4096;

/** Posts in one push to relays. */
const batchPostsMax = 100;

/** The next batch waits so long at most for relays of this one that have to be looked up. */
const batchMsMax = 250;

/** Posts made within so long after one that went to relays travel together: a message costs more than a post. */
const crowdPauseMs = 20;

/** Signing for so few followers takes no longer than the commit: 0.1 ms each. */
const atOnceMax = 8;

/** How often the user is told that followers keep posts back. */
const futureToldMs = 600_000;

/** Pushes directly to up to 64 followers, by relay to more, and by a tree of relays to more than these reach. */
export class PeerDelivery {
  readonly #parts: MessagingParts;
  readonly #queue: PushQueue;
  readonly #relay: Relay;
  readonly #passing: Passing;
  readonly #tree: TreeAuthor;
  readonly #treeRelay: TreeRelay;
  #pending: Post[] = [];
  #running: Promise<void> | undefined;
  #futureToldAt = -Infinity;

  /** The delivery of one session. */
  constructor(parts: MessagingParts, limits: TreeLimits = treeLimits) {
    this.#parts = parts;
    const onRefusal = (from: UserRef, reason: string, author: UserRef) => {
      if (reason === "unwanted") this.#passing.refused(author, from);
      else if (reason === "future" && isSame(author, parts.session.self)) this.#tellFuture(from);
    };
    const queue = new PushQueue({ ...parts, onRefusal });
    this.#queue = queue;
    this.#relay = new Relay({ ...parts, queue, onRefusal });
    this.#passing = new Passing({ ...parts, queue });
    this.#tree = new TreeAuthor({ ...parts, queue, onRefusal, limits });
    this.#treeRelay = new TreeRelay({ ...parts, passing: this.#passing, limits });
  }

  /**
   * Starts pushing an own post; never waits and never fails. For few followers messages are signed while
   * the commit is under way, but nothing leaves before it is done, and nothing at all if it fails.
   */
  push(post: Post, committed: Promise<void>): void {
    const followers = this.#parts.lists.present("followers");
    if (followers.length > atOnceMax || this.#running !== undefined) {
      committed.then(() => this.#pushLater(post), () => {});
      return;
    }
    this.#pushBatch([post], committed).catch((error: unknown) => this.#report(error));
    committed.then(() => this.#pushToNew(post, followers), () => {});
  }

  /**
   * Tells those who became followers while the commit was under way: they were not there when the post was
   * pushed, and the heads with which they were greeted did not name it yet.
   */
  #pushToNew(post: Post, told: readonly UserRef[]): void {
    const followers = this.#parts.lists.present("followers");
    // Nearly always: then this is over before the first message has left.
    if (followers === told) return;
    const isTold = new Set(told.map(nameOf));
    const added = followers.filter((user) => !isTold.has(nameOf(user)));
    const batch = this.#batchOf([post]);
    for (const user of added) this.#queue.push(refOf(user), batch);
  }

  /** Passes posts that came in on where their author asks for it; for `PeerSync`. */
  took(message: MessageOf<"posts">, valid: readonly Post[], added: readonly Post[]): void {
    this.#passing.took(message, valid, added);
  }

  /** Deals with a `spread`, whose posts have been taken in: hands them on, or tells followers. */
  ordered(message: MessageOf<"spread">): void {
    this.#treeRelay.ordered(message);
  }

  /** Resolves when what was given so far has been handed to the links. */
  async settled(): Promise<void> {
    await this.#running;
    await this.#relay.settled();
    await this.#tree.settled();
    await this.#queue.idle();
  }

  #pushLater(post: Post): void {
    this.#pending.push(post);
    if (this.#pending.length > pendingMax) this.#pending.shift();
    this.#running ??= this.#run().catch((error: unknown) => this.#report(error));
  }

  async #run(): Promise<void> {
    const { session: { ports: { clock }, signal } } = this.#parts;
    try {
      // The author is told first that the post is there: signing for many takes longer than the commit.
      await pause(clock, 0, signal);
      while (this.#pending.length > 0 && !signal.aborted) await this.#pushBatch(this.#nextBatch());
    } finally {
      // In the same turn as the last look, or a post that came in between would wait for the next.
      this.#running = undefined;
    }
  }

  #nextBatch(): Post[] {
    let bytes = 0;
    const isOver = (post: Post, i: number) =>
      i >= batchPostsMax || (bytes += post.signed.length) > batchBytesMax;
    const end = this.#pending.findIndex(isOver);
    return this.#pending.splice(0, end < 0 ? this.#pending.length : end);
  }

  async #pushBatch(posts: readonly Post[], committed?: Promise<void>): Promise<void> {
    const batch = { ...this.#batchOf(posts), committed };
    this.#queue.push(batch.author, batch);
    const listed = this.#parts.lists.present("followers");
    if (this.#tree.takes(listed.length)) return await this.#begin(this.#tree.spread(batch, listed));
    const followers = listed.map(refOf);
    if (followers.length <= directFollowersMax) {
      for (const to of followers) this.#queue.push(to, batch);
      return;
    }
    await this.#begin(this.#relay.spread(batch, followers));
  }

  #batchOf(posts: readonly Post[]): Batch {
    const { session: { self }, records } = this.#parts;
    const pushed = posts.map(({ device, number }) => ({ device, head: number }));
    return { author: refOf(self), posts, heads: highestHeads(records.heads(), pushed) };
  }

  /** Gives a batch to relays a moment before the next one. */
  async #begin(spreading: Promise<void>): Promise<void> {
    const { session: { ports: { clock }, signal } } = this.#parts;
    spreading.catch((error: unknown) => this.#report(error));
    await settledWithin(clock, spreading, batchMsMax);
    await pause(clock, crowdPauseMs, signal);
  }

  #tellFuture(from: UserRef): void {
    const { session, people } = this.#parts;
    const now = session.ports.clock.monotonic();
    if (now - this.#futureToldAt < futureToldMs) return;
    if (people.pin(from.username) === undefined) return;
    this.#futureToldAt = now;
    session.emit({
      event: "warning",
      code: "clock_ahead",
      message: `Cannot show your post to ${from.username} yet: by their clock it is from the ` +
        "future. Check the clocks.",
    });
  }

  #report(error: unknown): void {
    warn(this.#parts.session, error, "Cannot push posts");
  }
}
