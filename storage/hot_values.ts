/**
 * Values that almost every commit of posts looks at, in memory: how many posts there are, where the
 * collector has been, how feeds end. Without a look at the disk a pushed post costs half as much.
 *
 * @module
 */

import type { Post } from "../core/model/post.ts";
import { getAll } from "./database.ts";
import { type Collected, keys, readCollected, readCount } from "./layout.ts";
import { readNeighbour } from "./post_reads.ts";

/** Values remembered: three or four for each author whose posts come in at about the same time. */
const valuesMax = 2048;

/** What one database says of its posts as a whole and of their author. */
export interface Totals {
  /** Posts of all authors. */
  readonly total: number;
  /** Posts of this author. */
  readonly count: number;
  /** Below this id the collector has nothing to do; undefined when it has not been there. */
  readonly collected: Collected | undefined;
}

/**
 * Values of one database. Its only writer uses this, alone ({@linkcode Database.write}): it tells of
 * what it commits, and forgets everything where a commit fails or is somebody else's.
 */
export class HotValues {
  readonly #values = new Map<string, unknown>();

  /** Counts, and how far the collector has been. */
  async totals(kv: Deno.Kv, author: string): Promise<Totals> {
    const names = ["total", `count ${author}`, "collected"];
    if (names.every((name) => this.#values.has(name))) {
      const [total, count, collected] = names.map((name) => this.#values.get(name));
      return { total, count, collected } as Totals;
    }
    const values = await getAll(kv, [keys.total, keys.count(author), keys.collected]);
    const totals = {
      total: readCount(values[0]),
      count: readCount(values[1]),
      collected: readCollected(values[2]),
    };
    this.setTotals(author, totals);
    return totals;
  }

  /** Takes over what has been committed. */
  setTotals(author: string, { total, count, collected }: Totals): void {
    this.#set("total", total);
    this.#set(`count ${author}`, count);
    this.#set("collected", collected);
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
    const name = lastIdName(feed);
    const known = this.#values.get(name);
    if (known !== undefined) return known as bigint;
    const id = (await readNeighbour(kv, feed, { below }))?.id ?? -1n;
    this.#set(name, id);
    return id;
  }

  /** Takes over which posts have been committed. Numbers and ids of a feed rise together. */
  setTaken(posts: readonly Post[]): void {
    for (const post of posts) {
      const known = this.#values.get(lastIdName(post));
      if (known !== undefined && (known as bigint) < post.id) this.#set(lastIdName(post), post.id);
    }
  }

  /** Forgets everything: what was written, or may have been, is read anew. */
  forget(): void {
    this.#values.clear();
  }

  #set(name: string, value: unknown): void {
    // Everything at once: it is read anew by and by.
    if (this.#values.size >= valuesMax && !this.#values.has(name)) this.#values.clear();
    this.#values.set(name, value);
  }
}

function lastIdName(feed: { author: string; device: number }): string {
  return `last ${feed.author} ${feed.device}`;
}
