/**
 * Keeping complete: fetching what is missing, answering what others miss (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import { headsHad } from "../model/feed.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { warn } from "../session/warn.ts";
import type { Post } from "../model/post.ts";
import { isSame, nameOf, refOf, type UserRef } from "../model/user.ts";
import type { Job } from "../../lib/scheduler.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { mapBounded } from "../../lib/waiting.ts";
import type { SteppedQuestion } from "../messages/stepped_answer.ts";
import { aboutFeeds, Answer } from "./answer.ts";
import { AnswerQueue } from "./answer_queue.ts";
import { Comparison } from "./comparison.ts";
import { Fetches } from "./fetches.ts";
import type { Greeter } from "./greeter.ts";
import { Intake } from "./intake.ts";
import { KnownFeeds } from "./known_feeds.ts";
import { Questions } from "./questions.ts";

/** Authors fetched at once after rejoining: some runs are left for what the user asks for meanwhile. */
const fetchedAtOnceMax = 40;

/**
 * The own records are read so soon after another device of the user has said hello: it may have changed them, and
 * says so only once they are published. Not more often than this, and than so much for each page of the lists.
 */
const pullMs = { soon: 500, every: 5_000, eachPage: 500 };

/**
 * A follower who has said hello asks for posts within this time. One who does not, because it could not or asked
 * another device of the user, is told how far the feeds reach. So many are waited for.
 */
const askedWithinMs = 2_000;
const expectedMax = 2_048;

/** Users who push what is not wanted and are told so. */
const unwantedTold = { perSecond: 1, burst: 10 };

/** What the parts that sync depends on are. */
export interface SyncParts extends MessagingParts {
  /** Says `hello`, and knows the own heads. */
  readonly greeter: Pick<Greeter, "greetAll" | "heads">;
  /** Passes posts on where their author asks for it. */
  readonly relay: {
    took(message: MessageOf<"posts">, valid: readonly Post[], added: readonly Post[]): void;
  };
  /** Is told of posts that are new in the database, and of those that deletes among them removed. */
  readonly arrivals: { arrived(posts: readonly Post[], gone: readonly Post[]): void };
  /** Corrects the list of a user who pushes own posts although the user here does not follow. */
  readonly followers: { unwanted(from: UserRef): Promise<void> };
}

/** See the module. */
export class PeerSync {
  readonly #parts: SyncParts;
  readonly #feeds: KnownFeeds;
  readonly #questions: Questions;
  readonly #fetches: Fetches;
  readonly #intake: Intake;
  readonly #answers: AnswerQueue;
  readonly #comparison: Comparison;
  readonly #unwanted: TokenBucket;
  readonly #pulling: Job;
  #pulledAtMs = -Infinity;
  /** Followers' devices that have said hello and are expected to ask. */
  readonly #expected = new BoundedMap<string, () => void>(expectedMax);

  /** The sync of one session. Nothing happens before {@linkcode start}. */
  constructor(parts: SyncParts) {
    this.#parts = parts;
    const { session } = parts;
    const feeds = new KnownFeeds(parts);
    const questions = new Questions(parts);
    const fetches = new Fetches({ ...parts, feeds, questions });
    this.#feeds = feeds;
    this.#questions = questions;
    this.#fetches = fetches;
    this.#intake = new Intake({ ...parts, feeds, fetches });
    this.#answers = new AnswerQueue({ ...parts, feeds });
    this.#comparison = new Comparison({
      ...parts,
      feeds,
      fetches,
      questions,
      answers: this.#answers,
    });
    this.#unwanted = new TokenBucket(session.ports.clock, unwantedTold);
    this.#pulling = session.scheduler.job(async () => {
      this.#pulledAtMs = session.ports.clock.monotonic();
      await parts.records.pull(session.signal);
    });
  }

  /** Starts comparing heads. */
  start(): void {
    this.#parts.lists.onChange((entry) => {
      if (entry.list !== "following" || entry.present) return;
      this.#feeds.forget(entry.username);
      this.#fetches.forget(entry);
    });
    this.#comparison.start();
  }

  /**
   * Fetches the posts of an author: from the author, then from fellow followers. Resolves when all are
   * there or no user is left to ask.
   */
  fetch(author: UserRef, signal?: AbortSignal): Promise<void> {
    return this.#fetches.fetch(author, signal);
  }

  /**
   * Takes in posts of a followed author that came in another way than the feed's, and fetches those before; resolves
   * to how many were new.
   */
  async take(author: UserRef, posts: readonly Uint8Array[]): Promise<number> {
    const { valid, added } = await this.#intake.take(author, posts);
    if (valid.length === 0) return 0;
    const shown = valid.map(({ device, number }) => ({ device, head: number }));
    this.#feeds.promise(author.username, shown);
    await this.#fetches.fillGaps(author);
    return added.length;
  }

  /** After login, and at another address: greets followers and followed users, and fetches from all who are followed. */
  async rejoin(signal?: AbortSignal): Promise<void> {
    this.#parts.people.forgetAbsent();
    await Promise.all([this.#fetchAll(signal), this.#parts.greeter.greetAll(signal)]);
  }

  async #fetchAll(signal?: AbortSignal): Promise<void> {
    const { session, lists } = this.#parts;
    const authors = [session.self, ...lists.present("following")].map(refOf);
    await mapBounded(authors, fetchedAtOnceMax, async (author) => {
      if (!session.signal.aborted) await this.#fetches.fetchAnew(author, signal);
    });
  }

  /** Deals with a `hello`: remembers where the sender listens, fetches what its heads promise. */
  async greeted({ from, body }: MessageOf<"hello">): Promise<void> {
    const { session: { self, ports: { clock } }, people, records, lists } = this.#parts;
    if (body.connections.length > 0) people.learn(from, body.connections);
    if (isSame(from, self) && !this.#pulling.isDue) {
      const everyMs = Math.max(pullMs.every, records.layout().pages * pullMs.eachPage);
      const sinceMs = clock.monotonic() - this.#pulledAtMs;
      this.#pulling.dueIn(Math.max(pullMs.soon, everyMs - sinceMs));
    }
    if (lists.get("followers", from.username)?.present) this.#expect(from, body.device);
    await this.#fetches.promised(from, body.heads, true);
  }

  /** Tells a follower's device the heads, unless it asks for posts soon. */
  #expect(follower: UserRef, device: number): void {
    const { session: { scheduler } } = this.#parts;
    const name = `${nameOf(follower)} ${device}`;
    if (this.#expected.has(name)) return;
    const timer = scheduler.after(askedWithinMs, () => {
      this.#expected.delete(name);
      this.#tellHeads(follower, device).catch((error: unknown) => warn(this.#parts.session, error));
    });
    this.#expected.set(name, () => timer.cancel());
  }

  async #tellHeads(to: UserRef, device: number): Promise<void> {
    const { session: { self, signal }, greeter, messenger } = this.#parts;
    const heads = await greeter.heads();
    if (heads.length === 0 || signal.aborted) return;
    const body = { author: refOf(self), posts: [], heads, relay: [] };
    await messenger.send({ kind: "posts", to: refOf(to), device, body }, signal);
  }

  /** Deals with a `want`: answers it, and asks back where the sender seems to have more. */
  async wanted(message: MessageOf<"want">): Promise<void> {
    const { from, body } = message;
    const { people, messenger } = this.#parts;
    if (body.token !== undefined) return this.#answer(message);
    const isReachable = body.connections !== undefined && people.learn(from, body.connections);
    // The answer to a stranger who does not say where to send it takes a look-up.
    if (!isReachable && !messenger.isKnown(from) && !messenger.mayLookUp()) return;
    this.#answer(message);
    if (isSame(body.author, this.#parts.session.self)) {
      const name = `${nameOf(from)} ${body.device}`;
      this.#expected.get(name)?.();
      this.#expected.delete(name);
    }
    // Authors who ask for their own posts say how far their feeds reach.
    if (isSame(from, body.author)) await this.#fetches.promised(from, headsHad(body.feeds));
    else await this.#comparison.askBack(message);
  }

  /** Answers a question in steps, in turn with all others. */
  answer(question: SteppedQuestion): void {
    this.#answers.add(question);
  }

  #answer(want: MessageOf<"want">): void {
    const { session: { self, store }, records } = this.#parts;
    const { author } = want.body;
    this.answer({
      message: want,
      about: aboutFeeds(author),
      answer: () => {
        const heads = isSame(author, self) ? records.heads() : [];
        return new Answer({ store, want, heads, isKept: this.#feeds.keeps(author) });
      },
    });
  }

  /** Deals with `posts`: takes them in, and fetches what is still missing. */
  async received(message: MessageOf<"posts">): Promise<void> {
    const { from, body } = message;
    const { author, inReplyTo } = body;
    // No more than a word on the heads, of an author who is there.
    const isWord = inReplyTo === undefined && body.posts.length === 0 && isSame(from, author);
    if (isWord && this.#feeds.keeps(author)) {
      return await this.#fetches.promised(author, body.heads, true);
    }
    const [run, question] = inReplyTo === undefined
      ? []
      : this.#fetches.find(author, inReplyTo, from) ?? [];
    if (question !== undefined) run?.begin(question, body);
    const asked = this.#feeds.keeps(author) ? this.#questions.begin(message) : undefined;
    let added = 0;
    try {
      if (this.#feeds.keeps(author)) added = await this.#take(message);
      else if (inReplyTo === undefined) await this.#refuse(message);
    } finally {
      asked?.end(added);
      if (question !== undefined) await run?.end(question, added);
    }
    if (inReplyTo !== undefined && isSame(from, author)) this.#fetches.answered(author);
    if (question === undefined && this.#feeds.keeps(author)) await this.#fetches.fillGaps(author);
  }

  /** Resolves to how many posts were new. */
  async #take(message: MessageOf<"posts">): Promise<number> {
    const { body: { author, heads, posts }, from } = message;
    const { valid, added, future } = await this.#intake.take(author, posts);
    // Only the author's word on heads counts; every post is such a word as well.
    const shown = valid.map(({ device, number }) => ({ device, head: number }));
    this.#feeds.promise(author.username, isSame(from, author) ? [...heads, ...shown] : shown);
    if (future > 0) await this.#tellFuture(message);
    this.#parts.relay.took(message, valid, added);
    return added.length;
  }

  /** Tells the sender of posts from the future that they are kept back: one of two clocks is wrong. */
  async #tellFuture({ from, id }: MessageOf<"posts">): Promise<void> {
    const { people, messenger, session } = this.#parts;
    if (people.pin(from.username) === undefined) return;
    const body = { id, reason: "future" };
    await messenger.send({ kind: "ack", to: from, body }, session.signal);
  }

  /** Tells the sender of posts that are not wanted here; one who is not told goes on, and is another time. */
  async #refuse({ id, from, body: { author } }: MessageOf<"posts">): Promise<void> {
    const { followers, messenger, session: { self, signal } } = this.#parts;
    if (isSame(from, self) || !this.#unwanted.take(1)) return;
    if (isSame(from, author)) followers.unwanted(from).catch(() => {});
    else if (messenger.isKnown(from) || messenger.mayLookUp()) {
      await messenger.send({ kind: "ack", to: from, body: { id, reason: "unwanted" } }, signal);
    }
  }
}
