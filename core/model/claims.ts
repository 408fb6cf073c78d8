/**
 * The names that a node has accepted, each with the key that it belongs to (design, section 4).
 *
 * @module
 */

import { type NetworkLimits, networkLimits } from "../../lib/networks.ts";
import { copyOf, equalBytes } from "./bytes.ts";

const dayMs = 86_400_000;

/** How long a name is kept for its owner after the last record has expired. */
export const claimMemoryMs: number = 365 * dayMs;

/**
 * Names without an owner, which a node accepts from one network in an hour: 20 from a /24, /64 or /56, 60
 * from a /16 or /48, 120 from an IPv6 /32. A whole /48 and four /24s so come to 140.
 */
export const freshNamesPerHour: NetworkLimits = networkLimits(20, 60, 120);

/** From this age on a claim is settled: no vote changes it any more, and no fresh one displaces it. */
export const claimSettledMs: number = dayMs;

/**
 * Before this age a claim is not put to the vote either: while two users register one name at the same
 * moment each holder stays with the first that came, so that one of the two can have a majority.
 */
export const claimFirmMs = 10_000;

/**
 * Claims remembered: 250 bytes each in memory. Where users are as many as nodes, and 20 nodes store each
 * record, a node meets some 20 names for each user.
 */
export const claimsMaxDefault = 50_000;

/** Of these at most one in five younger than a day, so that a flood leaves the settled ones alone. */
const youngShare = 5;

/** An expiry is written again only when it has moved by this much: it moves with every renewal. */
const expiryStepMs = dayMs;

/** A full ledger is looked through for lapsed claims this often at most: it takes milliseconds. */
const sweepAgainMs = 60_000;

/** The network that a young claim counts for where none is known: it was read from disk, or is this node's own. */
const noNet = "";

/** What a node remembers of a name (design, section 4). */
export interface Claim {
  /** The claimed name. */
  readonly username: string;
  /** The identity key that the name belongs to, 32 bytes. */
  readonly key: Uint8Array;
  /** Unix time in milliseconds at which this node accepted the owner. */
  readonly since: number;
  /** Unix time in milliseconds at which the last known record expires; a year later the claim is forgotten. */
  readonly expiresAt: number;
}

/** The claims that a node remembers, on disk. */
export interface ClaimStore {
  /** All claims on disk. */
  load(): Promise<Claim[]>;
  /** Writes one, in place of an older one for the name. May be batched; never rejects. */
  put(claim: Claim): void;
  /** Removes one. May be batched; never rejects. */
  drop(username: string): void;
}

/** How a {@linkcode ClaimLedger} is built. */
export interface ClaimLedgerOptions {
  /** Where the claims are kept over a restart. */
  readonly store: ClaimStore;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** How many are remembered; default {@linkcode claimsMaxDefault}. */
  readonly claimsMax?: number;
}

/** A claim to be entered. */
export interface ClaimEntry {
  /** The name. */
  readonly username: string;
  /** Its key, 32 bytes. */
  readonly key: Uint8Array;
  /** Unix time in milliseconds at which the record that makes the claim expires. */
  readonly expiresAt: number;
  /** Unix time in milliseconds since when; default now. */
  readonly since?: number;
  /** The network that it came from, so that no single one can fill the ledger. */
  readonly net?: string;
}

/** Which name is whose, as far as this node has accepted it. Bounded. */
export class ClaimLedger {
  readonly #store: ClaimStore;
  readonly #now: () => number;
  readonly #max: number;
  readonly #claims = new Map<string, Claim>();
  /** Names of claims that were young when entered, by the network they came from, oldest first. */
  readonly #young = new Map<string, Set<string>>();
  readonly #netOf = new Map<string, string>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  /** An empty ledger; see {@linkcode load}. */
  constructor(options: ClaimLedgerOptions) {
    this.#store = options.store;
    this.#now = options.now;
    this.#max = options.claimsMax ?? claimsMaxDefault;
  }

  /** How many claims are remembered. */
  get size(): number {
    return this.#claims.size;
  }

  /** Takes in what was remembered before the restart: the oldest claims first, within the bound. */
  async load(): Promise<void> {
    const saved = [...await this.#store.load()].sort((a, b) => a.since - b.since);
    for (const claim of saved) {
      if (this.#claims.size < this.#max && !this.#lapsed(claim)) this.#set(claim, noNet);
      else this.#store.drop(claim.username);
    }
  }

  /** The claim of a name, unless it has lapsed. */
  get(username: string): Claim | undefined {
    const claim = this.#claims.get(username);
    if (claim === undefined || !this.#lapsed(claim)) return claim;
    this.drop(username);
    return undefined;
  }

  /** Whether the name is this key's here, and settled. */
  owns(username: string, key: Uint8Array): boolean {
    const claim = this.get(username);
    return claim !== undefined && equalBytes(claim.key, key) && this.settled(claim);
  }

  /** Milliseconds since a claim was accepted; 0 when the clock has been set back. */
  ageMs(claim: Claim): number {
    return Math.max(0, this.#now() - claim.since);
  }

  /** Whether a claim is so old that no vote changes it. */
  settled(claim: Claim): boolean {
    return this.ageMs(claim) >= claimSettledMs;
  }

  /**
   * Enters a claim, in place of another key's if there is one. False if there is no room: the bound is
   * reached and neither a lapsed claim nor a young one of a busier network can go.
   */
  enter(entry: ClaimEntry): boolean {
    const net = entry.net ?? noNet;
    this.#forget(entry.username);
    if (!this.#makeRoom(net)) {
      this.#store.drop(entry.username);
      return false;
    }
    const claim = {
      username: entry.username,
      key: copyOf(entry.key),
      // A clock that is corrected has fractions of a millisecond, which no vote may have.
      since: Math.floor(entry.since ?? this.#now()),
      expiresAt: entry.expiresAt,
    };
    this.#set(claim, net);
    this.#store.put(claim);
    return true;
  }

  /** Notes that a record of the name's owner lives until then. */
  extend(username: string, expiresAt: number): void {
    const claim = this.#claims.get(username);
    if (claim === undefined || expiresAt < claim.expiresAt + expiryStepMs) return;
    const extended = { ...claim, expiresAt };
    this.#claims.set(username, extended);
    this.#store.put(extended);
  }

  /** Forgets a name whose owner has taken the registration back, unless the claim is settled. */
  release(username: string): void {
    const claim = this.get(username);
    if (claim !== undefined && !this.settled(claim)) this.drop(username);
  }

  /** Forgets a name. */
  drop(username: string): void {
    if (this.#forget(username)) this.#store.drop(username);
  }

  /** Forgets what has lapsed, and no longer counts as young what is settled. */
  sweep(): void {
    this.#sweptAt = this.#now();
    for (const claim of [...this.#claims.values()]) {
      if (this.#lapsed(claim)) this.drop(claim.username);
      else if (this.settled(claim)) this.#leaveYoung(claim.username);
    }
  }

  #lapsed(claim: Claim): boolean {
    return this.#now() > claim.expiresAt + claimMemoryMs;
  }

  #set(claim: Claim, net: string): void {
    this.#claims.set(claim.username, claim);
    if (this.settled(claim)) return;
    const names = this.#young.get(net);
    if (names === undefined) this.#young.set(net, new Set([claim.username]));
    else names.add(claim.username);
    this.#netOf.set(claim.username, net);
  }

  #forget(username: string): boolean {
    this.#leaveYoung(username);
    return this.#claims.delete(username);
  }

  #leaveYoung(username: string): void {
    const net = this.#netOf.get(username);
    if (net === undefined) return;
    this.#netOf.delete(username);
    const names = this.#young.get(net);
    names?.delete(username);
    if (names?.size === 0) this.#young.delete(net);
  }

  /** Whether one more claim from `net` fits, after the newest one of the busiest network has gone. */
  #makeRoom(net: string): boolean {
    const youngMax = Math.max(1, Math.floor(this.#max / youngShare));
    if (this.#claims.size < this.#max && this.#netOf.size < youngMax) return true;
    if (Math.abs(this.#now() - this.#sweptAt) >= sweepAgainMs) {
      this.sweep();
      if (this.#claims.size < this.#max && this.#netOf.size < youngMax) return true;
    }
    let busiest: string | undefined;
    let most = (this.#young.get(net)?.size ?? 0) + 1;
    for (const [other, names] of this.#young) {
      if (other === noNet || names.size <= most) continue;
      busiest = other;
      most = names.size;
    }
    const victim = busiest === undefined ? undefined : [...this.#young.get(busiest) ?? []].at(-1);
    if (victim === undefined) return false;
    this.drop(victim);
    return true;
  }
}
