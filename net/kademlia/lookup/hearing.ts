/**
 * Silence is not absence: whether enough of the nodes nearest to a target have said what they have.
 *
 * @module
 */
import { compareDistance } from "../space/id.ts";
import type { Candidate } from "./candidates.ts";
import type { Lookup } from "./lookup.ts";

/** Which of the nodes nearest to a target have answered a lookup. */
export interface Hearing {
  /** How many have, k at most. */
  readonly heard: number;
  /** Those nearer than the k-th that has, which were asked and have not: k at most. */
  readonly silent: readonly Candidate[];
}

/** Who has answered a lookup so far, and who has not; `answered` is what the lookup says of the former. */
export function hearingOf(
  lookup: Lookup,
  answered: readonly Candidate[] = lookup.answered(),
): Hearing {
  const { k, target } = lookup;
  const last = answered[k - 1]?.contact.nodeId;
  const silent = lookup.silent().slice(0, k).filter(({ contact }) =>
    last === undefined || compareDistance(target, contact.nodeId, last) < 0
  );
  return { heard: Math.min(answered.length, k), silent };
}

/**
 * Whether nodes that have answered speak for all. A record is stored on most of the nodes nearest to its
 * key, so that half of them cannot all lack it. In a large network half of k is enough, however many are
 * silent: otherwise a liar who names nodes that do not exist could keep others from any answer.
 */
export function isEnough(heard: number, silent: number, k: number): boolean {
  return heard > 0 && (heard >= silent || 2 * heard >= k);
}
