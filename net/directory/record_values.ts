/**
 * What a value is to the DHT: a record, by the rules of `core/model/record_policy.ts`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { equalBytes } from "../../core/model/bytes.ts";
import { attempt } from "../../lib/msgpack.ts";
import type { ClaimLedger } from "../../core/model/claims.ts";
import {
  openRecord,
  peekRecord,
  readRecord,
  recordBytesMax,
  recordKey,
  type SignedRecord,
} from "../../core/model/record.ts";
import { clockToleranceMs, compareRecords, dateVerdict } from "../../core/model/record_policy.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { ValuePolicy, Verdict } from "../kademlia/ports.ts";

/**
 * Valid records remembered, so that bytes met again cost a comparison in place of a signature: a holder
 * meets the same ones at every replication, a reader from each of up to twenty holders within seconds. With
 * many more of them a peer's memory would only grow for hours.
 */
const rememberedBounds = { entriesMax: 600, weightMax: 512 * 1024 };

/** Bytes accounted for a record beside its value: the objects made of it take a few times as much. */
const overheadBytes = 1_000;

/** The last bytes of a record's value are the signature's S, which differs wherever anything differs. */
const nameBytes = 32;

/** The rules of records where the DHT stores, fetches, replicates and reads from disk. */
export class RecordValuePolicy implements ValuePolicy<SignedRecord> {
  readonly #claims: Pick<ClaimLedger, "owns">;
  /** By {@linkcode nameOf}; the one used last is the youngest. */
  readonly #valid = new BoundedMap<string, SignedRecord>({
    ...rememberedBounds,
    weigh: (record) => record.value.length + overheadBytes,
  });

  /**
   * The rules, with what the node knows.
   *
   * @param claims Decide between records of two owners; they make no record invalid.
   */
  constructor(claims: Pick<ClaimLedger, "owns">) {
    this.#claims = claims;
  }

  /** See {@linkcode ValuePolicy.check}: the cheapest checks come first. */
  check(key: Uint8Array, value: Uint8Array, nowMs: number): Verdict<SignedRecord> {
    if (value.length > recordBytesMax) return { ok: false, reason: "is too long" };
    const names = peekRecord(value);
    if (names === undefined || !equalBytes(recordKey(names.username, names.namespace), key)) {
      return { ok: false, reason: "belongs under another key" };
    }
    const record = this.#open(value);
    if (record === undefined) return { ok: false, reason: "is malformed or not signed" };
    const seen = record.username === names.username && record.namespace === names.namespace;
    if (!seen) return { ok: false, reason: "is not in its shortest form" };
    const reason = dateVerdict(record.namespace, record.expiresAt, nowMs);
    if (reason !== undefined) return { ok: false, reason };
    return { ok: true, decoded: record, expiresAtMs: record.expiresAt + clockToleranceMs };
  }

  /** See {@linkcode ValuePolicy.compare}. */
  compare(a: Uint8Array, b: Uint8Array): number {
    const [first, second] = [this.#read(a), this.#read(b)];
    if (first === undefined || second === undefined) {
      return Number(first !== undefined) - Number(second !== undefined);
    }
    if (equalBytes(first.publicKey, second.publicKey)) return compareRecords(first, second);
    // A number says nothing about another owner's record: a thief could always choose a higher one.
    // Where the claim is young it is for the admission to decide.
    return Number(this.#claims.owns(first.username, first.publicKey)) -
      Number(this.#claims.owns(second.username, second.publicKey));
  }

  /** The record, if schema and signature are right. What is not valid is not remembered. */
  #open(value: Uint8Array): SignedRecord | undefined {
    const name = nameOf(value);
    const known = this.#valid.touch(name);
    if (isOf(known, value)) return known;
    const record = attempt(() => openRecord(value));
    if (record !== undefined) this.#valid.set(name, record);
    return record;
  }

  /** The record of a value that was found valid before: its signature is not looked at again. */
  #read(value: Uint8Array): SignedRecord | undefined {
    const known = this.#valid.get(nameOf(value));
    return isOf(known, value) ? known : attempt(() => readRecord(value).record);
  }
}

function nameOf(value: Uint8Array): string {
  const start = Math.max(0, value.length - nameBytes);
  return Buffer.from(value.buffer, value.byteOffset + start, value.length - start).toString(
    "latin1",
  );
}

/** Whether a record was made of exactly these bytes: the name alone could be a stranger's copy. */
function isOf(record: SignedRecord | undefined, value: Uint8Array): record is SignedRecord {
  return record !== undefined && Buffer.compare(record.value, value) === 0;
}
