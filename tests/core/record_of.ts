import type { SignedRecord } from "../../core/model/record.ts";
import { type BodyOf, kindOfNamespace } from "../../core/model/record_body.ts";

/** The record as one of a namespace whose body is known. */
export function recordOf<K extends keyof BodyOf>(
  record: SignedRecord,
  kind: K,
): SignedRecord<BodyOf[K]> {
  if (kindOfNamespace(record.namespace) !== kind) {
    throw new TypeError(`Cannot read ${record.namespace} as ${kind}`);
  }
  return record as SignedRecord<BodyOf[K]>;
}
