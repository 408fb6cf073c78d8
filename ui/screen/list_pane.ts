/**
 * A list of entries of any height in a part of the screen: which of them is chosen, and where it stands.
 *
 * The chosen entry stays on its row whatever comes above it or goes: all others are laid around it.
 *
 * @module
 */

import type { Piece } from "./line.ts";

/** Rows of an entry. */
export type Block = readonly (readonly Piece[])[];

/** The entries of a list as they are now. */
export interface Entries {
  /** What tells each one from all others, from the first to the last. */
  readonly keys: readonly string[];
  /** The rows of one; at least one row. */
  block(index: number, isChosen: boolean): Block;
}

/** A list as it is drawn. */
export interface Drawn {
  /** The rows, as many as asked for or fewer. */
  readonly rows: Block;
  /** The keys of the entries of which something shows, from the first to the last. */
  readonly visible: readonly string[];
}

/** A list's place on the screen. */
export class ListPane {
  #key: string | undefined;
  #index = 0;
  /** The row of the chosen entry's first line, which is above the screen where it is negative. */
  #row = 0;
  #height = 1;
  /** How many entries there were when it was drawn last. */
  #count = 0;
  /** Which entry each row that was drawn belongs to. */
  #owners: readonly (number | undefined)[] = [];

  /** The key of the chosen entry; undefined in an empty list. */
  get chosen(): string | undefined {
    return this.#key;
  }

  /** The place of the chosen entry in the list. */
  get index(): number {
    return this.#index;
  }

  /** The row on which the chosen entry begins. */
  get row(): number {
    return this.#row;
  }

  /** Chooses an entry and shows it on that row. */
  choose(key: string | undefined, row = 0): void {
    this.#key = key;
    this.#row = row;
  }

  /** The index of the chosen entry; where it has gone, of the one that has taken its place. */
  #find({ keys }: Entries): number {
    const found = this.#key === undefined ? -1 : keys.indexOf(this.#key);
    this.#index = found >= 0 ? found : Math.max(0, Math.min(this.#index, keys.length - 1));
    this.#key = keys[this.#index];
    return this.#index;
  }

  /** Goes down by entries; through a long one by rows. Whether anything has changed. */
  down(entries: Entries): boolean {
    const index = this.#find(entries);
    const own = entries.block(index, true).length;
    const below = this.#row + own - this.#height;
    if (entries.keys.length === 0) return false;
    if (own > this.#height && below > 0) {
      this.#row -= Math.min(below, Math.max(1, this.#height - 2));
      return true;
    }
    const next = entries.keys[index + 1];
    if (next === undefined) return false;
    this.choose(next, this.#row + own);
    this.#index = index + 1;
    this.#reveal(entries);
    return true;
  }

  /** Goes up, likewise. */
  up(entries: Entries): boolean {
    const index = this.#find(entries);
    if (entries.keys.length === 0) return false;
    if (this.#row < 0) {
      this.#row = Math.min(0, this.#row + Math.max(1, this.#height - 2));
      return true;
    }
    const next = entries.keys[index - 1];
    if (next === undefined) return false;
    const height = entries.block(index - 1, true).length;
    // Of one that is longer than the screen, the end is shown first.
    const row = this.#row - height;
    this.choose(next, height > this.#height ? this.#height - height : Math.max(0, row));
    this.#index = index - 1;
    return true;
  }

  /** Goes a page down or up. */
  page(entries: Entries, step: 1 | -1): boolean {
    const from = this.#index;
    const row = this.#row;
    let rows = 0;
    let hasMoved = false;
    while (rows < this.#height - 1) {
      const before = entries.block(this.#find(entries), true).length;
      if (!(step > 0 ? this.down(entries) : this.up(entries))) break;
      hasMoved = true;
      rows += before;
    }
    // The list moves below the pointer, so that a person's eyes need not.
    if (this.#index !== from) this.#row = Math.max(0, row);
    this.#reveal(entries);
    this.#fill(entries);
    return hasMoved;
  }

  /** Chooses the first or the last entry. */
  end(entries: Entries, which: "first" | "last"): void {
    const key = which === "first" ? entries.keys[0] : entries.keys.at(-1);
    this.choose(key, which === "first" ? 0 : this.#height);
    this.#find(entries);
    this.#reveal(entries);
  }

  /** Chooses the entry on a row of the last drawing. Whether it was chosen before. */
  click(entries: Entries, row: number): "other" | "same" | "none" {
    const index = this.#owners[row];
    const key = index === undefined ? undefined : entries.keys[index];
    if (index === undefined || key === undefined) return "none";
    if (key === this.#key) return "same";
    this.choose(key, this.#owners.indexOf(index));
    this.#index = index;
    return "other";
  }

  /** Moves the list so that the chosen entry shows, its beginning where it is longer than the screen. */
  #reveal(entries: Entries): void {
    const height = entries.block(this.#find(entries), true).length;
    if (this.#row + height > this.#height) this.#row = this.#height - height;
    if (this.#row < 0 || height > this.#height) this.#row = Math.max(0, this.#row);
  }

  /** Moves the list down where rows are free below its end; what does not fit above is seen to when it is drawn. */
  #fill(entries: Entries): void {
    let end = this.#row;
    for (let at = this.#find(entries); at < entries.keys.length && end < this.#height; at++) {
      end += entries.block(at, at === this.#index).length;
    }
    if (end < this.#height) this.#row += this.#height - end;
  }

  /** The rows for that height. */
  draw(entries: Entries, height: number): Drawn {
    const isOther = height !== this.#height;
    this.#height = Math.max(1, height);
    const { keys } = entries;
    const hasLess = keys.length < this.#count;
    this.#count = keys.length;
    if (keys.length === 0) {
      this.#owners = [];
      this.#key = undefined;
      return { rows: [], visible: [] };
    }
    const chosen = this.#find(entries);
    const own = entries.block(chosen, true);
    if (isOther && own.length <= this.#height) this.#reveal(entries);
    // What has gone leaves no room below that others could fill.
    if (hasLess) this.#fill(entries);
    if (own.length <= this.#height) {
      this.#row = Math.max(0, Math.min(this.#row, this.#height - own.length));
    }
    const above: (readonly Piece[])[] = [];
    const ownersAbove: number[] = [];
    let first = chosen;
    while (above.length < this.#row && first > 0) {
      first--;
      const rows = entries.block(first, false);
      above.unshift(...rows);
      ownersAbove.unshift(...rows.map(() => first));
    }
    // Above the first entry there is nothing: the list stands at the top.
    if (above.length < this.#row) this.#row = above.length;
    const rows = above.slice(above.length - Math.max(0, this.#row));
    const owners: number[] = ownersAbove.slice(above.length - Math.max(0, this.#row));
    rows.push(...own.slice(Math.max(0, -this.#row)));
    while (owners.length < rows.length) owners.push(chosen);
    let last = chosen;
    while (rows.length < this.#height && last + 1 < keys.length) {
      last++;
      rows.push(...entries.block(last, false));
      while (owners.length < rows.length) owners.push(last);
    }
    const shown = Math.min(rows.length, this.#height);
    this.#owners = owners.slice(0, shown);
    const visible = [...new Set(this.#owners)].map((index) => keys[index ?? 0] ?? "");
    return { rows: rows.slice(0, shown), visible };
  }
}
