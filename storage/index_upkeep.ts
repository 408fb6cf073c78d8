/**
 * Keeps the index of a user's posts in step with them.
 *
 * The posts are what counts; the index may lag behind. What commits change waits here, and is indexed when no other
 * write is under way, many posts in one transaction, which costs less than one transaction for each commit. A search
 * first has indexed what waits. The index says which change it has; where the log of
 * changes (`change_log.ts`) cannot lead on from there, or SQLite fails, the index is thrown away and built anew in
 * small steps, the newest posts first.
 *
 * @module
 */

import { snowflakeMax } from "../core/model/snowflake.ts";
import type { Change, ChangeListener, ChangeLog } from "./change_log.ts";
import { ChangeQueue } from "./change_queue.ts";
import { type Database, getAll } from "./database.ts";
import { isPassing, openIndexFile } from "./index_file.ts";
import { keys, readCount, readStoredPost } from "./layout.ts";
import type { PostIndex } from "./post_index.ts";
import { feedKeyOf, readPostPlace } from "./post_reads.ts";
import { removeSqlite } from "./space.ts";

/**
 * How long a change waits for others before it is indexed, in milliseconds. What asks the index has indexed what
 * waits: only the log grows meanwhile. With 100 ms each post cost its author a transaction of its own, for which
 * the next post had to wait.
 */
const waitMs = 5_000;

/** Posts that wait at most, some 10 MB; beyond, they are indexed although other writes are under way. */
const waitingPostsMax = 10_000;

/** Posts indexed in one step: 4 ms, for which an own post may have to wait. */
const stepPostsMax = 200;

/**
 * Posts of one transaction. SQLite merges what transactions leave: 200 in one cost 27 µs a post, 1,000 cost 21 and
 * 4,000 cost 19. But the event loop waits for the end of each: 4 ms with 1,000, 15 ms with 4,000, and for a merge
 * that falls due 23 or 32 ms.
 */
const transactionPostsMax = 1_000;

/** Databases up to this size are indexed whole before a search answers: 0.1 s. */
const smallMax = 2_000;

/**
 * How often an index is made anew, or found to be no good when it is opened, before it has all posts once: a disk
 * that keeps failing is left alone.
 */
const attemptsMax = 3;

/** Removed posts after which it is worth looking for the space that they have left; SQLite finds that of fewer. */
const tidyMin = 2_000;

/** The same as a share of the posts that are left: all that is left may be written anew. */
const tidyShare = 0.2;

/** What an index that is being built has. */
interface Building {
  /** Entries of the timeline before this key are not in it yet. */
  readonly end: Deno.KvKey;
  /** Posts in it. */
  readonly done: number;
  /** Posts that there are. */
  readonly total: number;
}

/** What {@linkcode IndexUpkeep} needs. */
export interface IndexUpkeepOptions {
  /** The database that has the posts. */
  readonly database: Database;
  /** Where its commits say what they change. */
  readonly log: ChangeLog;
  /** The index's file. */
  readonly path: string;
  /** Opens it. */
  readonly open: () => PostIndex;
  /** Authors whose removal has begun: their posts leave step by step. */
  readonly hidden: ReadonlySet<string>;
}

/** The index of one open database. */
export class IndexUpkeep implements ChangeListener {
  readonly #database: Database;
  readonly #log: ChangeLog;
  readonly #path: string;
  readonly #openIndex: () => PostIndex;
  readonly #hidden: ReadonlySet<string>;
  #index: PostIndex | undefined;
  /** Whether it is known what the index lacks. */
  #isOriented = false;
  #isClosed = false;
  #attempts = 0;
  /** Whether the file is to be thrown away. */
  #isDamaged = false;
  readonly #waiting = new ChangeQueue();
  #building: Building | undefined;
  /** The last change made. */
  #last = 0;
  /** The last change in the index, and how many posts the database had then. */
  #change = 0;
  #total: number | undefined;
  #isTotalChecked = false;
  /** Changes and posts in the transaction that is open. */
  #inTransaction: { readonly numbers: number[]; posts: number } = { numbers: [], posts: 0 };
  /** Posts removed since the index was tidied. */
  #removed = 0;
  #tidying: "begin" | "goes on" | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;

  /** An index that has yet to be opened: {@linkcode start} does. */
  constructor({ database, log, path, open, hidden }: IndexUpkeepOptions) {
    this.#database = database;
    this.#log = log;
    this.#path = path;
    this.#openIndex = open;
    this.#hidden = hidden;
    if (database.isReadOnly) return;
    log.isRead = true;
    log.listener = this;
  }

  /** Opens the index, and builds it if need be; both in the background. */
  start(): void {
    this.#run();
  }

  /** The index; undefined while there is none. */
  get index(): PostIndex | undefined {
    return this.#isOriented ? this.#index : undefined;
  }

  /** The share of the posts that is in the index while it is being built, 0 to 1. */
  get indexed(): number | undefined {
    if (this.#building === undefined) return undefined;
    const { done, total } = this.#building;
    return total === 0 ? 0 : Math.min(done / total, 0.99);
  }

  changed(number: number, change: Change): void {
    this.#last = number;
    if (!this.#log.isRead) return;
    this.#waiting.push(number, change);
    if (this.#isClosed) return;
    if (this.#waiting.posts >= waitingPostsMax) this.#run();
    else this.#timer ??= setTimeout(() => this.#tick(), waitMs);
  }

  doubted(): void {
    // The log knows what has happened.
    this.#isOriented = false;
    this.#waiting.clear();
  }

  /**
   * Resolves when every change made so far is in the index, or there is none; those made meanwhile are not waited for.
   * A small database is indexed whole.
   */
  async current(): Promise<void> {
    let wanted: number | undefined;
    const lacks = () => {
      if (!this.#isOriented) return this.#hasChanges();
      wanted ??= this.#last;
      return this.#change < wanted && this.#hasChanges();
    };
    const isSmall = () => this.#building !== undefined && this.#building.total <= smallMax;
    while (lacks() || isSmall()) if (!await this.#write()) return;
  }

  /** SQLite has failed: the index is closed, and looked at anew, or made anew, when it is needed. */
  fail(error: unknown): void {
    this.#closeIndex();
    this.#isDamaged = !isPassing(error, this.#path);
    this.#isOriented = false;
    this.#building = undefined;
    this.#tidying = undefined;
    this.#waiting.clear();
    this.#log.isRead = false;
  }

  /** Indexes what waits, and closes the index. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
    const isBehind = () =>
      this.#isOriented && (this.#hasChanges() || this.#inTransaction.posts > 0);
    while (isBehind()) if (!await this.#write()) break;
    this.#closeIndex();
  }

  #closeIndex(): void {
    this.#inTransaction = { numbers: [], posts: 0 };
    try {
      this.#index?.close();
    } catch {
      // It is not used again.
    }
    this.#index = undefined;
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#database.isIdle) this.#run();
    else this.#timer = setTimeout(() => this.#tick(), waitMs);
  }

  /** Whether the index lacks a change that has been made, or has yet to be opened. */
  #hasChanges(): boolean {
    if (!this.#isOriented) return this.#attempts < attemptsMax && !this.#database.isReadOnly;
    return !this.#waiting.isEmpty;
  }

  #run(): void {
    this.#running ??= this.#work().finally(() => this.#running = undefined);
  }

  async #work(): Promise<void> {
    const hasWork = () =>
      this.#hasChanges() || this.#building !== undefined || this.#inTransaction.posts > 0 ||
      this.#tidying !== undefined;
    while (!this.#isClosed && hasWork()) if (!await this.#write()) return;
  }

  /** One step, alone among all writes of the database; false if there can be none. */
  #write(): Promise<boolean> {
    const step = (kv: Deno.Kv) =>
      this.#step(kv).catch((error: unknown) => {
        if (!this.#isOriented && !isPassing(error, this.#path)) this.#attempts++;
        this.fail(error);
        // What goes on without being asked for ends here; the next search tries again.
        return false;
      });
    return this.#database.write("index posts", step).catch(() => false);
  }

  async #step(kv: Deno.Kv): Promise<boolean> {
    if (!this.#isOriented) {
      await this.#orient(kv);
    } else if (!this.#waiting.isEmpty) {
      await this.#applySome(kv);
    } else if (this.#building !== undefined) {
      await this.#buildSome(kv, this.#building);
    } else if (this.#inTransaction.posts > 0) {
      this.#commit();
    } else if (this.#tidying !== undefined) {
      this.#tidying = this.#opened().tidy(this.#tidying === "begin") ? "goes on" : undefined;
    }
    const isUpToDate = this.#waiting.isEmpty && this.#building === undefined;
    const isFull = this.#inTransaction.posts >= transactionPostsMax;
    if (isFull || isUpToDate || this.#isClosed) this.#commit();
    if (!isUpToDate) return true;
    if (!this.#isTotalChecked) await this.#checkTotal(kv);
    if (this.#removed >= Math.max(tidyMin, (this.#total ?? 0) * tidyShare)) {
      this.#removed = 0;
      this.#tidying = "begin";
    }
    return true;
  }

  #opened(): PostIndex {
    if (this.#index === undefined) throw new Error("the index is not open");
    return this.#index;
  }

  /** Finds out what the index lacks; where that cannot be known, begins a new one. */
  async #orient(kv: Deno.Kv): Promise<void> {
    this.#commit();
    const last = this.#last = await this.#log.last(kv);
    const entries = await this.#log.entries(kv);
    if (this.#isDamaged) await removeSqlite(this.#path);
    this.#isDamaged = false;
    const { change, builtDownTo, total } = (await this.#open()).state();
    const from = change === undefined ? NaN : Number(change);
    const lacking = entries.filter((number) => number > from && number <= last);
    const isKnown = lacking.length === last - from;
    if (!isKnown) return await this.#beginAnew(kv, { last, entries });
    this.#waiting.putLogged(lacking);
    this.#log.settle(entries.filter((number) => number <= from));
    this.#change = from;
    this.#total = total === undefined ? undefined : Number(total);
    if (builtDownTo !== undefined) {
      // Posts of that id are looked at once more: another author may have one.
      await this.#resume(kv, ["timeline", builtDownTo + 1n], this.#opened().count());
    } else this.#attempts = 0;
    this.#isOriented = true;
    this.#log.isRead = true;
  }

  async #open(): Promise<PostIndex> {
    return this.#index ??= await openIndexFile(this.#path, this.#openIndex);
  }

  async #beginAnew(
    kv: Deno.Kv,
    { last, entries }: { readonly last: number; readonly entries: readonly number[] },
  ): Promise<void> {
    this.#closeIndex();
    await removeSqlite(this.#path);
    await this.#open();
    this.#attempts++;
    this.#waiting.clear();
    this.#log.settle(entries);
    this.#change = last;
    this.#total = undefined;
    await this.#resume(kv, ["timeline", snowflakeMax + 1n], 0);
    this.#inTransaction.posts = 1;
    this.#isOriented = true;
    this.#log.isRead = true;
  }

  async #resume(kv: Deno.Kv, end: Deno.KvKey, done: number): Promise<void> {
    this.#building = { end, done, total: await readTotal(kv) };
  }

  /** Indexes the changes that waited longest. */
  async #applySome(kv: Deno.Kv): Promise<void> {
    const index = this.#opened();
    for (let posts = 0; posts < stepPostsMax;) {
      const next = await this.#waiting.next(kv);
      if (next === undefined) break;
      const { number, growth, added, removed } = next;
      index.begin();
      for (const post of added) index.add(post);
      for (const name of removed) if (index.remove(name)) this.#removed++;
      this.#change = number;
      if (this.#total !== undefined) this.#total += growth;
      this.#inTransaction.numbers.push(number);
      this.#inTransaction.posts += 1 + added.length + removed.length;
      posts += 1 + added.length + removed.length;
    }
  }

  async #buildSome(kv: Deno.Kv, { end, done, total }: Building): Promise<void> {
    const selector = { prefix: ["timeline"], end };
    const options = { reverse: true, limit: stepPostsMax, batchSize: stepPostsMax };
    const entries = await Array.fromAsync(kv.list(selector, options));
    const places = entries.map(readPostPlace)
      .filter((place) => place !== undefined && !this.#hidden.has(place.author));
    const values = await getAll(
      kv,
      places.map((place) => place === undefined ? [] : feedKeyOf(place)),
    );
    const index = this.#opened();
    index.begin();
    for (const value of values) {
      const post = readStoredPost(value);
      if (post !== undefined) index.add(post);
    }
    this.#inTransaction.posts += 1 + values.length;
    const last = entries.at(-1);
    if (last !== undefined && entries.length === stepPostsMax) {
      this.#building = { end: last.key, done: done + entries.length, total };
      return;
    }
    this.#building = undefined;
    this.#attempts = 0;
    // Posts of authors whose removal has begun are counted out already, and have yet to leave.
    this.#total = this.#hidden.size > 0 ? undefined : await readTotal(kv);
  }

  /** An older version of the program changes posts without logging it. */
  async #checkTotal(kv: Deno.Kv): Promise<void> {
    if (this.#hidden.size > 0) return;
    this.#isTotalChecked = true;
    const total = await readTotal(kv);
    if (this.#total === total) return;
    if (this.#total === undefined) {
      this.#total = total;
      this.#inTransaction.posts = 1;
      this.#commit();
    } else await this.#beginAnew(kv, { last: this.#change, entries: [] });
  }

  #commit(): void {
    const { numbers, posts } = this.#inTransaction;
    if (posts === 0) return;
    const index = this.#opened();
    const last = this.#building?.end[1];
    index.begin();
    index.setState({
      change: BigInt(this.#change),
      total: this.#total === undefined ? undefined : BigInt(this.#total),
      builtDownTo: typeof last === "bigint" ? last > snowflakeMax ? snowflakeMax : last : undefined,
    });
    index.commit();
    this.#inTransaction = { numbers: [], posts: 0 };
    this.#log.settle(numbers);
  }
}

async function readTotal(kv: Deno.Kv): Promise<number> {
  return readCount((await kv.get(keys.total)).value ?? undefined);
}
