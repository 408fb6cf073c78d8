/**
 * Which follower passes an author's post on to whom: drawn with a secret of the author, so that followers
 * whose names were chosen for it cannot become the relays of someone in particular.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { relayShareMax } from "../messages/kinds/posts.ts";
import type { Random } from "../ports.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";

/** Tokens remembered, of the followers of one epoch. */
const tokensMax = 16_384;

/**
 * A follower has so many relays more in one epoch than for one post: shares change with each post, and a
 * relay still has most of its links open when the next post comes.
 */
const poolExtra = 1;

/** The users that one relay is asked to pass a post on to. */
export interface Share {
  /** Passes it on. */
  readonly relay: UserRef;
  /** To these. */
  readonly users: readonly UserRef[];
}

/** Numbers that the author alone can know. */
export class SecretTokens {
  readonly #secret: Uint8Array;
  readonly #tokens = new BoundedMap<string, number>(tokensMax);
  #epoch = NaN;

  /** A fresh secret. */
  constructor(random: Random) {
    this.#secret = random.bytes(32);
  }

  /** 32 bits that depend on the secret and the text. */
  of(text: string): number {
    return createHmac("sha256", this.#secret).update(text).digest().readUInt32BE();
  }

  /** A user's 32 bits, which are others in each epoch. */
  ofUser(name: string, epoch: number): number {
    if (epoch !== this.#epoch) this.#tokens.clear();
    this.#epoch = epoch;
    let token = this.#tokens.get(name);
    if (token === undefined) this.#tokens.set(name, token = this.of(`${epoch} ${name}`));
    return token;
  }
}

/** Mixes two numbers of 32 bits into one (the finaliser of MurmurHash3); what is secret are the numbers. */
export function mix(a: number, b: number): number {
  let hash = a ^ Math.imul(b, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** What {@linkcode dealOut} is to do. */
export interface Deal {
  /** Users to be told. */
  readonly users: readonly UserRef[];
  /** Relays to tell them. */
  readonly relays: readonly UserRef[];
  /** By how many relays each user is to be told. */
  readonly copies: number;
  /** A user's secret number, by name. */
  readonly tokenOf: (name: string) => number;
  /** The secret number of this post. */
  readonly seed: number;
  /** Whether the user has been given to that relay before, by their names. */
  readonly isDealt: (user: string, relay: string) => boolean;
}

interface OpenShare {
  readonly relay: UserRef;
  readonly name: string;
  readonly token: number;
  /** Users who are told by this relay first, and those for whom it is another relay's substitute. */
  readonly users: UserRef[];
  readonly seconds: UserRef[];
}

/** Who passes a post on to whom. */
export interface Dealt {
  /** Each user's first copy; of each relay one share, which may be empty. */
  readonly shares: readonly Share[];
  /** All other copies, of each relay that has some. */
  readonly seconds: readonly Share[];
  /** Users who fit nowhere. */
  readonly left: readonly UserRef[];
}

/**
 * Deals users out to relays by rendezvous hashing (Thaler and Ravishankar 1998): a user's few relays of
 * the epoch are those that the user's token ranks first, and the post's seed chooses among them. A relay's
 * two shares together are no longer than a message allows.
 */
export function dealOut({ users, relays, copies, tokenOf, seed, isDealt }: Deal): Dealt {
  const shares = relays.map((relay): OpenShare => {
    const name = nameOf(relay);
    return { relay, name, token: tokenOf(name), users: [], seconds: [] };
  });
  const left: UserRef[] = [];
  for (const user of users) {
    const name = nameOf(user);
    const token = tokenOf(name);
    const mayTake = (share: OpenShare) =>
      share.users.length + share.seconds.length < relayShareMax && share.name !== name &&
      !isDealt(name, share.name);
    const pool = first(shares, copies + poolExtra, mayTake, (share) => mix(share.token, token));
    const drawn = mix(token, seed);
    const chosen = first(pool, copies, () => true, (share) => mix(share.token, drawn));
    const [one, ...others] = chosen;
    if (one === undefined) left.push(user);
    else one.users.push(user);
    for (const share of others) share.seconds.push(user);
  }
  return {
    shares: shares.map(({ relay, users }) => ({ relay, users })),
    seconds: shares.map(({ relay, seconds }) => ({ relay, users: seconds }))
      .filter(({ users }) => users.length > 0),
    left,
  };
}

/** The items with the lowest ranks, without sorting the others. */
function first<T>(
  items: readonly T[],
  count: number,
  may: (item: T) => boolean,
  rankOf: (item: T) => number,
): T[] {
  const best: T[] = [];
  const ranks: number[] = [];
  for (const item of items) {
    const rank = rankOf(item);
    if (best.length === count && rank >= (ranks.at(-1) ?? 0)) continue;
    if (!may(item)) continue;
    let at = best.length === count ? count - 1 : best.length;
    for (; at > 0 && (ranks[at - 1] ?? 0) > rank; at--) {
      best[at] = best[at - 1] as T;
      ranks[at] = ranks[at - 1] ?? 0;
    }
    best[at] = item;
    ranks[at] = rank;
  }
  return best;
}
