/**
 * Bounds on what strangers cost us.
 *
 * @module
 */
import { unicastAddress } from "../../../lib/ip_address.ts";
import {
  answeredAddressesMax,
  rateEntriesMax,
  requestBurst,
  requestsPerSecond,
  unverifiedBytesPerSecond,
} from "../constants.ts";
import type { Address } from "../ports.ts";

/**
 * A map that forgets: two generations of at most `size` entries; when the young one is full it becomes
 * the old one. Entries used lately survive, and a stranger who floods it costs no more than its size.
 */
export class RecentMap<V> {
  readonly #size: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(size: number) {
    this.#size = size;
  }

  /** Entries kept at most twice the size. */
  get count(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#size && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

/** What one address may still do. */
interface Allowance {
  requests: number;
  bytes: number;
  atMs: number;
}

/**
 * The rates of section "Bounds": requests a second from one address (an IPv6 /64 counts as one), and
 * bytes a second to an address that never answered us.
 */
export class RateLimits {
  readonly #exemptLoopback: boolean;
  readonly #allowances = new RecentMap<Allowance>(rateEntriesMax);
  readonly #answered = new RecentMap<true>(answeredAddressesMax);

  constructor(exemptLoopback: boolean) {
    this.#exemptLoopback = exemptLoopback;
  }

  /** Addresses remembered. */
  get count(): number {
    return this.#allowances.count + this.#answered.count;
  }

  /** Takes one request from `ip` off its allowance; false when that is used up. */
  takeRequest(ip: string, nowMs: number): boolean {
    const allowance = this.#allowance(ip, nowMs);
    if (allowance === undefined) return true;
    if (allowance.requests < 1) return false;
    allowance.requests--;
    return true;
  }

  /** Takes `bytes` to `to`, which may never have answered; false when its allowance is used up. */
  takeBytes(to: Address, bytes: number, nowMs: number): boolean {
    const allowance = this.#allowance(to.ip, nowMs);
    if (allowance === undefined || this.hasAnswered(to)) return true;
    if (allowance.bytes < bytes) return false;
    allowance.bytes -= bytes;
    return true;
  }

  /** Notes that this very address has answered a request of ours. */
  answered(from: Address): void {
    const key = `${from.ip}|${from.port}`;
    if (this.#answered.get(key) === undefined) this.#answered.set(key, true);
  }

  /** Whether this very address has answered a request of ours lately. */
  hasAnswered(address: Address): boolean {
    return this.#answered.get(`${address.ip}|${address.port}`) !== undefined;
  }

  #allowance(ip: string, nowMs: number): Allowance | undefined {
    const info = unicastAddress(ip);
    if (this.#exemptLoopback && info?.kind === "loopback") return undefined;
    const key = info !== undefined && ip.includes(":") ? info.net : ip;
    let allowance = this.#allowances.get(key);
    if (allowance === undefined) {
      allowance = { requests: requestBurst, bytes: unverifiedBytesPerSecond, atMs: nowMs };
      this.#allowances.set(key, allowance);
    }
    const seconds = Math.max(0, nowMs - allowance.atMs) / 1_000;
    allowance.requests = Math.min(requestBurst, allowance.requests + seconds * requestsPerSecond);
    allowance.bytes = Math.min(
      unverifiedBytesPerSecond,
      allowance.bytes + seconds * unverifiedBytesPerSecond,
    );
    allowance.atMs = nowMs;
    return allowance;
  }
}
