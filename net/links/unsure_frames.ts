/**
 * Frames that were sent through a relay and may not have arrived: a router that was off, or a relay that
 * lies, lets the bytes of a connection vanish without a sign of it.
 *
 * @module
 */

import { unsureMax, unsureMsMax } from "./link_limits.ts";

/** The last frames of one link; each is given back once at most. */
export class UnsureFrames {
  readonly #sent: { readonly frame: Uint8Array; readonly atMs: number }[] = [];
  readonly #repeated = new WeakSet<Uint8Array>();
  #bytes = 0;

  /** A frame was sent; the oldest ones make room for it. */
  add(frame: Uint8Array, nowMs: number): void {
    if (frame.length > unsureMax.bytes || this.#repeated.has(frame)) return;
    this.#sent.push({ frame, atMs: nowMs });
    this.#bytes += frame.length;
    while (this.#sent.length > unsureMax.frames || this.#bytes > unsureMax.bytes) this.#drop();
  }

  /** Whether there are some; those that have arrived by now are forgotten. */
  isAny(nowMs: number): boolean {
    while (nowMs - (this.#sent[0]?.atMs ?? nowMs) >= unsureMsMax) this.#drop();
    return this.#sent.length > 0;
  }

  /** The link has died: the frames that may not have arrived, the oldest first. They are forgotten. */
  take(nowMs: number): Uint8Array[] {
    this.isAny(nowMs);
    const recent = this.#sent.map(({ frame }) => frame);
    for (const frame of recent) this.#repeated.add(frame);
    this.clear();
    return recent;
  }

  /** Forgets all. */
  clear(): void {
    this.#sent.length = 0;
    this.#bytes = 0;
  }

  #drop(): void {
    this.#bytes -= this.#sent.shift()?.frame.length ?? 0;
  }
}
