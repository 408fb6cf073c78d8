/**
 * Receipts: a device that is reached through a relay tells the sender how many bytes have come, so that a relay
 * that hangs or holds back is noticed within seconds, and not by zeromq's heartbeats alone.
 *
 * The sender marks the filler of its ZMTP greeting, of which libzmq takes no notice. The device says how much
 * it has received between the frames that zeromq sends back, and the sender's tunnel takes that out again. A
 * relay can forge a receipt: then heartbeats tell the truth, which it cannot forge, as they always did.
 *
 * @module
 */

import { Mutex } from "../../lib/slots.ts";
import type { Time, Timer } from "../../lib/time.ts";
import { writeAll } from "./byte_reader.ts";
import { receiptLateMs, receiptLooks, receiptPauseMs } from "./link_limits.ts";
import { greetingBytes, ZmtpFrames } from "./zmtp_frames.ts";

/** The last byte of a greeting, zero in ZMTP 3.1, section 2.2: here it says that receipts are understood. */
const markAt = greetingBytes - 1;
const mark = 1;

/** The first byte of a receipt: no frame of ZMTP 3.1 has this flag. */
const receiptByte = 0x80;

/** How many bytes have come follows in so many bytes, big-endian, and begins anew when they are full. */
const countBytes = 4;
const countsMax = 2 ** (8 * countBytes);

/** The device's end: says how much has come. */
export class ReceiptGiver {
  readonly #time: Pick<Time, "after">;
  readonly #to: Pick<Deno.Conn, "write">;
  readonly #answers = new ZmtpFrames();
  readonly #writing = new Mutex();
  #isWanted = false;
  #isClosed = false;
  #received = 0;
  #later: Timer | undefined;

  /** Says nothing as long as the sender has not asked for receipts. */
  constructor(time: Pick<Time, "after">, to: Pick<Deno.Conn, "write">) {
    this.#time = time;
    this.#to = to;
  }

  /** These bytes have come from the sender, and were passed on. */
  received(bytes: Uint8Array): void {
    const at = markAt - this.#received;
    if (at >= 0 && at < bytes.length) this.#isWanted = bytes[at] === mark;
    this.#received += bytes.length;
    if (this.#isWanted) this.#tellLater();
  }

  /** Writes what zeromq answers. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#writing.run(async () => {
      this.#answers.count(bytes);
      await writeAll(this.#to, bytes);
    });
  }

  /** Says nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#later?.cancel();
  }

  #tellLater(): void {
    if (this.#isClosed) return;
    this.#later ??= this.#time.after(receiptPauseMs, () => {
      this.#later = undefined;
      // A connection that has ended is noticed where it is read.
      this.#writing.run(() => this.#tell()).catch(() => {});
    });
  }

  async #tell(): Promise<void> {
    // A frame that is under way in pieces has to end before.
    if (!this.#answers.isBetween) return this.#tellLater();
    const receipt = new Uint8Array(1 + countBytes);
    receipt[0] = receiptByte;
    new DataView(receipt.buffer).setUint32(1, this.#received);
    await writeAll(this.#to, receipt);
  }
}

/** The sender's end: asks for receipts, and notices when none comes. */
export class ReceiptTaker {
  readonly #time: Pick<Time, "after">;
  readonly #onSilence: () => void;
  readonly #answers = new ZmtpFrames();
  #sent = 0;
  /** As the last receipt says; undefined before the first: the device may know none. */
  #received: number | undefined;
  /** Bytes of a receipt that are still to come, and what those before were. */
  #left = 0;
  #count = 0;
  #looks = 0;
  #looking: Timer | undefined;

  /**
   * Nothing is awaited before the device has given a first receipt.
   *
   * @param onSilence Called once when what was sent has not come for {@linkcode receiptLateMs}.
   */
  constructor(time: Pick<Time, "after">, onSilence: () => void) {
    this.#time = time;
    this.#onSilence = onSilence;
  }

  /** These bytes are about to be sent; the greeting among them is marked. */
  sent(bytes: Uint8Array): Uint8Array {
    const at = markAt - this.#sent;
    if (at >= 0 && at < bytes.length) bytes[at] = mark;
    this.#sent += bytes.length;
    this.#await();
    return bytes;
  }

  /** What came back, without receipts; in the same space. */
  taken(bytes: Uint8Array): Uint8Array {
    let kept = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        this.#count = this.#count * 256 + (bytes[at++] ?? 0);
        if (--this.#left === 0) this.#hear(this.#count);
      } else if (this.#answers.isBetween && bytes[at] === receiptByte) {
        at++;
        [this.#left, this.#count] = [countBytes, 0];
      } else {
        const end = this.#answers.follow(bytes, at);
        bytes.copyWithin(kept, at, end);
        kept += end - at;
        at = end;
      }
    }
    return bytes.subarray(0, kept);
  }

  /** Nothing is awaited any more. */
  close(): void {
    this.#looking?.cancel();
  }

  #hear(received: number): void {
    if (received === this.#received) return;
    this.#received = received;
    this.#looking?.cancel();
    this.#looking = undefined;
    if (!this.#isAllThere) this.#await();
  }

  get #isAllThere(): boolean {
    return this.#received === this.#sent % countsMax;
  }

  /**
   * Looks several times before it counts as silence: where this process was kept from running for a while, the
   * receipts that came meanwhile are read between the first look and the second.
   */
  #await(): void {
    if (this.#received === undefined || this.#looking !== undefined) return;
    this.#looks = 0;
    const look = (): void => {
      if (++this.#looks >= receiptLooks) return this.#onSilence();
      this.#looking = this.#time.after(receiptLateMs / receiptLooks, look);
    };
    this.#looking = this.#time.after(receiptLateMs / receiptLooks, look);
  }
}
