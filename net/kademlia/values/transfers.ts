/**
 * Stores that nobody waits for: hand-over and replication.
 *
 * @module
 */
import { storeTimeoutMs, transfersInFlightMax, transfersQueuedMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { HeldValues } from "./stored_values.ts";
import type { Id } from "../space/id.ts";
import { Poll } from "../rpc/fan_out.ts";
import type { Time } from "../ports.ts";
import type { Network } from "../lookup/search.ts";

interface Transfer {
  readonly key: Id;
  readonly contact: NodeContact;
}

/** Sends held values to other nodes, a few at a time, so that no receiver's buffer overflows. */
export class Transfers {
  readonly #network: Network;
  readonly #held: HeldValues;
  readonly #time: Time;
  #queue: Transfer[] = [];
  #at = 0;
  #inFlight = 0;

  constructor(network: Network, held: HeldValues, time: Time) {
    this.#network = network;
    this.#held = held;
    this.#time = time;
  }

  /** Transfers waiting. */
  get waiting(): number {
    return this.#queue.length - this.#at;
  }

  /** Sends the value under `key` to `contact` when its turn comes; dropped when too many wait. */
  add(key: Id, contact: NodeContact): void {
    if (this.waiting >= transfersQueuedMax) return;
    this.#queue.push({ key, contact });
    this.#next();
  }

  #next(): void {
    while (this.#inFlight < transfersInFlightMax) {
      const transfer = this.#queue[this.#at];
      if (transfer === undefined) {
        this.#queue = [];
        this.#at = 0;
        return;
      }
      this.#at++;
      this.#send(transfer);
    }
  }

  #send({ key, contact }: Transfer): void {
    const held = this.#held.get(key, this.#time.now());
    if (held === undefined) return;
    this.#inFlight++;
    const { rpc, own } = this.#network;
    new Poll({
      rpc,
      contacts: [contact],
      request: { method: "store", sender: own, target: key, value: held },
      timeoutsMs: [storeTimeoutMs / 2, storeTimeoutMs / 2],
      onAnswer: () => true,
      onDone: () => {
        this.#inFlight--;
        this.#next();
      },
    }).start();
  }
}
