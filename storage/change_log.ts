/**
 * The log of changes by which the index of posts stays in step with them. Every commit that adds or removes posts
 * numbers itself and says in an entry of its own what it changed; when the index has it, a later commit drops
 * the entry. So after a crash the entries that are left say what the index lacks.
 *
 * @module
 */

import { asArray, asBigInteger, asInteger, decode, DecodeError, encode } from "../lib/msgpack.ts";
import { deviceMax } from "../core/model/snowflake.ts";
import type { Post, PostName } from "../core/model/post.ts";
import { asUsername } from "../core/model/username.ts";
import { commit } from "./database.ts";
import { keys, readCount } from "./layout.ts";

/** Posts of one feed with successive numbers. */
export interface PostRange {
  /** The author. */
  readonly author: string;
  /** The device. */
  readonly device: number;
  /** The first number. */
  readonly from: number;
  /** The last number. */
  readonly to: number;
}

/** What a commit does to posts. */
export interface Change {
  /** Posts that it adds. */
  readonly added?: readonly Post[];
  /** Posts that it removes. */
  readonly removed?: readonly PostName[];
}

/** A change as its entry says it. */
export interface LoggedChange {
  /** Posts added; some may have been removed since. */
  readonly added: readonly PostRange[];
  /** Posts removed. */
  readonly removed: readonly PostName[];
}

/** Told of what happens to posts. */
export interface ChangeListener {
  /** A commit has changed posts. */
  changed(number: number, change: Change): void;
  /** A commit failed, and only the disk knows whether it happened. */
  doubted(): void;
}

/** Entries that one commit drops at most, so that it stays within what Deno KV takes. */
const droppedAtOnceMax = 50;

/** Bytes of an entry, and elements of one of its lists: a commit has at most 240 posts, of 29 bytes each. */
const entryBytesMax = 20_000;
const entryLengthMax = 500;

/** The value of an entry. */
export function writeChange({ added = [], removed = [] }: Change): Uint8Array {
  const ranges: PostRange[] = [];
  for (const { author, device, number } of added) {
    const last = ranges.at(-1);
    if (last?.author === author && last.device === device && last.to === number - 1) {
      ranges[ranges.length - 1] = { ...last, to: number };
    } else ranges.push({ author, device, from: number, to: number });
  }
  return encode([
    ranges.map(({ author, device, from, to }) => [author, device, from, to]),
    removed.map(({ author, id }) => [author, id]),
  ]);
}

/**
 * A change from its entry.
 *
 * @throws {DecodeError} if it is damaged.
 */
export function readChange(value: unknown): LoggedChange {
  if (!(value instanceof Uint8Array)) throw new DecodeError("a change is not bytes");
  const limits = { maxBytes: entryBytesMax, maxArrayLength: entryLengthMax };
  const [added, removed] = asArray(decode(value, limits), "change", 2);
  return {
    added: asArray(added, "added", 0, entryLengthMax).map((range): PostRange => {
      const [author, device, from, to] = asArray(range, "range", 4);
      const start = asInteger(from, "first number", 1);
      return {
        author: asUsername(author, "author"),
        device: asInteger(device, "device", 0, deviceMax),
        from: start,
        to: asInteger(to, "last number", start),
      };
    }),
    removed: asArray(removed, "removed", 0, entryLengthMax).map((name): PostName => {
      const [author, id] = asArray(name, "name", 2);
      return { author: asUsername(author, "author"), id: asBigInteger(id, "id") };
    }),
  };
}

/** The log of one database, for the only writer of it. */
export class ChangeLog {
  /** Whether an index reads the log: without one, entries would pile up. */
  isRead = false;
  /** Is told of each change. */
  listener: ChangeListener | undefined;
  /** The number of the last change; unknown at first, and after a commit that failed. */
  #last: number | undefined;
  /** Numbers of changes that the index has, and whose entries may still be there. */
  readonly #settled: number[] = [];

  /** The number of the last change. */
  async last(kv: Deno.Kv): Promise<number> {
    const [{ value }, newest] = await Promise.all([
      kv.get(keys.changes),
      Array.fromAsync(kv.list({ prefix: ["change"] }, { reverse: true, limit: 1 })),
    ]);
    const logged = newest[0]?.key[1];
    const counted = readCount(value ?? undefined);
    return this.#last = Math.max(counted, typeof logged === "number" ? logged : 0);
  }

  /** Makes a commit that changes posts. */
  async commit(kv: Deno.Kv, operation: Deno.AtomicOperation, change: Change): Promise<void> {
    const { added = [], removed = [] } = change;
    if (added.length + removed.length === 0) return await commit(operation);
    const number = (this.#last ?? await this.last(kv)) + 1;
    // The newest entry tells the number: one value less to write, for which receivers of a post would wait.
    if (this.isRead) operation.set(keys.change(number), writeChange(change));
    else operation.set(keys.changes, number);
    const dropped = this.#settled.slice(0, droppedAtOnceMax);
    for (const old of dropped) operation.delete(keys.change(old));
    try {
      await commit(operation);
    } catch (error) {
      this.#last = undefined;
      this.listener?.doubted();
      throw error;
    }
    this.#last = number;
    this.#settled.splice(0, dropped.length);
    this.listener?.changed(number, change);
  }

  /** The index has these changes: their entries can go. */
  settle(numbers: Iterable<number>): void {
    for (const number of numbers) this.#settled.push(number);
  }

  /** The numbers of entries that are there, ascending. */
  async entries(kv: Deno.Kv): Promise<number[]> {
    const list = kv.list({ prefix: ["change"] }, { batchSize: 500 });
    return (await Array.fromAsync(list, ({ key }) => key[1]))
      .filter((number) => typeof number === "number");
  }
}
