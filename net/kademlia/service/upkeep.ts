/**
 * What a node does by itself: refresh, replication, expiry, saving (sections 2.3 and 2.5).
 *
 * @module
 */
import type { Job } from "../../../lib/scheduler.ts";
import {
  pathsDefault,
  refreshMs,
  replicateMs,
  saveContactsMs,
  sweepMs,
  upkeepJitterShare,
} from "../constants.ts";
import type { Network } from "../lookup/network.ts";
import { findClosest } from "../lookup/search.ts";
import type { Random } from "../ports.ts";
import { Id, withPrefix } from "../space/id.ts";
import type { Persistence } from "../values/persistence.ts";
import type { Reading } from "../values/reading.ts";
import type { StoredEntry, StoredValues } from "../values/stored_values.ts";
import type { Writing } from "../values/writing.ts";

/** What {@link Upkeep} is built from. */
export interface UpkeepOptions {
  readonly network: Network;
  readonly random: Random;
  readonly stored: StoredValues;
  readonly reading: Pick<Reading<unknown>, "haveAll">;
  readonly writing: Pick<Writing<unknown>, "put">;
  readonly persistence: Persistence;
  readonly onError: (error: unknown) => void;
}

/** Contacts asked at a sweep while none is alive: one bucket's worth finds those that came back. */
const lonelyChecks = 20;

/**
 * How many nodes a holder that has got too far away asks whether its value is where it belongs: one may be
 * new.
 */
const nearestAsked = 2;

/** Runs the upkeep: one sweep a minute looks at what is due, and starts it. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #sweeping: Job;
  #contactsSavedMs: number;
  #busy = false;

  /** The first sweep comes at a random point of the first minute. */
  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { network, random } = options;
    this.#contactsSavedMs = network.time.monotonic();
    this.#sweeping = network.scheduler.job(() => this.#sweep());
    const [draw = 0] = random.bytes(1);
    this.#sweeping.dueIn((draw / 256) * sweepMs);
  }

  /** One look at everything that may be due. */
  #sweep(): void {
    const { stored, network, onError } = this.#options;
    this.#sweeping.dueIn(sweepMs);
    const nowMs = network.time.now();
    stored.sweep(nowMs);
    this.#saveContacts();
    this.#findAnyContact();
    if (this.#busy || network.table.size === 0) return;
    this.#busy = true;
    this.#refreshAndReplicate(nowMs).catch((error) => {
      if (!network.operations.closed) onError(error);
    }).finally(() => {
      this.#busy = false;
    });
  }

  #saveContacts(): void {
    const { network: { time, table }, persistence } = this.#options;
    const nowMs = time.monotonic();
    if (nowMs - this.#contactsSavedMs < saveContactsMs || table.size === 0) return;
    this.#contactsSavedMs = nowMs;
    persistence.saveContacts([...table].map((entry) => entry.contact));
  }

  /** After an outage of the own link every contact looks dead: some are asked again. */
  #findAnyContact(): void {
    const { table, neighbours } = this.#options.network;
    if (table.live > 0) return;
    let asked = 0;
    for (const entry of table) {
      if (asked++ >= lonelyChecks) return;
      neighbours.check(entry);
    }
  }

  /** One lookup after the other: upkeep is never in a hurry. */
  async #refreshAndReplicate(nowMs: number): Promise<void> {
    const { network, random, stored } = this.#options;
    const { table, own, time, operations } = network;
    for (const bucket of table.idleBuckets(time.monotonic() - refreshMs)) {
      if (operations.closed) return;
      const target = withPrefix(own, bucket, Id.random(random));
      await findClosest(network, { target, paths: 1 });
    }
    const due: StoredEntry[] = [];
    for (const value of stored) if (nowMs >= this.#replicateAtMs(value)) due.push(value);
    for (const value of due) {
      if (operations.closed) return;
      await this.#replicate(value);
    }
  }

  /**
   * An hour after the last store, and a while that differs from holder to holder: the first to
   * replicate stores on the others, whose hour then starts anew (section 2.5).
   */
  #replicateAtMs(value: StoredEntry): number {
    const { own } = this.#options.network;
    const mixed = Math.imul(own.w3 ^ value.id.w3, 0x9e3779b1) ^ own.w4 ^ value.id.w4;
    const share = (mixed >>> 0) / 2 ** 32;
    return value.storedAtMs + replicateMs * (1 + upkeepJitterShare * share);
  }

  async #replicate(value: StoredEntry): Promise<void> {
    const { network: { table, k, time }, stored, reading, writing } = this.#options;
    const key = value.id;
    const nowMs = time.now();
    // It may have been stored anew, replaced or removed while others were replicated.
    if (stored.get(key, nowMs) !== value || nowMs < this.#replicateAtMs(value)) return;
    stored.touch(value, value.expiresAtMs, nowMs);
    if (table.countCloserThanOwn(key, k) >= k) {
      // That k others are closer does not mean that they store it: two networks that had been apart, or
      // a crowd of newcomers, leave all holders too far away, and then no other node would replicate.
      if (await reading.haveAll(key, value, table.closest(key, nearestAsked))) return;
    }
    await writing.put(key, value, { paths: Math.min(2, pathsDefault), until: "all" });
  }
}
