/**
 * What almost every commit of posts looks at, kept in memory: the states of feeds and how they end, how
 * many posts there are, where the collector has been. Without these looks at the disk a pushed post costs
 * half as much.
 *
 * @module
 */

import { BoundedMap } from "../lib/bounded_map.ts";
import type { FeedState } from "../core/model/feed.ts";
import type { Post } from "../core/model/post.ts";
import { ChangeLog } from "./change_log.ts";
import { getAll } from "./database.ts";
import { type Marks, readMarks } from "./deletes.ts";
import { type Collected, keys, readCollected, readCount } from "./layout.ts";
import { HourCounts, type Usage, usageOf } from "./quota.ts";
import { readFeedStates, readNeighbour } from "./post_reads.ts";

/** Authors remembered: those whose posts come in at about the same time. */
const authorsMax = 512;

/** Feeds remembered by their ends: an author writes from one or two devices at a time. */
const feedsMax = 1_024;

/** Feeds and ranges of one author that are worth remembering: some 1 KB. States of more are read anew. */
const partsMax = 32;

/** Posts taken back by one author that are worth remembering: some 20 KB. */
const marksMax = 1_024;

/** What a database says of its posts as a whole and of those of one author. */
export interface Totals extends Usage {
  /** Posts of all authors. */
  readonly total: number;
  /** Below this id the collector has nothing to do; undefined when it has not been there. */
  readonly collected: Collected | undefined;
}

/** What a commit of posts of one author has changed. */
export interface CommittedPosts {
  /** The author. */
  readonly author: string;
  /** The posts. */
  readonly taken: readonly Post[];
  /** Stored posts that deletes among them have removed. */
  readonly gone: readonly Post[];
  /** All feeds of the author as they were before. */
  readonly before: readonly FeedState[];
  /** The feeds that changed, as they are now. */
  readonly changed: readonly FeedState[];
  /** Counts as they are now. */
  readonly totals: Totals;
}

/**
 * What is remembered of one database. Its only writer tells of what it commits, and has everything
 * forgotten where a commit fails or changes something else. Totals and ends of feeds are for that writer
 * alone ({@linkcode Database.write}), as are marks; states of feeds are for every reader.
 */
export class PostMemory {
  /** Where each commit says what it changes. */
  readonly log = new ChangeLog();
  /** Posts by author and hour. */
  readonly hours = new HourCounts();
  readonly #states = new BoundedMap<string, readonly FeedState[]>(authorsMax);
  /** Grows with every change, so that what was read before a change is not remembered after it. */
  #changes = 0;
  #overall: Pick<Totals, "total" | "collected"> | undefined;
  readonly #usages = new BoundedMap<string, Usage>(authorsMax);
  readonly #marks = new BoundedMap<string, Marks>(authorsMax);
  readonly #lastIds = new BoundedMap<string, bigint>(feedsMax);

  /** The states of all feeds of an author, ascending by device. */
  async states(kv: Deno.Kv, author: string): Promise<readonly FeedState[]> {
    const known = this.#states.get(author);
    if (known !== undefined) return known;
    const changes = this.#changes;
    const states = await readFeedStates(kv, author);
    if (changes === this.#changes) this.#setStates(author, states);
    return states;
  }

  /** What an author has taken back. */
  async marks(kv: Deno.Kv, author: string): Promise<Marks> {
    const known = this.#marks.get(author);
    if (known !== undefined) return known;
    const marks = await readMarks(kv, author);
    const count = marks.values().reduce((sum, numbers) => sum + numbers.size, 0);
    if (count <= marksMax) this.#marks.set(author, marks);
    return marks;
  }

  /** Counts, and how far the collector has been. */
  async totals(kv: Deno.Kv, author: string): Promise<Totals> {
    const known = this.#usages.get(author);
    if (known !== undefined && this.#overall !== undefined) {
      return { ...this.#overall, ...known };
    }
    const [total, collected, ...usage] = await getAll(
      kv,
      [keys.total, keys.collected, keys.count(author), keys.bytes(author)],
    );
    const totals = {
      total: readCount(total),
      collected: readCollected(collected),
      ...await usageOf(kv, author, usage),
    };
    this.#setTotals(author, totals);
    return totals;
  }

  /**
   * The id of the last kept post of a feed; -1 if none is kept.
   *
   * @param below A number beyond all that is settled of the feed.
   */
  async lastId(
    kv: Deno.Kv,
    feed: { author: string; device: number },
    below: number,
  ): Promise<bigint> {
    const name = feedName(feed);
    const known = this.#lastIds.get(name);
    if (known !== undefined) return known;
    const id = (await readNeighbour(kv, feed, { below }))?.id ?? -1n;
    this.#lastIds.set(name, id);
    return id;
  }

  /** Takes over what a commit has changed. */
  committed({ author, taken, gone, before, changed, totals }: CommittedPosts): void {
    this.#changes++;
    const devices = new Set(changed.map(({ device }) => device));
    const others = before.filter(({ device }) => !devices.has(device));
    this.#setStates(author, [...others, ...changed].sort((a, b) => a.device - b.device));
    this.#setTotals(author, totals);
    if (taken.some(({ deletes }) => deletes !== undefined)) this.#marks.delete(author);
    for (const post of gone) this.#lastIds.delete(feedName(post));
    // Numbers and ids of a feed rise together.
    for (const post of taken) {
      const name = feedName(post);
      const known = this.#lastIds.get(name);
      if (known !== undefined && known < post.id) this.#lastIds.set(name, post.id);
    }
  }

  /** Forgets all totals and ends of feeds, and the states and marks of an author or of all. */
  forget(author?: string): void {
    this.#changes++;
    for (const known of [this.#states, this.#marks]) {
      if (author === undefined) known.clear();
      else known.delete(author);
    }
    this.#overall = undefined;
    this.#usages.clear();
    this.#lastIds.clear();
    this.hours.forget();
  }

  #setStates(author: string, states: readonly FeedState[]): void {
    const parts = states.reduce((sum, { ranges }) => sum + 1 + ranges.length, 0);
    if (parts <= partsMax) this.#states.set(author, states);
    else this.#states.delete(author);
  }

  #setTotals(author: string, { total, count, bytes, collected }: Totals): void {
    this.#overall = { total, collected };
    this.#usages.set(author, { count, bytes });
  }
}

/** One feed as text. */
export function feedName(feed: { author: string; device: number }): string {
  return `${feed.author} ${feed.device}`;
}
