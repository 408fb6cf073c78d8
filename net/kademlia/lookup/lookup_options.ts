/**
 * What a lookup is built from.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";

/** What a lookup is for. */
export interface LookupOptions {
  readonly target: Id;
  /** The own id: never asked. */
  readonly own: Id;
  /** The nearest contacts known, nearest first. */
  readonly seeds: readonly NodeContact[];
  /** Contacts to ask where the seeds led to nobody who is near enough. Default: none. */
  readonly reserve?: () => readonly NodeContact[];
  /** Default 20. */
  readonly k?: number;
  /** Default 3. */
  readonly alpha?: number;
  /** Disjoint paths, 1 to 8, never more than there are seeds. Default 1. */
  readonly paths?: number;
  /** End once so many holders have answered. Default: only when the k closest have answered. */
  readonly goal?: number;
  /** The share of queries answered in time lately, 0 to 1: with a goal it decides how many to send. */
  readonly answerRate?: number;
  /** The network that the address limit counts an IP address under; undefined where exempt. */
  readonly netOf?: (ip: string) => string | undefined;
  /**
   * What it costs to begin with a seed, in any unit: the cheapest are asked first. Default: the nearest.
   */
  readonly cost?: (seed: NodeContact, distance: number, radius: number) => number;
  /** The distance from the target within which its k closest are to be expected. Default: any. */
  readonly radius?: () => number;
}
