/**
 * Keeping complete: fetching what is missing, answering what others miss (design, section 6).
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { Post } from "../model/post.ts";
import type { Head } from "../model/record_body.ts";
import { AnswerQueue } from "./answer_queue.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import type { Lists, OwnRecords, People, Session } from "../session/interfaces.ts";
import { mapBounded } from "../../lib/waiting.ts";
import { Fetches } from "./fetch.ts";
import type { Greeter } from "./greeter.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { Comparison } from "./sync_compare.ts";
import { CounterQuestions, headsHad } from "./sync_counter.ts";
import { PromisedHeads } from "./sync_heads.ts";
import { Intake, type IntakeReport } from "./sync_intake.ts";

/** Authors fetched at once after rejoining: some runs are left for what the user asks for meanwhile. */
const fetchedAtOnceMax = 40;

/** Users who push what is not wanted and are told so. */
const unwantedTold = { perSecond: 1, burst: 10 };

/** What the parts that sync depends on are. */
export interface SyncParts {
  /** The session. */
  readonly session: Session;
  /** Devices, public records, lists. */
  readonly people: Pick<People, "find" | "lists" | "learn" | "forgetDevices">;
  /** Whom one follows, and who follows. */
  readonly lists: Pick<Lists, "get" | "present" | "onChange">;
  /** The own heads and `connections`. */
  readonly records: Pick<OwnRecords, "heads" | "connections">;
  /** In and out. */
  readonly messenger: PeerMessenger;
  /** Says `hello`. */
  readonly greeter: Pick<Greeter, "greetAll">;
  /** Passes posts on where their author asks for it. */
  readonly relay: { pass(message: MessageOf<"posts">, posts: readonly Post[]): void };
  /** Corrects the list of a user who pushes own posts although the user here does not follow. */
  readonly followers: { unwanted(from: UserRef): Promise<void> };
}

/** See the module. */
export class PeerSync {
  readonly #parts: SyncParts;
  readonly #heads = new PromisedHeads();
  readonly #intake: Intake;
  readonly #fetches: Fetches;
  readonly #answers: AnswerQueue;
  readonly #comparison: Comparison;
  readonly #counter: CounterQuestions;
  readonly #unwanted: TokenBucket;

  /** The sync of one session. Nothing happens before {@linkcode start}. */
  constructor(parts: SyncParts) {
    this.#parts = parts;
    const { session, lists, messenger } = parts;
    this.#unwanted = new TokenBucket(session.ports.clock, unwantedTold);
    this.#intake = new Intake({ session, lists, released: (author) => this.#fetches.soon(author) });
    const fetchParts = { ...parts, heads: this.#heads, intake: this.#intake };
    this.#fetches = new Fetches(fetchParts);
    this.#counter = new CounterQuestions(fetchParts);
    this.#answers = new AnswerQueue({
      session,
      messenger,
      prepare: (want) => ({
        heads: isSame(want.body.author, session.self) ? parts.records.heads() : [],
        isKept: this.#intake.keeps(want.body.author),
      }),
    });
    this.#comparison = new Comparison({
      ...parts,
      intake: this.#intake,
      onHeads: (author, heads) => this.#promised(author, heads),
    });
  }

  /** Starts comparing heads. */
  start(): void {
    this.#parts.lists.onChange((entry) => {
      if (entry.list !== "following" || entry.present) return;
      this.#heads.forget(entry.username);
      this.#intake.held.forget(entry.username);
      this.#fetches.forget(entry);
    });
    this.#comparison.start();
  }

  /**
   * Fetches the posts of an author: from the author, then from fellow followers. Resolves when all are
   * there or there is nobody left to ask.
   */
  fetch(author: UserRef, signal?: AbortSignal): Promise<void> {
    return this.#fetches.fetch(author, signal);
  }

  /** After login: greets followers and followed users, and fetches from all who are followed. */
  async rejoin(signal?: AbortSignal): Promise<void> {
    await Promise.all([this.#fetchAll(signal), this.#parts.greeter.greetAll(signal)]);
  }

  async #fetchAll(signal?: AbortSignal): Promise<void> {
    const { session, lists } = this.#parts;
    const authors = [session.self, ...lists.present("following")].map(refOf);
    await mapBounded(authors, fetchedAtOnceMax, async (author) => {
      if (!session.signal.aborted) await this.#fetches.fetch(author, signal);
    });
  }

  /** Deals with a `hello`: remembers where the sender listens, fetches what its heads promise. */
  async greeted(message: MessageOf<"hello">): Promise<void> {
    const { from, body } = message;
    if (body.connections.length > 0) this.#parts.people.learn(from, body.connections);
    await this.#promised(from, body.heads);
  }

  /** Takes in heads that are the author's own word, and fetches what is missing. */
  async #promised(author: UserRef, heads: readonly Head[]): Promise<void> {
    if (!this.#intake.keeps(author)) return;
    this.#heads.raise(author.username, heads);
    if (await this.#fetches.lacks(author)) this.#fetches.soon(author);
  }

  /** Deals with a `want`: answers it, and asks back where the sender seems to have more. */
  async wanted(message: MessageOf<"want">): Promise<void> {
    const { from, body } = message;
    const { people, messenger } = this.#parts;
    const isReachable = body.connections !== undefined && people.learn(from, body.connections);
    // The answer to a stranger who does not say where to send it takes a look-up.
    if (!isReachable && !messenger.isKnown(from) && !messenger.mayLookUp()) return;
    this.#answers.add(message);
    // Authors who ask for their own posts say how far their feeds reach.
    if (isSame(from, body.author)) await this.#promised(from, headsHad(body.feeds));
    else await this.#counter.consider(message);
  }

  /** Deals with `posts`: takes them in, and fetches what is still missing. */
  async received(message: MessageOf<"posts">): Promise<void> {
    const { from, body } = message;
    const answered = body.inReplyTo === undefined
      ? undefined
      : this.#fetches.find(body.author, body.inReplyTo, from);
    answered?.run.begin(answered.ask, body);
    let added = 0;
    try {
      if (this.#intake.keeps(body.author)) {
        added = await this.#take(message, answered !== undefined);
      } else if (body.inReplyTo === undefined && isSame(from, body.author)) this.#refuse(from);
    } finally {
      await answered?.run.end(answered.ask, added);
    }
  }

  /** Resolves to how many posts were new. */
  async #take(message: MessageOf<"posts">, isAwaited: boolean): Promise<number> {
    const { body: { author, heads, posts }, from } = message;
    const report = await this.#intake.take(author, posts);
    // Only the author's word on heads counts; every post is such a word as well.
    if (isSame(from, author)) this.#heads.raise(author.username, heads);
    const shown = report.valid.map(({ device, number }) => ({ device, head: number }));
    this.#heads.raise(author.username, shown);
    if (report.future > 0) await this.#tellFuture(message);
    this.#pass(message, report);
    if (!isAwaited && await this.#fetches.lacks(author)) this.#fetches.soon(author);
    return report.added.length;
  }

  #pass(message: MessageOf<"posts">, report: IntakeReport): void {
    if (message.body.relay.length > 0) this.#parts.relay.pass(message, report.valid);
  }

  /** Whoever sent posts from the future learns that they are kept back: one of two clocks is wrong. */
  async #tellFuture(message: MessageOf<"posts">): Promise<void> {
    const { messenger, session } = this.#parts;
    if (messenger.pinOf(message.from.username) === undefined) return;
    const body = { id: message.id, reason: "future" };
    await messenger.send({ kind: "ack", to: message.from, body }, session.signal);
  }

  #refuse(from: UserRef): void {
    const { followers, session } = this.#parts;
    if (isSame(from, session.self) || !this.#unwanted.take(1)) return;
    // The user goes on pushing, and is told another time.
    followers.unwanted(from).catch(() => {});
  }
}
