/**
 * A search in the posts of this machine.
 *
 * @module
 */

import { type Search, searchHelp, type SearchListView } from "../views/search.ts";
import { safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import type { InputEvent } from "./input.ts";
import type { Action, Place } from "./key_table.ts";
import { type Piece, plain, styled } from "./line.ts";
import type { Block, Entries } from "./list_pane.ts";
import { ListPage } from "./list_page.ts";
import type { Drawing, Page, Size, Stage } from "./page.ts";
import { actOnPost, type PostLinks } from "./post_actions.ts";
import { postBlock } from "./post_block.ts";
import { TextField } from "./text_field.ts";

/** What stands before the query. */
const label = " Search: ";

/** Entries before the end at which more is asked for. */
const loadBefore = 30;

/** Posts that were found, below the query. */
class SearchPage extends ListPage {
  readonly tab = "search";
  readonly places: readonly Place[] = ["posts", "people", "everywhere"];
  readonly #links: PostLinks;
  readonly #search: Search;
  readonly #field: TextField;
  #isTyping: boolean;
  #view: SearchListView;

  constructor(stage: Stage, links: PostLinks, query: string) {
    super(stage);
    this.#links = links;
    this.#search = stage.views.search();
    this.#field = new TextField(query, { isOneLine: true });
    this.#isTyping = query === "";
    this.#search.type(query);
    void this.#search.run();
    this.#view = this.#search.view();
  }

  override get note(): string {
    return this.#view.isLoading ? "searching …" : "";
  }

  get hint(): string | undefined {
    return this.#isTyping ? "Enter searches · Tab to what was found · Esc back" : undefined;
  }

  #query(): { row: Piece[]; column: number } {
    const { lines, cursor } = this.#field.lines(Math.max(4, this.columns - label.length));
    const line = lines[cursor.row] ?? "";
    return {
      row: [styled(label, "bold"), plain(line)],
      column: label.length + cursor.column,
    };
  }

  protected override head(): Block {
    const { queryProblem, problem, notice, query } = this.#view;
    const said = queryProblem ?? problem;
    const help = query === "" || this.#isTyping ? searchHelp : "";
    const texts = said !== null ? [] : [notice, help].filter((text) => text !== "");
    const wrong = said === null ? [] : wrapText(safeText(said), this.columns - 3);
    return [
      this.#query().row,
      ...wrong.map((line) => [styled(` ${line}`, "error")]),
      ...texts.flatMap((text) => wrapText(safeText(text), this.columns - 3))
        .map((line) => [styled(` ${line}`, "dim")]),
    ];
  }

  protected entries(): Entries {
    const { rows } = this.#view;
    return {
      keys: rows.map(({ key }) => key),
      block: (index, isChosen) => {
        const row = rows[index];
        if (row === undefined) return [[]];
        return postBlock(row, {
          columns: this.columns,
          isChosen: isChosen && !this.#isTyping,
          revealKey: this.stage.key("reveal"),
        });
      },
    };
  }

  protected nothing(): string {
    return "";
  }

  override draw(size: Size): Drawing {
    this.#view = this.#search.view();
    const drawn = super.draw(size);
    return this.#isTyping
      ? { ...drawn, cursor: { column: Math.min(size.columns - 1, this.#query().column), row: 0 } }
      : drawn;
  }

  protected override moved(): void {
    const { chosen, index } = this.pane;
    if (chosen === undefined) return;
    this.#search.select(chosen);
    if (index + loadBefore > this.#view.rows.length) this.#search.older();
  }

  type(event: InputEvent & { readonly kind: "key" }): boolean {
    if (!this.#isTyping) return false;
    switch (event.key) {
      case "enter":
        void this.#search.run();
        this.pane.choose(undefined);
        this.#isTyping = false;
        return true;
      case "escape":
      case "ctrl+c":
      case "down":
      case "tab":
        this.#isTyping = false;
        // Without anything found there is nothing else here.
        return this.#view.rows.length > 0 || event.key === "tab" || event.key === "down";
      default:
        this.#field.key(event);
        this.#search.type(this.#field.text);
        return true;
    }
  }

  paste(text: string): void {
    this.#isTyping = true;
    this.#field.insert(text);
    this.#search.type(this.#field.text);
  }

  protected does(action: Action): boolean {
    if (action === "search" || action === "next_tab") {
      this.#isTyping = true;
      this.stage.changed();
      return true;
    }
    if (action === "reload") {
      void this.#search.run();
      return true;
    }
    const row = this.#view.rows[this.pane.index];
    if (row === undefined) return false;
    if (action === "reveal") {
      this.#search.reveal(row.key);
      return true;
    }
    return actOnPost(this.stage, action, row, this.#links);
  }

  override click(row: number): void {
    this.#isTyping = row === 0;
    super.click(row);
  }

  close(): void {
    this.#search.close();
  }
}

/** The page of a search; without a query, one is typed first. */
export function searchPage(stage: Stage, links: PostLinks, query = ""): Page {
  return new SearchPage(stage, links, query);
}
