/**
 * A storage and a policy for tests, and for networks in which all nodes are trusted.
 *
 * @module
 */
import { anythingLivesMs } from "../constants.ts";
import type { Contact, NodeStorage, Saved, StoredValue, ValuePolicy } from "../ports.ts";

/** Keeps everything in memory, as long as the object lives. */
export class MemoryStorage implements NodeStorage {
  #id: Uint8Array | undefined;
  #contacts: readonly Contact[] = [];
  readonly #values = new Map<string, StoredValue>();

  load(): Promise<Saved> {
    const values = [...this.#values.values()];
    const saved = { contacts: this.#contacts, values };
    return Promise.resolve(this.#id ? { id: this.#id, ...saved } : saved);
  }

  saveId(id: Uint8Array): Promise<void> {
    this.#id = id;
    return Promise.resolve();
  }

  saveContacts(contacts: readonly Contact[]): Promise<void> {
    this.#contacts = contacts;
    return Promise.resolve();
  }

  saveValues(put: readonly StoredValue[], deleted: readonly Uint8Array[]): Promise<void> {
    for (const value of put) this.#values.set(String(value.key), value);
    for (const key of deleted) this.#values.delete(String(key));
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Stores any value of at most 8,000 bytes for a day; the later store wins, as with a Python node. */
export const storeAnything: ValuePolicy = {
  scalars: true,
  check: (_key, value, nowMs) => ({
    ok: true,
    decoded: value,
    expiresAtMs: nowMs + anythingLivesMs,
  }),
  compare: () => 0,
};
