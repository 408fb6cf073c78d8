/**
 * States of feeds in memory: whoever takes in a pushed post looks at its author's three times, and each
 * look at the disk costs more than all the rest.
 *
 * @module
 */

import type { FeedState } from "../core/model/feed.ts";
import { readFeedStates } from "./post_reads.ts";

/** Authors remembered: those whose posts come in at about the same time. */
const authorsMax = 512;

/** Feeds and ranges of one author that are worth remembering; some 1 KB. Who has more is read anew. */
const partsMax = 32;

/** What one database says of feeds; its only writer tells of every change. */
export class FeedCache {
  readonly #authors = new Map<string, readonly FeedState[]>();
  /** Grows with every change, so that what was read before one is not remembered after it. */
  #changes = 0;

  /** The states of all feeds of an author, ascending by device. */
  async read(kv: Deno.Kv, author: string): Promise<readonly FeedState[]> {
    const known = this.#authors.get(author);
    if (known !== undefined) return known;
    const changes = this.#changes;
    const states = await readFeedStates(kv, author);
    if (changes === this.#changes) this.#remember(author, states);
    return states;
  }

  /** Takes over what has been committed: these states, and those of the other devices as before. */
  update(author: string, before: readonly FeedState[], changed: readonly FeedState[]): void {
    this.forget(author);
    const devices = new Set(changed.map(({ device }) => device));
    const others = before.filter(({ device }) => !devices.has(device));
    this.#remember(author, [...others, ...changed].sort((a, b) => a.device - b.device));
  }

  /** Forgets an author, or all: what was written, or may have been, is read anew. */
  forget(author?: string): void {
    this.#changes++;
    if (author === undefined) this.#authors.clear();
    else this.#authors.delete(author);
  }

  #remember(author: string, states: readonly FeedState[]): void {
    const parts = states.reduce((sum, { ranges }) => sum + 1 + ranges.length, 0);
    if (parts > partsMax) return;
    this.#authors.delete(author);
    this.#authors.set(author, states);
    if (this.#authors.size <= authorsMax) return;
    const [oldest] = this.#authors.keys();
    if (oldest !== undefined) this.#authors.delete(oldest);
  }
}
