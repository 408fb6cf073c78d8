/**
 * Throws random and mutated inputs at a decoder.
 *
 * Every run is fixed by its seed; a failure tells the input, which is all that is needed to replay it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { memoryUsage } from "node:process";
import { toHex } from "../../core/model/bytes.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import { SeededRandom } from "../sim/random.ts";

/** What is fuzzed, and how. */
export interface FuzzOptions {
  /** Fixes every input. */
  readonly seed: number;
  /** Sound inputs: they must decode, and are what is mutated. */
  readonly samples: readonly Uint8Array[];
  /** The decoder; what it returns is of no interest. */
  readonly decode: (input: Uint8Array) => unknown;
  /** Whether an error is the decoder's own. */
  readonly expected: (error: unknown) => boolean;
  /** How many inputs; default 100,000. */
  readonly runs?: number;
  /** The most bytes of a random input; default 300. */
  readonly randomBytesMax?: number;
}

/** No input may take longer. */
const slowMs = 20;

/** A slow input is tried so often again: a machine that does something else is not the decoder's fault. */
const retries = 5;

/** What the heap may have grown by after all runs, garbage that waits for its collection included. */
const growthBytesMax = 96 * 1024 * 1024;

/** Runs after which the heap counts as warm. */
const warmUpRuns = 5_000;

/** Bytes that mean something: MessagePack's type bytes, the ends of integers, line ends, brackets. */
const telling = Uint8Array.from([
  ...[0x00, 0x01, 0x7f, 0x80, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5],
  ...[0xc6, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd3, 0xd4, 0xd9, 0xda, 0xdb, 0xdc],
  ...[0xdd, 0xde, 0xdf, 0xe0, 0xff, 0x0a, 0x0d, 0x20, 0x22, 0x3b, 0x3d, 0x5b, 0x5d, 0x7b, 0x7d],
]);

/** Makes inputs: most of them a sound one with a few changes. */
class Mutator {
  readonly #random: SeededRandom;
  readonly #samples: readonly Uint8Array[];
  readonly #randomBytesMax: number;

  constructor(options: FuzzOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#samples = options.samples;
    this.#randomBytesMax = options.randomBytesMax ?? 300;
  }

  next(): Uint8Array {
    const random = this.#random;
    if (random.chance(0.1)) return random.bytes(random.int(this.#randomBytesMax + 1));
    let bytes: Uint8Array = random.pick(this.#samples).slice();
    for (let i = random.between(1, 4); i > 0; i--) bytes = this.#mutate(bytes);
    return bytes;
  }

  #mutate(bytes: Uint8Array): Uint8Array {
    const random = this.#random;
    const at = random.int(bytes.length + 1);
    const length = random.int(1 + Math.min(16, bytes.length - at));
    switch (random.int(8)) {
      case 0: // one bit
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
        return bytes;
      case 1: // one byte, any
        if (at < bytes.length) bytes[at] = random.int(256);
        return bytes;
      case 2: // one byte, a telling one
        if (at < bytes.length) bytes[at] = telling[random.int(telling.length)] ?? 0;
        return bytes;
      case 3: // cut
        return bytes.slice(0, at);
      case 4: // take out
        return joined(bytes.subarray(0, at), bytes.subarray(at + length));
      case 5: // put in
        return joined(bytes.subarray(0, at), random.bytes(length), bytes.subarray(at));
      case 6: // double
        return joined(bytes.subarray(0, at + length), bytes.subarray(at));
      default: { // go on as another sample does
        const other = random.pick(this.#samples);
        return joined(bytes.subarray(0, at), other.subarray(random.int(other.length + 1)));
      }
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The input as a failure's message shows it. */
function shown(input: Uint8Array): string {
  return `${input.length} bytes, hex ${toHex(input.subarray(0, 4_096))}`;
}

/** Runs the decoder on an input: true if it decoded, false if it refused. */
function attempt(options: FuzzOptions, input: Uint8Array): boolean {
  try {
    options.decode(input);
    return true;
  } catch (error) {
    if (options.expected(error)) return false;
    assert.fail(`${error} left the decoder (seed ${options.seed}, ${shown(input)})`);
  }
}

/**
 * Runs the decoder on every sample, which it must take, and on that many inputs made of them, and
 * checks that nothing but its own error leaves it, that no input takes over 20 ms, and that memory
 * stays flat.
 *
 * @returns How many inputs it took and how many it refused, so that a test can tell that both happen.
 */
export function fuzz(options: FuzzOptions): { taken: number; refused: number } {
  const { stackTraceLimit } = Error;
  // Of each refused input a trace would be taken: a fifth of all the time.
  Error.stackTraceLimit = 0;
  try {
    return run(options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function run(options: FuzzOptions): { taken: number; refused: number } {
  const clock = new SystemClock();
  const mutator = new Mutator(options);
  for (const sample of options.samples) {
    assert(attempt(options, sample), `a sound sample is refused (${shown(sample)})`);
  }
  let heap = memoryUsage().heapUsed;
  const counts = { taken: 0, refused: 0 };
  const runs = options.runs ?? 100_000;
  for (let i = 0; i < runs; i++) {
    if (i === warmUpRuns) heap = memoryUsage().heapUsed;
    const input = mutator.next();
    const start = clock.monotonic();
    if (attempt(options, input)) counts.taken++;
    else counts.refused++;
    if (clock.monotonic() - start > slowMs) checkSpeed(options, input, clock);
  }
  const growth = memoryUsage().heapUsed - heap;
  assert(growth < growthBytesMax, `the heap has grown by ${growth} bytes`);
  return counts;
}

function checkSpeed(options: FuzzOptions, input: Uint8Array, clock: SystemClock): void {
  let best = Infinity;
  for (let i = 0; i < retries; i++) {
    const start = clock.monotonic();
    attempt(options, input);
    best = Math.min(best, clock.monotonic() - start);
  }
  assert(best <= slowMs, `an input takes ${best} ms (seed ${options.seed}, ${shown(input)})`);
}
