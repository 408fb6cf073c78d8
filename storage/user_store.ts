/**
 * `Stores` over Deno KV: one file a user, opened and removed.
 *
 * @module
 */

import { join } from "node:path";
import type { ConversationBounds } from "../core/conversation_store.ts";
import { isUsername } from "../core/model/username.ts";
import type { AuthorQuota, Store, Stores } from "../core/ports.ts";
import { Database, type OpenKv } from "./database.ts";
import { KvStore } from "./kv_store.ts";
import { userSchema } from "./layout.ts";
import { PostIndex } from "./post_index.ts";
import { makePrivateFolder } from "./private_file.ts";
import type { Schema } from "./schema.ts";
import { removeSqlite } from "./space.ts";

/** What {@linkcode KvStores} can be told. */
export interface KvStoresOptions {
  /** `Deno.openKv` unless a test says otherwise. */
  readonly openKv?: OpenKv;
  /** Opens an index, unless a test says otherwise: `new PostIndex`. */
  readonly openIndex?: (path: string) => PostIndex;
  /** The schema of users' databases unless a test says otherwise. */
  readonly schema?: Schema;
  /** What is kept of each author but the user; all where there is no quota. */
  readonly quota?: AuthorQuota;
  /** What is kept of conversations, unless a test says otherwise as every peer does. */
  readonly conversations?: ConversationBounds;
}

/** {@linkcode Stores} in the folder `users` of a data folder: 0700, each file 0600. */
export class KvStores implements Stores {
  readonly #folder: string;
  readonly #options: KvStoresOptions;

  /** Databases in a data folder. */
  constructor(data: string, options: KvStoresOptions = {}) {
    this.#folder = join(data, "users");
    this.#options = options;
  }

  /**
   * Opens a user's database, creating it if need be, and ends removals that were interrupted.
   *
   * @throws {CamelliaError} `database_damaged`, `folder_read_only`, `disk_full`, `disk_failed`, or
   * `invalid_file` if a newer version of the program wrote it.
   */
  async open(username: string): Promise<Store> {
    if (!isUsername(username)) {
      throw new TypeError(`Cannot open a database: ${JSON.stringify(username)} is no username`);
    }
    await makePrivateFolder(this.#folder, { tighten: true });
    const path = join(this.#folder, `${username}.kv`);
    const indexPath = join(this.#folder, `${username}.index`);
    const { quota, conversations, openIndex = (path) => new PostIndex(path), ...options } =
      this.#options;
    for (;;) {
      const database = await Database.open({ schema: userSchema, ...options, path });
      try {
        const store = new KvStore(database, {
          username,
          quota,
          conversations,
          openIndex: () => openIndex(indexPath),
          indexPath,
        });
        // What an interrupted removal has left free goes back to the disk as well.
        if (await store.endRemovals() === 0) {
          store.startIndex();
          return store;
        }
        await store.close();
      } catch (error) {
        await database.close();
        throw error;
      }
    }
  }

  async remove(username: string): Promise<void> {
    if (!isUsername(username)) {
      throw new TypeError(`Cannot remove a database: ${JSON.stringify(username)} is no username`);
    }
    for (const end of ["index", "kv"]) await removeSqlite(join(this.#folder, `${username}.${end}`));
  }
}
