/**
 * One-time codes: how a browser shows that the person at this machine sent it.
 *
 * A code stands in the fragment of an address, which no browser sends anywhere; the page gives it to the peer
 * once, for a session.
 *
 * @module
 */

import type { Time } from "../../lib/time.ts";
import { equalSecrets, freshSecret, type RandomBytes } from "./secrets.ts";

/** How long a code is good: long enough for a browser that has to start, and to copy the address by hand. */
export const codeLifeMs = 120_000;

/** Codes that are open at a time; beyond them the oldest is void. */
export const codesMax = 8;

/** Wrong guesses after which all open codes are void. A person who pastes half a code has some tries. */
export const guessesMax = 10;

/** Bytes of a code: 128 bits cannot be guessed in any number of tries. */
const codeBytes = 16;

interface Code {
  readonly text: string;
  readonly until: number;
}

/** The codes that are open. */
export class Codes {
  readonly #time: Pick<Time, "monotonic">;
  readonly #randomBytes: RandomBytes;
  #open: readonly Code[] = [];
  #guesses = 0;

  /** None yet. */
  constructor(time: Pick<Time, "monotonic">, randomBytes: RandomBytes) {
    this.#time = time;
    this.#randomBytes = randomBytes;
  }

  /** A fresh code. */
  issue(): string {
    const now = this.#time.monotonic();
    const text = freshSecret(this.#randomBytes, codeBytes);
    this.#open = [...this.#open, { text, until: now + codeLifeMs }].slice(-codesMax);
    this.#guesses = 0;
    return text;
  }

  /** Whether that is an open code, which it no longer is afterwards. */
  redeem(given: string): boolean {
    const now = this.#time.monotonic();
    this.#open = this.#open.filter(({ until }) => until > now);
    // All are compared, so that the time tells nothing of which one it was.
    const found = this.#open.filter(({ text }) => equalSecrets(text, given));
    if (found.length > 0) {
      this.#open = this.#open.filter((code) => !found.includes(code));
      return true;
    }
    if (++this.#guesses >= guessesMax) this.#open = [];
    return false;
  }
}
