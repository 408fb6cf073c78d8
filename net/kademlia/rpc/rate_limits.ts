/**
 * Bounds on what strangers cost this node.
 *
 * @module
 */
import { BoundedMap } from "../../../lib/bounded_map.ts";
import { type Endpoint, unicastAddress } from "../../../lib/ip_address.ts";
import { limitedNetworks } from "../../../lib/networks.ts";
import { type Rate, TokenBucket } from "../../../lib/token_bucket.ts";
import {
  answeredAddressesMax,
  rateEntriesMax,
  requestBurst,
  requestsPerSecond,
  unverifiedBytesPerSecond,
} from "../constants.ts";

const requestRate: Rate = { perSecond: requestsPerSecond, burst: requestBurst };
const byteRate: Rate = { perSecond: unverifiedBytesPerSecond, burst: unverifiedBytesPerSecond };

/** What one address may still do. */
interface Allowance {
  readonly requests: TokenBucket;
  readonly bytes: TokenBucket;
}

/**
 * How many requests one address may send (an IPv6 /56 counts as one), and how many bytes this node sends
 * to an address that never answered it.
 */
export class RateLimits {
  readonly #exemptLoopback: boolean;
  #nowMs = 0;
  /** The buckets' clock: the time that the caller of a method has just read. */
  readonly #clock = { monotonic: (): number => this.#nowMs };
  readonly #allowances = new BoundedMap<string, Allowance>(rateEntriesMax);
  readonly #answered = new BoundedMap<string, true>(answeredAddressesMax);

  constructor(exemptLoopback: boolean) {
    this.#exemptLoopback = exemptLoopback;
  }

  /** Takes one request from `ip` off its allowance; false when that is used up. */
  takeRequest(ip: string, nowMs: number): boolean {
    return this.#isExempt(ip) || this.#allowanceOf(ip, nowMs).requests.take(1);
  }

  /** Takes `bytes` to `to`, which may never have answered; false when its allowance is used up. */
  takeBytes(to: Endpoint, bytes: number, nowMs: number): boolean {
    return this.#isExempt(to.ip) || this.hasAnswered(to) ||
      this.#allowanceOf(to.ip, nowMs).bytes.take(bytes);
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
    return this.#exemptLoopback && unicastAddress(ip)?.kind === "loopback";
  }

  #allowanceOf(ip: string, nowMs: number): Allowance {
    this.#nowMs = nowMs;
    // Of IPv6 any home gets a /56, which stands second among the networks of an address.
    const name = (ip.includes(":") ? limitedNetworks(ip, false)?.[1]?.name : undefined) ?? ip;
    let allowance = this.#allowances.touch(name);
    if (allowance === undefined) {
      const requests = new TokenBucket(this.#clock, requestRate);
      allowance = { requests, bytes: new TokenBucket(this.#clock, byteRate) };
      this.#allowances.set(name, allowance);
    }
    return allowance;
  }
}
