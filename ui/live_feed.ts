/**
 * What happens while the menu is open: kept for a while, to be shown above it.
 *
 * @module
 */

import type { PeerEvent } from "../core/api.ts";
import { type Look, renderEvent } from "./render.ts";

/** Events kept; a terminal shows fewer. */
const eventsMax = 100;

/** Something that happened, or a line that the program itself has to say. */
export type FeedEntry = PeerEvent | { readonly event: "said"; readonly text: string };

/** The last events of a peer. */
export class LiveFeed {
  readonly #entries: FeedEntry[] = [];
  readonly #listeners = new Set<() => void>();

  /** Takes in what happened. */
  add(entry: FeedEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > eventsMax) this.#entries.shift();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Forgets everything: another user is to see it. */
  clear(): void {
    this.#entries.length = 0;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back when something happened; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The last lines that fit into `linesMax`, oldest first; entries stay whole unless one alone is too long. */
  lines(look: Look, linesMax: number): string[] {
    let lines: string[] = [];
    for (const entry of [...this.#entries].reverse()) {
      const text = entry.event === "said" ? entry.text : renderEvent(entry, look);
      const own = text.split("\n");
      if (lines.length === 0) lines = own.slice(0, linesMax);
      else if (lines.length + own.length <= linesMax) lines = [...own, ...lines];
      else break;
    }
    return lines;
  }
}
