/**
 * Carries changes to the storage, behind the hot path.
 *
 * @module
 */
import type { Scheduler } from "../../../lib/scheduler.ts";
import { saveBatchBytesMax, saveBatchMax, saveValuesMs } from "../constants.ts";
import { type HeldValue, type HeldValues, keyText } from "./stored_values.ts";
import type { Id } from "../space/id.ts";
import type { Contact, NodeStorage, StoredValue, Time } from "../ports.ts";

/** What {@link Persistence} is built from. */
export interface PersistenceOptions {
  readonly storage: NodeStorage;
  readonly scheduler: Scheduler;
  readonly time: Time;
  readonly onError: (error: Error) => void;
}

/**
 * Remembers which keys changed and saves them together: at most a second late, one batch at a time.
 * A batch that failed is tried again with the next; what is remembered is bounded by the values held.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  readonly #changed = new Map<string, Id>();
  #held: HeldValues | undefined;
  #scheduled = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: PersistenceOptions) {
    this.#options = options;
  }

  /** Names the values that changes are about. */
  attach(held: HeldValues): void {
    this.#held = held;
  }

  /** Keys that wait to be saved. */
  get pending(): number {
    return this.#changed.size;
  }

  /** The value under `key` changed, or went. */
  changed(key: Id): void {
    this.#changed.set(keyText(key), key);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.scheduler.after(saveValuesMs, () => {
      this.#scheduled = false;
      this.#enqueue(() => this.#saveValues());
    });
  }

  /** Saves the contacts. */
  saveContacts(contacts: readonly Contact[]): void {
    this.#enqueue(() => this.#options.storage.saveContacts(contacts));
  }

  /** Saves the id that was drawn. */
  saveId(id: Uint8Array): void {
    this.#enqueue(() => this.#options.storage.saveId(id));
  }

  /** Saves what is left and closes the storage. */
  async close(): Promise<void> {
    this.#enqueue(() => this.#saveValues());
    this.#enqueue(() => this.#options.storage.close());
    await this.#running;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#running = this.#running.then(work).catch((error) => {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #saveValues(): Promise<void> {
    const nowMs = this.#options.time.now();
    while (this.#changed.size > 0) {
      const batch = this.#nextBatch(nowMs);
      try {
        await this.#options.storage.saveValues(batch.put, batch.deleted);
      } catch (error) {
        for (const [text, id] of batch.keys) this.#changed.set(text, id);
        throw error;
      }
    }
  }

  #nextBatch(nowMs: number): Batch {
    const batch: Batch = { keys: [], put: [], deleted: [] };
    let bytes = 0;
    for (const [text, id] of this.#changed) {
      if (batch.keys.length >= saveBatchMax || bytes >= saveBatchBytesMax) break;
      this.#changed.delete(text);
      batch.keys.push([text, id]);
      const held = this.#held?.get(id, nowMs);
      if (held === undefined) batch.deleted.push(id.toBytes());
      else {
        batch.put.push(plain(held));
        bytes += held.cost;
      }
    }
    return batch;
  }
}

interface Batch {
  readonly keys: [string, Id][];
  readonly put: StoredValue[];
  readonly deleted: Uint8Array[];
}

/** A held value as data, for storages and for whoever iterates. */
export function plain(held: HeldValue): StoredValue {
  const { key, value, scalar, expiresAtMs, heldSinceMs, storedAtMs } = held;
  const stored = { key, value, expiresAtMs, heldSinceMs, storedAtMs };
  return scalar ? { ...stored, scalar } : stored;
}
