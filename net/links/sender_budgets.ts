/**
 * What senders may send: bytes and frames a second, by network.
 *
 * @module
 */

import { BoundedMap } from "../../lib/bounded_map.ts";
import { type Network, networkLimits } from "../../lib/networks.ts";
import type { Time } from "../../lib/time.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";
import { meteredNetworksMax } from "./link_limits.ts";

/** What one home network (/24, /56) may send. */
export interface SenderRates {
  /** Bytes a second. */
  readonly bytes: Rate;
  /** Frames a second: a tiny frame costs more than its bytes. */
  readonly frames: Rate;
}

/** How many home networks at full speed a wider network may send as much as: /16 and /48, then /32. */
const homes = networkLimits(1, 4, 16);

/** What one network has sent. */
interface Meter {
  readonly bytes: TokenBucket;
  readonly frames: TokenBucket;
}

/** The budgets that one connection shares with all others of its networks. */
export class SenderBudget {
  readonly #meters: readonly Meter[];

  /** Made by {@linkcode SenderBudgets.of}. */
  constructor(meters: readonly Meter[]) {
    this.#meters = meters;
  }

  /** Spends what was sent, as a debt where it is not there; milliseconds until all debts are paid. */
  spend(bytes: number, frames: number): number {
    let waitMs = 0;
    for (const meter of this.#meters) {
      meter.bytes.spend(bytes);
      meter.frames.spend(frames);
      waitMs = Math.max(waitMs, meter.bytes.waitMs(0), meter.frames.waitMs(0));
    }
    return waitMs;
  }
}

/** The budgets of all senders. */
export class SenderBudgets {
  readonly #time: Pick<Time, "monotonic">;
  readonly #rates: SenderRates;
  readonly #meters = new BoundedMap<string, Meter>(meteredNetworksMax);

  /** Nothing has been sent at first. */
  constructor(time: Pick<Time, "monotonic">, rates: SenderRates) {
    this.#time = time;
    this.#rates = rates;
  }

  /** The budget of a sender in these networks; without networks it has no bound. */
  of(networks: readonly Network[]): SenderBudget {
    return new SenderBudget(networks.map((network) => this.#meter(network)));
  }

  #meter({ name, depth }: Network): Meter {
    const found = this.#meters.touch(name);
    if (found !== undefined) return found;
    const bucket = ({ perSecond, burst }: Rate) =>
      new TokenBucket(this.#time, {
        perSecond: perSecond * homes[depth],
        burst: burst * homes[depth],
      });
    const meter = { bytes: bucket(this.#rates.bytes), frames: bucket(this.#rates.frames) };
    this.#meters.set(name, meter);
    return meter;
  }
}
