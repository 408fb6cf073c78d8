/**
 * The hand-over of stored values to newcomers (section 2.5).
 *
 * @module
 */
import { NetworkBudget } from "../../../lib/networks.ts";
import type { Job } from "../../../lib/scheduler.ts";
import {
  handOverBytesPerNetwork,
  handOverNetworksMax,
  handOverPeriodMs,
  newcomersMax,
  newcomerStaysMs,
  storeTimeoutMs,
  transfersInFlightMax,
  transfersQueuedMax,
  upkeepSliceMax,
} from "../constants.ts";
import type { Network } from "../lookup/network.ts";
import { FanOut } from "../rpc/fan_out.ts";
import { ping } from "../rpc/methods/ping.ts";
import { store } from "../rpc/methods/store.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";
import type { StoredEntry, StoredValues } from "../values/stored_values.ts";

/** A contact that has entered the table. */
interface Newcomer {
  readonly contact: NodeContact;
  /** When it entered, in Unix ms: what was stored since was stored on it as well. */
  readonly enteredAtMs: number;
  /** When it has to answer again, in monotonic ms. */
  readonly dueMs: number;
}

interface Transfer {
  readonly key: Id;
  readonly contact: NodeContact;
}

/**
 * Waits until a newcomer has answered for some minutes, since an id costs its owner nothing and the values
 * much. Looks for the values that belong to it, in slices, so that a full store delays no answer; sends
 * them a few at a time, so that no receiver's buffer overflows.
 */
export class HandOver {
  readonly #network: Network;
  readonly #stored: StoredValues;
  readonly #looking: Job;
  readonly #asking: Job;
  readonly #budget: NetworkBudget;
  readonly #waiting: Newcomer[] = [];
  readonly #newcomers: Newcomer[] = [];
  /** The values still to be looked at for the first newcomer. */
  #left: Iterator<StoredEntry> | undefined;
  #queue: Transfer[] = [];
  /** Where the queue goes on: those before have been sent. */
  #at = 0;
  #inFlight = 0;

  constructor(network: Network, stored: StoredValues) {
    this.#network = network;
    this.#stored = stored;
    this.#looking = network.scheduler.job(() => this.#look());
    this.#asking = network.scheduler.job(() => this.#ask());
    this.#budget = new NetworkBudget({
      time: network.time,
      limits: handOverBytesPerNetwork,
      periodMs: handOverPeriodMs,
      networksMax: handOverNetworksMax,
    });
  }

  /** A contact has entered the table. */
  entered(contact: NodeContact): void {
    const { time, table } = this.#network;
    // It entered by its other family before.
    if (table.hasTwin(contact)) return;
    const dueMs = time.monotonic() + newcomerStaysMs;
    const newcomer = { contact, enteredAtMs: time.now(), dueMs };
    // Where this node was alone its values are nowhere else.
    if (table.size === 1) this.#stays(newcomer);
    else if (this.#waiting.length < newcomersMax && this.#waiting.push(newcomer) === 1) {
      this.#asking.dueIn(newcomerStaysMs);
    }
  }

  /** Asks the newcomers whose time has come whether they are still there. */
  #ask(): void {
    const { time, rpc, own, table } = this.#network;
    const nowMs = time.monotonic();
    while ((this.#waiting[0]?.dueMs ?? Infinity) <= nowMs) {
      const newcomer = this.#waiting.shift();
      if (newcomer === undefined || table.find(newcomer.contact) === undefined) continue;
      const { contact } = newcomer;
      new FanOut(rpc, {
        contacts: [contact],
        method: ping,
        args: { sender: own },
        onAnswer: (_, id) => id.equals(contact.nodeId) && this.#stays(newcomer),
      }).start();
    }
    const [next] = this.#waiting;
    // This may run a moment early, and must not come back within the same moment.
    if (next !== undefined) this.#asking.dueIn(Math.max(next.dueMs - nowMs, 1));
  }

  /** Its turn comes, unless too many wait; true. */
  #stays(newcomer: Newcomer): boolean {
    if (this.#stored.count === 0 || this.#newcomers.length >= newcomersMax) return true;
    this.#newcomers.push(newcomer);
    this.#looking.dueIn(0);
    return true;
  }

  #look(): void {
    const newcomer = this.#newcomers[0];
    if (newcomer === undefined) return;
    this.#left ??= this.#stored[Symbol.iterator]();
    for (let n = 0; n < upkeepSliceMax; n++) {
      const { value, done } = this.#left.next();
      if (done === true) {
        this.#left = undefined;
        this.#newcomers.shift();
        break;
      }
      const { id: key, storedAtMs } = value;
      if (storedAtMs <= newcomer.enteredAtMs && this.#isFor(newcomer, key)) {
        this.#send({ key, contact: newcomer.contact });
      }
    }
    if (this.#newcomers.length > 0) this.#looking.dueIn(0);
  }

  /** Whether this node, as the holder nearest to the key, hands the value over: else every holder would. */
  #isFor({ contact: { nodeId } }: Newcomer, key: Id): boolean {
    const { table, k, own } = this.#network;
    if (table.countCloserThanOwn(key, 1, nodeId) > 0) return false;
    const last = table.closest(key, k, nodeId)[k - 1];
    const belongs = last === undefined || compareDistance(key, nodeId, last.nodeId) < 0;
    return belongs && !nodeId.equals(own);
  }

  /** Sends a value when its turn comes; it is dropped when too many wait. */
  #send(transfer: Transfer): void {
    if (this.#queue.length - this.#at >= transfersQueuedMax) return;
    this.#queue.push(transfer);
    this.#sendNext();
  }

  #sendNext(): void {
    const { time, rpc, own, table } = this.#network;
    while (this.#inFlight < transfersInFlightMax) {
      const transfer = this.#queue[this.#at];
      if (transfer === undefined) {
        this.#queue = [];
        this.#at = 0;
        return;
      }
      this.#at++;
      const { key, contact } = transfer;
      const value = this.#stored.get(key, time.now());
      if (value === undefined) continue;
      if (!this.#budget.take(table.networksOf(contact.ip), value.cost)) continue;
      this.#inFlight++;
      new FanOut(rpc, {
        contacts: [contact],
        method: store,
        args: { sender: own, target: key, value },
        timeoutsMs: [storeTimeoutMs / 2, storeTimeoutMs / 2],
        onDone: () => {
          this.#inFlight--;
          this.#sendNext();
        },
      }).start();
    }
  }
}
