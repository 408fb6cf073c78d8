/**
 * Removals of authors that are under way in one open database: until one ends, nothing of its author is shown,
 * and what is written of that author waits.
 *
 * @module
 */

import type { Database } from "./database.ts";
import type { PostMemory } from "./post_memory.ts";
import { beginRemoval, pendingRemovals, removalStep } from "./removal.ts";

/** See the module. */
export class AuthorRemovals {
  readonly #database: Database;
  readonly #memory: PostMemory;
  readonly #authors = new Set<string>();
  /** The runs that end the removals. */
  readonly #runs = new Map<string, Promise<void>>();

  /** Removals in a database, of whose posts `memory` remembers something. */
  constructor(database: Database, memory: PostMemory) {
    this.#database = database;
    this.#memory = memory;
  }

  /** Authors whose removal has begun. */
  get authors(): ReadonlySet<string> {
    return this.#authors;
  }

  /** Ends removals that were interrupted; resolves to how many there were. */
  async endInterrupted(): Promise<number> {
    const authors = await this.#database.read("look for interrupted removals", pendingRemovals);
    for (const author of authors) this.#authors.add(author);
    if (this.#database.isReadOnly) return 0;
    for (const author of authors) await this.#finish(author);
    return authors.length;
  }

  /** Removes an author; see `Store.removeAuthor`. */
  async remove(author: string): Promise<number> {
    const { count, finished } = await this.#database.write("remove an author", async (kv) => {
      const known = this.#authors.has(author);
      const count = known
        ? 0
        : await beginRemoval(kv, author).finally(() => this.#memory.forget(author));
      this.#authors.add(author);
      return { count, finished: this.#finish(author) };
    });
    await finished;
    return count;
  }

  /** Writes something of an author, after any removal of that author that is under way. */
  async write<T>(author: string, doing: string, work: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#authors.has(author)) await this.#finish(author);
      const result = await this.#database.write(doing, async (kv) => {
        // A removal may have begun while this waited for its turn.
        return this.#authors.has(author) ? undefined : { value: await work(kv) };
      });
      if (result !== undefined) return result.value;
    }
  }

  /** Removes what is left of an author whose removal has begun; there is one such run an author. */
  #finish(author: string): Promise<void> {
    const known = this.#runs.get(author);
    if (known !== undefined) return known;
    const running = this.#removeRest(author).finally(() => {
      if (this.#runs.get(author) === running) this.#runs.delete(author);
    });
    this.#runs.set(author, running);
    return running;
  }

  /** Ends early, to be resumed by the next `open`, when the database is closed. */
  async #removeRest(author: string): Promise<void> {
    let isLast = false;
    while (!isLast && !this.#database.isClosed) {
      isLast = await this.#database.write("remove an author", async (kv) => {
        const { log } = this.#memory;
        const done = await removalStep(kv, log, author)
          .finally(() => this.#memory.forget(author));
        // Within the job, so that the next writer finds the removal ended.
        if (done) {
          this.#authors.delete(author);
          this.#runs.delete(author);
        }
        return done;
      });
    }
  }
}
