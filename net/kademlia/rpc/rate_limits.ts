/**
 * Bounds on what strangers cost this node.
 *
 * @module
 */
import { BoundedMap } from "../../../lib/bounded_map.ts";
import { type Endpoint, unicastAddress } from "../../../lib/ip_address.ts";
import { type Exemption, limitedNetworks, NetworkBudget } from "../../../lib/networks.ts";
import { type Rate, TokenBucket } from "../../../lib/token_bucket.ts";
import type { Sender } from "../ports.ts";
import {
  answeredAddressesMax,
  answerFactorMax,
  excessBytesMax,
  excessBytesPerNetwork,
  excessPeriodMs,
  rateEntriesMax,
  requestBurst,
  requestsPerSecond,
  unverifiedBytesPerSecond,
} from "../constants.ts";

const requestRate: Rate = { perSecond: requestsPerSecond, burst: requestBurst };
const byteRate: Rate = { perSecond: unverifiedBytesPerSecond, burst: unverifiedBytesPerSecond };
const excessRate: Rate = {
  perSecond: excessBytesMax * 1_000 / excessPeriodMs,
  burst: excessBytesMax,
};

/** What one address may still do. */
interface Allowance {
  readonly requests: TokenBucket;
  /** Bytes to it while it never answered. */
  readonly bytes: TokenBucket;
  /** Bytes to it beyond a few times what it sent. */
  readonly excess: TokenBucket;
}

/**
 * How many requests one address may send (an IPv6 /56 counts as one), and how many bytes this node answers
 * it with. A sender's address may be forged, so that answers go to a third party who never asked: one that
 * has answered this node is a target like any other.
 */
export class RateLimits {
  readonly #exemption: Exemption;
  readonly #exemptLoopback: boolean;
  #nowMs = 0;
  /** The buckets' clock: the time that the caller of a method has just read. */
  readonly #clock = { monotonic: (): number => this.#nowMs };
  readonly #allowances = new BoundedMap<string, Allowance>(rateEntriesMax);
  readonly #answered = new BoundedMap<string, true>(answeredAddressesMax);
  readonly #excess = new NetworkBudget({
    time: this.#clock,
    limits: excessBytesPerNetwork,
    periodMs: excessPeriodMs,
    networksMax: rateEntriesMax,
  });

  /** No address has sent or answered anything; loopback may be exempt as long as the exemption holds. */
  constructor(exemption: Exemption, exemptLoopback: boolean) {
    this.#exemption = exemption;
    this.#exemptLoopback = exemptLoopback;
  }

  /** Takes one request from `ip` off its allowance; false when that is used up. */
  takeRequest(ip: string, nowMs: number): boolean {
    return this.#isExempt(ip) || this.#allowanceOf(ip, nowMs).requests.take(1);
  }

  /**
   * Takes an answer of `bytes` to a request of `asked` bytes in the name of `to`; false when its allowance
   * is used up.
   */
  takeBytes(to: Sender, bytes: number, asked: number, nowMs: number): boolean {
    if (this.#isExempt(to.ip)) return true;
    const allowance = this.#allowanceOf(to.ip, nowMs);
    const isProven = to.isProven || this.hasAnswered(to);
    if (!isProven && !allowance.bytes.take(bytes)) return false;
    const excess = bytes - answerFactorMax * asked;
    return excess <= 0 || allowance.excess.take(excess) &&
        this.#excess.take(this.#exemption.networksOf(to.ip) ?? [], excess);
  }

  /** Notes that this very address has answered a request of this node. */
  answered({ ip, port }: Endpoint): void {
    this.#answered.set(`${ip}|${port}`, true);
  }

  /** Whether this very address has answered a request of this node lately. */
  hasAnswered({ ip, port }: Endpoint): boolean {
    return this.#answered.touch(`${ip}|${port}`) !== undefined;
  }

  #isExempt(ip: string): boolean {
    return this.#exemptLoopback && this.#exemption.holds &&
      unicastAddress(ip)?.kind === "loopback";
  }

  #allowanceOf(ip: string, nowMs: number): Allowance {
    this.#nowMs = nowMs;
    // Of IPv6 any home gets a /56, which stands second among the networks of an address.
    const name = (ip.includes(":") ? limitedNetworks(ip, false)?.[1]?.name : undefined) ?? ip;
    let allowance = this.#allowances.touch(name);
    if (allowance === undefined) {
      const requests = new TokenBucket(this.#clock, requestRate);
      const bytes = new TokenBucket(this.#clock, byteRate);
      allowance = { requests, bytes, excess: new TokenBucket(this.#clock, excessRate) };
      this.#allowances.set(name, allowance);
    }
    return allowance;
  }
}
