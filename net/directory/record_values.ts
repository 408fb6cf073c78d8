/**
 * What a value is to the DHT: a record, by the rules of `core/model/record_policy.ts`.
 *
 * @module
 */

import { equalBytes } from "../../core/model/bytes.ts";
import { peekRecord, recordBytesMax, recordKey } from "../../core/model/record.ts";
import type { RecordCache } from "../../core/model/record_cache.ts";
import { clockToleranceMs, compareRecords, dateVerdict } from "../../core/model/record_policy.ts";
import type { ValuePolicy, Verdict } from "../kademlia/ports.ts";

/** Whose a name is, as far as the node knows. */
export interface KnownClaims {
  /** Whether the name is this key's for good: no vote can change it any more. */
  owns(username: string, key: Uint8Array): boolean;
}

/** The rules of records where the DHT stores, fetches, replicates and reads from disk. */
export class RecordValuePolicy implements ValuePolicy {
  readonly #cache: RecordCache;
  readonly #claims: KnownClaims;

  /**
   * The rules, with what the node knows.
   *
   * @param claims Decide between records of two owners; they make no record invalid.
   */
  constructor(cache: RecordCache, claims: KnownClaims) {
    this.#cache = cache;
    this.#claims = claims;
  }

  /** See {@linkcode ValuePolicy.check}. */
  check(key: Uint8Array, value: Uint8Array, nowMs: number): Verdict {
    if (value.length > recordBytesMax) return { ok: false, reason: "is too long" };
    const names = peekRecord(value);
    if (names === undefined || !equalBytes(recordKey(names.username, names.namespace), key)) {
      return { ok: false, reason: "belongs under another key" };
    }
    const record = this.#cache.open(value);
    if (record === undefined) return { ok: false, reason: "is malformed or not signed" };
    const seen = record.username === names.username && record.namespace === names.namespace;
    if (!seen) return { ok: false, reason: "is not in its shortest form" };
    const reason = dateVerdict(record.namespace, record.expiresAt, nowMs);
    if (reason !== undefined) return { ok: false, reason };
    return { ok: true, decoded: value, expiresAtMs: record.expiresAt + clockToleranceMs };
  }

  /** See {@linkcode ValuePolicy.compare}. */
  compare(a: Uint8Array, b: Uint8Array): number {
    const first = this.#cache.read(a);
    const second = this.#cache.read(b);
    if (first === undefined || second === undefined) {
      return Number(first !== undefined) - Number(second !== undefined);
    }
    if (equalBytes(first.publicKey, second.publicKey)) return compareRecords(first, second);
    // A number says nothing about another owner's record: a thief could always choose a higher one.
    // Where the claim is young it is for the admission to decide.
    return Number(this.#claims.owns(first.username, first.publicKey)) -
      Number(this.#claims.owns(second.username, second.publicKey));
  }
}
