/**
 * The index of posts kept outside the timeline: they are few, so it lies in memory, is made when the first search
 * needs it, and is told of every change from then on. Nothing of it can be left over from a crash.
 *
 * @module
 */

import { given } from "../core/model/arguments.ts";
import type { Post, PostName } from "../core/model/post.ts";
import { rankedMax, type SearchQuery } from "../core/model/search_query.ts";
import { conversationKeys as keys, readContext } from "./conversation_layout.ts";
import type { ContextStep } from "./context_posts.ts";
import { type Database, getAll } from "./database.ts";
import { PostIndex } from "./post_index.ts";
import { shown } from "./post_reads.ts";

/** Posts indexed in one step, for which an own post may have to wait: 4 ms. */
const stepPostsMax = 200;

/** See the module. */
export class ContextIndex {
  readonly #database: Database;
  #index: PostIndex | undefined;
  #building: Promise<void> | undefined;

  /** The index of one open database; empty. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** A commit has made changes; they are in the order in which it made them. */
  changed(steps: readonly ContextStep[]): void {
    const index = this.#index;
    if (index === undefined || steps.length === 0) return;
    try {
      index.begin();
      for (const step of steps) {
        if ("add" in step) index.add(step.add);
        else index.remove(step.drop);
      }
      index.commit();
    } catch {
      // The next search makes it anew.
      this.close();
    }
  }

  /** The posts that are found, newest first: `limit` at most, or where they are to be ranked all that are looked at. */
  async search(query: SearchQuery, limit: number): Promise<Post[]> {
    await (this.#building ??= this.#build());
    const wanted = query.sort === "rank" ? rankedMax : limit;
    const found: Post[] = [];
    let { before } = query;
    for (;;) {
      const places = this.#index?.search({ ...query, ...given({ before }) }, wanted) ?? [];
      found.push(...await this.#database.read("read posts", (kv) => readPlaces(kv, places)));
      const last = places.at(-1);
      if (found.length >= wanted || last === undefined) return found.slice(0, wanted);
      before = last.id;
    }
  }

  /** Forgets all. */
  close(): void {
    this.#index?.close();
    this.#index = undefined;
    this.#building = undefined;
  }

  /** Takes in what there is, a step after another, each alone among all writes: so no change is missed. */
  async #build(): Promise<void> {
    const index = new PostIndex(":memory:");
    this.#index = index;
    let last: Deno.KvKey | undefined;
    const step = async (kv: Deno.Kv) => {
      const prefix = ["context"];
      const start = last;
      const entries = await Array.fromAsync(
        kv.list(start === undefined ? { prefix } : { prefix, start }, {
          limit: stepPostsMax,
          batchSize: stepPostsMax,
        }),
      );
      if (this.#index !== index) return false;
      const posts = entries.map(({ value }) => readContext(value)?.post);
      this.changed(posts.flatMap((add) => add === undefined ? [] : [{ add }]));
      // The last entry comes first in the next step, and changes nothing there.
      last = entries.at(-1)?.key;
      return entries.length === stepPostsMax;
    };
    const doing = "index posts outside the timeline";
    const database = this.#database;
    try {
      while (
        await (database.isReadOnly ? database.read(doing, step) : database.write(doing, step))
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

async function readPlaces(kv: Deno.Kv, places: readonly PostName[]): Promise<readonly Post[]> {
  const entries = (await getAll(kv, places.map(keys.context))).map(readContext);
  return await shown(kv, entries.flatMap((entry) => entry === undefined ? [] : [entry.post]));
}
