/**
 * Events that come while the menu is open, kept for a while to be shown above it.
 *
 * @module
 */

import type { PeerEvent } from "../../core/api.ts";
import { paintFor } from "../terminal/paint.ts";
import type { Look } from "./look.ts";
import { renderEvent } from "./render.ts";
import { cutToWidth, textWidth, wrapText } from "../terminal/width.ts";

/** Events kept; a terminal shows fewer. */
const eventsMax = 100;

/** Something that happened, or a line that the program itself has to say. */
export type FeedEntry = PeerEvent | { readonly event: "said"; readonly text: string };

/** An entry as lines that fit: posts are cut, words of the program's own broken between words. */
function linesOf(entry: FeedEntry, look: Look): string[] {
  const width = look.columns - 1;
  if (entry.event === "said") return wrapText(entry.text, width);
  const lines = renderEvent(entry, look).split("\n");
  if (entry.event === "post") {
    return lines.map((line) => textWidth(line) > width ? cutToWidth(line, width) : line);
  }
  if (lines.every((line) => textWidth(line) <= width)) return lines;
  return wrapText(renderEvent(entry, { ...look, paint: paintFor(false) }), width);
}

/** The last events of a peer. */
export class LiveFeed {
  readonly #entries: FeedEntry[] = [];
  readonly #listeners = new Set<() => void>();

  /** Takes in what happened. */
  add(entry: FeedEntry): void {
    // The person who has opened that thread reads it, and no other person asked for it.
    if (entry.event === "thread") return;
    this.#entries.push(entry);
    if (this.#entries.length > eventsMax) this.#entries.shift();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Forgets everything, because another user will see the feed. */
  clear(): void {
    this.#entries.length = 0;
    for (const listener of [...this.#listeners]) listener();
  }

  /** What stands below the feed has changed. */
  redraw(): void {
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
      const own = linesOf(entry, look);
      if (lines.length === 0) lines = own.slice(0, linesMax);
      else if (lines.length + own.length <= linesMax) lines = [...own, ...lines];
      else break;
    }
    return lines;
  }
}
