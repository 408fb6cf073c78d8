/**
 * The vote of the holders on whose a name is (design, section 4).
 *
 * @module
 */

import { createHash } from "node:crypto";
import { lowerMedian } from "../../lib/median.ts";
import { type Network, NetworkCounts, networkLimits } from "../../lib/networks.ts";
import { compareBytes, equalBytes, toHex } from "./bytes.ts";

/** One holder's vote. */
export interface Vote {
  /** The identity key that the holder has for the name, 32 bytes. */
  readonly key: Uint8Array;
  /** Unix time in milliseconds since when, as it says. Holders that say nothing have no vote. */
  readonly since: number;
  /** The networks of the holder's address; none where it is exempt from the limits. */
  readonly networks: readonly Network[];
}

/** Votes that count of one network: one of a /24, /64 or /56, three of a /16 or /48, six of an IPv6 /32. */
const networkVotesMax = networkLimits(1, 3, 6);

/** What one key got. */
interface Count {
  readonly key: Uint8Array;
  readonly votes: number;
  readonly since: number;
}

/** Order among equals by SHA-256 of name and key: no user can choose a name in which another's key loses. */
function tieOrder(username: string, key: Uint8Array): Uint8Array {
  return createHash("sha256").update(`${username}:`).update(key).digest();
}

/**
 * The keys that were voted for, the winner first: most votes, of which few of one network count; on a tie the key that was accepted earlier,
 * by the lower median of what its voters say; then the lower SHA-256 of `<username>:` and the key. So
 * all nodes that hear the same votes come to the same winner.
 */
export function countVotes(username: string, votes: readonly Vote[]): Uint8Array[] {
  const byKey = new Map<string, Vote[]>();
  for (const vote of votes) {
    const name = toHex(vote.key);
    const list = byKey.get(name);
    if (list === undefined) byKey.set(name, [vote]);
    else list.push(vote);
  }
  const counts = [...byKey.values()].flatMap((list): Count[] => {
    const counted = countedOf(list);
    const [first] = counted;
    if (first === undefined) return [];
    return [{
      key: first.key,
      votes: counted.length,
      since: lowerMedian(counted.map((one) => one.since)) ?? 0,
    }];
  });
  counts.sort((a, b) =>
    b.votes - a.votes || a.since - b.since ||
    compareBytes(tieOrder(username, a.key), tieOrder(username, b.key))
  );
  return counts.map((count) => count.key);
}

/** The votes that count: so many of one network, in an order that does not depend on that of the answers. */
function countedOf(votes: readonly Vote[]): Vote[] {
  const counts = new NetworkCounts(networkVotesMax);
  const placeOf = ({ networks }: Vote) => networks[0]?.name ?? "";
  const ordered = votes.toSorted((a, b) =>
    a.since - b.since || (placeOf(a) < placeOf(b) ? -1 : placeOf(a) > placeOf(b) ? 1 : 0)
  );
  return ordered.filter(({ networks }) => counts.add(networks));
}

/** Adds a key to a list of distinct keys unless it is there or the list is full. */
export function addKey(keys: Uint8Array[], key: Uint8Array, max: number): void {
  if (keys.length < max && !keys.some((known) => equalBytes(known, key))) keys.push(key);
}
