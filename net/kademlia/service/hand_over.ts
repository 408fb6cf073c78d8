/**
 * The hand-over of stored values to newcomers (section 2.5).
 *
 * @module
 */
import type { Job } from "../../../lib/scheduler.ts";
import {
  newcomersMax,
  storeTimeoutMs,
  transfersInFlightMax,
  transfersQueuedMax,
  upkeepSliceMax,
} from "../constants.ts";
import type { Network } from "../lookup/network.ts";
import { FanOut } from "../rpc/fan_out.ts";
import { store } from "../rpc/methods/store.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";
import type { StoredEntry, StoredValues } from "../values/stored_values.ts";

interface Transfer {
  readonly key: Id;
  readonly contact: NodeContact;
}

/**
 * Looks for the values that belong to a newcomer, in slices, so that a full store delays no answer; sends
 * them a few at a time, so that no receiver's buffer overflows.
 */
export class HandOver {
  readonly #network: Network;
  readonly #stored: StoredValues;
  readonly #looking: Job;
  readonly #newcomers: NodeContact[] = [];
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
  }

  /** A contact has entered the table. */
  entered(contact: NodeContact): void {
    if (this.#stored.count === 0 || this.#newcomers.length >= newcomersMax) return;
    this.#newcomers.push(contact);
    this.#looking.dueIn(0);
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
      if (this.#isFor(newcomer, value.keyId)) this.#send({ key: value.keyId, contact: newcomer });
    }
    if (this.#newcomers.length > 0) this.#looking.dueIn(0);
  }

  /** Whether this node, as the holder nearest to the key, hands the value over: else every holder would. */
  #isFor({ nodeId }: NodeContact, key: Id): boolean {
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
    const { time, rpc, own } = this.#network;
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
