/**
 * How much others may ask of this peer in a second.
 *
 * @module
 */

import type { Clock } from "../ports.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { type Rate, TokenBucket } from "../../lib/token_bucket.ts";

/** Messages and bytes in a second. */
interface Allowance {
  readonly messages: Rate;
  readonly bytes: Rate;
}

/** One bucket for messages and one for bytes. */
class Quota {
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;

  constructor(clock: Clock, allowance: Allowance) {
    this.#messages = new TokenBucket(clock, allowance.messages);
    this.#bytes = new TokenBucket(clock, allowance.bytes);
  }

  /** Whether one more message of that size is within it. */
  has(bytes: number): boolean {
    return this.#messages.has(1) && this.#bytes.has(bytes);
  }

  /** Takes one message of that size, if it is within it. */
  take(bytes: number): boolean {
    return this.has(bytes) && this.#messages.take(1) && this.#bytes.take(bytes);
  }
}

const mebibyte = 1024 * 1024;

/** Senders whose quotas are remembered; one forgotten starts afresh, within the limit for all. */
const sendersMax = 2048;

/**
 * All senders together. At some 60 µs a message (decoding and two signatures) 4,000 a second take a
 * quarter of a core; bytes are bounded by memory and by what an author's 20,000 longest posts take.
 */
const allSenders: Allowance = {
  messages: { perSecond: 4000, burst: 8000 },
  bytes: { perSecond: 32 * mebibyte, burst: 64 * mebibyte },
};

/** All senders without a pin together: half of that. */
const unknownSenders: Allowance = {
  messages: { perSecond: 2000, burst: 4000 },
  bytes: { perSecond: 16 * mebibyte, burst: 32 * mebibyte },
};

/** One sender whose key is pinned, or whose answer is awaited: room for 10,000 posts within a second. */
const knownSender: Allowance = {
  messages: { perSecond: 200, burst: 1000 },
  bytes: { perSecond: 8 * mebibyte, burst: 32 * mebibyte },
};

/** One sender without a pin: relays and strangers. */
const unknownSender: Allowance = {
  messages: { perSecond: 50, burst: 200 },
  bytes: { perSecond: 2 * mebibyte, burst: 8 * mebibyte },
};

/**
 * What may come in. Senders without a pin share half of it, so that however many of them there are
 * the other half is left to those that the user knows.
 */
export class InboundBudget {
  readonly #clock: Clock;
  readonly #all: Quota;
  readonly #unknown: Quota;
  readonly #senders = {
    known: new BoundedMap<string, Quota>(sendersMax),
    unknown: new BoundedMap<string, Quota>(sendersMax),
  };

  /** Everything is there at first. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = new Quota(clock, allSenders);
    this.#unknown = new Quota(clock, unknownSenders);
  }

  /**
   * Takes a message out of what all senders share, before its signature has been looked at. A sender
   * that has used up its own share is refused here, too.
   */
  admit(sender: string, known: boolean, bytes: number): boolean {
    if (!this.#quotaOf(sender, known).has(bytes)) return false;
    if (!known && !this.#unknown.has(bytes)) return false;
    if (!this.#all.take(bytes)) return false;
    return known || this.#unknown.take(bytes);
  }

  /**
   * Takes a message out of its sender's own share, once the signature has shown that it is the
   * sender's: no sender can use up another's share.
   */
  charge(sender: string, known: boolean, bytes: number): boolean {
    return this.#quotaOf(sender, known).take(bytes);
  }

  #quotaOf(sender: string, known: boolean): Quota {
    const quotas = known ? this.#senders.known : this.#senders.unknown;
    const quota = quotas.touch(sender);
    if (quota !== undefined) return quota;
    const full = new Quota(this.#clock, known ? knownSender : unknownSender);
    quotas.set(sender, full);
    return full;
  }
}
