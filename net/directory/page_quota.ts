/**
 * How many list pages one owner may have on this node.
 *
 * @module
 */

/**
 * A list of 5,000 entries that grew through all sizes leaves some 500 pages behind until they expire; two
 * devices that grow it at once may write twice as many. The 4,095 pages of a list of 100,000 followers lie on
 * so many nodes that each has a few. Without a bound an owner could name a thousand million generations.
 */
export const pagesPerOwnerMax = 1_024;

/** From here on an owner's pages weigh less than others': lists of 5,000 entries take 128. */
const crowdedFrom = 129;

/** Counts pages by owner, by their DHT keys. Bounded by what the node stores. */
export class PageQuota {
  readonly #pages = new Map<string, Set<string>>();

  /** Counts a page; false if the owner has too many. */
  add(username: string, key: string): boolean {
    const pages = this.#pages.get(username) ?? new Set();
    if (pages.size >= pagesPerOwnerMax && !pages.has(key)) return false;
    this.#pages.set(username, pages.add(key));
    return true;
  }

  /** The page has gone. */
  remove(username: string, key: string): void {
    const pages = this.#pages.get(username);
    pages?.delete(key);
    if (pages?.size === 0) this.#pages.delete(username);
  }

  /** Whether the owner has so many that they go before others'. */
  crowded(username: string): boolean {
    return (this.#pages.get(username)?.size ?? 0) >= crowdedFrom;
  }

  /** Forgets everything. */
  clear(): void {
    this.#pages.clear();
  }
}
