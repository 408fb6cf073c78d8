/**
 * Mutes and blocks in a user's database.
 *
 * @module
 */

import { given } from "../core/model/arguments.ts";
import { type Block, type Mute, type MuteKind, muteKinds } from "../core/model/mute.ts";
import type { UnwantedStore } from "../core/ports.ts";
import type { Database } from "./database.ts";
import { keys } from "./layout.ts";

/** {@linkcode UnwantedStore} over Deno KV. */
export class KvUnwanted implements UnwantedStore {
  readonly #database: Database;

  /** What is muted and blocked in a user's database. */
  constructor(database: Database) {
    this.#database = database;
  }

  mutes(): Promise<Mute[]> {
    return this.#database.read("read the mutes", readMutes);
  }

  putMute({ kind, what, until }: Mute): Promise<void> {
    return this.#write("store a mute", (kv) => kv.set(keys.mute(kind, what), until ?? 0));
  }

  dropMute({ kind, what }: Pick<Mute, "kind" | "what">): Promise<void> {
    return this.#write("remove a mute", (kv) => kv.delete(keys.mute(kind, what)));
  }

  blocks(): Promise<Block[]> {
    return this.#database.read("read the blocks", readBlocks);
  }

  putBlock({ username, key }: Block): Promise<void> {
    return this.#write("store a block", (kv) => kv.set(keys.block(username), key ?? true));
  }

  dropBlock(username: string): Promise<void> {
    return this.#write("remove a block", (kv) => kv.delete(keys.block(username)));
  }

  async #write(doing: string, work: (kv: Deno.Kv) => Promise<unknown>): Promise<void> {
    await this.#database.write(doing, work);
  }
}

/** What the disk has damaged is left out. */
async function readMutes(kv: Deno.Kv): Promise<Mute[]> {
  const mutes: Mute[] = [];
  for await (const { key, value } of kv.list({ prefix: ["mute"] }, { batchSize: 500 })) {
    const [, kind, what] = key;
    if (typeof what !== "string" || !isMuteKind(kind) || typeof value !== "number") continue;
    mutes.push({ kind, what, ...given({ until: value === 0 ? undefined : value }) });
  }
  return mutes;
}

async function readBlocks(kv: Deno.Kv): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const { key, value } of kv.list({ prefix: ["block"] }, { batchSize: 500 })) {
    const [, username] = key;
    if (typeof username !== "string") continue;
    const isKey = value instanceof Uint8Array && value.length === 32;
    blocks.push({ username, ...given({ key: isKey ? value : undefined }) });
  }
  return blocks;
}

function isMuteKind(kind: unknown): kind is MuteKind {
  return muteKinds.some((known) => known === kind);
}
