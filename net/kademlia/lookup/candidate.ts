/**
 * What a lookup knows of a contact.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";

/** How far the lookup has come with a candidate. */
export type CandidateState =
  /** Not asked yet. */
  | "fresh"
  /** Asked; its query holds one of the alpha slots. */
  | "asked"
  /** Asked, silent beyond its timeout: holds no slot, but may still answer. */
  | "slow"
  /** Has answered. */
  | "answered"
  /** Has answered with the value sought. */
  | "holder"
  /** Has answered with the value sought, from so far away that it proves nothing. */
  | "afar"
  /** Cannot answer. */
  | "failed";

/** A contact that the lookup has learned of. */
export class Candidate {
  readonly contact: NodeContact;
  state: CandidateState = "fresh";
  /** The paths that know it, one bit each. */
  known: number;
  /** The path that asked it. */
  path = 0;
  /** What it costs to begin with it, where that is asked for. */
  cost = 0;
  /** The number of its query: earlier ones that are still open were overtaken. */
  order = 0;
  /** Its network (or, where exempt from the limits, its address) among the lookup's; -1 before needed. */
  group = -1;

  constructor(contact: NodeContact, known: number) {
    this.contact = contact;
    this.known = known;
  }
}
