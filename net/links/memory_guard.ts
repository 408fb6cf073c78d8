/**
 * Notices when zeromq takes memory without bound.
 *
 * A message may come in parts. zeromq bounds the size of each part and not their number, and hands
 * them over once the last one is there: a stranger who never sends that one fills the memory. No option
 * of zeromq stops this, and nothing tells whose parts they are; but the memory can be seen to grow.
 *
 * @module
 */

import type { Clock, Timer } from "../../core/ports.ts";
import { nativeGrowthBytesMax, nativeLookMs } from "./link_limits.ts";

/** What a guard needs. */
export interface MemoryGuardOptions {
  /** Time. */
  readonly clock: Pick<Clock, "after">;
  /** Bytes in use outside of V8; {@linkcode nativeBytes} unless a test wants otherwise. */
  readonly usedBytes: () => number;
  /** Called when they have grown too far, with by how many bytes; then the guard measures anew. */
  readonly onExcess: (grownBytes: number) => void;
}

/** Resident bytes of the process that V8 does not account for. */
export function nativeBytes(): number {
  const { rss, heapTotal, external } = Deno.memoryUsage();
  return rss - heapTotal - external;
}

/** Looks at the memory until closed. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #leastBytes = Infinity;
  #timer: Timer;

  /** Starts to look. */
  constructor(options: MemoryGuardOptions) {
    this.#options = options;
    this.#timer = this.#arm();
  }

  /** Stops. */
  close(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    return this.#options.clock.after(nativeLookMs, () => {
      this.#timer = this.#arm();
      this.#look();
    });
  }

  #look(): void {
    const bytes = this.#options.usedBytes();
    this.#leastBytes = Math.min(this.#leastBytes, bytes);
    const grownBytes = bytes - this.#leastBytes;
    if (grownBytes <= nativeGrowthBytesMax) return;
    // What is not given back now is no longer counted, or there would be no end of it.
    this.#leastBytes = Infinity;
    this.#options.onExcess(grownBytes);
  }
}
