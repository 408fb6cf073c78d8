/**
 * Relay: an author with many followers sends a post to some of them, and each passes it on to its share
 * of the others (docs/PROTOCOL.md, section 4.1). The author's signature travels with the post, so that a
 * relay cannot change it. Each follower is told by two relays; the author sends the post to some followers
 * itself and asks them who has passed it on to them. A relay that stops, or says that it passed what did not
 * arrive, is replaced and loses its place.
 *
 * @module
 */

import { messageIdBytes } from "../messages/frame.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { Slices } from "../../lib/slices.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { Tasks } from "../../lib/tasks.ts";
import { pause, settledWithin } from "../../lib/waiting.ts";
import { allAskedMax, Broadcast, type PlacedShare } from "./broadcast.ts";
import { dealOut, type Dealt, SecretTokens, type Share } from "./draw.ts";
import { answerAfterMs } from "./passing.ts";
import { type Batch, pushedDevicesMax, type PushQueue, type PushQueueParts } from "./push_queue.ts";
import { Standing } from "./standing.ts";

/** Followers that an author sends to directly; with more, the rest is left to these. */
export const directFollowersMax = 64;

/** Relays that pass a post on to one follower. */
const copies = 2;

/**
 * Second copies leave once all relays have acknowledged or are silent, but neither sooner nor later than this
 * after the first ones, and after three times what half of the relays took to acknowledge. Sooner they would keep
 * the first ones waiting: for the processors of relays and followers, and where relays have to open links, for
 * those. Where acknowledgements are late for all, so are the first copies.
 */
const secondMs = { warm: 600, cold: 1_000, max: 2_400 };

/** Relays open their links anew where the last post is older: links that are not used close after two minutes. */
const warmMs = 100_000;

/** Relays are others for each follower after so long. */
const epochMs = 3_600_000;

/** How often silent and doubted relays are replaced, and followers asked, and how long a round takes. */
const roundsMax = 6;
const roundMs = 600;

/** In so many rounds more silent relays are replaced, and no follower is asked. */
const lateRounds = 6;

/** For so many rounds followers are not asked while they cannot say anything of most relays, by whether links are open. */
const quietRoundsMax = { open: 2, opening: 5 };

/**
 * Followers asked in one round: once relays have shown what they do, before that, and when a relay is
 * doubted. Where three of ten relays begin to drop posts, one of 16 followers lacks a copy, but for
 * one time in 90,000.
 */
const askedMax = { clean: 16, unproven: 64, doubtful: 96 };

/**
 * Rounds of asking that are enough of more than {@linkcode allAskedMax} followers, and after clean posts; and how
 * many more where one of them lacks what was passed on.
 */
const askingRounds = { crowd: 2, clean: 1, more: 1 };

/** Followers asked, for all posts: as many as a doubted post takes, and again within some seconds. */
const asked = { perSecond: 128, burst: roundsMax * askedMax.unproven };

/** After so many posts in a row of which all arrived one round of asking is enough. */
const cleanMin = 3;

/** Followers looked up in search of relays, for one batch of posts: most may be offline. */
const triedMax = 4 * directFollowersMax;

/** Relays of whom it is remembered that they did not acknowledge. */
const remembered = 4096;

/** A user heard of within so long is likely to be online. */
const heardMsMax = 900_000;

/** What a relay needs. */
export interface RelayParts extends PushQueueParts {
  /** Sends to single users. */
  readonly queue: PushQueue;
}

/** Spreads own posts by relay. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #slices: Slices;
  readonly #tokens: SecretTokens;
  /** When relays failed to acknowledge, on the monotonic clock. */
  readonly #silent = new BoundedMap<string, number>(remembered);
  /** Which relays have passed on what they said, as followers say. */
  readonly #standing: Standing;
  readonly #asked: TokenBucket;
  readonly #tasks = new Tasks(() => {});
  /** When the last one began, on the monotonic clock. */
  #spreadAt = -Infinity;
  /** The broadcast that began last, and when followers were asked last, on the monotonic clock. */
  #latest: Broadcast | undefined;
  #askedAt = -Infinity;
  /** Posts in a row of which all that was asked for had arrived, up to where one round of asking is enough. */
  #clean = 0;

  /** The relay of one session. */
  constructor(parts: RelayParts) {
    this.#parts = parts;
    const { clock, random } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.#standing = new Standing(clock);
    this.#tokens = new SecretTokens(random);
    this.#asked = new TokenBucket(clock, asked);
  }

  /**
   * Spreads own posts. Resolves when they are queued to relays that are announced; second copies follow
   * in the background, where relays that fail are replaced.
   */
  async spread(batch: Batch, followers: readonly UserRef[]): Promise<void> {
    const order = this.#inOrder(followers);
    const seed = this.#tokens.of(batch.posts.map(({ id }) => id).join());
    const now = this.#parts.session.ports.clock.monotonic();
    const isCold = this.#clean < cleanMin || now - this.#spreadAt > warmMs;
    this.#spreadAt = now;
    const broadcast = new Broadcast(batch, seed, order, isCold);
    this.#latest = broadcast;
    const relays = broadcast.next(directFollowersMax, triedMax);
    const { shares, seconds, left } = this.#draw(
      broadcast,
      order.slice(relays.length),
      relays,
      copies,
    );
    let unplaced = [...left, ...await this.#hand(broadcast, shares)];
    while (unplaced.length > 0 && broadcast.reached.length < directFollowersMax) {
      const more = broadcast.next(directFollowersMax - broadcast.reached.length, triedMax);
      if (more.length === 0) break;
      const names = new Set(more.map(nameOf));
      unplaced = unplaced.filter((user) => !names.has(nameOf(user)));
      unplaced = await this.#place(broadcast, unplaced, more);
    }
    if (unplaced.length > 0 && broadcast.reached.length > 0) {
      await this.#place(broadcast, unplaced, broadcast.reached.slice());
    }
    this.#tasks.add(this.#handLater(broadcast, seconds));
    this.#watch(broadcast).catch(() => {
      // The session has ended.
    }).finally(() => {
      for (const stop of broadcast.stops) stop();
    });
  }

  /** Resolves when no second copies wait. */
  settled(): Promise<void> {
    return this.#tasks.settled();
  }

  /** Hands the second copies to their relays when the first ones are under way. */
  async #handLater(broadcast: Broadcast, seconds: readonly Share[]): Promise<void> {
    const { session: { ports: { clock }, signal } } = this.#parts;
    const leastMs = broadcast.isCold ? secondMs.cold : secondMs.warm;
    const startedAt = clock.monotonic();
    await pause(clock, leastMs, signal);
    await settledWithin(clock, broadcast.answered, secondMs.max - leastMs);
    const waitedMs = clock.monotonic() - startedAt;
    await pause(clock, Math.max(broadcast.patienceMs() - waitedMs, 0), signal);
    if (signal.aborted) return;
    const unplaced = await this.#hand(broadcast, seconds);
    const relays = broadcast.reached.slice(0, directFollowersMax);
    if (unplaced.length > 0 && relays.length > 0) await this.#place(broadcast, unplaced, relays);
  }

  /** Those heard of lately first: they are the likeliest to be online. Those who failed come last. */
  #inOrder(followers: readonly UserRef[]): UserRef[] {
    const { messenger, queue, session: { ports: { clock } } } = this.#parts;
    const heardAfter = clock.monotonic() - heardMsMax;
    const ranks: UserRef[][] = [[], [], []];
    const drawn = followers.map((user) => ({ user, rank: this.#tokenOf(nameOf(user)) }))
      .sort((a, b) => a.rank - b.rank);
    for (const { user } of drawn) {
      const heardAt = messenger.heardAt(user) ?? -Infinity;
      const hasFailed = queue.isGone(user) || this.#standing.isOut(user) ||
        (this.#silent.get(nameOf(user)) ?? -Infinity) > heardAt;
      ranks[hasFailed ? 2 : heardAt >= heardAfter ? 0 : 1]?.push(user);
    }
    return ranks.flat();
  }

  /** Gives each user to one relay more; resolves to those whose relay could not be sent to. */
  async #place(
    broadcast: Broadcast,
    users: readonly UserRef[],
    relays: readonly UserRef[],
  ): Promise<UserRef[]> {
    const { shares, left } = this.#draw(broadcast, users, relays, 1);
    return [...left, ...await this.#hand(broadcast, shares)];
  }

  #draw(
    broadcast: Broadcast,
    users: readonly UserRef[],
    relays: readonly UserRef[],
    copies: number,
  ): Dealt {
    const { seed } = broadcast;
    const isDealt = (user: string, relay: string) => broadcast.isDealt(user, relay);
    const tokenOf = (name: string) => this.#tokenOf(name);
    return dealOut({ users, relays, copies, tokenOf, seed, isDealt });
  }

  /** Sends relays their shares; resolves to the users of those that could not be sent to. */
  async #hand(broadcast: Broadcast, shares: readonly Share[]): Promise<UserRef[]> {
    const { queue, session: { ports: { clock } } } = this.#parts;
    const placed = new Map<string, PlacedShare>();
    const id = this.#newId(broadcast, (from) => {
      const share = placed.get(nameOf(from));
      if (share !== undefined) broadcast.ack(share, clock.monotonic());
    });
    const unplaced: UserRef[] = [];
    await Promise.all(shares.map(async (share) => {
      await this.#slices.next();
      const { relay, users } = share;
      if (users.length === 0 && broadcast.told.has(nameOf(relay))) return;
      const report = await this.#send(broadcast, relay, users, id);
      if (report.devices > 0) {
        placed.set(nameOf(relay), broadcast.sent(share, clock.monotonic()));
        return;
      }
      if (report.full === 0) queue.noteGone(relay);
      unplaced.push(...users);
    }));
    return unplaced;
  }

  #send({ batch, told }: Broadcast, to: UserRef, relay: readonly UserRef[], id: Uint8Array) {
    const { session: { signal }, messenger } = this.#parts;
    const { author, posts, heads } = batch;
    told.add(nameOf(to));
    const body = { author, posts: posts.map(({ signed }) => signed), heads, relay };
    const order = { kind: "posts" as const, to, body, id, devicesMax: pushedDevicesMax };
    return messenger.send(order, signal);
  }

  /** An id for messages that are sent together; by acknowledging it followers show that they act. */
  #newId(
    broadcast: Broadcast,
    onAck: (from: UserRef, by: readonly string[]) => void,
  ): Uint8Array {
    const { session: { self, ports: { random } }, messenger, onRefusal } = this.#parts;
    const id = random.bytes(messageIdBytes);
    const stop = messenger.onAck(id, (from, reason, by) => {
      if (reason !== undefined) onRefusal(from, reason, self);
      else onAck(from, by);
    });
    broadcast.stops.push(stop);
    return id;
  }

  /**
   * Gives the shares of relays that fail to others, and asks followers, until all is well or the rounds
   * are over; what is left at last is sent directly.
   */
  async #watch(broadcast: Broadcast): Promise<void> {
    const { session: { ports: { clock }, signal }, queue } = this.#parts;
    let unplaced: UserRef[] = [];
    let questions = 0;
    let askedIn = 0;
    for (let round = 0; round < roundsMax + lateRounds; round++) {
      await pause(clock, roundMs, signal);
      if (signal.aborted) return;
      this.#heed(broadcast);
      const failed = this.#takeFailed(broadcast);
      // One relay more is enough at a time for a follower of whom two have failed.
      const users = new Set([...unplaced, ...failed.flatMap((share) => share.users)]);
      const isDone = users.size === 0 && !broadcast.isWaiting;
      const isAsked = questions >= this.#roundsOfAsking(broadcast) && !broadcast.isDoubtful;
      // After the last question the answers are awaited for one round more.
      if (isDone && (round >= roundsMax || (isAsked && round > askedIn + 1))) break;
      const good = broadcast.acked.filter((relay) => !this.#standing.isOut(relay))
        .slice(0, directFollowersMax);
      const relays = good.length > 0 ? good : broadcast.next(directFollowersMax, triedMax);
      unplaced = relays.length > 0 ? await this.#place(broadcast, [...users], relays) : [...users];
      if (round >= roundsMax || isAsked) continue;
      // What most relays have not passed on cannot be there yet, and asking costs links as well.
      const answeredAt = clock.monotonic() + answerAfterMs;
      const quietRounds = quietRoundsMax[broadcast.isOpening ? "opening" : "open"];
      if (round < quietRounds && !broadcast.isAnswerable(answeredAt)) continue;
      this.#ask(broadcast);
      questions++;
      askedIn = round;
    }
    this.#heed(broadcast);
    if (!broadcast.isDoubtful && broadcast.answers > 0) {
      this.#clean = Math.min(this.#clean + 1, cleanMin);
    }
    const rest = [...unplaced, ...this.#takeFailed(broadcast).flatMap((share) => share.users)]
      .filter((user) => !broadcast.told.has(nameOf(user)));
    for (const to of rest.slice(0, directFollowersMax)) queue.push(to, broadcast.batch);
  }

  /** In how many rounds followers are asked, as long as all is well. */
  #roundsOfAsking({ followers, isLacking }: Broadcast): number {
    const more = isLacking ? askingRounds.more : 0;
    if (this.#clean >= cleanMin) return askingRounds.clean + more;
    return followers > allAskedMax ? askingRounds.crowd + more : roundsMax;
  }

  /** Takes out the shares of relays that are silent or doubted. */
  #takeFailed(broadcast: Broadcast): PlacedShare[] {
    const now = this.#parts.session.ports.clock.monotonic();
    const failed = broadcast.takeFailed(now, (relay) => this.#standing.isOut(relay));
    for (const { relay, ackedAt } of failed) {
      if (ackedAt === undefined) this.#silent.set(nameOf(relay), now);
    }
    return failed;
  }

  /**
   * Sends the posts to some of the other followers, and asks them who passed them on. The newest posts come
   * first: a follower who gets them sees by the heads what else is missing, and fetches it.
   */
  #ask(broadcast: Broadcast): void {
    const { queue, session: { ports: { clock } } } = this.#parts;
    const now = clock.monotonic();
    if (broadcast !== this.#latest && now - this.#askedAt < roundMs) return;
    const tokenOf = (name: string) => this.#tokenOf(name);
    const isClean = this.#clean >= cleanMin;
    const count = askedMax[broadcast.isDoubtful ? "doubtful" : isClean ? "clean" : "unproven"];
    const users = broadcast.toAsk(count, tokenOf, (user) => queue.isGone(user));
    if (!this.#asked.take(users.length)) return;
    this.#askedAt = now;
    const sharesOf = new Map(users.map((user) => {
      const name = nameOf(user);
      return [name, [...broadcast.sharesOf(name)]];
    }));
    const askedAt = new Map<string, number>();
    const id = this.#newId(broadcast, (from, by) => {
      const name = nameOf(from);
      const shares = sharesOf.get(name);
      if (shares === undefined) return;
      sharesOf.delete(name);
      broadcast.answers++;
      const answeredAt = clock.monotonic();
      const slowMs = answeredAt - (askedAt.get(name) ?? now) - answerAfterMs;
      for (const share of shares) {
        const { relay } = share;
        const hasPassed = by.includes(relay.username);
        const counts = hasPassed
          ? broadcast.hasAcked(relay)
          : broadcast.hasHadTime(share, answeredAt, slowMs);
        if (counts) broadcast.said({ relay, hasPassed });
      }
    });
    for (const user of users) {
      this.#slices.next().then(() => {
        askedAt.set(nameOf(user), clock.monotonic());
        return this.#send(broadcast, user, [user], id);
      }).then((report) => {
        if (report.devices + report.full === 0) queue.noteGone(user);
      }).catch(() => {
        // The session has ended.
      });
    }
  }

  /** What followers say of relays costs those their place, or gives it back. */
  #heed(broadcast: Broadcast): void {
    for (const { relay, hasPassed } of broadcast.takeWords()) {
      this.#standing.note(relay, hasPassed);
      if (broadcast.isDoubtful) this.#clean = 0;
    }
  }

  /** A user's secret number in this epoch. */
  #tokenOf(name: string): number {
    const { clock } = this.#parts.session.ports;
    return this.#tokens.ofUser(name, Math.floor(clock.monotonic() / epochMs));
  }
}
