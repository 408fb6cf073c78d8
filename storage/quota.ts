/**
 * How much of one author a database keeps: so many posts, so many bytes, and so many posts dated within
 * one hour. Whom a user follows may be malicious, and must not be able to fill the disk.
 *
 * @module
 */

import { BoundedMap } from "../lib/bounded_map.ts";
import type { Post } from "../core/model/post.ts";
import { firstSnowflakeAt, snowflakeTimeMs } from "../core/model/snowflake.ts";
import type { AuthorQuota } from "../core/ports.ts";
import { getAll } from "./database.ts";
import { keys, readCount } from "./layout.ts";

const hourMs = 3_600_000;

/** Hours of authors remembered: a month of one author has 720. */
const hoursMax = 4_096;

/** What is kept of one author. */
export interface Usage {
  /** Posts. */
  readonly count: number;
  /** Bytes of these posts as they were signed. */
  readonly bytes: number;
}

/** Whether an author has more than the quota allows. */
export function isBeyond(usage: Usage, quota: AuthorQuota): boolean {
  return usage.count > quota.posts || usage.bytes > quota.bytes;
}

/** The usage of an author from the values of its two counters. A database from before the quota lacks the second. */
export async function usageOf(
  kv: Deno.Kv,
  author: string,
  [count, bytes]: readonly unknown[],
): Promise<Usage> {
  const posts = readCount(count);
  if (bytes !== undefined || posts === 0) return { count: posts, bytes: readCount(bytes) };
  let sum = 0;
  for await (const { value } of kv.list({ prefix: ["feed", author] }, { batchSize: 500 })) {
    if (value instanceof Uint8Array) sum += value.length;
  }
  return { count: posts, bytes: sum };
}

/** Reads the usage of authors, in their order. */
export async function readUsages(kv: Deno.Kv, authors: readonly string[]): Promise<Usage[]> {
  const values = await getAll(
    kv,
    authors.flatMap((author) => [keys.count(author), keys.bytes(author)]),
  );
  return await Promise.all(
    authors.map((author, i) => usageOf(kv, author, values.slice(2 * i, 2 * i + 2))),
  );
}

/** Adds an author's counters to a commit. */
export function setUsage(operation: Deno.AtomicOperation, author: string, usage: Usage): void {
  operation.set(keys.count(author), usage.count).set(keys.bytes(author), usage.bytes);
}

/** How many posts of one author are dated within each hour of the clock; read once, then counted here. */
export class HourCounts {
  readonly #counts = new BoundedMap<string, number>(hoursMax);

  /** Which of some new posts of one author are within the rate. Whatever is let through counts. */
  async within(kv: Deno.Kv, posts: readonly Post[], postsAnHour: number): Promise<Set<Post>> {
    const kept = new Set<Post>();
    const byHour = Map.groupBy(posts, (post) => Math.floor(snowflakeTimeMs(post.id) / hourMs));
    await Promise.all([...byHour].map(async ([hour, ofHour]) => {
      const author = ofHour[0]?.author ?? "";
      const name = `${author} ${hour}`;
      const known = this.#counts.get(name) ?? await countHour(kv, author, hour, postsAnHour);
      const room = ofHour.slice(0, Math.max(0, postsAnHour - known));
      for (const post of room) kept.add(post);
      this.#counts.set(name, known + room.length);
    }));
    return kept;
  }

  /** Forgets all: something else than {@linkcode within} has changed what is stored. */
  forget(): void {
    this.#counts.clear();
  }
}

/** Posts stored of one hour; counting ends at `max`. */
async function countHour(
  kv: Deno.Kv,
  author: string,
  hour: number,
  max: number,
): Promise<number> {
  const range = {
    start: ["author", author, firstSnowflakeAt(hour * hourMs)],
    end: ["author", author, firstSnowflakeAt((hour + 1) * hourMs)],
  };
  let count = 0;
  for await (const _ of kv.list(range, { limit: max, batchSize: Math.min(max, 500) })) count++;
  return count;
}
