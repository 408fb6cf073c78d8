/**
 * What the routing table knows of a contact, and how an entry is found.
 *
 * @module
 */
import type { Network } from "../../../lib/networks.ts";
import { RoundTrip } from "../rpc/round_trip.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";

/** A contact in the table: it has answered a ping of this node under its id and address. */
export class TableEntry {
  readonly contact: NodeContact;
  /** The networks that the address limits count it under; none where it is exempt. */
  networks: readonly Network[];
  readonly roundTrip: RoundTrip = new RoundTrip();
  /** Monotonic ms when it was last heard of. */
  seenMs: number;
  /** Requests unanswered since its last answer; above 0 it is not handed out to others. */
  failures = 0;
  /** Whether a ping is out that decides over its eviction. */
  checking = false;
  /** Whether such a ping failed since the last answer, and no node answered meanwhile. */
  isSilent = false;
  /** Monotonic ms when it answered last. */
  answeredMs: number;
  /** Monotonic ms when its answer was noted as proof of its address last. */
  provenMs = -Infinity;
  /** The next entry whose id begins with the same word; see {@link EntryIndex}. */
  next: TableEntry | undefined;

  constructor(contact: NodeContact, networks: readonly Network[], seenMs: number) {
    this.contact = contact;
    this.networks = networks;
    this.seenMs = seenMs;
    this.answeredMs = seenMs;
  }
}

/** Finds entries by id: a lookup looks for each node that it asks several times. */
export class EntryIndex {
  /** By the first word of the id; the entries that share it are a chain. */
  readonly #chains = new Map<number, TableEntry>();

  /** The entry of `id`. */
  get(id: Id): TableEntry | undefined {
    let entry = this.#chains.get(id.w0);
    while (entry !== undefined && !entry.contact.nodeId.equals(id)) entry = entry.next;
    return entry;
  }

  /** Adds an entry whose id is not there. */
  add(entry: TableEntry): void {
    const word = entry.contact.nodeId.w0;
    entry.next = this.#chains.get(word);
    this.#chains.set(word, entry);
  }

  /** Takes an entry out. */
  remove(entry: TableEntry): void {
    const word = entry.contact.nodeId.w0;
    let before = this.#chains.get(word);
    if (before === entry) {
      if (entry.next === undefined) this.#chains.delete(word);
      else this.#chains.set(word, entry.next);
      return;
    }
    while (before !== undefined && before.next !== entry) before = before.next;
    if (before !== undefined) before.next = entry.next;
  }
}
