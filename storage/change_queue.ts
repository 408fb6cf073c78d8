/**
 * Changes of posts that the index has yet to take in: those that an earlier run of the program left in the log,
 * then those made since.
 *
 * @module
 */

import type { Post } from "../core/model/post.ts";
import { type Change, readChange } from "./change_log.ts";
import { keys } from "./layout.ts";
import { readFeedPosts } from "./post_reads.ts";

/** A change that is to be indexed. */
export interface Indexing extends Required<Change> {
  /** Its number. */
  readonly number: number;
  /** By how much the number of posts in the database grows. */
  readonly growth: number;
}

/** Changes in their order. */
export class ChangeQueue {
  /** Numbers of changes that only the log has, ascending. */
  #logged: readonly number[] = [];
  /** Changes made since, ascending. */
  #made: Indexing[] = [];
  #posts = 0;

  /** Whether no change waits. */
  get isEmpty(): boolean {
    return this.#logged.length + this.#made.length === 0;
  }

  /** Posts of the changes made since. */
  get posts(): number {
    return this.#posts;
  }

  /** A change has been made. */
  push(number: number, { added = [], removed = [] }: Change): void {
    this.#made.push({ number, added, removed, growth: added.length - removed.length });
    this.#posts += added.length + removed.length;
  }

  /** Puts before the others those that only the log has; the numbers ascend. */
  putLogged(numbers: readonly number[]): void {
    const first = this.#made[0]?.number ?? Infinity;
    this.#logged = numbers.filter((number) => number < first);
  }

  /** Forgets all. */
  clear(): void {
    this.#logged = [];
    this.#made = [];
    this.#posts = 0;
  }

  /** Takes the first one out. */
  async next(kv: Deno.Kv): Promise<Indexing | undefined> {
    const [number, ...rest] = this.#logged;
    if (number !== undefined) {
      const change = await readLogged(kv, number);
      this.#logged = rest;
      return change;
    }
    const change = this.#made.shift();
    this.#posts -= (change?.added.length ?? 0) + (change?.removed.length ?? 0);
    return change;
  }
}

/** A change as the log has it, with those of its posts that are still stored. */
async function readLogged(kv: Deno.Kv, number: number): Promise<Indexing> {
  const { added: ranges, removed } = readChange((await kv.get(keys.change(number))).value);
  const added: Post[] = [];
  let growth = -removed.length;
  for (const range of ranges) {
    const limit = range.to - range.from + 1;
    growth += limit;
    added.push(...await readFeedPosts(kv, { ...range, limit }));
  }
  return { number, added, removed, growth };
}
