/**
 * The author's side of a tree: the order is signed once and given to some hundred relays, of whom those that
 * stay silent are replaced; then some relays and some followers are asked who passed the post on to them
 * (docs/PROTOCOL.md, section 4.7). However many followers there are, the author sends 200 messages at most.
 *
 * @module
 */

import { messageIdBytes } from "../messages/frame.ts";
import { isSame, type UserRef } from "../model/user.ts";
import type { ListEntry } from "../model/record_body.ts";
import { limbDepth, pathOf, postsDigest, signWarrant } from "../model/warrant.ts";
import { Slices } from "../../lib/slices.ts";
import { Tasks } from "../../lib/tasks.ts";
import { mapBounded, pause } from "../../lib/waiting.ts";
import { shuffled } from "../../lib/random.ts";
import { type Patience, silentAfterMs } from "./patience.ts";
import { type Batch, pushedDevicesMax } from "./push_queue.ts";
import type { RelayParts } from "./relay.ts";
import { RollCall } from "./roll_call.ts";
import { Standing } from "./standing.ts";
import {
  type Limb,
  limbCopies,
  type PostTree,
  seedBytes,
  type TreeLimits,
  treeOf,
} from "./tree_draw.ts";
import { TreePlans } from "./tree_plan.ts";

/** Relays are looked up for so many limbs at once. */
const limbsAtOnce = 32;

/** How long a relay may take to acknowledge, compared with the others. */
export const limbPatience: Patience = { times: 3, msMin: 600, msMax: 2_400 };

/** Rounds in which silent relays are replaced, and how long one takes. */
const roundsMax = 10;
const roundMs = 600;

/**
 * In which round relays and followers are asked: by then what was passed on has come, over links that had to be
 * opened three times in a row, or, where the last post is not older than `warmMs`, over open ones.
 */
const askedIn = { warm: 3, cold: 8 };
const warmMs = 100_000;

/** A relay that acknowledged so long ago has handed its branches on by when it is asked about, half a second later. */
const handedMs = { warm: 600, cold: 1_800 };

/** Relays and followers that are asked of one post. */
export const asked = { relays: 24, followers: 24 };

/** Followers who came so lately that relays may have read the list without them are told directly, so many. */
const newMs = 600_000;
const newMax = 16;

/** What the author's side needs. */
export interface TreeAuthorParts extends RelayParts {
  /** How large the tree is. */
  readonly limits: TreeLimits;
}

/** A limb on its way. */
interface LimbOnWay {
  readonly limb: Limb;
  readonly index: number;
  /** Relays that it was given to: when, and when they acknowledged. */
  readonly relays: { readonly user: UserRef; readonly at: number; ackedAt?: number }[];
  /** Which of the limb's relays are there. */
  readonly roll: RollCall;
}

/** A post on its way. */
interface Spreading {
  readonly batch: Batch;
  readonly tree: PostTree;
  readonly warrant: Uint8Array;
  readonly limbs: readonly LimbOnWay[];
  /** Messages that the author has signed. */
  messages: number;
  readonly stops: (() => void)[];
}

/** Spreads own posts by a tree. */
export class TreeAuthor {
  readonly #parts: TreeAuthorParts;
  readonly #slices: Slices;
  readonly #standing: Standing;
  readonly #plans: TreePlans;
  readonly #tasks = new Tasks(() => {});
  #spreadAt = -Infinity;

  /** The author's side of one session. */
  constructor(parts: TreeAuthorParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.#standing = new Standing(clock);
    this.#plans = new TreePlans(parts, this.#standing, this.#slices);
  }

  /** Whether an author with so many followers needs a tree, and has published the list that it is made of. */
  takes(followers: number): boolean {
    const { limits, records } = this.#parts;
    return followers > limits.followersMin && records.layout().pages > 0;
  }

  /** Resolves when silent relays have been replaced, and those who were asked have answered. */
  settled(): Promise<void> {
    return this.#tasks.settled();
  }

  /** Spreads own posts. Resolves when they are queued to the first relays; all else follows in the background. */
  async spread(batch: Batch, followers: readonly ListEntry[]): Promise<void> {
    const { session: { self, identity, ports: { clock, random } }, records, queue } = this.#parts;
    const { generation, pages } = records.layout();
    const covers = await this.#plans.covers(followers);
    const tree = treeOf(covers, random.bytes(seedBytes));
    const posts = postsDigest(batch.posts.map(({ signed }) => signed));
    const { depth, root } = tree;
    const warrant = signWarrant({ author: self, posts, generation, pages, depth, root }, identity);
    const limbs = tree.limbs.map((limb, index): LimbOnWay => {
      // Those who have lost their place come last: better one of them than none.
      const left = limb.relays.toSorted((a, b) => this.#rank(a) - this.#rank(b));
      const roll = new RollCall(clock, left, (user) => this.#isThere(user));
      return { limb, index, relays: [], roll };
    });
    const spreading = { batch, tree, warrant, limbs, messages: 0, stops: [] };
    const isCold = clock.monotonic() - this.#spreadAt > warmMs;
    this.#spreadAt = clock.monotonic();
    await mapBounded(limbs, limbsAtOnce, (limb) => this.#place(spreading, limb, limbCopies));
    const newAt = clock.now() - newMs;
    const isNew = ({ updatedAt }: ListEntry) => updatedAt >= newAt;
    for (const to of followers.filter(isNew).slice(-newMax)) {
      queue.push(to, batch);
      spreading.messages++;
    }
    this.#tasks.add(this.#watch(spreading, followers, isCold));
  }

  /** Gives a limb to so many more of its relays, those who are there. */
  async #place(spreading: Spreading, onWay: LimbOnWay, count: number): Promise<void> {
    const { session: { signal, ports: { clock } }, messenger, limits } = this.#parts;
    const { limb: { branches }, index } = onWay;
    const { batch: { author, posts, heads }, tree: { depth, limbs }, warrant } = spreading;
    const roots = limbs.map(({ root }) => root);
    const at = index * 2 ** limbDepth;
    for (let placed = 0; placed < count;) {
      const user = await onWay.roll.next();
      if (user === undefined || spreading.messages >= limits.messagesMax) return;
      await this.#slices.next();
      const relay: LimbOnWay["relays"][number] = { user, at: clock.monotonic() };
      const id = this.#newId(spreading, (from) => {
        if (isSame(from, user)) relay.ackedAt ??= clock.monotonic();
      });
      const path = pathOf(roots, depth - limbDepth, index);
      const order = { author, posts: posts.map(({ signed }) => signed), heads, warrant, at, path };
      const body = { ...order, branches };
      spreading.messages++;
      const report = await messenger.send(
        { kind: "spread", to: user, body, id, devicesMax: 1 },
        signal,
      );
      if (report.devices === 0) continue;
      onWay.relays.push(relay);
      placed++;
    }
  }

  /** Replaces relays that stay silent, and asks. */
  async #watch(
    spreading: Spreading,
    followers: readonly ListEntry[],
    isCold: boolean,
  ): Promise<void> {
    const { session: { ports: { clock }, signal }, limits } = this.#parts;
    const { limbs, stops } = spreading;
    const asking = asked.relays + asked.followers;
    const speed = isCold ? "cold" : "warm";
    try {
      for (let round = 1; round <= roundsMax; round++) {
        await pause(clock, roundMs, signal);
        if (signal.aborted) return;
        const now = clock.monotonic();
        const delays = limbs.flatMap(({ relays }) => relays)
          .map(({ at, ackedAt = Infinity }) => ackedAt - at);
        const patienceMs = silentAfterMs(delays, limbPatience);
        const isLost = ({ at, ackedAt }: LimbOnWay["relays"][number]) =>
          ackedAt === undefined && now - at >= patienceMs;
        for (const limb of limbs) {
          const lost = limb.relays.filter(isLost);
          if (limb.relays.length - lost.length >= limbCopies) continue;
          for (const { user } of lost) this.#standing.note(user, false);
          limb.relays.splice(0, limb.relays.length, ...limb.relays.filter((one) => !isLost(one)));
          if (spreading.messages + asking >= limits.messagesMax) continue;
          await this.#place(spreading, limb, limbCopies - limb.relays.length);
        }
        if (round === askedIn[speed]) this.#ask(spreading, followers, handedMs[speed]);
      }
    } finally {
      for (const stop of stops) stop();
    }
  }

  /**
   * Sends the posts to some relays and followers, and asks them who passed them on: relays of a branch tell of
   * those who hand branches on, followers of those who tell.
   */
  #ask(spreading: Spreading, followers: readonly ListEntry[], ms: number): void {
    const { session: { ports: { random, clock } }, lists, records, limits } = this.#parts;
    const now = clock.monotonic();
    const hasHadTime = ({ ackedAt }: LimbOnWay["relays"][number]) =>
      ackedAt !== undefined && now - ackedAt >= ms;
    for (const onWay of shuffled(spreading.limbs, random).slice(0, asked.relays)) {
      const { limb, relays } = onWay;
      const [branch] = shuffled(limb.branches, random);
      const user = branch?.relays[0];
      const handers = relays.filter(hasHadTime);
      if (user === undefined || handers.length === 0) continue;
      this.#askOne(spreading, user, (by) => {
        for (const { user } of handers) this.#standing.note(user, by.includes(user.username));
        const isLost = relays.every(({ user }) => this.#standing.isOut(user));
        if (isLost) this.#tasks.add(this.#place(spreading, onWay, 1));
      });
    }
    const { pages } = records.layout();
    for (const user of shuffled(followers, random).slice(0, asked.followers)) {
      if (spreading.messages >= limits.messagesMax) return;
      const place = lists.placeOf(user.username, pages);
      const on = spreading.limbs.filter(({ relays }) => relays.some(hasHadTime))
        .flatMap(({ limb }) => limb.branches.filter(({ from, to }) => from <= place && place < to));
      this.#askOne(spreading, user, (by) => {
        for (const { relays } of on) {
          const passers = relays.filter(({ username }) => by.includes(username));
          for (const relay of passers) this.#standing.note(relay, true);
          const [first] = relays;
          if (passers.length === 0 && first && !isSame(first, user)) {
            this.#standing.note(first, false);
          }
        }
      });
    }
  }

  #askOne(spreading: Spreading, user: UserRef, onAnswer: (by: readonly string[]) => void): void {
    const { session: { signal }, messenger, queue, limits } = this.#parts;
    const { batch: { author, posts, heads } } = spreading;
    if (queue.isGone(user) || spreading.messages >= limits.messagesMax) return;
    spreading.messages++;
    let isAnswered = false;
    const id = this.#newId(spreading, (from, by) => {
      if (!isSame(from, user) || isAnswered) return;
      isAnswered = true;
      onAnswer(by);
    });
    const body = { author, posts: posts.map(({ signed }) => signed), heads, relay: [user] };
    const order = { kind: "posts" as const, to: user, body, id, devicesMax: pushedDevicesMax };
    this.#tasks.add(
      this.#slices.next().then(() => messenger.send(order, signal)).then((report) => {
        if (report.devices + report.full === 0) queue.noteGone(user);
      }),
    );
  }

  async #isThere(user: UserRef): Promise<boolean> {
    const { session: { signal }, messenger, queue } = this.#parts;
    return !queue.isGone(user) && (await messenger.devices(user, signal)).length > 0;
  }

  #rank(user: UserRef): number {
    return Number(this.#standing.isOut(user));
  }

  #newId(
    spreading: Spreading,
    onAck: (from: UserRef, by: readonly string[]) => void,
  ): Uint8Array {
    const { session: { self, ports: { random } }, messenger, onRefusal } = this.#parts;
    const id = random.bytes(messageIdBytes);
    spreading.stops.push(messenger.onAck(id, (from, reason, by) => {
      if (reason === undefined) onAck(from, by);
      else onRefusal(from, reason, self);
    }));
    return id;
  }
}
