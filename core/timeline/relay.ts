/**
 * Relay: an author with many followers sends a post to some of them, and each passes it on to its share
 * of the others (docs/PROTOCOL.md, section 4.1). The author's signature travels with the post, so that a
 * relay cannot change it; one that lies, stops or is slow is replaced, or repaired by the comparison of
 * heads.
 *
 * @module
 */

import { messageIdBytes } from "../messages/frame.ts";
import { relayShareMax } from "../messages/kinds/posts.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { Slices } from "../../lib/slices.ts";
import { pause } from "../../lib/waiting.ts";
import { type Batch, pushedDevicesMax, type PushQueue, type PushQueueParts } from "./push_queue.ts";

/** Followers that an author sends to directly; with more, the rest is left to these. */
export const directFollowersMax = 64;

/** A relay acknowledges soon; one that has not done so by then is replaced. */
const ackMsMax = 600;

/** How often silent relays are replaced. */
const roundsMax = 3;

/** Followers looked up in search of relays, for one batch of posts: most may be offline. */
const triedMax = 4 * directFollowersMax;

/** Relays remembered for not having acknowledged. */
const silentMax = 4096;

/** A user heard of within so long is likely to be online. */
const heardMsMax = 900_000;

/** What a relay needs. */
export interface RelayParts extends PushQueueParts {
  /** Sends to single users. */
  readonly queue: PushQueue;
}

/** The users that one relay is asked to pass a post on to. */
interface Share {
  readonly relay: UserRef;
  readonly users: readonly UserRef[];
}

/** One batch of own posts on its way to many followers. */
class Broadcast {
  readonly batch: Batch;
  /** Followers in the order in which they are tried as relays, and how many have been. */
  readonly #order: readonly UserRef[];
  #tried = 0;
  /** Relays that a message was queued to. */
  readonly reached: UserRef[] = [];
  /** Relays that have acknowledged, by name. */
  readonly acked = new Map<string, UserRef>();
  /** Shares whose relay has not acknowledged yet. */
  open: Share[] = [];
  /** How to stop listening for acknowledgements. */
  readonly stops: (() => void)[] = [];

  constructor(batch: Batch, order: readonly UserRef[]) {
    this.batch = batch;
    this.#order = order;
  }

  /** The next followers to be tried as relays. */
  next(count: number): readonly UserRef[] {
    const next = this.#order.slice(this.#tried, Math.min(this.#tried + count, triedMax));
    this.#tried += next.length;
    return next;
  }

  /** Takes out the shares whose relay is silent. */
  takeSilent(): Share[] {
    const silent = this.open.filter(({ relay }) => !this.acked.has(nameOf(relay)));
    this.open = [];
    return silent;
  }
}

/** Spreads own posts by relay. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #slices: Slices;
  /** When relays failed to acknowledge, on the monotonic clock. */
  readonly #silent = new BoundedMap<string, number>(silentMax);

  /** The relay of one session. */
  constructor(parts: RelayParts) {
    this.#parts = parts;
    this.#slices = new Slices(parts.session.ports.clock);
  }

  /**
   * Spreads own posts. Resolves when they are queued to relays that are announced; relays that then
   * stay silent are replaced in the background.
   */
  async spread(batch: Batch, followers: readonly UserRef[]): Promise<void> {
    const order = this.#inOrder(followers);
    const broadcast = new Broadcast(batch, order);
    const relays = broadcast.next(directFollowersMax);
    let unplaced = await this.#place(broadcast, order.slice(relays.length), relays);
    while (unplaced.length > 0 && broadcast.reached.length < directFollowersMax) {
      const more = broadcast.next(directFollowersMax - broadcast.reached.length);
      if (more.length === 0) break;
      const names = new Set(more.map(nameOf));
      unplaced = unplaced.filter((user) => !names.has(nameOf(user)));
      unplaced = await this.#place(broadcast, unplaced, more);
    }
    if (unplaced.length > 0 && broadcast.reached.length > 0) {
      await this.#place(broadcast, unplaced, broadcast.reached.slice());
    }
    this.#watch(broadcast).catch(() => {
      // The session has ended.
    }).finally(() => {
      for (const stop of broadcast.stops) stop();
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
        (this.#silent.get(nameOf(user)) ?? -Infinity) > heardAt;
      ranks[hasFailed ? 2 : heardAt >= heardAfter ? 0 : 1]?.push(user);
    }
    return ranks.flat();
  }

  /** Gives users to relays; resolves to those whose relay could not be sent to. */
  async #place(
    broadcast: Broadcast,
    users: readonly UserRef[],
    relays: readonly UserRef[],
  ): Promise<UserRef[]> {
    const { session: { signal }, messenger, queue } = this.#parts;
    const { author, posts, heads } = broadcast.batch;
    const id = this.#newId(broadcast);
    const signed = posts.map((post) => post.signed);
    const { shares, left } = dealOut(users, relays);
    const unplaced = [...left];
    await Promise.all(shares.map(async (share) => {
      await this.#slices.next();
      const to = share.relay;
      const body = { author, posts: signed, heads, relay: share.users };
      const order = { kind: "posts" as const, to, body, id, devicesMax: pushedDevicesMax };
      const report = await messenger.send(order, signal);
      if (report.devices > 0) {
        broadcast.reached.push(to);
        if (share.users.length > 0) broadcast.open.push(share);
        return;
      }
      if (report.full === 0) queue.noteGone(to);
      unplaced.push(...share.users);
    }));
    return unplaced;
  }

  /** An id for the messages that place shares once; by acknowledging it relays show that they act. */
  #newId(broadcast: Broadcast): Uint8Array {
    const { session: { self, ports: { random } }, messenger, onRefusal } = this.#parts;
    const id = random.bytes(messageIdBytes);
    const stop = messenger.onAck(id, (from, reason) => {
      if (reason !== undefined) onRefusal(from, reason, self);
      else broadcast.acked.set(nameOf(from), from);
    });
    broadcast.stops.push(stop);
    return id;
  }

  /** Gives the shares of relays that don't acknowledge to others; what is left at last is sent directly. */
  async #watch(broadcast: Broadcast): Promise<void> {
    const { session: { ports: { clock }, signal }, queue } = this.#parts;
    let unplaced: UserRef[] = [];
    for (let round = 0; round < roundsMax && !signal.aborted; round++) {
      if (broadcast.open.length === 0 && unplaced.length === 0) return;
      await pause(clock, ackMsMax, signal);
      const silent = broadcast.takeSilent();
      for (const { relay } of silent) this.#silent.set(nameOf(relay), clock.monotonic());
      const users = [...unplaced, ...silent.flatMap((share) => share.users)];
      if (users.length === 0) return;
      const acked = [...broadcast.acked.values()].slice(0, directFollowersMax);
      const relays = acked.length > 0 ? acked : broadcast.next(directFollowersMax);
      unplaced = relays.length > 0 ? await this.#place(broadcast, users, relays) : users;
    }
    const silent = broadcast.takeSilent();
    const rest = [...unplaced, ...silent.flatMap((share) => share.users)];
    for (const to of rest.slice(0, directFollowersMax)) queue.push(to, broadcast.batch);
  }
}

/** FNV-1a, 32 bits. */
function hashOf({ username }: UserRef): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < username.length; i++) {
    hash = Math.imul(hash ^ username.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/** Mixes two hashes into one (the finaliser of MurmurHash3). */
function mix(a: number, b: number): number {
  let hash = a ^ Math.imul(b, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The users in an order that is always the same for them, and says nothing about them. */
function inStableOrder(users: readonly UserRef[]): UserRef[] {
  return users.map((user) => ({ user, rank: mix(hashOf(user), 0) }))
    .sort((a, b) => a.rank - b.rank || (a.user.username < b.user.username ? -1 : 1))
    .map(({ user }) => user);
}

/**
 * Deals users out to relays by rendezvous hashing (Thaler and Ravishankar 1998): from post to post each
 * user keeps the relay while it is among them, so that relays know the way from the time before. No
 * share is longer than a message allows; users who fit nowhere are `left`.
 */
function dealOut(
  users: readonly UserRef[],
  relays: readonly UserRef[],
): { readonly shares: readonly Share[]; readonly left: readonly UserRef[] } {
  const ranked = relays.map((relay) => ({ relay, hash: hashOf(relay), users: [] as UserRef[] }));
  const left: UserRef[] = [];
  for (const user of users) {
    const hash = hashOf(user);
    let best: (typeof ranked)[number] | undefined;
    let bestRank = -1;
    for (const candidate of ranked) {
      const rank = mix(candidate.hash, hash);
      if (rank <= bestRank || candidate.users.length >= relayShareMax) continue;
      best = candidate;
      bestRank = rank;
    }
    if (best === undefined) left.push(user);
    else best.users.push(user);
  }
  return { shares: ranked, left };
}
