/**
 * Passing posts on to other followers where their author asks for it (docs/PROTOCOL.md, section 4.1).
 *
 * An author may be malicious: so only posts that came in minutes ago are passed on, to each user once, to
 * users who exist and want them, and within a budget for each author. What is over the budget is neither
 * passed on nor acknowledged; the author then finds another relay.
 *
 * @module
 */

import { passersMax } from "../messages/kinds/ack.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import { copyOf } from "../model/bytes.ts";
import type { Post } from "../model/post.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import { isSame, nameOf, type UserRef } from "../model/user.ts";
import { BoundedMap, TimedCache } from "../../lib/bounded_map.ts";
import { Slots } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";
import { pause } from "../../lib/waiting.ts";
import type { PushQueue } from "./push_queue.ts";

/** Older posts are not passed on, by their date and by when they came in. */
const freshMs = 600_000;

/** Passing on comes first: the author, who gets all acknowledgements, is in no hurry. */
const ackAfterMs = 60;

/** Whom the author asks for relays waits so long for relays that are slower than the author. */
export const answerAfterMs = 500;

/** Posts that may be passed on, at most: the hourly 600 of some authors, within ten minutes. */
const freshMax = 2_048;

/** What a message costs beside the posts in it: envelope, names, heads. */
const messageBytes = 512;

/** Users to whom posts are passed on, for all authors: what a hundred authors' busy minute takes. */
const usersRate: Rate = { perSecond: 512, burst: 2_048 };

/** Bytes passed on for one author within a minute: a post of the usual length to some 2,000 users. */
const minuteRate: Rate = { perSecond: 2_097_152 / 60, burst: 2_097_152 };

/** Bytes passed on for one author within a day. */
const dayRate: Rate = { perSecond: 67_108_864 / 86_400, burst: 67_108_864 };

/** Look-ups of users whom this peer does not know: for one author, the largest share at once; for all. */
const lookUpRate: Rate = { perSecond: 1, burst: 256 };
const lookUpsRate: Rate = { perSecond: 16, burst: 1_024 };

/** Look-ups at once. */
const lookUpsAtOnceMax = 16;

/** Authors whose budgets are kept. */
const authorsMax = 1_024;

/** A user who was found is not looked up again for so long; so many are remembered. */
const registeredMs = 3_600_000;
const registeredMax = 8_192;

/** A user who does not want an author's posts gets none for so long; so many such pairs are remembered. */
const unwantedMs = 86_400_000;
const unwantedMax = 8_192;

/** What passing on needs. */
export interface PassingParts extends MessagingParts {
  /** Sends to single users. */
  readonly queue: Pick<PushQueue, "push">;
}

/** What may still be passed on for one author. */
interface AuthorBudget {
  readonly minute: TokenBucket;
  readonly day: TokenBucket;
  readonly lookUps: TokenBucket;
}

/** What passing on costs. */
export interface PassingCost {
  /** Users who are sent something. */
  readonly users: number;
  /** Bytes sent to them in all. */
  readonly bytes: number;
  /** Look-ups of users or list pages. */
  readonly lookUps: number;
}

/** A post that came in a moment ago. */
interface FreshPost {
  /** Users to whom it has been passed on, by name and key. */
  readonly told: Set<string>;
  /** Names of users who passed it on to this peer. */
  readonly by: Set<string>;
}

/** Passes posts of others on. */
export class Passing {
  readonly #parts: PassingParts;
  /** Posts that came in a moment ago. */
  readonly #fresh: TimedCache<FreshPost>;
  readonly #registered: TimedCache<true>;
  readonly #unwanted: TimedCache<true>;
  readonly #budgets = new BoundedMap<string, AuthorBudget>(authorsMax);
  readonly #users: TokenBucket;
  readonly #lookUps: TokenBucket;
  readonly #slots = new Slots(lookUpsAtOnceMax);
  readonly #tasks = new Tasks(() => {});

  /** Nothing has come in yet. */
  constructor(parts: PassingParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#fresh = new TimedCache(clock, freshMax);
    this.#registered = new TimedCache(clock, registeredMax);
    this.#unwanted = new TimedCache(clock, unwantedMax);
    this.#users = new TokenBucket(clock, usersRate);
    this.#lookUps = new TokenBucket(clock, lookUpsRate);
  }

  /**
   * To be told of posts that came in: passes them on if the message asks for it, and tells the author so.
   * Only the author of a followed feed can ask for this: no other user's word makes this peer send.
   *
   * @param valid The author's posts in the message; `added` are those of them that are new here.
   */
  took(message: MessageOf<"posts">, valid: readonly Post[], added: readonly Post[]): void {
    const { session: { self, signal, ports: { clock } }, messenger } = this.#parts;
    for (const post of added) {
      if (!this.#isYoung(post)) continue;
      this.#fresh.set(idOf(post), { told: new Set(), by: new Set() }, freshMs);
    }
    const { id, from, body: { author, relay, inReplyTo } } = message;
    if (inReplyTo !== undefined) return;
    if (!isSame(from, author)) {
      for (const { by } of this.#freshOf(valid)) if (by.size < passersMax) by.add(from.username);
      return;
    }
    if (relay.length === 0 || !this.#pass(author, relay, valid)) return;
    // The author asks who passes these posts on to this peer: late ones count as well.
    const isAsked = relay.every((user) => user.username === self.username);
    pause(clock, isAsked ? answerAfterMs : ackAfterMs, signal)
      .then(() =>
        messenger.send({ kind: "ack", to: from, body: { id, by: this.#by(valid) } }, signal)
      )
      .catch(() => {
        // Unacknowledged, the share is given to another relay as well.
      });
  }

  /** Those of the posts that came in a moment ago. */
  #freshOf(posts: readonly Post[]): FreshPost[] {
    return posts.flatMap((post) => this.#fresh.get(idOf(post)) ?? []);
  }

  /** Names of users who passed all of the posts on to this peer. */
  #by(posts: readonly Post[]): string[] {
    const fresh = this.#freshOf(posts);
    return [...fresh[0]?.by ?? []].filter((name) => fresh.every(({ by }) => by.has(name)));
  }

  /** The user does not want posts of that author from this peer. */
  refused(author: UserRef, by: UserRef): void {
    this.#unwanted.set(`${nameOf(author)} ${nameOf(by)}`, true, unwantedMs);
  }

  /** Whether the user has not said lately that posts of that author are not wanted. */
  wants(author: UserRef, user: UserRef): boolean {
    return this.#unwanted.get(`${nameOf(author)} ${nameOf(user)}`) === undefined;
  }

  /** Whether posts may be passed on at all: all of a followed author, and come in a moment ago. */
  mayPass(author: UserRef, posts: readonly Post[]): boolean {
    const followed = this.#parts.lists.get("following", author.username);
    return followed?.present === true && isSame(followed, author) &&
      posts.every((post) => this.#isYoung(post) && this.#fresh.get(idOf(post)) !== undefined);
  }

  /**
   * Passes posts on to users whom the author's own signed list names, of whom none is looked up; whether that
   * was within the budgets.
   */
  passToListed(author: UserRef, users: readonly UserRef[], posts: readonly Post[]): boolean {
    return this.#pass(author, users, posts, true);
  }

  /** Whether the posts were passed on, as far as their receivers exist and want them. */
  #pass(
    author: UserRef,
    relay: readonly UserRef[],
    valid: readonly Post[],
    areListed = false,
  ): boolean {
    const { session: { self }, lists } = this.#parts;
    if (!lists.get("following", author.username)?.present) return false;
    const posts = valid.filter((post) => this.#isYoung(post) && this.#fresh.get(idOf(post)))
      .map((post) => ({ ...post, signed: copyOf(post.signed) }));
    if (posts.length === 0) return false;
    const users = new Map(relay.map((user) => [nameOf(user), user]));
    for (const [name, user] of users) {
      const isDone = user.username === self.username || isSame(user, author) ||
        !this.wants(author, user) ||
        posts.every((post) => this.#fresh.get(idOf(post))?.told.has(name));
      if (isDone) users.delete(name);
    }
    const strangers = areListed
      ? []
      : [...users].filter(([name, user]) => !this.#isKnown(name, user));
    const bytes = posts.reduce((sum, { signed }) => sum + signed.length, messageBytes);
    const cost = { users: users.size, bytes: users.size * bytes, lookUps: strangers.length };
    if (!this.spend(author, cost)) return false;
    for (const [name] of strangers) users.delete(name);
    for (const [name, user] of users) this.#push(name, user, author, posts);
    for (const [name, user] of strangers) {
      this.#tasks.add(this.#slots.run(async () => {
        if (await this.#find(name, user)) this.#push(name, user, author, posts);
      }));
    }
    return true;
  }

  /** To those of the posts that the user was not sent before. */
  #push(name: string, to: UserRef, author: UserRef, posts: readonly Post[]): void {
    const others = posts.filter((post) => this.#fresh.get(idOf(post))?.told.has(name) === false);
    for (const { told } of this.#freshOf(others)) told.add(name);
    if (others.length > 0) this.#parts.queue.push(to, { author, posts: others, heads: [] });
  }

  #isYoung(post: Post): boolean {
    return this.#parts.session.ports.clock.now() - snowflakeTimeMs(post.id) < freshMs;
  }

  #isKnown(name: string, user: UserRef): boolean {
    const key = this.#parts.people.pin(user.username);
    return key === undefined
      ? this.#registered.get(name) !== undefined
      : isSame(user, { username: user.username, key });
  }

  async #find(name: string, user: UserRef): Promise<boolean> {
    const { session: { signal }, people } = this.#parts;
    const person = await people.find(user.username, signal);
    if (person?.public === undefined || !isSame(person, user)) return false;
    this.#registered.set(name, true, registeredMs);
    return true;
  }

  /** Takes from all budgets, or from none. */
  spend(author: UserRef, { users, bytes, lookUps }: PassingCost): boolean {
    const { clock } = this.#parts.session.ports;
    const name = nameOf(author);
    const budget = this.#budgets.touch(name) ?? {
      minute: new TokenBucket(clock, minuteRate),
      day: new TokenBucket(clock, dayRate),
      lookUps: new TokenBucket(clock, lookUpRate),
    };
    this.#budgets.set(name, budget);
    const wanted: [TokenBucket, number][] = [
      [this.#users, users],
      [this.#lookUps, lookUps],
      [budget.minute, bytes],
      [budget.day, bytes],
      [budget.lookUps, lookUps],
    ];
    if (!wanted.every(([bucket, units]) => bucket.has(units))) return false;
    for (const [bucket, units] of wanted) bucket.spend(units);
    return true;
  }
}

/** A post as text, to be a key in maps. */
function idOf({ author, device, number }: Post): string {
  return `${author}/${device}/${number}`;
}
