/**
 * The settings of config.ini: what is in force, and changing it.
 *
 * @module
 */

import type { SettingsPort } from "../settings/settings_port.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import {
  effectText,
  type SettingRow,
  type Settings,
  type SettingsView,
} from "../views/settings.ts";
import type { InputEvent } from "./input.ts";
import type { Action, Place } from "./key_table.ts";
import { cut, type Piece, plain, spread, type Style, styled } from "./line.ts";
import type { Block, Entries } from "./list_pane.ts";
import { ListPage } from "./list_page.ts";
import type { Drawing, Page, Size, Stage } from "./page.ts";
import { marginColumns, withMargin } from "./post_block.ts";
import { TextField } from "./text_field.ts";

/** A value that is being typed. */
interface Edit {
  readonly row: SettingRow;
  readonly field: TextField;
}

/** The row in which a value is typed: below the title, and what it is. */
const fieldRow = 2;

/** The settings, one of which may be being changed. */
class SettingsPage extends ListPage {
  readonly tab = undefined;
  readonly places: readonly Place[] = ["everywhere"];
  readonly #settings: Settings;
  #view: SettingsView;
  #edit: Edit | undefined;

  constructor(stage: Stage, port: SettingsPort) {
    super(stage);
    this.#settings = stage.views.settings(port);
    this.#view = this.#settings.view();
  }

  get hint(): string | undefined {
    if (this.#edit !== undefined) {
      return "Enter writes it · empty: back to the default · Esc leaves it";
    }
    return this.#view.refusal === null ? "Enter changes a setting · Esc back" : undefined;
  }

  get #rows(): readonly SettingRow[] {
    return this.#view.groups.flatMap(({ rows }) => rows);
  }

  #lines(text: string, style: Style): Piece[][] {
    return wrapText(safeText(text), this.columns - 3).filter((line) => line !== "")
      .map((line) => [styled(` ${line}`, style)]);
  }

  protected override head(): Block {
    const { path, notice, refusal, problem } = this.#view;
    const title = cut([styled(" Settings ", "bold"), plain(safeLine(path))], this.columns);
    if (this.#edit !== undefined) return [title, ...this.#editRows(this.#edit)];
    return [
      title,
      ...this.#lines(notice, "good"),
      ...refusal === null ? [] : this.#lines(`${refusal}.`, "dim"),
      ...problem === null ? [] : this.#lines(problem, "error"),
    ];
  }

  /** What is being typed, and whether that is a value. */
  #editRows({ row, field }: Edit): Piece[][] {
    const { lines, cursor } = field.lines(this.columns - 2);
    const problem = field.text.trim() === "" ? null : this.#settings.problem(row.name, field.text);
    return [
      cut([styled(` ${row.title}:`, "accent")], this.columns),
      [plain(` ${lines[cursor.row] ?? ""}`)],
      ...this.#lines(problem ?? row.allowed, problem === null ? "dim" : "error"),
      [],
    ];
  }

  protected entries(): Entries {
    const rows = this.#rows;
    const titles = new Map(
      this.#view.groups.map(({ title, rows: [first] }) => [first?.name, title]),
    );
    return {
      keys: rows.map(({ name }) => name),
      block: (index, isChosen) => {
        const row = rows[index];
        if (row === undefined) return [[]];
        const title = titles.get(row.name);
        const heading = title === undefined ? [] : [[styled(`  ${title}`, "accent")]];
        return [...heading, ...this.#block(row, isChosen)];
      },
    };
  }

  #block(row: SettingRow, isChosen: boolean): Block {
    const inner = this.columns - marginColumns - 1;
    const { name, title, shown, sourceText, refused, allowed, default: usual } = row;
    const from = sourceText === "" ? [] : [styled(sourceText, "dim")];
    const rows: Piece[][] = [
      spread([plain(`${title}: `), styled(safeLine(shown), "bold")], from, inner),
    ];
    const details = (text: string, style: Style) =>
      wrapText(safeText(text), inner - 2).map((line) => [styled(`  ${line}`, style)]);
    if (refused !== null) rows.push(...details(refused, "error"));
    if (isChosen) {
      const about = `${name}: ${allowed}; default: ${safeLine(usual) || "none"}${effectText(row)}`;
      rows.push(...details(about, "dim"));
    }
    return rows.map((pieces) => withMargin(cut(pieces, inner), { isChosen }));
  }

  protected nothing(): string {
    return this.#view.isLoading ? "Reading …" : "";
  }

  override draw(size: Size): Drawing {
    this.#view = this.#settings.view();
    const drawn = super.draw(size);
    if (this.#edit === undefined) return drawn;
    const { cursor } = this.#edit.field.lines(size.columns - 2);
    return { ...drawn, cursor: { column: 1 + cursor.column, row: fieldRow } };
  }

  type(event: InputEvent & { readonly kind: "key" }): boolean {
    const edit = this.#edit;
    if (edit === undefined) return false;
    switch (event.key) {
      case "escape":
      case "ctrl+c":
        this.#edit = undefined;
        return true;
      case "enter":
        void this.#write(edit);
        return true;
      default:
        edit.field.key(event);
        return true;
    }
  }

  paste(text: string): void {
    this.#edit?.field.insert(text);
  }

  async #write({ row: { name }, field }: Edit): Promise<void> {
    const value = field.text.trim() === "" ? undefined : field.text;
    const problem = value === undefined ? null : this.#settings.problem(name, value);
    if (problem !== null) return;
    this.#edit = undefined;
    await this.#settings.change(name, value);
    this.stage.changed();
  }

  protected does(action: Action): boolean {
    if (action === "reload") {
      this.#settings.reload();
      return true;
    }
    if (action !== "open" || this.#view.refusal !== null) return false;
    const row = this.#rows[this.pane.index];
    if (row === undefined) return false;
    this.#edit = { row, field: new TextField(row.value, { isOneLine: true }) };
    this.stage.changed();
    return true;
  }

  close(): void {
    this.#settings.close();
  }
}

/** The page of the settings. */
export function settingsPage(stage: Stage, port: SettingsPort): Page {
  return new SettingsPage(stage, port);
}
