/**
 * Randomness that a seed replays.
 *
 * @module
 */

import type { Random } from "../../core/ports.ts";

/** 2^32. */
const wordCount = 0x1_0000_0000;

/** Rounds that spread the seed over sfc32's state; its author recommends at least 12. */
const warmUpRounds = 16;

/** FNV-1a, 32 bits: turns a label or a textual seed into a word. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}

/**
 * Chris Doty-Humphrey's sfc32 (PractRand): 128 bits of state, passes BigCrush. Not for keys that
 * guard anything.
 */
export class SeededRandom implements Random {
  /** The seed, to print when a run fails. */
  readonly seed: number | string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** The same seed gives the same stream; 7 and "7" are the same seed. */
  constructor(seed: number | string) {
    this.seed = seed;
    const text = String(seed);
    this.#a = hash(text);
    this.#b = hash(`${text}/b`);
    this.#c = hash(`${text}/c`);
    for (let i = 0; i < warmUpRounds; i++) this.word();
  }

  /** An integer from 0 to 2^32 - 1. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** Fresh bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.word();
      for (let j = 0; j < 4 && i + j < length; j++) bytes[i + j] = word >>> (8 * j);
    }
    return bytes;
  }

  /** A number from 0, included, to 1, excluded, with 53 bits. */
  float(): number {
    return ((this.word() >>> 5) * 0x400_0000 + (this.word() >>> 6)) / 0x20_0000_0000_0000;
  }

  /** An integer from 0 to `bound` - 1, each equally likely. */
  int(bound: number): number {
    if (!(Number.isSafeInteger(bound) && bound >= 1)) {
      throw new RangeError(`Cannot draw an integer: the bound ${bound} is not a positive integer`);
    }
    return bound <= wordCount
      ? Math.floor(this.word() / wordCount * bound)
      : Math.floor(this.float() * bound);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1);
  }

  /** True with that probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    const index = this.int(items.length);
    return items[index] as T;
  }

  /** The items in random order (Fisher and Yates), the argument untouched. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }

  /**
   * A stream of its own, so that one more draw here doesn't shift what others draw. Depends on the
   * seed and the label alone, not on what was drawn before.
   */
  fork(label: string | number): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`);
  }
}
