/**
 * Frames that were sent and may not have arrived: a router that was off, or a relay that lies, lets the bytes
 * of a connection vanish without a sign of it.
 *
 * @module
 */

import type { ByteBudget } from "./frame_queue.ts";
import { unsureMax, unsureMsMax } from "./link_limits.ts";

/** The last frames of one link; each is given back a few times at most. */
export class UnsureFrames {
  readonly #budget: ByteBudget;
  readonly #sent: { readonly frame: Uint8Array; readonly atMs: number }[] = [];
  /** How often frames were given back. */
  readonly #repeats = new WeakMap<Uint8Array, number>();
  #bytes = 0;

  /** None at first. They count among the bytes that wait on all links. */
  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** A frame was sent; the oldest ones make room for it. Where half of the budget is used it is not kept: the rest is for frames that wait. */
  add(frame: Uint8Array, nowMs: number): void {
    if (frame.length > unsureMax.bytes || this.#repeatsOf(frame) >= unsureMax.repeats) return;
    if (this.#budget.usedBytes + frame.length > this.#budget.bytesMax / 2) return;
    this.#sent.push({ frame, atMs: nowMs });
    this.#count(frame.length);
    while (this.#sent.length > unsureMax.frames || this.#bytes > unsureMax.bytes) this.#drop();
  }

  /** Whether there are some; those that have arrived by now are forgotten. */
  isAny(nowMs: number): boolean {
    while (nowMs - (this.#sent[0]?.atMs ?? nowMs) >= unsureMsMax) this.#drop();
    return this.#sent.length > 0;
  }

  /** The link has died: the last frames that may not have arrived, the oldest first. All are forgotten. */
  take(nowMs: number, framesMax = Infinity): Uint8Array[] {
    this.isAny(nowMs);
    const recent = this.#sent.slice(-framesMax).map(({ frame }) => frame);
    for (const frame of recent) this.#repeats.set(frame, this.#repeatsOf(frame) + 1);
    this.clear();
    return recent;
  }

  /** Forgets all. */
  clear(): void {
    this.#sent.length = 0;
    this.#count(-this.#bytes);
  }

  #repeatsOf(frame: Uint8Array): number {
    return this.#repeats.get(frame) ?? 0;
  }

  #drop(): void {
    this.#count(-(this.#sent.shift()?.frame.length ?? 0));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.usedBytes += bytes;
  }
}
