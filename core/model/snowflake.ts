/**
 * Snowflake ids: 41 bits of milliseconds since 2021-12-01T00:00:00Z, 10 bits of device, 12 of sequence.
 *
 * Sorted as numbers they are sorted by time, and two devices never draw the same one.
 *
 * @module
 */

import { CamelliaError } from "./errors.ts";

/** Unix time, in milliseconds, that an id's time is counted from. */
export const snowflakeEpochMs: number = Date.UTC(2021, 11, 1);

/** The highest device number: 10 bits. */
export const deviceMax = 1023;

/** The highest sequence number within one millisecond: 12 bits. */
export const snowflakeSequenceMax = 4095;

/** The last millisecond since the epoch that 41 bits can tell (the year 2091). */
const elapsedMsMax = 2 ** 41 - 1;

/** The highest id there is: 63 bits. */
export const snowflakeMax: bigint = (1n << 63n) - 1n;

/** The parts of an id. */
export interface SnowflakeParts {
  /** Unix time in milliseconds. */
  readonly timeMs: number;
  /** Device number, 0 to 1023. */
  readonly device: number;
  /** Sequence within the millisecond, 0 to 4095. */
  readonly sequence: number;
}

/**
 * Builds an id.
 *
 * @throws {RangeError} if a part does not fit its bits.
 */
export function composeSnowflake(parts: SnowflakeParts): bigint {
  const elapsed = parts.timeMs - snowflakeEpochMs;
  if (!Number.isInteger(elapsed) || elapsed < 0 || elapsed > elapsedMsMax) {
    throw new RangeError(`Cannot make an id: ${parts.timeMs} is outside 2021 to 2091`);
  }
  if (!(parts.device >= 0 && parts.device <= deviceMax)) {
    throw new RangeError(`Cannot make an id: ${parts.device} is no device number`);
  }
  if (!(parts.sequence >= 0 && parts.sequence <= snowflakeSequenceMax)) {
    throw new RangeError(`Cannot make an id: ${parts.sequence} is no sequence number`);
  }
  return (BigInt(elapsed) << 22n) | (BigInt(parts.device) << 12n) | BigInt(parts.sequence);
}

/** Takes an id of 63 bits apart. */
export function parseSnowflake(id: bigint): SnowflakeParts {
  return {
    timeMs: Number(id >> 22n) + snowflakeEpochMs,
    device: Number((id >> 12n) & 0x3ffn),
    sequence: Number(id & 0xfffn),
  };
}

/** Unix time in milliseconds at which an id was drawn. */
export function snowflakeTimeMs(id: bigint): number {
  return Number(id >> 22n) + snowflakeEpochMs;
}

/** The lowest id of a millisecond: a bound for ranges by time. Times outside 2021 to 2091 are clamped. */
export function firstSnowflakeAt(timeMs: number): bigint {
  const elapsed = Math.min(Math.max(Math.floor(timeMs) - snowflakeEpochMs, 0), elapsedMsMax);
  return BigInt(elapsed) << 22n;
}

/**
 * The id that follows `last` on this device at the time `nowMs`: strictly higher even when the clock
 * stepped back, moving into the next millisecond when one millisecond's 4,096 are used up. How far
 * the result may lie ahead of the clock is for the caller to judge.
 */
export function nextSnowflake(last: bigint | undefined, nowMs: number, device: number): bigint {
  const fresh = composeSnowflake({
    // A corrected clock has fractions of milliseconds.
    timeMs: Math.max(Math.floor(nowMs), snowflakeEpochMs),
    device,
    sequence: 0,
  });
  if (last === undefined || fresh > last) return fresh;
  const { timeMs, sequence, device: lastDevice } = parseSnowflake(last);
  return sequence < snowflakeSequenceMax && lastDevice === device
    ? composeSnowflake({ timeMs, device, sequence: sequence + 1 })
    : composeSnowflake({ timeMs: timeMs + 1, device, sequence: 0 });
}

/** A decimal string as an id, or undefined when it is not one of 63 bits. */
export function parseSnowflakeText(text: string): bigint | undefined {
  if (!/^[0-9]{1,19}$/.test(text)) return undefined;
  const id = BigInt(text);
  return id <= snowflakeMax ? id : undefined;
}

/**
 * The id of a post as a person or script writes it; `doing` is for the error message, a verb and its object.
 *
 * @throws {CamelliaError} `invalid_argument`.
 */
export function readPostId(text: string, doing: string): bigint {
  const id = parseSnowflakeText(text);
  if (id !== undefined) return id;
  throw new CamelliaError(
    "invalid_argument",
    `Cannot ${doing}: ${JSON.stringify(text.slice(0, 40))} is not the id of a post.`,
  );
}
