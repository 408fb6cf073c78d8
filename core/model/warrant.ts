/**
 * Warrants: what an author of very many followers signs once, so that each of thousands of relays can prove
 * to the next one that the author asked for it (docs/PROTOCOL.md, section 4.7).
 *
 * A *branch* is a stretch of the author's list of followers, with the users who are to tell those on it. All
 * branches of one post are the leaves of a Merkle tree (Merkle 1987), whose root the author signs together
 * with the posts. No I/O.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { equalBytes } from "./bytes.ts";
import type { Identity } from "./identity.ts";
import { pagesMax } from "./record_body.ts";
import { envelopeBytesMax, openSigned, sealSigned, type Signed, verifySigned } from "./signed.ts";
import type { UserRef } from "./user.ts";
import { asUsername } from "./username.ts";
import { asArray, asBytes, asInteger, decode, DecodeError, encode } from "../../lib/msgpack.ts";

/** Users who may tell a branch, at most: the first who is there does. */
export const branchRelaysMax = 4;

/** Bytes of a digest: half of SHA-256, as no one but the author gains by two branches of one digest. */
export const digestBytes = 16;

/** Levels of the tree at most: 8,192 branches; 100,000 followers, each told by two, take some 3,400. */
export const warrantDepthMax = 13;

/** Levels below a limb: the branches that one relay hands on are at most 64. */
export const limbDepth = 6;

/** Bytes of a warrant's payload: name 21, digests 18 each, generation 9, pages 3, depth 1, array 1. */
const payloadBytesMax = 80;

/** Bytes of a warrant at most. */
export const warrantBytesMax: number = payloadBytesMax + envelopeBytesMax;

/** A stretch of the author's list of followers, and who is to tell those on it. */
export interface Branch {
  /** The first place, see `placeOf`. */
  readonly from: number;
  /** The place behind the last one. */
  readonly to: number;
  /** The first of these who is there does it. */
  readonly relays: readonly UserRef[];
}

/** What an author signs. */
export interface Warrant {
  /** Who signed it. */
  readonly author: UserRef;
  /** Of the posts to be told, see {@linkcode postsDigest}. */
  readonly posts: Uint8Array;
  /** The generation of list pages that branches are stretches of. */
  readonly generation: number;
  /** How many pages it has. */
  readonly pages: number;
  /** Levels of the tree. */
  readonly depth: number;
  /** The digest of all branches. */
  readonly root: Uint8Array;
}

/** Branches with the proof that the author ordered them. */
export interface BranchProof {
  /** One branch, or all of a limb: neighbours in the tree. */
  readonly branches: readonly Branch[];
  /** Which leaf the first of them is. */
  readonly at: number;
  /** Digests beside the way from them to the root. */
  readonly path: readonly Uint8Array[];
}

const nothing = new Uint8Array(digestBytes);

function digest(kind: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256").update(Uint8Array.of(kind));
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest().subarray(0, digestBytes));
}

/** The digest of a branch. */
export function branchDigest({ from, to, relays }: Branch): Uint8Array {
  return digest(0, encode([from, to, relays.map(({ username, key }) => [username, key])]));
}

/** The digest of posts as their author signed them, in this order. */
export function postsDigest(posts: readonly Uint8Array[]): Uint8Array {
  return digest(2, encode([...posts]));
}

/** All digests of a tree of so many levels: the leaves first, the root last; leaves that lack are nothing. */
function levelsOf(leaves: readonly Uint8Array[], depth: number): Uint8Array[][] {
  const levels = [Array.from({ length: 2 ** depth }, (_, i) => leaves[i] ?? nothing)];
  for (let below = levels[0] ?? []; below.length > 1; below = levels.at(-1) ?? []) {
    levels.push(Array.from({ length: below.length / 2 }, (_, i) => {
      return digest(1, below[2 * i] ?? nothing, below[2 * i + 1] ?? nothing);
    }));
  }
  return levels;
}

/** The root above neighbours that fill a tree of so many levels. */
export function rootOf(leaves: readonly Uint8Array[], depth: number): Uint8Array {
  return levelsOf(leaves, depth).at(-1)?.[0] ?? nothing;
}

/** Digests beside the way from a leaf to the root. */
export function pathOf(leaves: readonly Uint8Array[], depth: number, at: number): Uint8Array[] {
  return levelsOf(leaves, depth).slice(0, -1)
    .map((level, i) => level[(at >> i) ^ 1] ?? nothing);
}

/** Signs a warrant. */
export function signWarrant(
  { author, posts, generation, pages, depth, root }: Warrant,
  identity: Identity,
): Uint8Array<ArrayBuffer> {
  const payload = encode([author.username, posts, generation, pages, depth, root]);
  return sealSigned("warrant", payload, identity);
}

/** A warrant as it came, and what {@linkcode verifyWarrant} needs. */
export interface ReadWarrant {
  /** What it says. */
  readonly warrant: Warrant;
  /** Its envelope. */
  readonly signed: Signed;
}

/**
 * Reads a warrant; its signature is not verified yet.
 *
 * @throws {DecodeError} if it is none.
 */
export function readWarrant(bytes: Uint8Array): ReadWarrant {
  const signed = openSigned(bytes, payloadBytesMax);
  const limits = { maxBytes: payloadBytesMax, maxArrayLength: 6, maxDepth: 1 };
  const [username, posts, generation, pages, depth, root] = asArray(
    decode(signed.payload, limits),
    "warrant",
    6,
  );
  const warrant = {
    author: { username: asUsername(username, "author"), key: signed.publicKey },
    posts: asBytes(posts, "digest of posts", digestBytes),
    generation: asInteger(generation, "generation", 1),
    pages: asInteger(pages, "pages", 1, pagesMax),
    depth: asInteger(depth, "depth", 0, warrantDepthMax),
    root: asBytes(root, "root", digestBytes),
  };
  if (!Number.isInteger(Math.log2(warrant.pages))) throw new DecodeError("pages are no power of 2");
  return { warrant, signed };
}

/** Whether the warrant's signature is its author's. */
export function verifyWarrant({ signed }: ReadWarrant): boolean {
  return verifySigned("warrant", signed);
}

/** Whether the warrant's root covers these branches at this place. */
export function covers({ depth, root, pages }: Warrant, proof: BranchProof): boolean {
  const { branches, at, path } = proof;
  const below = depth - path.length;
  if (below < 0 || below > limbDepth || branches.length > 2 ** below) return false;
  if (at % 2 ** below !== 0 || at >= 2 ** depth) return false;
  if (branches.some(({ from, to }) => from >= to || to > pages * 2 ** 32)) return false;
  let here = rootOf(branches.map(branchDigest), below);
  for (const [i, beside] of path.entries()) {
    const isRight = (at >> (below + i)) % 2 === 1;
    here = isRight ? digest(1, beside, here) : digest(1, here, beside);
  }
  return equalBytes(here, root);
}

/** One of several branches with a proof of its own, for the relay that is to tell it; `depth` is the warrant's. */
export function branchProof(proof: BranchProof, depth: number, index: number): BranchProof {
  const { branches, at, path } = proof;
  const branch = branches[index];
  if (branch === undefined) throw new RangeError(`Cannot prove branch ${index}: there is none`);
  const beside = pathOf(branches.map(branchDigest), depth - path.length, index);
  return { branches: [branch], at: at + index, path: [...beside, ...path] };
}
