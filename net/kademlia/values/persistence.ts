/**
 * Carries changes to the storage in the background.
 *
 * @module
 */
import type { Job, Scheduler } from "../../../lib/scheduler.ts";
import { saveBatchBytesMax, saveBatchMax, saveValuesMs } from "../constants.ts";
import type { Contact, NodeStorage, StoredValue, Time } from "../ports.ts";
import type { Id } from "../space/id.ts";
import { keyText, type StoredValues } from "./stored_values.ts";

/** What {@link Persistence} is built from. */
export interface PersistenceOptions {
  /** Undefined for a node of which nothing is saved. */
  readonly storage: NodeStorage | undefined;
  readonly stored: StoredValues;
  readonly scheduler: Scheduler;
  readonly time: Time;
  readonly onError: (error: unknown) => void;
}

interface Batch {
  readonly keys: Id[];
  readonly put: StoredValue[];
  readonly deleted: Uint8Array[];
}

/**
 * Remembers which keys changed and saves them together: at most a second late, one batch at a time.
 * A batch that failed is tried again with the next; no more keys are remembered than values are stored.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  readonly #changed = new Map<string, Id>();
  readonly #saving: Job;
  #running: Promise<void> = Promise.resolve();

  constructor(options: PersistenceOptions) {
    this.#options = options;
    this.#saving = options.scheduler.job(() => this.#enqueue((storage) => this.#save(storage)));
  }

  /** The value under `key` changed, or went. */
  changed(key: Id): void {
    if (this.#options.storage === undefined) return;
    this.#changed.set(keyText(key), key);
    if (!this.#saving.isDue) this.#saving.dueIn(saveValuesMs);
  }

  /** Saves the contacts. */
  saveContacts(contacts: readonly Contact[]): void {
    this.#enqueue((storage) => storage.saveContacts(contacts));
  }

  /** Saves the id that was drawn. */
  saveId(id: Uint8Array): void {
    this.#enqueue((storage) => storage.saveId(id));
  }

  /** Saves what is left and closes the storage. */
  async close(): Promise<void> {
    this.#enqueue((storage) => this.#save(storage));
    this.#enqueue((storage) => storage.close());
    await this.#running;
  }

  #enqueue(work: (storage: NodeStorage) => Promise<void>): void {
    const { storage, onError } = this.#options;
    if (storage === undefined) return;
    this.#running = this.#running.then(() => work(storage)).catch(onError);
  }

  async #save(storage: NodeStorage): Promise<void> {
    const nowMs = this.#options.time.now();
    while (this.#changed.size > 0) {
      const { keys, put, deleted } = this.#nextBatch(nowMs);
      try {
        await storage.saveValues(put, deleted);
      } catch (error) {
        for (const key of keys) this.#changed.set(keyText(key), key);
        throw error;
      }
    }
  }

  #nextBatch(nowMs: number): Batch {
    const batch: Batch = { keys: [], put: [], deleted: [] };
    let bytes = 0;
    for (const [text, key] of this.#changed) {
      if (batch.keys.length >= saveBatchMax || bytes >= saveBatchBytesMax) break;
      this.#changed.delete(text);
      batch.keys.push(key);
      const entry = this.#options.stored.get(key, nowMs);
      if (entry === undefined) batch.deleted.push(key.toBytes());
      else {
        batch.put.push(entry.plain());
        bytes += entry.cost;
      }
    }
    return batch;
  }
}
