/**
 * Records that were opened lately, so that a value met again costs a comparison in place of a signature.
 *
 * A holder meets the same bytes at every replication, a reader from each of up to twenty holders.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { copyOf } from "./bytes.ts";
import { attempt } from "./msgpack.ts";
import { openRecord, readRecord, recordBytesMax, type SignedRecord } from "./record.ts";

/**
 * Bytes of values kept, a generation; two generations are kept. Some 300 records of common size, which
 * a reader meets again within seconds: a peer's memory would only grow for hours with more of them.
 */
const generationBytesMax = 256 * 1024;

/** What is accounted for a record beside its value: the objects made of it take a few times as much. */
const overheadBytes = 1_000;

/** The last bytes of a record's value are the signature's S, which differs wherever anything differs. */
const nameBytes = 32;

function nameOf(value: Uint8Array): string {
  const start = Math.max(0, value.length - nameBytes);
  return Buffer.from(value.buffer, value.byteOffset + start, value.length - start).toString(
    "latin1",
  );
}

/** Whether a record was made of exactly these bytes: the name alone could be anybody's copy. */
function isOf(record: SignedRecord | undefined, value: Uint8Array): record is SignedRecord {
  return record !== undefined && Buffer.compare(record.value, value) === 0;
}

/** Opens records, remembering the last ones that were valid. What is not valid is not remembered. */
export class RecordCache {
  #recent = new Map<string, SignedRecord>();
  #older = new Map<string, SignedRecord>();
  #bytes = 0;

  /** The record, if schema and signature are right; nothing else of it has been checked. */
  open(value: Uint8Array): SignedRecord | undefined {
    if (value.length > recordBytesMax) return undefined;
    const name = nameOf(value);
    const known = this.#recent.get(name);
    if (isOf(known, value)) return known;
    const older = this.#older.get(name);
    // The caller's bytes may be a socket's buffer; what is kept must not change.
    const record = isOf(older, value) ? older : attempt(() => openRecord(copyOf(value)));
    if (record !== undefined) this.#keep(name, record);
    return record;
  }

  /** The record of a value that was found valid before: its signature is not looked at again. */
  read(value: Uint8Array): SignedRecord | undefined {
    const name = nameOf(value);
    const known = this.#recent.get(name) ?? this.#older.get(name);
    return isOf(known, value) ? known : attempt(() => readRecord(value).record);
  }

  #keep(name: string, record: SignedRecord): void {
    if (this.#bytes > generationBytesMax) {
      this.#older = this.#recent;
      this.#recent = new Map();
      this.#bytes = 0;
    }
    this.#recent.set(name, record);
    this.#bytes += record.value.length + overheadBytes;
  }
}
