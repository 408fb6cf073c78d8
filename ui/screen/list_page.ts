/**
 * What all pages with a list have in common: moving in it, and clicks.
 *
 * @module
 */

import { safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import type { Action, Place } from "./key_table.ts";
import { type Piece, styled } from "./line.ts";
import { type Block, type Entries, ListPane } from "./list_pane.ts";
import type { Drawing, Page, Size, Stage, Tab } from "./page.ts";

/**
 * Columns of a page's entries at most: on a wider screen what stands at the right of a row would be too far from what it
 * belongs to, and lines too long to read.
 */
const contentColumnsMax = 104;

/** A page with a list. */
export abstract class ListPage implements Page {
  abstract readonly tab: Tab | undefined;
  abstract readonly places: readonly Place[];
  /** What pages work with. */
  protected readonly stage: Stage;
  /** The place of the list on the screen. */
  protected pane: ListPane = new ListPane();
  /** Columns of the last drawing. */
  protected columns = 80;
  #headRows = 0;

  /** A page on that stage. */
  constructor(stage: Stage) {
    this.stage = stage;
  }

  get note(): string {
    return "";
  }

  /** The entries as they are now. */
  protected abstract entries(): Entries;

  /** Rows above the list. */
  protected head(): Block {
    return [];
  }

  /** What is said in place of an empty list. */
  protected abstract nothing(): string;

  /** The list was drawn with these entries on the screen. */
  protected shown(_keys: readonly string[]): void {}

  /** The choice has moved. */
  protected moved(): void {}

  /** Does what a key asks for, beyond moving; false where that is nothing. */
  protected abstract does(action: Action): boolean;

  draw({ columns, rows }: Size): Drawing {
    this.columns = Math.min(columns, contentColumnsMax);
    const head = this.head();
    this.#headRows = head.length;
    const entries = this.entries();
    if (entries.keys.length === 0) {
      const lines = wrapText(safeText(this.nothing()), columns - 4);
      const said = lines.map((line): Piece[] => [styled(`  ${line}`, "dim")]);
      return { rows: [...head, [], ...said].slice(0, rows) };
    }
    const drawn = this.pane.draw(entries, Math.max(1, rows - head.length));
    this.shown(drawn.visible);
    return { rows: [...head, ...drawn.rows].slice(0, rows) };
  }

  act(action: Action): boolean {
    const { pane } = this;
    const entries = this.entries();
    const moves: Readonly<Partial<Record<Action, () => boolean>>> = {
      down: () => pane.down(entries),
      up: () => pane.up(entries),
      page_down: () => pane.page(entries, 1),
      page_up: () => pane.page(entries, -1),
      top: () => {
        pane.end(entries, "first");
        return true;
      },
      bottom: () => {
        pane.end(entries, "last");
        return true;
      },
    };
    if (this.does(action)) return true;
    const move = moves[action];
    if (move === undefined) return false;
    if (move()) this.moved();
    this.stage.changed();
    return true;
  }

  click(row: number): void {
    const clicked = this.pane.click(this.entries(), row - this.#headRows);
    if (clicked === "other") this.moved();
    if (clicked === "same") this.act("open");
  }

  abstract close(): void;
}
