/**
 * Decides what to believe of what NTP servers say (RFC 5905): nothing here does I/O.
 *
 * NTP as spoken here is not authenticated. A single server can be wrong or worse, so that the
 * offsets of several must agree; a single answer must still be plausible.
 *
 * @module
 */

import { lowerMedian } from "../../lib/median.ts";

/** One exchange of packets with a server; all times are Unix times in milliseconds. */
export interface NtpSample {
  /** The client's system time just before the request was sent. */
  readonly askedAt: number;
  /** The client's time as the server repeats it (T1). */
  readonly originAt: number;
  /** When the server received the request (T2). */
  readonly receivedAt: number;
  /** When the server sent its answer (T3). */
  readonly transmittedAt: number;
  /** The client's system time when the answer arrived (T4). */
  readonly answeredAt: number;
  /** Leap indicator; 3 means that the server's clock is not synchronised. */
  readonly leap: number;
  /** Mode; 4 is a server. */
  readonly mode: number;
  /** Version. */
  readonly version: number;
  /** Stratum; 0 is a kiss-o'-death, 16 not synchronised. */
  readonly stratum: number;
  /** Half the delay to the reference clock plus the dispersion on the way, in milliseconds. */
  readonly rootDistanceMs: number;
}

/** What a server's samples come to. */
export interface ServerAnswer {
  /** Server's time minus system time, in milliseconds. */
  readonly offsetMs: number;
  /** Round trip of the sample used, in milliseconds: the offset is uncertain by half of it. */
  readonly delayMs: number;
}

/** NTP's seconds overflow every 2^32 (next in February 2036). */
const eraMs = 2 ** 32 * 1000;

/** What an NTP timestamp of zero ("unknown") reads as: 1900-01-01. */
const zeroTimestampMs = Date.UTC(1900, 0, 1);

/** Half of it is the uncertainty; the library's own timeout is lower. */
const delayMsMax = 2_000;

/** RFC 5905 section 7.3 calls this MAXDIST and takes 1.5 s (in its reference code 1 s). */
const rootDistanceMsMax = 1_500;

/** Slack for clocks that round differently when the origin is compared with when we asked. */
const originSlackMs = 5;

/**
 * Beyond this an offset is absurd. Machines without a battery start at the date of their system's
 * build, which is off by a few years at most; a server that counts from 1900 is off by many more, and
 * one whose seconds have just overflown seems to be in 2036.
 */
const offsetMsMax = 5 * 365.25 * 86_400_000;

/** No post is older than the Snowflake epoch, so that no corrected clock can be before it. */
const nowMsMin = Date.UTC(2021, 11, 1);

/** Servers that differ by more do not agree. Post ids need seconds, not milliseconds. */
const agreementMs = 1_000;

/** The timestamp in the era in which it comes closest to the system's time. */
function inEra(timestampMs: number, systemMs: number): number {
  return timestampMs + Math.round((systemMs - timestampMs) / eraMs) * eraMs;
}

/** What one sample says; nothing if the packet fails a check (RFC 5905, sections 7.3, 9.2, 11). */
export function judgeSample(sample: NtpSample): ServerAnswer | undefined {
  const { askedAt, originAt, receivedAt, transmittedAt, answeredAt } = sample;
  const isSane = Object.values(sample).every((value) => Number.isFinite(value)) &&
    sample.leap !== 3 && sample.mode === 4 && sample.version >= 1 && sample.version <= 4 &&
    sample.stratum >= 1 && sample.stratum <= 15 &&
    sample.rootDistanceMs >= 0 && sample.rootDistanceMs < rootDistanceMsMax &&
    receivedAt !== zeroTimestampMs && transmittedAt !== zeroTimestampMs &&
    // An answer to nothing that we asked: stray, replayed or forged.
    originAt >= askedAt - originSlackMs && originAt <= answeredAt + originSlackMs;
  if (!isSane) return undefined;
  const t2 = inEra(receivedAt, askedAt);
  const t3 = inEra(transmittedAt, askedAt);
  const delayMs = (answeredAt - originAt) - (t3 - t2);
  // The timestamps sent have whole milliseconds: a fast answer seems to come a little too soon.
  if (delayMs < -originSlackMs || delayMs > delayMsMax || t3 < t2) return undefined;
  const offsetMs = ((t2 - originAt) + (t3 - answeredAt)) / 2;
  const isAbsurd = Math.abs(offsetMs) > offsetMsMax || answeredAt + offsetMs < nowMsMin;
  return isAbsurd ? undefined : { offsetMs, delayMs: Math.max(delayMs, 0) };
}

/** What a server's samples come to: the one with the shortest round trip is the best (section 10). */
export function judgeServer(samples: readonly NtpSample[]): ServerAnswer | undefined {
  return samples
    .map(judgeSample)
    .filter((answer) => answer !== undefined)
    .sort((a, b) => a.delayMs - b.delayMs)[0];
}

/**
 * The offset that most servers agree on: the median of those that are close together, if they are more than
 * half of all that answered.
 *
 * @returns Whole milliseconds, or nothing when no server answered or they disagree.
 */
export function agreeOnOffset(answers: readonly ServerAnswer[]): number | undefined {
  const offsets = answers.map((answer) => answer.offsetMs);
  const middle = lowerMedian(offsets);
  if (middle === undefined) return undefined;
  const agreeing = offsets.filter((offset) => Math.abs(offset - middle) <= agreementMs);
  if (agreeing.length * 2 <= offsets.length) return undefined;
  // Rounded, because all clocks here count in whole milliseconds; and without a negative zero.
  return Math.round(lowerMedian(agreeing) ?? middle) || 0;
}
