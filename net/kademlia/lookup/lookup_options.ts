/**
 * What a lookup is told at its start.
 *
 * @module
 */
import type { Network } from "../../../lib/networks.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";

/** What a lookup is for, and what its node knows. */
export interface LookupOptions {
  readonly target: Id;
  /** The own id: never asked. */
  readonly own: Id;
  /** How many of the closest nodes are sought. */
  readonly k: number;
  /** Queries in flight at most. */
  readonly alpha: number;
  /** Queries to nodes near the target in flight besides; none, the default, where they count among alpha. */
  readonly nearAtOnce?: number;
  /** The same before any answer; each prompt one adds alpha. Default: as many as later. */
  readonly nearAtFirst?: number;
  /** Disjoint paths, 1 to 8; never more than there are seeds, and one for each family at least. */
  readonly paths: number;
  /** The nearest contacts known, nearest first; a node with both families may come twice. */
  readonly seeds: readonly NodeContact[];
  /** Contacts to ask where the seeds led to no node that is near enough. */
  readonly reserve: () => readonly NodeContact[];
  /**
   * So many that others displaced are asked where too little is known to judge what was found. Default: none.
   */
  readonly doubtsAtFirst?: number;
  /** End once so many holders have answered. Default: only when the k closest have answered. */
  readonly goal?: number | undefined;
  /**
   * So many more nodes near the target are asked for the last holder, and the first to answer is it: worth it
   * where round trips are long and differ. Default none.
   */
  readonly spare?: number;
  /** The share of queries answered in time lately, 0 to 1: with a goal it decides how many to send. */
  readonly answerRate: number;
  /** Whether a contact left the node's last request to it unanswered. Default: none has. */
  readonly isSuspect?: (contact: NodeContact) => boolean;
  /** The network that the address limit counts an IP address under; undefined where it is exempt. */
  readonly networksOf: (ip: string) => readonly Network[];
  /** What it costs to begin with a seed, in any unit; the cheapest are asked first. Default: the nearest. */
  readonly cost?: ((seed: NodeContact, distance: number, radius: number) => number) | undefined;
  /** The distance from the target within which its k closest are to be expected. */
  readonly radius: () => number;
}
