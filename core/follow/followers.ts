/**
 * What others say about following: `follow` and `unfollow` as they come in (docs/PROTOCOL.md, section 4.7).
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { refOf, type UserRef } from "../model/user.ts";
import type { Parts, Unwanted } from "../session/interfaces.ts";
import { BoundedMap, TimedCache } from "../../lib/bounded_map.ts";
import { Mutex } from "../../lib/slots.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";

/** Followers of one user at most: as many as a tree of relays tells of a post (docs/PROTOCOL.md, section 4.7). */
export const followersMax = 100_000;

/** How far ahead of this clock a change may be dated: as far as a message may be. */
const aheadMsMax = 600_000;

/** One sender of unwanted posts is sent at most one `unfollow` in this time. */
const unwantedEveryMs = 600_000;

/** How far in the past that `unfollow` is dated where nothing tells better; see {@linkcode Followers.unwanted}. */
const unwantedAgeMs = 600_000;

/** Senders of unwanted posts remembered. */
const unwantedMax = 1_000;

/**
 * Changes taken from one user: four at once, for a person who changes their mind, then one a minute. Each
 * costs a commit, a page of the list on the network, a `hello` and a line on the screen.
 */
const changes: Rate = { perSecond: 1 / 60, burst: 4 };

/** Users whose changes are counted. */
const changingMax = 10_000;

/** A follower whose follow comes again is greeted again, but not more often: a follow is repeated after 2 s. */
const greetedEveryMs = 1_500;

/** Followers greeted lately, at most. */
const greetedMax = 1_000;

/** What the list of followers needs. */
export interface FollowersParts extends Pick<Parts, "session" | "lists" | "records"> {
  /** For acknowledgements. */
  readonly messenger: Pick<PeerMessenger, "send">;
  /** Says `hello` to new followers. */
  readonly greeter: { greet(to: UserRef): Promise<unknown> };
  /** Says from whom nothing is taken. */
  readonly mutes: Pick<Unwanted, "isBlocked">;
  /** Takes the token of an invite that a new follower presents. */
  readonly invites: { redeem(from: UserRef, token: Uint8Array): Promise<void> };
}

/** Keeps the list of followers. */
export class Followers {
  readonly #parts: FollowersParts;
  readonly #mutex = new Mutex();
  /** Senders of unwanted posts who have been told. */
  readonly #told: TimedCache<true>;
  readonly #changes = new BoundedMap<string, TokenBucket>(changingMax);
  /** Followers who have been greeted a moment ago. */
  readonly #greeted: TimedCache<true>;

  /** The followers of one session's user. */
  constructor(parts: FollowersParts) {
    this.#parts = parts;
    this.#told = new TimedCache(parts.session.ports.clock, unwantedMax);
    this.#greeted = new TimedCache(parts.session.ports.clock, greetedMax);
  }

  /**
   * Deals with a `follow` or `unfollow`: the list first, then the acknowledgement. A user who follows, or
   * follows anew, is greeted: what is posted from now on is pushed, and the heads tell what was posted before
   * that. So is one whose follow comes again: the acknowledgement has not arrived, and so the greeting has not
   * either.
   * A user who changes it too often gets no acknowledgement, and so repeats the last change later.
   */
  async handle(message: MessageOf<"follow" | "unfollow">): Promise<void> {
    const { session, messenger, lists, greeter, invites } = this.#parts;
    const { id, from, body: { token } } = message;
    if (from.username === session.self.username) return;
    if (this.#parts.mutes.isBlocked(from) && message.kind === "follow") {
      const body = { id, reason: "blocked" };
      return void await messenger.send({ kind: "ack", to: from, body }, session.signal);
    }
    const before = lists.get("followers", from.username);
    const reason = await this.#mutex.run(() => this.#apply(message));
    if (reason === "often") return;
    // Before the acknowledgement, until which the token is presented again. What it was worth is not told.
    if (token !== undefined && lists.get("followers", from.username)?.present) {
      await invites.redeem(refOf(from), token);
    }
    const answer = reason === undefined ? { id } : { id, reason };
    await messenger.send({ kind: "ack", to: from, body: answer }, session.signal);
    if (!lists.get("followers", from.username)?.present) return;
    // A follower who follows anew has unfollowed meanwhile, which this peer did not hear, and removed the posts.
    const { updatedAt } = message.body;
    const isNews = before === undefined || before.updatedAt < updatedAt;
    const isRepeated = before?.updatedAt === updatedAt && !this.#greeted.get(from.username);
    if (!isNews && !isRepeated) return;
    this.#greeted.set(from.username, true, greetedEveryMs);
    await greeter.greet(from);
  }

  /** The reason of a refusal, or undefined. */
  async #apply(
    { from, kind, body }: MessageOf<"follow" | "unfollow">,
  ): Promise<string | undefined> {
    const { session, lists } = this.#parts;
    const { username, key } = from;
    const { updatedAt } = body;
    if (updatedAt > session.ports.clock.now() + aheadMsMax) return "time";
    const present = kind === "follow";
    const known = lists.get("followers", username);
    if (known !== undefined && known.updatedAt >= updatedAt) return undefined;
    if (present && known === undefined && lists.present("followers").length >= followersMax) {
      return "full";
    }
    if (!this.#changesOf(username).take(1)) return "often";
    const applied = await lists.apply({ list: "followers", username, key, updatedAt, present });
    const entry = lists.get("followers", username);
    if (!applied && (entry === undefined || entry.updatedAt < updatedAt)) return "full";
    if (present && this.#parts.mutes.isBlocked(from)) {
      // Blocked while this was committed: the block did not find a follower to take out.
      await lists.apply({
        list: "followers",
        username,
        key,
        updatedAt: updatedAt + 1,
        present: false,
      });
      return "blocked";
    }
    if (applied && (known?.present ?? false) !== present) {
      session.emit({ event: "follower", username, following: present });
    }
    return undefined;
  }

  #changesOf(username: string): TokenBucket {
    const bucket = this.#changes.touch(username) ??
      new TokenBucket(this.#parts.session.ports.clock, changes);
    this.#changes.set(username, bucket);
    return bucket;
  }

  /**
   * A user whom the own user does not follow pushed posts: that user's list of followers is out of date
   * and is corrected with an `unfollow`, at most once in a while. Where an entry says when the own user
   * unfollowed, that time is told. Where none does, another device may have followed a moment ago: the
   * own records are read first, and the `unfollow` is dated into the past, so that it beats only old
   * entries.
   */
  async unwanted(from: UserRef): Promise<void> {
    const { session, lists, messenger, records } = this.#parts;
    const { clock } = session.ports;
    if (lists.get("following", from.username)?.present || this.#told.get(from.username)) return;
    this.#told.set(from.username, true, unwantedEveryMs);
    if (lists.get("following", from.username) === undefined) await records.pull(session.signal);
    const entry = lists.get("following", from.username);
    if (entry?.present) return;
    const updatedAt = Math.floor(entry?.updatedAt ?? Math.max(clock.now() - unwantedAgeMs, 0));
    const order = { kind: "unfollow" as const, to: refOf(from), body: { updatedAt } };
    await messenger.send(order, session.signal);
  }
}
