/**
 * Taking in posts that came from others: each is checked by itself, whoever sent it.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import { feedOf, type FeedState, hasNumber } from "../model/feed.ts";
import type { UserRef } from "../model/user.ts";
import { attempt } from "../../lib/msgpack.ts";
import { type Post, readPost } from "../model/post.ts";
import { type Signed, verifySigned } from "../model/signed.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Lists, Session } from "../session/interfaces.ts";
import { isSame } from "../model/user.ts";
import { Mutex } from "../../lib/slots.ts";
import { Slices } from "../../lib/slices.ts";
import { HeldPosts } from "./sync_held.ts";
import { postView } from "../session/views.ts";

/** What became of posts that came in. */
export interface IntakeReport {
  /** Posts whose signature is the author's, new or had already. */
  readonly valid: readonly Post[];
  /** Posts that are new in the database. */
  readonly added: readonly Post[];
  /** How many were kept back because they are from the future. */
  readonly future: number;
  /** How many were no posts of the author. */
  readonly refused: number;
}

/** What the intake needs. */
export interface IntakeParts {
  /** The session. */
  readonly session: Session;
  /** Who is followed. */
  readonly lists: Pick<Lists, "get">;
  /** Told when posts that were kept back have been released, so that what lies beyond is fetched. */
  readonly released: (author: UserRef) => void;
}

/** A post that has been read and not verified. */
interface Unverified {
  readonly post: Post;
  readonly signed: Signed;
}

/** Posts of a message as they were found. */
interface Checked {
  /** Here already, byte for byte. */
  readonly known: Post[];
  /** The author's by their signature. */
  readonly verified: Post[];
  refused: number;
}

const nothing: IntakeReport = { valid: [], added: [], future: 0, refused: 0 };

/** Posts of one feed compared with those stored at once. */
const comparedMax = 500;

/** Posts of a message read at once, before their signatures are looked at. */
const checkedAtOnce = 64;

/** With more bad posts than this in a message its sender is not worth the rest of it. */
const refusedMax = 8;

/** Forks remembered as shown, so that none is shown again and again. */
const forksShownMax = 1024;

/** Takes posts in: one author's messages one after another, different authors' beside each other. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #slices: Slices;
  /** Authors of whom a message is being checked, and of whom posts are being stored. */
  readonly #checking = new Map<string, Mutex>();
  readonly #storing = new Map<string, Mutex>();
  readonly #forksShown = new BoundedMap<string, true>(forksShownMax);
  /** Posts from the future. */
  readonly held: HeldPosts;

  /** The intake of one session. */
  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.held = new HeldPosts({
      clock,
      signal: parts.session.signal,
      release: (author, posts) => this.#release(author, posts),
    });
  }

  /** Whether posts of that author, under that key, are kept here: own ones and followed users'. */
  keeps(author: UserRef): boolean {
    const { session, lists } = this.#parts;
    if (author.username === session.self.username) return isSame(author, session.self);
    const entry = lists.get("following", author.username);
    return entry !== undefined && entry.present && equalBytes(entry.key, author.key);
  }

  /** Checks and stores what came in a message. */
  async take(author: UserRef, posts: readonly Uint8Array[]): Promise<IntakeReport> {
    if (!this.keeps(author) || posts.length === 0) return nothing;
    const { username } = author;
    // While the posts of one message are committed, those of the next are checked: disk and processor
    // work side by side.
    const { known, verified, refused } = await exclusively(
      this.#checking,
      username,
      () => this.#check(author, posts),
    );
    const { added, future } = await exclusively(
      this.#storing,
      username,
      () => this.#store(author, verified),
    );
    return { valid: [...known, ...verified], added, future, refused };
  }

  /** Finds out which posts are the author's; gives up where the sender is evidently not honest. */
  async #check(author: UserRef, posts: readonly Uint8Array[]): Promise<Checked> {
    const feeds = await this.#parts.session.store.feeds(author.username);
    const checked: Checked = { known: [], verified: [], refused: 0 };
    for (let at = 0; at < posts.length && checked.refused <= refusedMax; at += checkedAtOnce) {
      const read: Unverified[] = [];
      for (const bytes of posts.slice(at, at + checkedAtOnce)) {
        await this.#slices.next();
        const it = this.#read(author, bytes);
        if (it === undefined) checked.refused++;
        else if (!this.#isOwn(it.post)) read.push(it);
      }
      const { known, others } = await this.#withoutKnown(author, feeds, read);
      checked.known.push(...known);
      for (const { post, signed } of others) {
        await this.#slices.next();
        if (verifySigned("post", signed)) checked.verified.push(post);
        else if (++checked.refused > refusedMax) break;
      }
    }
    return checked;
  }

  /** The post if it may be one of that author's. */
  #read(author: UserRef, bytes: Uint8Array): Unverified | undefined {
    const it = attempt(() => readPost(bytes));
    if (it === undefined) return undefined;
    const { post } = it;
    return isSame({ username: post.author, key: post.authorKey }, author) ? it : undefined;
  }

  /** What this device makes itself is not taken from others. */
  #isOwn(post: Post): boolean {
    const { self, device } = this.#parts.session;
    return post.author === self.username && post.device === device;
  }

  /** Sorts out, before any signature is looked at, what is here already, byte for byte, or settled. */
  async #withoutKnown(
    author: UserRef,
    feeds: readonly FeedState[],
    read: readonly Unverified[],
  ): Promise<{ known: Post[]; others: Unverified[] }> {
    const { store } = this.#parts.session;
    const known: Post[] = [];
    const others: Unverified[] = [];
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
    const { session } = this.#parts;
    const { store } = session;
    const wanted: Post[] = [];
    const old = new Map<number, Post>();
    let future = 0;
    for (const post of verified) {
      if (this.held.isFuture(post)) {
        this.held.hold(post);
        future++;
      } else if (this.#isTooOld(post)) {
        const highest = old.get(post.device);
        if (highest === undefined || highest.number < post.number) old.set(post.device, post);
      } else wanted.push(post);
    }
    // The author may have been unfollowed while signatures were verified.
    if (!this.keeps(author) || session.signal.aborted) return { added: [], future };
    for (const post of old.values()) await store.setFloor(post);
    const { added, forks } = wanted.length === 0
      ? { added: [], forks: [] }
      : await store.addPosts(author.username, wanted);
    if (!this.keeps(author)) {
      // … or while they were committed: then what was removed must not come back.
      if (old.size > 0 || added.length > 0) await store.removeAuthor(author.username);
      this.held.forget(author.username);
      return { added: [], future };
    }
    for (const fork of forks) await this.#noteFork(fork);
    for (const post of added) session.emit({ event: "post", post: postView(post) });
    return { added, future };
  }

  /** Own posts are kept for ever; others' for the lifespan. */
  #isTooOld(post: Post): boolean {
    return snowflakeTimeMs(post.id) < this.since(post.author);
  }

  /** Unix ms from which on posts of that author are wanted; 0 for all. */
  since(author: string): number {
    const { self, settings, ports } = this.#parts.session;
    if (author === self.username || settings.lifespanMs === undefined) return 0;
    return Math.max(Math.floor(ports.clock.now() - settings.lifespanMs), 0);
  }

  async #noteFork(fork: Post): Promise<void> {
    const { store } = this.#parts.session;
    const name = `${fork.author}/${fork.device}/${fork.number}`;
    if (this.#forksShown.has(name)) return;
    this.#forksShown.set(name, true);
    const noted = await store.forks(fork.author);
    if (noted.some((post) => equalBytes(post.signed, fork.signed))) return;
    await store.noteFork(fork);
    this.#parts.session.emit({ event: "fork", author: fork.author, number: fork.number });
  }

  #release(author: string, posts: readonly Post[]): void {
    const first = posts[0];
    const key = first?.authorKey ?? this.#keyOf(author);
    if (key === undefined) return;
    const user = { username: author, key };
    const done = () => this.#parts.released(user);
    exclusively(this.#storing, author, () => this.#store(user, posts)).then(done, done);
  }

  #keyOf(author: string): Uint8Array | undefined {
    const { session: { self }, lists } = this.#parts;
    return author === self.username ? self.key : lists.get("following", author)?.key;
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
