/**
 * A Deno KV file: opened for its owner alone, brought to its schema, errors translated, closed in order.
 *
 * @module
 */

import { join } from "node:path";
import { CamelliaError } from "../core/model/errors.ts";
import { checkDatabase } from "./database_check.ts";
import { ifThere, onDisk, storageError } from "./storage_errors.ts";
import { createPrivateFile } from "./private_file.ts";
import { reclaimSpace } from "./space.ts";
import { migrate, type Schema } from "./schema.ts";
import { WriteQueue } from "./write_queue.ts";

/** Keys that Deno KV reads in one `getMany`. */
const getManyMax = 10;

/** Mutations in one commit: Deno KV takes 1,000. */
const mutationsMax = 960;

/** Deno KV needs some 64 KB beside the file as soon as it opens it; with less the disk counts as full. */
const spaceBytesMin = 128 * 1024;

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
  /** The copy that stands for the file on a full disk, and whether it may be written. */
  readonly #copy: DiskCopy | undefined;
  readonly #isExpendable: boolean;
  readonly #queue = new WriteQueue();
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(options: DatabaseOptions, kv: Deno.Kv, copy?: DiskCopy) {
    this.path = options.path;
    this.#isExpendable = options.isExpendable ?? false;
    this.#kv = kv;
    this.#copy = copy;
  }

  /**
   * Opens the file, creating it if need be. On a full disk a copy of it in the folder for temporary files is
   * opened instead, if there is room: it can be read, and writing is refused as `disk_full`.
   *
   * @throws {CamelliaError} `database_damaged`, `folder_read_only`, `disk_full`, `invalid_file` (newer
   * than this program) or `disk_failed`.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { path, schema, openKv = Deno.openKv, isExpendable } = options;
    return await onDisk({ doing: `open the database ${path}`, path }, async () => {
      try {
        // SQLite gives its journal files the mode of the database.
        await createPrivateFile(path);
        await checkDatabase(path, isExpendable);
        await reclaimSpace(path);
        return new Database(options, await openSchema(openKv, path, schema));
      } catch (error) {
        const known = storageError(error, { doing: `open the database ${path}`, path });
        const isOther = known instanceof CamelliaError &&
          !["disk_full", "disk_failed", "folder_read_only"].includes(known.code);
        if (isOther || !await isDiskFull(path)) throw error;
        const copy = await DiskCopy.of(path);
        try {
          return new Database(options, await openSchema(openKv, copy.path, schema), copy);
        } catch (error) {
          copy.remove();
          throw error;
        }
      }
    });
  }

  /** Whether only a copy could be opened, because the disk is full. */
  get isCopy(): boolean {
    return this.#copy !== undefined;
  }

  /** Whether such a copy is not to be written, because that would be lost. */
  get isReadOnly(): boolean {
    return this.isCopy && !this.#isExpendable;
  }

  /** Whether {@linkcode close} has begun: long work ends early then. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether no write is under way. */
  get isIdle(): boolean {
    return this.#queue.isIdle;
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
    if (this.isReadOnly) {
      const why = `the disk that holds ${this.path} is full. Free some space and start again`;
      return Promise.reject(new CamelliaError("disk_full", `Cannot ${doing}: ${why}`));
    }
    return this.#track(doing, () => this.#queue.run(() => work(this.#kv), options?.urgent));
  }

  /** Bytes of the file and of its write-ahead log. */
  async bytes(): Promise<number> {
    let bytes = 0;
    for (const path of [this.path, `${this.path}-wal`]) {
      const info = await onDisk({ doing: "measure", path }, () => ifThere(Deno.stat(path)));
      bytes += info?.size ?? 0;
    }
    return bytes;
  }

  /** Waits for what is under way, then closes the file. Later calls are refused as `interrupted`. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    this.#kv.close();
    this.#copy?.remove();
  }

  #track<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      const message = `Cannot ${doing}: ${this.path} has been closed`;
      return Promise.reject(new CamelliaError("interrupted", message));
    }
    const running = onDisk({ doing, path: this.path }, work);
    this.#underWay.add(running);
    const done = (): void => void this.#underWay.delete(running);
    running.then(done, done);
    return running;
  }
}

async function openSchema(openKv: OpenKv, path: string, schema: Schema): Promise<Deno.Kv> {
  const kv = await openKv(path);
  try {
    await migrate(kv, schema, path);
    return kv;
  } catch (error) {
    kv.close();
    throw error;
  }
}

/** Whether the disk with that file has no room for what Deno KV writes beside it. */
async function isDiskFull(path: string): Promise<boolean> {
  const probe = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeFile(probe, new Uint8Array(spaceBytesMin), { createNew: true, mode: 0o600 });
    return false;
  } catch (error) {
    const known = storageError(error, { doing: "look for space", path });
    return known instanceof CamelliaError && known.code === "disk_full";
  } finally {
    await Deno.remove(probe).catch(() => {});
  }
}

/** A database file, copied to the folder for temporary files; readable by the owner alone. */
class DiskCopy {
  /** The copy. */
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, "copy.kv");
  }

  /** Copies the file with its write-ahead log. */
  static async of(path: string): Promise<DiskCopy> {
    const copy = new DiskCopy(await Deno.makeTempDir({ prefix: "camellia-" }));
    try {
      await Deno.copyFile(path, copy.path);
      await ifThere(Deno.copyFile(`${path}-wal`, `${copy.path}-wal`));
      return copy;
    } catch (error) {
      copy.remove();
      throw error;
    }
  }

  /** Removes the copy; harmless when called again. */
  remove(): void {
    try {
      Deno.removeSync(this.#folder, { recursive: true });
    } catch {
      // The system empties that folder itself.
    }
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
