/**
 * Comparing heads with users who follow the same authors (docs/PROTOCOL.md, section 4.3). It repairs what
 * losses, liars and relays that stopped have left.
 *
 * A comparison is a `want` for each author that both follow. The one who is asked answers, and asks back
 * where the asker seems to have more: so one comparison repairs both sides. It also tells digests of some
 * posts: where those of the two differ, each sends the other its own, and both have the proof that the
 * author has signed two posts under one number.
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import { want } from "../messages/kinds/want.ts";
import { toHex } from "../model/bytes.ts";
import { feedOf, hasMissing } from "../model/feed.ts";
import type { DeviceEntry } from "../model/record_body.ts";
import { isSame, nameOf, refOf, type UserRef } from "../model/user.ts";
import type { Person } from "../session/interfaces.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { encode } from "../../lib/msgpack.ts";
import { fraction, shuffled } from "../../lib/random.ts";
import type { Job } from "../../lib/scheduler.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { mapBounded, pause } from "../../lib/waiting.ts";
import type { AnswerQueue } from "./answer_queue.ts";
import type { Fetches } from "./fetches.ts";
import type { FeedsParts } from "./known_feeds.ts";
import type { Questions } from "./questions.ts";
import { differing, sampleOf } from "./seen_posts.ts";

/** From one comparison to the next, drawn a tenth around it, so that peers don't march in step. */
const everyMs = 300_000;

/** Users looked at in search of one who is online. */
const candidatesMax = 12;

/** How long one of them may take to accept a connection. */
const probeMs = 500;

/** Authors compared with one partner; with more in common, others the next time. */
const authorsMax = 128;

/** Authors whose public records are looked at in one round. */
const publicHeadsMax = 8;

/** Questions sent at once. */
const askedAtOnceMax = 4;

/** One asker is asked back for one author at most once in so long; so many such pairs are remembered. */
const askBackEveryMs = 60_000;
const askedBackMax = 4096;

/** Questions back, to all askers together: what they claim to have is not proven. */
const questionsBack = { perSecond: 10, burst: 64 };

/** Digests of askers that are compared, of all of them together: each reads up to 32 posts. */
const digestsCompared = { perSecond: 64, burst: 512 };

/** What the frame of a question has beside its body, at most. */
const overheadBytesMax = 300;

/** The answer is awaited for so long: until then the asker does not count as a stranger. */
const awaitedMs = 5_000;

/** What a comparison needs. */
export interface ComparisonParts extends FeedsParts {
  /** Fetches what an author's public record promises. */
  readonly fetches: Pick<Fetches, "promised">;
  /** Knows which devices have shown that they want what is sent there. */
  readonly answers: Pick<AnswerQueue, "isShown">;
  /** Asks. */
  readonly questions: Questions;
}

/** A user who is online, with one of the user's devices. */
interface Partner {
  readonly user: UserRef;
  readonly device: DeviceEntry;
}

/** Compares heads, and asks back. */
export class Comparison {
  readonly #parts: ComparisonParts;
  readonly #job: Job;
  readonly #questionsBack: TokenBucket;
  readonly #digests: TokenBucket;
  readonly #askedBack: TimedCache<true>;

  /** Nothing happens before {@linkcode start}. */
  constructor(parts: ComparisonParts) {
    this.#parts = parts;
    const { scheduler, ports: { clock } } = parts.session;
    this.#questionsBack = new TokenBucket(clock, questionsBack);
    this.#digests = new TokenBucket(clock, digestsCompared);
    this.#askedBack = new TimedCache(clock, askedBackMax);
    this.#job = scheduler.job(() =>
      // Whatever fails, the next comparison comes in five minutes.
      this.#compare().catch(() => {}).finally(() => this.start())
    );
  }

  /** Compares every five minutes until the session ends. */
  start(): void {
    const { random } = this.#parts.session.ports;
    this.#job.dueIn(everyMs * (0.9 + 0.2 * fraction(random)));
  }

  /**
   * Asks back if the asker has something of an author kept here that is missing here, or other posts than
   * those here. To a device that has not shown that it wants it goes no more than three times what came.
   */
  async askBack(
    { from, bytes = 0, body: { author, feeds: theirs, device, seen = [] } }: MessageOf<"want">,
  ): Promise<void> {
    const { session: { ports, signal, store }, feeds, messenger, questions, answers } = this.#parts;
    const name = `${toHex(from.key)} ${nameOf(author)}`;
    if (this.#askedBack.get(name) || !feeds.keeps(author)) return;
    const mine = await feeds.had(author.username);
    const hasMore = theirs.some((feed) =>
      !feeds.isOwnFeed(author.username, feed.device) && hasMissing(feed, feedOf(mine, feed.device))
    );
    const differs = this.#digests.take(seen.length)
      ? await differing(store, author.username, seen)
      : [];
    if (!hasMore && differs.length === 0 || !this.#questionsBack.take(1)) return;
    this.#askedBack.set(name, true, askBackEveryMs);
    const body = { ...await feeds.wantOf(author), seen: differs };
    const size = encode(want.write(body)).length + overheadBytesMax;
    if (size > 3 * bytes && !await answers.isShown(from, device)) return;
    pause(ports.clock, awaitedMs, signal).then(messenger.expect(from));
    await questions.ask(from, device, body, signal);
  }

  /** One comparison: asks a partner for all authors that both follow. What it has comes as `posts`. */
  async #compare(): Promise<void> {
    const { session: { signal, store, ports: { random } }, feeds, questions } = this.#parts;
    await this.#readPublicHeads();
    const partner = await this.#findPartner();
    if (partner === undefined || signal.aborted) return;
    const { user: to, device: { device } } = partner;
    const authors = shuffled(await this.#inCommon(to), random).slice(0, authorsMax);
    await mapBounded(authors, askedAtOnceMax, async (author) => {
      if (signal.aborted) return;
      const seen = await sampleOf(store, random, author.username);
      const body = { ...await feeds.wantOf(author), seen };
      await questions.ask(to, device, body, signal);
    });
  }

  /** What some followed authors promise in public, for when they and those who know are out of reach. */
  async #readPublicHeads(): Promise<void> {
    const { session: { signal, ports: { random } }, lists, fetches } = this.#parts;
    const authors = shuffled(lists.present("following"), random).slice(0, publicHeadsMax);
    await mapBounded(authors, askedAtOnceMax, async (author) => {
      if (signal.aborted) return;
      const person = await this.#find(author);
      if (person?.public !== undefined) await fetches.promised(author, person.public.heads);
    });
  }

  /** The user as the network knows one, under the same key. */
  async #find(user: UserRef): Promise<Person | undefined> {
    const { session: { signal }, people } = this.#parts;
    const person = await people.find(user.username, signal);
    return person !== undefined && isSame(person, user) ? person : undefined;
  }

  /** The first of some users, in random order, who is online. */
  async #findPartner(): Promise<Partner | undefined> {
    const { session: { signal, ports: { links } }, messenger } = this.#parts;
    for (const user of await this.#candidates()) {
      if (signal.aborted) return undefined;
      for (const device of await messenger.devices(user, signal)) {
        if (await links.probe(device, probeMs, signal)) return { user, device };
      }
    }
    return undefined;
  }

  /** Followed users and fellow followers of one of them; half and half where there are many. */
  async #candidates(): Promise<UserRef[]> {
    const { session: { self, signal, ports: { random } }, lists, people } = this.#parts;
    const followed = shuffled(lists.present("following"), random);
    const [author] = followed;
    if (author === undefined) return [self];
    const person = await this.#find(author);
    const entries = person === undefined ? [] : await people.lists(person, signal);
    const fellows = entries
      .filter(({ list, username }) => list === "followers" && username !== self.username);
    const half = candidatesMax / 2;
    const drawn = [...followed.slice(0, half), ...shuffled(fellows, random).slice(0, half)];
    return shuffled([...drawn, self], random).map(refOf);
  }

  /** Authors that both follow, and the partner if it is one whom the user follows. */
  async #inCommon(partner: UserRef): Promise<UserRef[]> {
    const { session: { self, signal }, lists, people } = this.#parts;
    const mine = [self, ...lists.present("following")].map(refOf);
    // One's own other devices follow whom one follows.
    if (isSame(partner, self)) return mine;
    const person = await this.#find(partner);
    const entries = person === undefined ? [] : await people.lists(person, signal);
    const followed = entries.filter(({ list }) => list === "following");
    const theirs = new Set([partner, ...followed].map(nameOf));
    return mine.filter((author) => theirs.has(nameOf(author)));
  }
}
