/**
 * A bucket of the routing table (Kademlia, sections 2.2 and 4.1).
 *
 * @module
 */
import type { Network } from "../../../lib/networks.ts";
import { networkPerBucketMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import type { TableEntry } from "./table_entry.ts";

/** The contacts that share so many leading bits with the own id. */
export interface Bucket {
  readonly entries: TableEntry[];
  /** Candidates to replace an evicted entry, the one heard of last at the end. */
  readonly replacements: NodeContact[];
  /** Monotonic ms of the last lookup into this bucket's range. */
  lookedUpMs: number;
}

/** Where the contact with that id stands; below 0 where it does not. */
export function indexOfId(contacts: readonly NodeContact[], id: Id): number {
  for (let i = 0; i < contacts.length; i++) if (contacts[i]?.nodeId.equals(id)) return i;
  return -1;
}

/** Whether one of the networks has all that a bucket may have of it already. */
export function isCrowded<T>(
  networks: readonly Network[],
  others: readonly T[],
  networksOf: (other: T) => readonly Network[],
): boolean {
  return networks.some(({ depth, name }, i) => {
    let same = 0;
    for (const other of others) if (networksOf(other)[i]?.name === name) same++;
    return same >= networkPerBucketMax[depth];
  });
}
