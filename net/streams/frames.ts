/**
 * Datagrams on a connection: each with its length before it (docs/PROTOCOL.md, section 5.3).
 *
 * @module
 */

import { type ByteReader, writeAll } from "../links/byte_reader.ts";
import { queuedBytesMax } from "./stream_limits.ts";

/** The first byte of a stream, for the front door. */
export const streamByte = 0x44;

/** What a stream begins with: its first byte, and the version. */
export const streamHead: Uint8Array = Uint8Array.of(streamByte, 1);

/** Bytes before a datagram: its length, big-endian. */
const lengthBytes = 2;

/** Reads a datagram. Rejects when its length is not within the bounds, or the connection ends. */
export async function readFrame(
  reader: ByteReader,
  { bytesMin, bytesMax }: { readonly bytesMin: number; readonly bytesMax: number },
): Promise<Uint8Array> {
  const [high = 0, low = 0] = await reader.take(lengthBytes);
  const length = high * 256 + low;
  if (length >= bytesMin && length <= bytesMax) return await reader.take(length);
  throw new RangeError(`Cannot read a datagram: ${length} bytes are out of bounds`);
}

/** A datagram with its length before it. */
export function frameOf(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(lengthBytes + data.length);
  frame[0] = data.length >> 8;
  frame[1] = data.length & 255;
  frame.set(data, lengthBytes);
  return frame;
}

/** Writes datagrams one after another; what a slow reader does not take is lost. */
export class FrameWriter {
  readonly #queue: Uint8Array[] = [];
  #bytes = 0;
  #conn: Pick<Deno.Conn, "write"> | undefined;
  #isWriting = false;

  /** Queues a datagram; whether there was room. Nothing is written before {@linkcode start}. */
  push(data: Uint8Array): boolean {
    const frame = frameOf(data);
    if (this.#bytes + frame.length > queuedBytesMax) return false;
    this.#queue.push(frame);
    this.#bytes += frame.length;
    void this.#write();
    return true;
  }

  /** Writes `head`, then what is queued, and what comes. */
  start(conn: Pick<Deno.Conn, "write">, head?: Uint8Array): void {
    this.#conn = conn;
    if (head !== undefined) {
      this.#queue.unshift(head);
      this.#bytes += head.length;
    }
    void this.#write();
  }

  /** Never rejects: who reads from the connection notices that it has ended. */
  async #write(): Promise<void> {
    if (this.#isWriting || this.#conn === undefined) return;
    this.#isWriting = true;
    try {
      for (let frame = this.#queue[0]; frame !== undefined; frame = this.#queue[0]) {
        await writeAll(this.#conn, frame);
        this.#queue.shift();
        this.#bytes -= frame.length;
      }
      this.#isWriting = false;
    } catch {
      // It stays busy for ever, and its queue is bounded.
    }
  }
}
