/**
 * Relay: an author with many followers sends a post to some of them, and each passes it on to its
 * share of the others (design, section 6, behaviour 1). The author's signature travels with the post,
 * so that a relay cannot change it; one that lies, stops or is slow is replaced, or repaired by the
 * comparison of heads.
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { UserRef } from "../model/user.ts";
import type { Post } from "../model/post.ts";
import type { Head } from "../model/record_body.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import type { Lists, Session } from "../session/interfaces.ts";
import type { PushQueue } from "./delivery_queue.ts";
import { isSame } from "../model/user.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { messageIdBytes } from "../messages/frame.ts";
import { pause } from "../../lib/waiting.ts";
import { Slices } from "../../lib/slices.ts";
import { type Assignment, dealOut, inStableOrder } from "./relay_plan.ts";

/** Followers that an author sends to directly; with more, the rest is left to these. */
export const directFollowersMax = 64;

/** A relay acknowledges soon; one that has not done so by then is replaced. */
const ackMsMax = 600;

/** Passing on comes first: the author, who gets all acknowledgements, is in no hurry. */
const ackAfterMs = 60;

/** How often silent relays are replaced. */
const roundsMax = 3;

/** Followers looked up in search of relays, for one batch of posts: most may be offline. */
const triedMax = 4 * directFollowersMax;

/** Relays remembered for not having acknowledged. */
const silentMax = 4096;

/** Heard within so long, somebody is likely to be online. */
const heardMsMax = 900_000;

/** Users that this peer passes posts on to in a second: what a hundred authors' busy minute takes. */
const passedOn = { perSecond: 512, burst: 2048 };

/** What a relay needs. */
export interface RelayParts {
  /** The session. */
  readonly session: Session;
  /** Whom one follows: only their posts are passed on. */
  readonly lists: Pick<Lists, "get">;
  /** Sends. */
  readonly messenger: Pick<PeerMessenger, "send" | "heardAt" | "onAck" | "pinOf">;
  /** Sends to single users. */
  readonly queue: PushQueue;
  /** Told when a user keeps own posts back because they are from the future. */
  readonly onFuture: (from: UserRef) => void;
}

/** Posts to be spread. */
export interface Spread {
  /** Posts of one's own. */
  readonly posts: readonly Post[];
  /** One's heads. */
  readonly heads: readonly Head[];
  /** Everybody who is to get them. */
  readonly followers: readonly UserRef[];
}

/** One batch of posts on its way. */
class Round {
  readonly spread: Spread;
  /** Followers in the order in which they are tried as relays, and how far that has come. */
  readonly order: readonly UserRef[];
  at = 0;
  /** Relays that a message was queued to. */
  readonly reached: UserRef[] = [];
  /** Whoever has acknowledged, by key in hexadecimal. */
  readonly acked = new Map<string, UserRef>();
  /** Shares whose relay has not acknowledged yet. */
  open: Assignment[] = [];
  /** How to stop listening for acknowledgements. */
  readonly stops: (() => void)[] = [];

  constructor(spread: Spread, order: readonly UserRef[]) {
    this.spread = spread;
    this.order = order;
  }

  /** The next followers to be tried as relays. */
  next(count: number): readonly UserRef[] {
    const end = Math.min(this.at + count, triedMax, this.order.length);
    const next = this.order.slice(this.at, end);
    this.at = Math.max(end, this.at);
    return next;
  }
}

/** Spreads own posts by relay, and passes on those of others. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #passedOn: TokenBucket;
  readonly #slices: Slices;
  /** When relays failed to acknowledge, on the monotonic clock. */
  readonly #silent = new BoundedMap<string, number>(silentMax);

  /** The relay of one session. */
  constructor(parts: RelayParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#passedOn = new TokenBucket(clock, passedOn);
    this.#slices = new Slices(clock);
  }

  /**
   * Spreads own posts. Resolves when they are queued to relays that are announced; relays that then
   * stay silent are replaced behind.
   */
  async spread(spread: Spread): Promise<void> {
    const round = new Round(spread, this.#inOrder(spread.followers));
    const relays = round.next(directFollowersMax);
    let unplaced = await this.#place(round, round.order.slice(relays.length), relays);
    while (unplaced.length > 0 && round.reached.length < directFollowersMax) {
      const more = round.next(directFollowersMax - round.reached.length);
      if (more.length === 0) break;
      unplaced = await this.#place(round, without(unplaced, more), more);
    }
    if (unplaced.length > 0 && round.reached.length > 0) {
      await this.#place(round, unplaced, round.reached.slice());
    }
    this.#watch(round).catch(() => {
      // The session has ended.
    }).finally(() => {
      for (const stop of round.stops) stop();
    });
  }

  /**
   * Passes posts on to the users that their author names, and tells the author so. Only the author
   * of a followed feed can ask for this: nobody else's word makes this peer send to others.
   */
  pass(message: MessageOf<"posts">, posts: readonly Post[]): void {
    const { session, lists, messenger, queue } = this.#parts;
    const { from, body: { author, relay, inReplyTo } } = message;
    if (inReplyTo !== undefined || posts.length === 0 || !isSame(from, author)) return;
    if (!lists.get("following", author.username)?.present) return;
    if (!this.#passedOn.take(relay.length)) return;
    for (const to of relay) {
      if (to.username === session.self.username || isSame(to, author)) continue;
      queue.push({ to, author, posts, heads: [] });
    }
    pause(session.ports.clock, ackAfterMs, session.signal)
      .then(() =>
        messenger.send({ kind: "ack", to: from, body: { id: message.id } }, session.signal)
      )
      .catch(() => {
        // Unacknowledged, the share is given to somebody else as well.
      });
  }

  /** Those heard of lately first: they are the likeliest to be online. Those who failed come last. */
  #inOrder(followers: readonly UserRef[]): UserRef[] {
    const { messenger, queue, session: { ports: { clock } } } = this.#parts;
    const heardAfter = clock.monotonic() - heardMsMax;
    const ranks: UserRef[][] = [[], [], []];
    for (const user of inStableOrder(followers)) {
      const heardAt = messenger.heardAt(user) ?? -Infinity;
      const hasFailed = queue.isGone(user) ||
        (this.#silent.get(toHex(user.key)) ?? -Infinity) > heardAt;
      ranks[hasFailed ? 2 : heardAt >= heardAfter ? 0 : 1]?.push(user);
    }
    return ranks.flat();
  }

  /** Gives users to relays; resolves to those whose relay could not be sent to. */
  async #place(
    round: Round,
    users: readonly UserRef[],
    relays: readonly UserRef[],
  ): Promise<UserRef[]> {
    const { session: { self, signal }, messenger, queue } = this.#parts;
    const { posts, heads } = round.spread;
    const id = this.#newId(round);
    const signed = posts.map((post) => post.signed);
    const unplaced: UserRef[] = [];
    const { assignments, left } = dealOut(users, relays);
    await Promise.all(assignments.map(async (assignment) => {
      await this.#slices.next();
      const { relay: to, share } = assignment;
      const body = { author: self, posts: signed, done: true, heads, relay: share };
      const report = await messenger.send({ kind: "posts", to, body, id }, signal);
      if (report.devices > 0) {
        round.reached.push(to);
        if (share.length > 0) round.open.push(assignment);
        return;
      }
      if (report.full === 0) queue.noteGone(to);
      unplaced.push(...share);
    }));
    return [...unplaced, ...left];
  }

  /** An id for the messages that place shares once; by acknowledging it relays show that they act. */
  #newId(round: Round): Uint8Array {
    const { session: { ports: { random } }, messenger, onFuture } = this.#parts;
    const id = random.bytes(messageIdBytes);
    const stop = messenger.onAck(id, (from, reason) => {
      if (reason === "future") onFuture(from);
      else if (reason === undefined) round.acked.set(toHex(from.key), from);
    });
    round.stops.push(stop);
    return id;
  }

  /** Gives the shares of relays that don't acknowledge to others; what is left at last is sent directly. */
  async #watch(round: Round): Promise<void> {
    const { session: { self, ports: { clock }, signal }, queue } = this.#parts;
    let unplaced: UserRef[] = [];
    for (let count = 0; count < roundsMax && !signal.aborted; count++) {
      if (round.open.length === 0 && unplaced.length === 0) return;
      await pause(clock, ackMsMax, signal);
      const silent = round.open.filter(({ relay }) => !round.acked.has(toHex(relay.key)));
      round.open = [];
      for (const { relay } of silent) this.#silent.set(toHex(relay.key), clock.monotonic());
      const users = [...unplaced, ...silent.flatMap(({ share }) => share)];
      if (users.length === 0) return;
      const acked = [...round.acked.values()].slice(0, directFollowersMax);
      const relays = acked.length > 0 ? acked : round.next(directFollowersMax);
      unplaced = relays.length > 0 ? await this.#place(round, users, relays) : users;
    }
    const silent = round.open.filter(({ relay }) => !round.acked.has(toHex(relay.key)));
    const rest = [...unplaced, ...silent.flatMap(({ share }) => share)];
    const { posts, heads } = round.spread;
    for (const to of rest.slice(0, directFollowersMax)) {
      queue.push({ to, author: self, posts, heads });
    }
  }
}

function without(users: readonly UserRef[], others: readonly UserRef[]): UserRef[] {
  const names = new Set(others.map(({ username }) => username));
  return users.filter(({ username }) => !names.has(username));
}
