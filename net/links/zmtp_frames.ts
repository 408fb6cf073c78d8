/**
 * Counts the frames in a stream of bytes, without looking into them.
 *
 * @module
 */

import { speechBytesMin } from "./link_limits.ts";

/** Bytes of the greeting that opens each connection (ZMTP 3.1, section 2.2). */
export const greetingBytes = 64;

/** In a frame's first byte (ZMTP 3.1, section 2.3): the length takes eight bytes in place of one. */
const longFlag = 0x02;

/** Follows one direction of one ZMTP connection. */
export class ZmtpFrames {
  /** Bytes to pass over before the next head of a frame. */
  #skip = greetingBytes;
  /** Bytes of a head's length still to come; 0 between frames. */
  #lengthBytes = 0;
  #length = 0;
  /** Whether something came that may have been a message. */
  #hasSpoken = false;
  #news: "one" | "some" | undefined;

  /** Whether the greeting is over, and the next byte begins a frame. */
  get isBetween(): boolean {
    return this.#skip === 0 && this.#lengthBytes === 0;
  }

  /** What the bytes that were counted last may have made whole: one message, some, or none. */
  get news(): "one" | "some" | undefined {
    return this.#news;
  }

  /** How many frames begin in the next bytes of the stream. Linear in the frames, not in the bytes. */
  count(bytes: Uint8Array): number {
    let frames = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.isBetween) frames++;
      at = this.follow(bytes, at);
    }
    const isSpeech = bytes.length >= speechBytesMin;
    this.#hasSpoken ||= isSpeech;
    // Not the greeting, nor signs of life; but the last bytes of a long message, however few.
    const isNews = isSpeech || (this.#hasSpoken && frames === 0);
    this.#news = isNews ? (frames <= 1 && this.isBetween ? "one" : "some") : undefined;
    return frames;
  }

  /** Follows the stream to the end of the greeting or frame that it is in, or to the last byte; says how far that is. */
  follow(bytes: Uint8Array, from: number): number {
    let at = from;
    do {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      const byte = bytes[at++] ?? 0;
      if (this.#lengthBytes === 0) {
        this.#lengthBytes = (byte & longFlag) === 0 ? 1 : 8;
        this.#length = 0;
      } else {
        this.#length = this.#length * 256 + byte;
        if (--this.#lengthBytes === 0) this.#skip = this.#length;
      }
    } while (at < bytes.length && !this.isBetween);
    return at;
  }
}
