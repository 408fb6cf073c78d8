/**
 * The node's database: what the DHT keeps over a restart, and the claims of names.
 *
 * Everything in it can be had again from the network, so what is damaged is skipped. What is read back
 * is bounded, because a file may have been written by anything.
 *
 * @module
 */

import { join } from "node:path";
import { CamelliaError } from "../core/model/errors.ts";
import type { Claim, ClaimStore } from "../core/model/claims.ts";
import type { Time, Timer } from "../core/ports.ts";
import { commit, commitEach, Database, type OpenKv } from "./database.ts";
import {
  contactsMax,
  contactsPerEntry,
  nodeKeys,
  nodeSchema,
  readClaim,
  readContacts,
  readId,
  readValue,
  type StoredContact,
  type StoredValue,
  storedValueBytesMax,
  writeClaim,
  writeContacts,
  writeValue,
} from "./node_values.ts";
import { removePrivateFile } from "./private_file.ts";
import type { Schema } from "./schema.ts";

/** Values read back at most; the node stores 20,000. */
const valuesMax = 25_000;

/** Bytes of values read back at most: above the node's own bound of 32 MiB. */
const valueBytesTotalMax = 64 * 1024 * 1024;

/** Claims read back, or waiting to be written, at most: five times the records that a node stores. */
const claimsMax = 100_000;

/** Claims are written when so many wait, or after a second. A crash in between forgets only those. */
const claimsWaitingMax = 200;
const claimDelayMs = 1_000;

/** What net/kademlia finds in its storage at start. */
export interface SavedNode {
  /** 20 bytes; absent at the first start. */
  readonly id?: Uint8Array;
  /** Contacts of the routing table. */
  readonly contacts: readonly StoredContact[];
  /** Stored values. */
  readonly values: readonly StoredValue[];
}

/** What {@linkcode NodeStore.open} needs and can be told. */
export interface NodeStoreOptions {
  /** Timers. */
  readonly time: Pick<Time, "after">;
  /** Called when claims could not be written; they are tried again with the next ones. */
  readonly onError?: (error: Error) => void;
  /** `Deno.openKv` unless a test says otherwise. */
  readonly openKv?: OpenKv;
  /** The schema of the node's database unless a test says otherwise. */
  readonly schema?: Schema;
}

/** The file `node.kv` of a data folder, in the shape of net/kademlia's `NodeStorage`. */
export class NodeStore {
  /** The claims that the node remembers, in the same file. */
  readonly claims: ClaimStore;
  readonly #database: Database;
  readonly #claims: ClaimWriter;

  private constructor(database: Database, claims: ClaimWriter) {
    this.#database = database;
    this.claims = this.#claims = claims;
  }

  /**
   * Opens the file, creating it if need be. A damaged one is thrown away and made anew: all of it can be had
   * from the network again.
   *
   * @throws {CamelliaError} `folder_read_only`, `disk_full`, `disk_failed`, or
   * `invalid_file` if a newer version of the program wrote it.
   */
  static async open(data: string, options: NodeStoreOptions): Promise<NodeStore> {
    const { time, onError = () => {}, ...rest } = options;
    const path = join(data, "node.kv");
    const open = () => Database.open({ schema: nodeSchema, isExpendable: true, ...rest, path });
    const database = await open().catch(async (error: unknown) => {
      if (!(error instanceof CamelliaError) || error.code !== "database_damaged") throw error;
      for (const suffix of ["", "-wal", "-shm"]) await removePrivateFile(path + suffix);
      onError(new Error(`The node's database ${path} was damaged and has been made anew`));
      return await open();
    });
    if (database.isCopy) {
      const what = `The disk that holds ${path} is full: reading works, and nothing is stored`;
      onError(new Error(`${what}. Free some space and start again`));
    }
    return new NodeStore(database, new ClaimWriter(database, time, onError));
  }

  /** What was kept, without what is damaged. */
  async load(): Promise<SavedNode> {
    return await this.#database.read("read the node's state", async (kv) => {
      const id = readId((await kv.get(nodeKeys.id)).value);
      const limit = Math.ceil(contactsMax / contactsPerEntry);
      const parts = kv.list({ prefix: ["contacts"] }, { limit });
      const contacts = (await Array.fromAsync(parts, ({ value }) => readContacts(value))).flat();
      const saved = { contacts, values: await readValues(kv) };
      return id === undefined ? saved : { id, ...saved };
    });
  }

  /** Keeps the node's id. */
  async saveId(id: Uint8Array): Promise<void> {
    await this.#database.write("keep the node's id", (kv) => kv.set(nodeKeys.id, id));
  }

  /** Replaces the kept contacts; more than 3,200 are cut off. */
  async saveContacts(contacts: readonly StoredContact[]): Promise<void> {
    const kept = contacts.slice(0, contactsMax);
    await this.#database.write("keep the node's contacts", async (kv) => {
      const operation = kv.atomic();
      for (let part = 0; part * contactsPerEntry < contactsMax; part++) {
        const entries = kept.slice(part * contactsPerEntry, (part + 1) * contactsPerEntry);
        if (entries.length === 0) operation.delete(nodeKeys.contacts(part));
        else operation.set(nodeKeys.contacts(part), writeContacts(entries));
      }
      await commit(operation);
    });
  }

  /** Keeps values by key and drops others, in as few commits as Deno KV allows. */
  async saveValues(put: readonly StoredValue[], deleted: readonly Uint8Array[]): Promise<void> {
    const kept = put.filter(({ value }) => value.length <= storedValueBytesMax);
    await this.#database.write(
      "store the node's values",
      (kv) =>
        commitEach(kv, [...kept, ...deleted], (operation, item) => {
          if (item instanceof Uint8Array) {
            operation.delete(nodeKeys.value(item));
            return 0;
          }
          const entry = writeValue(item);
          operation.set(nodeKeys.value(item.key), entry);
          return entry.length;
        }),
    );
  }

  /** Writes what waits and closes the file; harmless when called again. */
  async close(): Promise<void> {
    await this.#claims.close();
    await this.#database.close();
  }
}

async function readValues(kv: Deno.Kv): Promise<StoredValue[]> {
  const values: StoredValue[] = [];
  let bytes = 0;
  const limits = { limit: valuesMax, batchSize: 100 };
  for await (const { key, value } of kv.list({ prefix: ["value"] }, limits)) {
    const stored = readValue(key[1], value);
    if (stored === undefined) continue;
    bytes += stored.value.length;
    if (bytes > valueBytesTotalMax) break;
    values.push(stored);
  }
  return values;
}

/** Claims on disk, written a moment after they were put. */
class ClaimWriter implements ClaimStore {
  readonly #database: Database;
  readonly #time: Pick<Time, "after">;
  readonly #onError: (error: Error) => void;
  /** Claims to be written, or undefined for those to be removed. */
  #waiting = new Map<string, Claim | undefined>();
  #timer: Timer | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(database: Database, time: Pick<Time, "after">, onError: (error: Error) => void) {
    this.#database = database;
    this.#time = time;
    this.#onError = onError;
  }

  load(): Promise<Claim[]> {
    return this.#database.read("read the claims", async (kv) => {
      const stored = kv.list({ prefix: ["claim"] }, { limit: claimsMax, batchSize: 500 });
      return (await Array.fromAsync(stored, ({ key, value }) => readClaim(key[1], value)))
        .filter((claim) => claim !== undefined);
    });
  }

  put(claim: Claim): void {
    this.#change(claim.username, claim);
  }

  drop(username: string): void {
    this.#change(username, undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#flushing;
    await this.#write();
  }

  #change(username: string, claim: Claim | undefined): void {
    if (this.#closed) return;
    if (this.#waiting.size >= claimsMax && !this.#waiting.has(username)) return;
    this.#waiting.set(username, claim);
    if (this.#waiting.size === claimsWaitingMax) this.#flush();
    else this.#timer ??= this.#time.after(claimDelayMs, () => this.#flush());
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#flushing = this.#flushing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const claims = [...this.#waiting];
    if (claims.length === 0) return;
    this.#waiting = new Map();
    try {
      await this.#database.write(
        "store claims",
        (kv) =>
          commitEach(kv, claims, (operation, [username, claim]) => {
            if (claim === undefined) operation.delete(nodeKeys.claim(username));
            else operation.set(nodeKeys.claim(username), writeClaim(claim));
          }),
      );
    } catch (error) {
      // They go with the next ones, unless those are newer.
      this.#waiting = new Map([...claims, ...this.#waiting]);
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
