/**
 * The tree by which a post reaches more followers than one row of relays can tell: the author tells some
 * hundred relays, each of these hands branches on to relays of its own, and each of those tells the followers
 * on one stretch of the author's list (docs/PROTOCOL.md, section 4.7). All of it is drawn with a secret seed
 * of the author. No I/O.
 *
 * @module
 */

import { createCipheriv } from "node:crypto";
import { pageAt } from "../model/list_pages.ts";
import {
  type Branch,
  branchDigest,
  branchRelaysMax,
  limbDepth,
  rootOf,
  warrantDepthMax,
} from "../model/warrant.ts";
import { relayShareMax } from "../messages/kinds/posts.ts";
import type { UserRef } from "../model/user.ts";
import { directFollowersMax } from "./relay.ts";

/** Branches that each follower is on for one post. */
export const treeCopies = 2;

/** Pages that one branch is on at most: each is a look-up. A list that has shrunk has a few followers on each. */
export const branchPagesMax = 16;

/** How large a tree is. */
export interface TreeLimits {
  /** With no more followers than this an author needs no tree. */
  readonly followersMin: number;
  /** Users to whom one relay sends one post, at most. */
  readonly forwardsMax: number;
  /** Followers on one branch as it is drawn: some may come before the next draw. */
  readonly branchFollowers: number;
  /** Branches that one relay hands on: what is left of its messages replaces relays that do not answer. */
  readonly limbBranches: number;
  /** Followers drawn for each limb, of whom the first two who are there become its relays. */
  readonly limbCandidates: number;
  /** Messages that the author signs for one post, at most. */
  readonly messagesMax: number;
}

/** The sizes in use: 100,000 followers take 120 messages, and the others ask, and replace. */
export const treeLimits: TreeLimits = {
  followersMin: directFollowersMax * relayShareMax / treeCopies,
  forwardsMax: 64,
  branchFollowers: 60,
  limbBranches: 56,
  limbCandidates: 8,
  messagesMax: 200,
};

/** Divisions of the list drawn for an hour, of which each post takes two: links and caches of relays stay warm. */
export const coversDrawn: number = treeCopies + 1;

/** Relays that a limb is given to. */
export const limbCopies = 2;

/** Of the relays drawn for a limb so many come first in turn: their links to the relays of the limb are still open. */
const limbTurns: number = limbCopies + 1;

/** A follower, and where it stands on the author's list: see `placeOf`. */
export interface Placed {
  /** Who. */
  readonly user: UserRef;
  /** Where. */
  readonly place: number;
}

/** Branches that are handed on together. */
export interface Limb {
  /** The branches. */
  readonly branches: readonly Branch[];
  /** Who may hand them on: the first two who are there do. */
  readonly relays: readonly UserRef[];
}

const limbRoots = new WeakMap<readonly Branch[], Uint8Array>();

/** The digest of a limb's branches, the root of their part of the tree; computed once. */
export function limbRoot(branches: readonly Branch[]): Uint8Array {
  let root = limbRoots.get(branches);
  if (root === undefined) {
    limbRoots.set(branches, root = rootOf(branches.map(branchDigest), limbDepth));
  }
  return root;
}

/** A whole division of the list. */
export interface Cover {
  /** All limbs: together their branches have each follower once. */
  readonly limbs: readonly Limb[];
}

/** What a tree is drawn of. */
export interface Drawing {
  /** All followers, by place. */
  readonly followers: readonly Placed[];
  /** How many pages the list has. */
  readonly pages: number;
  /** A secret of the author, 32 bytes. */
  readonly seed: Uint8Array;
  /** Whether a follower is likely to be online; such followers are drawn before others. */
  readonly isLikely: (user: UserRef) => boolean;
  /** Whether a follower is no relay: it failed lately. */
  readonly isOut: (user: UserRef) => boolean;
  /** How large the tree is. */
  readonly limits: TreeLimits;
}

/** Bytes of a seed: the key of AES-256. */
export const seedBytes = 32;

/** Bytes drawn at a time. */
const blockBytes = 4_096;

/** Numbers that follow from a secret seed: the key stream of AES-256 in counter mode. */
export class SeededDraw {
  readonly #seed: Uint8Array;
  #block = new DataView(new ArrayBuffer(0));
  #blocks = 0;
  #at = 0;

  /** Numbers from this seed of 32 bytes. */
  constructor(seed: Uint8Array) {
    this.#seed = seed;
  }

  /** A whole number from 0 up to, and not including, `below`, which is 2^32 at most. */
  below(below: number): number {
    if (this.#at >= this.#block.byteLength) {
      const start = new DataView(new ArrayBuffer(16));
      start.setUint32(0, this.#blocks++);
      const cipher = createCipheriv("aes-256-ctr", this.#seed, new Uint8Array(start.buffer));
      const block = new Uint8Array(cipher.update(new Uint8Array(blockBytes)));
      cipher.final();
      this.#block = new DataView(block.buffer);
      this.#at = 0;
    }
    const number = this.#block.getUint32(this.#at);
    this.#at += 4;
    return Math.floor(number / 2 ** 32 * below);
  }

  /** The items in another order (Fisher and Yates), as many as are wanted. */
  *shuffled<T>(items: readonly T[]): Generator<T> {
    const left = [...items];
    for (let count = left.length; count > 0; count--) {
      const at = this.below(count);
      yield left[at] as T;
      left[at] = left[count - 1] as T;
    }
  }
}

/**
 * Draws the divisions of an hour. A follower is relay once: either it hands branches on, or it may tell one
 * branch, as long as there are enough of them; fewer followers than a tree is made for take turns.
 */
export function drawCovers({ followers, seed, isLikely, isOut, ...drawing }: Drawing): Cover[] {
  const { limits, pages } = drawing;
  const draw = new SeededDraw(seed);
  const stretches = Array.from({ length: coversDrawn }, () => {
    return [...draw.shuffled(divide(followers, pages, limits.branchFollowers, draw))];
  });
  const users = followers.map(({ user }) => user).filter((user) => !isOut(user));
  const { likely = [], others = [] } = Object.groupBy(
    users,
    (user) => isLikely(user) ? "likely" : "others",
  );
  const drawn = roundAndRound(() => concat(draw.shuffled(likely), draw.shuffled(others)));
  const groups = stretches.map((all) => chunks(all, limits.limbBranches));
  const limbRelays = groups.map((limbs) => limbs.map(() => take(drawn, limits.limbCandidates)));
  const relays = stretches.map((all) => all.map((): UserRef[] => []));
  // All first candidates before any second: those who are likely to be online come first.
  for (let candidate = 0; candidate < branchRelaysMax; candidate++) {
    for (const cover of relays) for (const branch of cover) branch.push(...take(drawn, 1));
  }
  return groups.map((limbs, cover) => ({
    limbs: limbs.map((group, limb): Limb => {
      const branches = group.map(([from, to], i) => {
        return { from, to, relays: relays[cover]?.[limb * limits.limbBranches + i] ?? [] };
      });
      return { branches, relays: limbRelays[cover]?.[limb] ?? [] };
    }),
  }));
}

/**
 * Cuts the line of all places into stretches of so many followers; the first is shorter by chance, so that no
 * two divisions put the same followers together.
 */
function divide(
  followers: readonly Placed[],
  pages: number,
  length: number,
  draw: SeededDraw,
): [from: number, to: number][] {
  const cuts = [0];
  let left = 1 + draw.below(length);
  for (const { place } of followers) {
    const from = cuts.at(-1) ?? 0;
    // Two names of one place cannot be told apart.
    if ((left-- <= 0 && place > from) || pageAt(place) - pageAt(from) >= branchPagesMax) {
      cuts.push(place);
      left = length - 1;
    }
  }
  return cuts.map((from, i) => [from, cuts[i + 1] ?? pages * 2 ** 32]);
}

/** Endless turns of what is drawn anew each time. */
function* roundAndRound<T>(drawn: () => Iterable<T>): Generator<T> {
  for (let isEmpty = true;; isEmpty = true) {
    for (const item of drawn()) {
      isEmpty = false;
      yield item;
    }
    if (isEmpty) return;
  }
}

function* concat<T>(...parts: Iterable<T>[]): Generator<T> {
  for (const part of parts) yield* part;
}

function take<T>(items: Generator<T>, count: number): T[] {
  const taken: T[] = [];
  while (taken.length < count) {
    const { value, done } = items.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

function chunks<T>(items: readonly T[], length: number): T[][] {
  const count = Math.ceil(items.length / length);
  return Array.from({ length: count }, (_, i) => items.slice(i * length, (i + 1) * length));
}

/** The limbs of one post, and the digests that prove them. */
export interface PostTree {
  /** The limbs, each follower on two branches, and their roots. */
  readonly limbs: readonly (Limb & { readonly root: Uint8Array })[];
  /** Levels of the tree. */
  readonly depth: number;
  /** The digest of all branches. */
  readonly root: Uint8Array;
}

/** The tree of one post: two of the divisions, and the first of each limb's relays in an order drawn anew. */
export function treeOf(covers: readonly Cover[], seed: Uint8Array): PostTree {
  const draw = new SeededDraw(seed);
  const chosen = take(draw.shuffled(covers), treeCopies);
  const limbs = chosen.flatMap((cover) => cover.limbs).map((limb) => {
    const { branches } = limb;
    const first = draw.shuffled(limb.relays.slice(0, limbTurns));
    const relays = [...first, ...limb.relays.slice(limbTurns)];
    return { branches, relays, root: limbRoot(branches) };
  });
  const above = Math.ceil(Math.log2(Math.max(limbs.length, 1)));
  if (limbDepth + above > warrantDepthMax) {
    throw new RangeError(`${limbs.length} limbs are too many`);
  }
  return { limbs, depth: limbDepth + above, root: rootOf(limbs.map(({ root }) => root), above) };
}

/** The pages that a branch is on. */
export function pagesOf({ from, to }: Pick<Branch, "from" | "to">): number[] {
  const first = pageAt(from);
  return Array.from({ length: pageAt(to - 1) - first + 1 }, (_, i) => first + i);
}
