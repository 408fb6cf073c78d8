/**
 * Taking in posts that came from others: each is checked by itself, and its sender is not believed.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import { feedOf, type FeedState, hasNumber } from "../model/feed.ts";
import { isSame, type UserRef } from "../model/user.ts";
import { attempt } from "../../lib/msgpack.ts";
import { authorOf, type Post, type ReadPost, readPost, verifyPost } from "../model/post.ts";
import type { AddReport } from "../ports.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import { BoundedMap, TimedCache } from "../../lib/bounded_map.ts";
import { Mutex } from "../../lib/slots.ts";
import { Slices } from "../../lib/slices.ts";
import type { Fetches } from "./fetches.ts";
import type { FeedsParts } from "./known_feeds.ts";
import { postNameView, postView } from "../session/views.ts";

/** What became of posts that came in. */
export interface IntakeReport {
  /** Posts whose signature is the author's, new or had already. */
  readonly valid: readonly Post[];
  /** Posts that are new in the database. */
  readonly added: readonly Post[];
  /** How many were kept back because they are from the future. */
  readonly future: number;
}

/** What the intake needs. */
export interface IntakeParts extends Pick<FeedsParts, "session" | "feeds"> {
  /** Fetches what lies beyond posts that were kept back and whose time has come. */
  readonly fetches: Pick<Fetches, "soon">;
  /** Is told of posts that are new in the database. */
  readonly arrivals: { arrived(posts: readonly Post[], gone: readonly Post[]): void };
}

/** Posts of a message as they were found. */
interface Checked {
  /** Here already, byte for byte. */
  readonly known: Post[];
  /** The author's by their signature. */
  readonly verified: Post[];
  refused: number;
}

const nothing: IntakeReport = { valid: [], added: [], future: 0 };

/** Posts of one feed compared with those stored at once. */
const comparedMax = 500;

/** Posts of a message read at once, before their signatures are looked at. */
const checkedAtOnce = 64;

/** With more bad posts than this in a message its sender is not worth the rest of it. */
const refusedMax = 8;

/** Forks remembered as shown, so that none is shown again and again. */
const forksShownMax = 1024;

/** An author's quota is spoken of at most once an hour, of the authors who were spoken of last. */
const quotaToldEveryMs = 3_600_000;
const quotaToldMax = 1024;

/** Takes posts in: one author's messages one after another, different authors' beside each other. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #slices: Slices;
  /** Authors of whom a message is being checked, and of whom posts are being stored. */
  readonly #checking = new Map<string, Mutex>();
  readonly #storing = new Map<string, Mutex>();
  /** Authors whose quota was spoken of a while ago. */
  readonly #quotaTold: TimedCache<true>;
  readonly #forksShown = new BoundedMap<string, true>(forksShownMax);

  /** The intake of one session. */
  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.#quotaTold = new TimedCache(clock, quotaToldMax);
    parts.feeds.future.onDue = (author, posts) => this.#release(author, posts);
  }

  /** Checks and stores what came in a message. */
  async take(author: UserRef, posts: readonly Uint8Array[]): Promise<IntakeReport> {
    if (!this.#parts.feeds.keeps(author) || posts.length === 0) return nothing;
    const { username } = author;
    // While the posts of one message are committed, those of the next are checked: disk and processor
    // work side by side.
    const { known, verified } = await exclusively(
      this.#checking,
      username,
      () => this.#check(author, posts),
    );
    const { added, future } = await exclusively(
      this.#storing,
      username,
      () => this.#store(author, verified),
    );
    return { valid: [...known, ...verified], added, future };
  }

  /** Finds out which posts are the author's; gives up where the sender is evidently not honest. */
  async #check(author: UserRef, posts: readonly Uint8Array[]): Promise<Checked> {
    const here = this.#parts.feeds;
    const feeds = await this.#parts.session.store.feeds(author.username);
    const checked: Checked = { known: [], verified: [], refused: 0 };
    for (let at = 0; at < posts.length && checked.refused <= refusedMax; at += checkedAtOnce) {
      const read: ReadPost[] = [];
      for (const bytes of posts.slice(at, at + checkedAtOnce)) {
        await this.#slices.next();
        const it = this.#read(author, bytes);
        if (it === undefined) checked.refused++;
        else if (!here.isOwnFeed(it.post.author, it.post.device)) read.push(it);
      }
      const { known, others } = await this.#withoutKnown(author, feeds, read);
      checked.known.push(...known);
      for (const it of others) {
        const { post } = it;
        await this.#slices.next();
        if (verifyPost(it)) {
          if (here.take(author.username, post.device, feeds)) checked.verified.push(post);
        } else if (++checked.refused > refusedMax) break;
      }
    }
    return checked;
  }

  /** The post if it may be one of that author's. */
  #read(author: UserRef, bytes: Uint8Array): ReadPost | undefined {
    const it = attempt(() => readPost(bytes));
    if (it === undefined) return undefined;
    const { post } = it;
    return isSame(authorOf(post), author) ? it : undefined;
  }

  /** Sorts out, before any signature is looked at, what is here already, byte for byte, or settled. */
  async #withoutKnown(
    author: UserRef,
    feeds: readonly FeedState[],
    read: readonly ReadPost[],
  ): Promise<{ known: Post[]; others: ReadPost[] }> {
    const { store } = this.#parts.session;
    const known: Post[] = [];
    const others: ReadPost[] = [];
    for (const [device, list] of Map.groupBy(read, (it) => it.post.device)) {
      const feed = feedOf(feeds, device);
      const had = list.map((it) => it.post.number).filter((number) => hasNumber(feed, number));
      const kept = new Map<number, Post>();
      let comparedTo = 0;
      if (had.length > 0) {
        const from = Math.min(...had);
        const to = Math.max(...had);
        const query = { author: author.username, device, from, to, limit: comparedMax };
        const stored = await store.feedPosts(query);
        for (const post of stored) kept.set(post.number, post);
        comparedTo = stored.length < comparedMax ? to : stored.at(-1)?.number ?? 0;
      }
      for (const it of list) {
        const { number, signed } = it.post;
        const stored = kept.get(number);
        // Settled and not stored: too old, whatever it says.
        if (stored === undefined && number <= comparedTo && hasNumber(feed, number)) continue;
        if (stored !== undefined && equalBytes(stored.signed, signed)) known.push(stored);
        else others.push(it);
      }
    }
    return { known, others };
  }

  async #store(
    author: UserRef,
    verified: readonly Post[],
  ): Promise<{ added: readonly Post[]; future: number }> {
    const { session, feeds } = this.#parts;
    const { store } = session;
    const since = feeds.since(author.username);
    const { early = [], old = [], wanted = [] } = Object.groupBy(
      verified,
      (post) =>
        feeds.future.isFuture(post) ? "early" : snowflakeTimeMs(post.id) < since ? "old" : "wanted",
    );
    for (const post of early) feeds.future.add(post);
    const future = early.length;
    // Of each feed the highest number that is too old settles those below it.
    const floors = new Map(
      old.sort((a, b) => a.number - b.number).map((post) => [post.device, post]),
    );
    // The author may have been unfollowed while signatures were verified.
    if (!feeds.keeps(author) || session.signal.aborted) return { added: [], future };
    for (const post of floors.values()) await store.setFloor(post);
    const { added, forks, deleted = [], beyond }: AddReport = wanted.length === 0
      ? { added: [], forks: [] }
      : await store.addPosts(author.username, wanted);
    if (!feeds.keeps(author)) {
      // … or while they were committed: then what was removed must not come back.
      if (floors.size > 0 || added.length > 0) await store.removeAuthor(author.username);
      feeds.future.forget(author.username);
      return { added: [], future };
    }
    for (const fork of forks) await this.#noteFork(fork);
    if (beyond !== undefined) this.#tellQuota(author.username, beyond);
    for (const post of added) {
      const { deletes, repostOf } = post;
      const isGone = deletes !== undefined ||
        (repostOf !== undefined && await store.conversations.isTakenBack(repostOf));
      if (!isGone) session.emit({ event: "post", post: postView(post) });
    }
    for (const post of deleted) session.emit({ event: "deleted", ...postNameView(post) });
    this.#parts.arrivals.arrived(added, deleted);
    return { added, future };
  }

  async #noteFork(fork: Post): Promise<void> {
    const { session, session: { store } } = this.#parts;
    const name = `${fork.author}/${fork.device}/${fork.number}`;
    if (this.#forksShown.has(name)) return;
    this.#forksShown.set(name, true);
    const noted = await store.forks(fork.author);
    if (noted.some((post) => equalBytes(post.signed, fork.signed))) return;
    await store.noteFork(fork);
    session.emit({ event: "fork", author: fork.author, number: fork.number });
  }

  #tellQuota(author: string, { rate, room }: NonNullable<AddReport["beyond"]>): void {
    const { session } = this.#parts;
    if (this.#quotaTold.get(author)) return;
    this.#quotaTold.set(author, true, quotaToldEveryMs);
    const what = rate > 0
      ? `${rate} posts of ${author} were not kept: too many are dated within one hour. More are kept with a larger [QUOTA] in config.ini`
      : `The ${room} oldest posts of ${author} were removed: more are kept with a larger [QUOTA] in config.ini`;
    const message = `${what}. Unfollow ${author} if these posts are not wanted.`;
    session.emit({ event: "warning", code: "over_quota", message });
  }

  /** Takes in posts that were kept back, now that their time has come. */
  #release(author: UserRef, posts: readonly Post[]): void {
    const done = () => this.#parts.fetches.soon(author);
    exclusively(this.#storing, author.username, () => this.#store(author, posts)).then(done, done);
  }
}

/** Runs an author's tasks of one kind one after another. */
async function exclusively<T>(
  authors: Map<string, Mutex>,
  author: string,
  task: () => Promise<T>,
): Promise<T> {
  const mutex = authors.get(author) ?? new Mutex();
  authors.set(author, mutex);
  try {
    return await mutex.run(task);
  } finally {
    if (mutex.size === 0 && authors.get(author) === mutex) authors.delete(author);
  }
}
