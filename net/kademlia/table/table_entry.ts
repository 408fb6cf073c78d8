/**
 * What the routing table knows of a contact.
 *
 * @module
 */
import type { Network } from "../../../lib/networks.ts";
import { RoundTrip } from "../rpc/round_trip.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import type { Indexed } from "../space/id_index.ts";

/** A contact in the table: it has answered a ping of this node under its id and address. */
export class TableEntry implements Indexed<TableEntry> {
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
  next: TableEntry | undefined;

  /** The id of the contact. */
  get id(): Id {
    return this.contact.nodeId;
  }

  constructor(contact: NodeContact, networks: readonly Network[], seenMs: number) {
    this.contact = contact;
    this.networks = networks;
    this.seenMs = seenMs;
    this.answeredMs = seenMs;
  }
}
