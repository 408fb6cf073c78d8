/**
 * How the entries of both lists are laid out in pages (design, section 4). No I/O.
 *
 * An entry's page is given by a hash of its name, so both lists' entries of one name share a page and
 * one follow touches one page. The number of pages is a power of two: when it doubles, page `p`
 * splits into `p` and `p + pages`.
 *
 * A generation's number is `16 * counter + log2(pages)`. Two devices that grow at once from the same
 * generation to the same size therefore write the same pages, and merge them one by one; if they
 * grow to different sizes their numbers differ, and the higher one wins.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { compareBytes } from "./bytes.ts";
import { type ListEntry, type ListName, pagesMax } from "./record_body.ts";
import { recordPayloadBytesMax } from "./record.ts";

/** Days that an entry taken out stays known (design, section 4), in milliseconds. */
export const absentKeptMs: number = 90 * 86_400_000;

/**
 * Bytes of a page's payload besides its entries: array 1, username 21, namespace 22, sequence and
 * expiry 9 each, array of entries 3; rounded up.
 */
const pageFrameBytes = 68;

/** Bytes of entries that fit one page. */
export const pageBytesMax: number = recordPayloadBytesMax - pageFrameBytes;

/** How full the fullest page of a new generation is at most: it shall last for a while. */
const freshPageBytesMax = pageBytesMax * 3 / 4;

/** Pages of a generation, as a power of two, take the low bits of its number. */
const generationStep = 16;

/** Which list pages are in force. */
export interface Layout {
  /** Generation of the pages; 0 while there are none. */
  readonly generation: number;
  /** How many pages there are. */
  readonly pages: number;
}

/** Bytes of one entry: array 1, list 1, name 1 and its length, key 34, time 9, presence 1. */
function entryBytes(username: string): number {
  return 47 + username.length;
}

/** A number from 0 to 2^32 - 1 by which a name finds its page: the first bytes of its SHA-256. */
export function nameHash(username: string): number {
  return createHash("sha256").update(username).digest().readUInt32BE(0);
}

/** The page of a name among so many. */
export function pageOf(username: string, pages: number): number {
  return nameHash(username) & (pages - 1);
}

/** Places on one page: see {@linkcode placeOf}. */
const placesPerPage = 2 ** 32;

/**
 * Where a name stands on the line of all pages: 2^32 places for each page, and on its page by its hash. A
 * stretch of this line names a part of the list, however full the pages are. `hash` is the name's, if known.
 */
export function placeOf(username: string, pages: number, hash = nameHash(username)): number {
  return (hash & (pages - 1)) * placesPerPage + hash;
}

/** The page that a place is on. */
export function pageAt(place: number): number {
  return Math.floor(place / placesPerPage);
}

/**
 * Whether `a` replaces `b`, both about the same name in the same list: the later change; at equal
 * times taken out wins over present, then the higher key, so that every device decides alike.
 */
export function replaces(a: ListEntry, b: ListEntry | undefined): boolean {
  if (b === undefined) return true;
  if (a.updatedAt !== b.updatedAt) return a.updatedAt > b.updatedAt;
  if (a.present !== b.present) return !a.present;
  return compareBytes(a.key, b.key) > 0;
}

/** The layout after this one, with so many pages. */
export function nextLayout(current: Layout, pages: number): Layout {
  const counter = Math.floor(current.generation / generationStep) + 1;
  return { generation: counter * generationStep + Math.log2(pages), pages };
}

/** Both lists' entries of one name. */
interface Named {
  readonly hash: number;
  followers?: ListEntry;
  following?: ListEntry;
}

/** All entries of both lists, by name. */
export class ListBook {
  readonly #names = new Map<string, Named>();
  /** The same by the page among as many as there can be: a page of fewer is made of some of these. */
  readonly #buckets: Set<Named>[] = [];
  readonly #sizes = { followers: 0, following: 0 };
  readonly #present = { followers: 0, following: 0 };

  /** How many entries a list has, those taken out included. */
  size(list: ListName): number {
    return this.#sizes[list];
  }

  /** How many entries of a list are present. */
  presentCount(list: ListName): number {
    return this.#present[list];
  }

  /** One entry. */
  get(list: ListName, username: string): ListEntry | undefined {
    return this.#names.get(username)?.[list];
  }

  /** See {@linkcode placeOf}; for a name that is here without hashing it again. */
  placeOf(username: string, pages: number): number {
    return placeOf(username, pages, this.#names.get(username)?.hash);
  }

  /** Puts an entry in the place of the one that was there, if any. */
  set(entry: ListEntry): void {
    const named = this.#names.get(entry.username) ?? this.#add(nameHash(entry.username));
    const before = named[entry.list];
    named[entry.list] = entry;
    this.#names.set(entry.username, named);
    if (before === undefined) this.#sizes[entry.list]++;
    this.#present[entry.list] += Number(entry.present) - Number(before?.present ?? false);
  }

  /** Removes an entry for good. */
  drop(entry: ListEntry): void {
    const named = this.#names.get(entry.username);
    if (named?.[entry.list] === undefined) return;
    this.#sizes[entry.list]--;
    this.#present[entry.list] -= Number(named[entry.list]?.present ?? false);
    delete named[entry.list];
    if (named.followers === undefined && named.following === undefined) {
      this.#names.delete(entry.username);
      this.#buckets[named.hash & (pagesMax - 1)]?.delete(named);
    }
  }

  #add(hash: number): Named {
    const named = { hash };
    (this.#buckets[hash & (pagesMax - 1)] ??= new Set()).add(named);
    return named;
  }

  /** Entries of one list, or of both. */
  *entries(list?: ListName): IterableIterator<ListEntry> {
    for (const { followers, following } of this.#names.values()) {
      if (list !== "following" && followers !== undefined) yield followers;
      if (list !== "followers" && following !== undefined) yield following;
    }
  }

  /** The pages of these names among so many. */
  pagesOf(names: Iterable<string>, pages: number): Set<number> {
    const hashOf = (name: string) => this.#names.get(name)?.hash ?? nameHash(name);
    return new Set([...names].map((name) => hashOf(name) & (pages - 1)));
  }

  /** Entries of one page, in the order in which every device writes them. */
  page(page: number, pages: number): ListEntry[] {
    const entries: ListEntry[] = [];
    for (let bucket = page; bucket < pagesMax; bucket += pages) {
      for (const { followers, following } of this.#buckets[bucket] ?? []) {
        if (followers !== undefined) entries.push(followers);
        if (following !== undefined) entries.push(following);
      }
    }
    return entries.sort(inOrder);
  }

  /** Bytes of the fullest page among so many. */
  fullestPageBytes(pages: number): number {
    const bytes = new Array<number>(pages).fill(0);
    for (const [name, { hash, followers, following }] of this.#names) {
      const page = hash & (pages - 1);
      const entries = Number(followers !== undefined) + Number(following !== undefined);
      bytes[page] = (bytes[page] ?? 0) + entries * entryBytes(name);
    }
    return Math.max(...bytes);
  }

  /** How many pages the entries want: as many as there are while all fit, else enough to last. */
  pagesWanted(current: number): number {
    if (current > 0 && this.fullestPageBytes(current) <= pageBytesMax) return current;
    let pages = Math.min(Math.max(current * 2, 1), pagesMax);
    while (pages < pagesMax && this.fullestPageBytes(pages) > freshPageBytesMax) pages *= 2;
    return pages;
  }
}

/**
 * As many of a page's entries as fit it. With 2,048 pages there is no more room to grow into: then
 * entries taken out are left off first, the oldest before others, then the oldest followers.
 */
export function fitPage(entries: readonly ListEntry[]): ListEntry[] {
  let bytes = entries.reduce((sum, { username }) => sum + entryBytes(username), 0);
  if (bytes <= pageBytesMax) return [...entries];
  const kept = new Set(entries);
  const worth = (entry: ListEntry) => entry.present ? (entry.list === "following" ? 2 : 1) : 0;
  const order = [...entries].sort((a, b) => worth(a) - worth(b) || a.updatedAt - b.updatedAt);
  for (const entry of order) {
    if (bytes <= pageBytesMax) break;
    kept.delete(entry);
    bytes -= entryBytes(entry.username);
  }
  return entries.filter((entry) => kept.has(entry));
}

function inOrder(a: ListEntry, b: ListEntry): number {
  if (a.username !== b.username) return a.username < b.username ? -1 : 1;
  return a.list === b.list ? 0 : a.list < b.list ? -1 : 1;
}
