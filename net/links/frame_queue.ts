/**
 * Frames that wait for their link, bounded in number, bytes and age.
 *
 * @module
 */

import { frameAgeMsMax, queuedBytesMax } from "./link_limits.ts";

/** Bytes that wait on all links together. */
export class ByteBudget {
  /** The bound. */
  readonly bytesMax: number;
  /** In use. */
  usedBytes = 0;

  /** A budget of which nothing is used. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
}

interface WaitingFrame {
  readonly frame: Uint8Array;
  readonly queuedAt: number;
}

/** First in, first out. */
export class FrameQueue {
  readonly #budget: ByteBudget;
  #frames: WaitingFrame[] = [];
  /** Frames before this index have been taken: shifting an array costs its length. */
  #first = 0;
  #bytes = 0;

  /** An empty queue that draws on a shared budget. */
  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Frames that wait. */
  get length(): number {
    return this.#frames.length - this.#first;
  }

  /** Adds a frame unless that would break a bound; says whether it did. `now` is monotonic. */
  push(frame: Uint8Array, framesMax: number, now: number): boolean {
    this.#dropStale(now);
    if (
      this.length >= framesMax ||
      this.#bytes + frame.length > queuedBytesMax ||
      this.#budget.usedBytes + frame.length > this.#budget.bytesMax
    ) return false;
    this.#frames.push({ frame, queuedAt: now });
    this.#count(frame.length);
    return true;
  }

  /** Takes the first frame that is still worth sending. */
  shift(now: number): Uint8Array | undefined {
    this.#dropStale(now);
    return this.#take()?.frame;
  }

  /** Takes all frames that are still worth sending, in their order. */
  takeAll(now: number): Uint8Array[] {
    this.#dropStale(now);
    const frames = this.#frames.slice(this.#first).map(({ frame }) => frame);
    this.clear();
    return frames;
  }

  /** Forgets everything. */
  clear(): void {
    this.#count(-this.#bytes);
    this.#frames = [];
    this.#first = 0;
  }

  #dropStale(now: number): void {
    for (;;) {
      const first = this.#frames[this.#first];
      if (first === undefined || now - first.queuedAt <= frameAgeMsMax) return;
      this.#take();
    }
  }

  #take(): WaitingFrame | undefined {
    const waiting = this.#frames[this.#first];
    if (waiting === undefined) return undefined;
    this.#first++;
    this.#count(-waiting.frame.length);
    if (this.#first * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first);
      this.#first = 0;
    }
    return waiting;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.usedBytes += bytes;
  }
}
