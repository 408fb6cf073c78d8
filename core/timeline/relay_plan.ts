/**
 * Which followers pass a post on, and to whom.
 *
 * @module
 */

import { relayShareMax } from "../messages/kinds/posts.ts";
import type { UserRef } from "../model/user.ts";

/** A follower who is asked to pass a post on to others. */
export interface Assignment {
  /** Who. */
  readonly relay: UserRef;
  /** To whom. */
  readonly share: readonly UserRef[];
}

/** FNV-1a, 32 bits. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Mixes two hashes into one (the finaliser of MurmurHash3). */
function mix(a: number, b: number): number {
  let hash = a ^ Math.imul(b, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The users in an order that is always the same for them, and says nothing about them. */
export function inStableOrder(users: readonly UserRef[]): UserRef[] {
  return users.map((user) => ({ user, rank: mix(hashOf(user.username), 0) }))
    .sort((a, b) => a.rank - b.rank || (a.user.username < b.user.username ? -1 : 1))
    .map(({ user }) => user);
}

/**
 * Deals users out to relays by rendezvous hashing (Thaler and Ravishankar 1998): from post to post
 * everybody keeps their relay while it is among them, so that relays know the way from the time
 * before. No share is longer than a message allows; who fits nowhere is `left`.
 */
export function dealOut(
  users: readonly UserRef[],
  relays: readonly UserRef[],
): { readonly assignments: readonly Assignment[]; readonly left: readonly UserRef[] } {
  const ranked = relays.map((relay) => ({
    relay,
    hash: hashOf(relay.username),
    share: [] as UserRef[],
  }));
  const left: UserRef[] = [];
  for (const user of users) {
    const hash = hashOf(user.username);
    let best: (typeof ranked)[number] | undefined;
    let bestRank = -1;
    for (const candidate of ranked) {
      const rank = mix(candidate.hash, hash);
      if (rank <= bestRank || candidate.share.length >= relayShareMax) continue;
      best = candidate;
      bestRank = rank;
    }
    if (best === undefined) left.push(user);
    else best.share.push(user);
  }
  return { assignments: ranked.map(({ relay, share }) => ({ relay, share })), left };
}
