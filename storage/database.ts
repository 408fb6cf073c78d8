/**
 * A Deno KV file: opened for its owner alone, brought to its schema, errors translated, closed in order.
 *
 * @module
 */

import { CamelliaError } from "../core/model/errors.ts";
import { checkDatabase } from "./database_check.ts";
import { onDisk, storageError } from "./storage_errors.ts";
import { createPrivateFile } from "./private_file.ts";
import { reclaimSpace } from "./space.ts";
import { migrate, type Schema } from "./schema.ts";
import { WriteQueue } from "./write_queue.ts";

/** Keys that Deno KV reads in one `getMany`. */
const getManyMax = 10;

/** Mutations in one commit: Deno KV takes 1,000. */
const mutationsMax = 960;

/** Bytes of posts in one commit: Deno KV takes 819,200 in all, and eight feed states of 20,000 go along. */
export const commitBytesMax = 600_000;

/** How a database file is opened; tests put a failing disk here. */
export type OpenKv = (path: string) => Promise<Deno.Kv>;

/** What {@linkcode Database.open} needs. */
export interface DatabaseOptions {
  /** The file. */
  readonly path: string;
  /** What it must look like. */
  readonly schema: Schema;
  /** Whether a damaged file is to be thrown away, and so has to be noticed now: every page is looked at. */
  readonly isExpendable?: boolean;
  /** `Deno.openKv` unless a test says otherwise. */
  readonly openKv?: OpenKv;
}

/** An open database file. */
export class Database {
  /** The file. */
  readonly path: string;
  readonly #kv: Deno.Kv;
  readonly #queue = new WriteQueue();
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(path: string, kv: Deno.Kv) {
    this.path = path;
    this.#kv = kv;
  }

  /**
   * Opens the file, creating it if need be.
   *
   * @throws {CamelliaError} `database_damaged`, `folder_read_only`, `disk_full`, `invalid_file` (newer
   * than this program) or `disk_failed`.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { path, schema, openKv = Deno.openKv, isExpendable } = options;
    return await onDisk({ doing: `open the database ${path}`, path }, async () => {
      // SQLite gives its journal files the mode of the database.
      await createPrivateFile(path);
      await checkDatabase(path, isExpendable);
      await reclaimSpace(path);
      const kv = await openKv(path);
      try {
        await migrate(kv, schema, path);
      } catch (error) {
        kv.close();
        throw error;
      }
      return new Database(path, kv);
    });
  }

  /** Whether {@linkcode close} has begun: long work ends early then. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Runs work that only reads. `doing` is for the error message, a verb and its object. */
  read<T>(doing: string, work: (kv: Deno.Kv) => Promise<T>): Promise<T> {
    return this.#track(doing, () => work(this.#kv));
  }

  /** Runs work that reads and then commits, alone among all such work. */
  write<T>(
    doing: string,
    work: (kv: Deno.Kv) => Promise<T>,
    options?: { urgent: boolean },
  ): Promise<T> {
    return this.#track(doing, () => this.#queue.run(() => work(this.#kv), options?.urgent));
  }

  /** Bytes of the file and of its write-ahead log. */
  async bytes(): Promise<number> {
    let bytes = 0;
    for (const path of [this.path, `${this.path}-wal`]) {
      try {
        bytes += (await Deno.stat(path)).size;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) {
          throw storageError(error, this.#task("measure"));
        }
      }
    }
    return bytes;
  }

  /** Waits for what is under way, then closes the file. Later calls are refused as `interrupted`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    this.#kv.close();
  }

  #task(doing: string): { doing: string; path: string } {
    return { doing, path: this.path };
  }

  #track<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const task = this.#task(doing);
    if (this.#closed) {
      const message = `Cannot ${doing}: ${this.path} has been closed`;
      return Promise.reject(new CamelliaError("interrupted", message));
    }
    const running = onDisk(task, work);
    this.#underWay.add(running);
    const done = (): void => void this.#underWay.delete(running);
    running.then(done, done);
    return running;
  }
}

/** Values of any number of keys, in their order; absent ones are undefined. */
export async function getAll(
  kv: Deno.Kv,
  keys: readonly Deno.KvKey[],
): Promise<unknown[]> {
  const parts: Promise<Deno.KvEntryMaybe<unknown>[]>[] = [];
  for (let at = 0; at < keys.length; at += getManyMax) {
    parts.push(kv.getMany(keys.slice(at, at + getManyMax)));
  }
  const entries = (await Promise.all(parts)).flat();
  return entries.map((entry) => entry.versionstamp === null ? undefined : entry.value);
}

/**
 * Changes something for each item, in as few commits as Deno KV takes.
 *
 * @param change Adds one mutation to the commit. It returns the bytes of its value, at most 100,000, where
 * those of 960 items may come near what a commit takes.
 */
export async function commitEach<T>(
  kv: Deno.Kv,
  items: Iterable<T>,
  change: (operation: Deno.AtomicOperation, item: T) => number | void,
): Promise<void> {
  let operation = kv.atomic();
  let [mutations, bytes] = [0, 0];
  for (const item of items) {
    bytes += change(operation, item) ?? 0;
    mutations++;
    if (mutations < mutationsMax && bytes < commitBytesMax) continue;
    await commit(operation);
    operation = kv.atomic();
    [mutations, bytes] = [0, 0];
  }
  if (mutations > 0) await commit(operation);
}

/** Commits; without checks a commit can only fail by throwing. */
export async function commit(operation: Deno.AtomicOperation): Promise<void> {
  const result = await operation.commit();
  if (!result.ok) throw new Error("a commit without checks was refused");
}
