/**
 * What a node does by itself: refresh, replication, hand-over, expiry, saving (sections 2.3 and 2.5).
 *
 * @module
 */
import type { Scheduler } from "../../../lib/scheduler.ts";
import {
  newcomersMax,
  pathsDefault,
  refreshMs,
  replicateMs,
  saveContactsMs,
  sweepMs,
  upkeepJitterShare,
  upkeepSliceMax,
} from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { HeldValue, HeldValues } from "../values/stored_values.ts";
import { compareDistance, Id, withPrefix } from "../space/id.ts";
import type { Random, Time, Timer } from "../ports.ts";
import type { Persistence } from "../values/persistence.ts";
import type { Reading } from "../values/reading.ts";
import type { Network } from "../lookup/search.ts";
import type { Transfers } from "../values/transfers.ts";
import type { Writing } from "../values/writing.ts";

/** What {@link Upkeep} is built from. */
export interface UpkeepOptions {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly time: Time;
  readonly random: Random;
  readonly held: HeldValues;
  readonly reading: Pick<Reading<unknown>, "haveAll">;
  readonly writing: Pick<Writing<unknown>, "closest" | "put">;
  readonly transfers: Transfers;
  readonly persistence: Persistence;
  readonly onError: (error: Error) => void;
}

/** Contacts asked at a sweep while none is alive: one bucket's worth finds whoever came back. */
const lonelyChecks = 20;

/** Whom a holder that has got too far away asks whether its value is where it belongs: one may be new. */
const nearestAsked = 2;

/** Runs the upkeep: one sweep a minute looks at what is due, and starts it. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #newcomers: NodeContact[] = [];
  #handingOver: Iterator<HeldValue> | undefined;
  #timer: Timer | undefined;
  #handOverTimer: Timer | undefined;
  #contactsSavedMs: number;
  #busy = false;
  #stopped = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#contactsSavedMs = options.time.monotonic();
  }

  /** Starts the sweeps, the first at a random point of the first minute. */
  start(): void {
    const [a = 0] = this.#options.random.bytes(1);
    this.#schedule((a / 256) * sweepMs);
  }

  /** Ends all upkeep. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#handOverTimer?.cancel();
  }

  /** A contact has entered the table: values that belong nearer to it go there (section 2.5). */
  entered(contact: NodeContact): void {
    if (this.#options.held.count === 0 || this.#newcomers.length >= newcomersMax) return;
    this.#newcomers.push(contact);
    this.#handOverTimer ??= this.#options.scheduler.after(0, () => this.#handOver());
  }

  #schedule(ms: number): void {
    if (!this.#stopped) this.#timer = this.#options.scheduler.after(ms, () => this.sweep());
  }

  /** One look at everything that may be due. Public for tests and simulations of a single node. */
  sweep(): void {
    const { held, time, network } = this.#options;
    const nowMs = time.now();
    this.#schedule(sweepMs);
    held.sweep(nowMs);
    this.#saveContacts();
    this.#findAnybody();
    if (this.#busy || network.table.size === 0) return;
    this.#busy = true;
    this.#refreshAndReplicate(nowMs).catch((error) => {
      if (!this.#stopped) this.#options.onError(error as Error);
    }).finally(() => {
      this.#busy = false;
    });
  }

  #saveContacts(): void {
    const { time, persistence, network } = this.#options;
    const nowMs = time.monotonic();
    if (nowMs - this.#contactsSavedMs < saveContactsMs || network.table.size === 0) return;
    this.#contactsSavedMs = nowMs;
    persistence.saveContacts([...network.table].map((entry) => entry.contact));
  }

  /** After an outage of the own link every contact looks dead: some are asked again. */
  #findAnybody(): void {
    const { table, neighbours, rpc } = this.#options.network;
    if (table.live > 0) return;
    let asked = 0;
    for (const entry of table) {
      if (asked++ >= lonelyChecks) return;
      neighbours.check(entry, rpc.nowMs());
    }
  }

  /** One lookup after the other: upkeep is never in a hurry. */
  async #refreshAndReplicate(nowMs: number): Promise<void> {
    const { network, random, writing, time, held } = this.#options;
    const { table, own } = network;
    const idle = table.idleBuckets(time.monotonic() - refreshMs);
    for (const bucket of idle) {
      if (this.#stopped) return;
      await writing.closest(withPrefix(own, bucket, Id.from(random.bytes(20))), 1);
    }
    const due: HeldValue[] = [];
    for (const value of held) if (nowMs >= this.#replicateAtMs(value)) due.push(value);
    for (const value of due) {
      if (this.#stopped) return;
      await this.#replicate(value);
    }
  }

  /**
   * An hour after the last store, and a while that differs from holder to holder: the first to
   * replicate stores on the others, whose hour then starts anew (section 2.5).
   */
  #replicateAtMs(value: HeldValue): number {
    const { own } = this.#options.network;
    const mixed = Math.imul(own.w3 ^ value.keyId.w3, 0x9e3779b1) ^ own.w4 ^ value.keyId.w4;
    const share = (mixed >>> 0) / 2 ** 32;
    return value.storedAtMs + replicateMs * (1 + upkeepJitterShare * share);
  }

  async #replicate(value: HeldValue): Promise<void> {
    const { network, held, time, reading, writing } = this.#options;
    const { table, k } = network;
    const nowMs = time.now();
    // It may have been stored anew, replaced or removed while others were replicated.
    if (held.get(value.keyId, nowMs) !== value || nowMs < this.#replicateAtMs(value)) return;
    held.touch(value, value.expiresAtMs, nowMs);
    if (table.countCloserThanOwn(value.keyId, k) >= k) {
      // That k others are closer does not mean that they hold it: two networks that had been apart, or
      // a crowd of newcomers, leave all holders too far away, and then nobody else would replicate.
      const nearest = table.closest(value.keyId, nearestAsked);
      if (await reading.haveAll(value.keyId, value, nearest)) return;
    }
    await writing.put(value.keyId, value, { paths: Math.min(2, pathsDefault) });
  }

  /**
   * Only the holder nearest to a key hands it over, or every holder would (section 2.5). Values are
   * looked at in slices, so that a full store delays nobody's answer.
   */
  #handOver(): void {
    this.#handOverTimer = undefined;
    const { held, network, transfers, scheduler } = this.#options;
    const { table, own, k } = network;
    const newcomer = this.#newcomers[0];
    if (newcomer === undefined) return;
    this.#handingOver ??= held[Symbol.iterator]();
    for (let n = 0; n < upkeepSliceMax; n++) {
      const { value, done } = this.#handingOver.next();
      if (done === true) {
        this.#handingOver = undefined;
        this.#newcomers.shift();
        break;
      }
      const key = value.keyId;
      const id = newcomer.nodeId;
      if (table.countCloserThanOwn(key, 1, id) > 0) continue;
      const known = table.closest(key, k, id);
      const last = known[k - 1];
      const belongs = last === undefined || compareDistance(key, id, last.nodeId) < 0;
      if (belongs && !id.equals(own)) transfers.add(key, newcomer);
    }
    if (this.#newcomers.length > 0) {
      this.#handOverTimer = scheduler.after(0, () => this.#handOver());
    }
  }
}
