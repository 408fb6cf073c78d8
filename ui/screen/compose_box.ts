/**
 * The box in which a post is written: the editor, and what stands around it.
 *
 * @module
 */

import { safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import type { Compose, ComposeView } from "../views/compose.ts";
import type { InputEvent } from "./input.ts";
import type { Action } from "./key_table.ts";
import { cut, type Piece, plain, rule, spread, styled } from "./line.ts";
import type { Drawing, Size, Stage } from "./page.ts";
import { namePiece, textPieces } from "./post_block.ts";
import { TextField } from "./text_field.ts";

/** Lines of an answered post that are quoted. */
const quotedLinesMax = 4;

/** What stands before the content warning, and its columns. */
const warningLabel = " Content warning: ";

/** What a box works with. */
export interface BoxParts {
  /** What is written. */
  readonly compose: Compose;
  /** What the text begins with where there is no draft. */
  readonly text: string;
  /** Writes the text in another program; undefined where there is none, or it failed. */
  readonly edit: (text: string) => Promise<string | undefined>;
  /** The box is to be closed. */
  readonly close: () => void;
}

/** A text that is being written. */
export class ComposeBox {
  readonly #stage: Stage;
  readonly #parts: BoxParts;
  readonly #compose: Compose;
  readonly #text = new TextField();
  readonly #warning = new TextField("", { isOneLine: true });
  /** Which of the two is typed into. */
  #field: "text" | "warning" = "text";
  /** What was cut, or cannot be completed. */
  #said = "";
  /** Names offered for what stands before the cursor, and which of them was put there. */
  #offered: { readonly names: readonly string[]; at: number; length: number } | undefined;

  /** The box of that post. */
  constructor(stage: Stage, parts: BoxParts) {
    this.#stage = stage;
    this.#parts = parts;
    this.#compose = parts.compose;
    void this.#open();
  }

  async #open(): Promise<void> {
    await this.#compose.opened;
    // With what was typed while the draft was read.
    const { text } = this.#compose.view();
    this.#text.set(text === "" ? this.#parts.text : text);
    this.#stage.changed();
  }

  /** Does what a key asks for. */
  act(action: Action, event: InputEvent & { readonly kind: "key" }): void {
    if (action !== "complete") this.#offered = undefined;
    this.#said = "";
    switch (action) {
      case "send":
        return void this.#send();
      case "keep":
        if (this.#field === "text") void this.leave();
        else this.#field = "text";
        return;
      case "complete":
        return this.#complete();
      case "editor":
        return void this.#edit();
      case "warning":
        this.#field = this.#field === "text" ? "warning" : "text";
        return;
      case "new_line":
        if (this.#field === "warning") this.#field = "text";
        else this.#change(() => this.#text.insert("\n"));
        return;
      default:
        this.type(event);
    }
  }

  /** A key that means nothing but itself. */
  type(event: InputEvent & { readonly kind: "key" }): void {
    this.#offered = undefined;
    this.#said = "";
    this.#change((field) => field.key(event));
  }

  /** Something was pasted: `text` is what is left of so many characters. */
  paste(text: string, length: number): void {
    const field = this.#field === "warning" ? this.#warning : this.#text;
    const before = field.text.length;
    this.#change(() => field.insert(text));
    const kept = field.text.length - before;
    this.#said = length > text.length
      ? `${length} characters were pasted; the first ${kept} are kept`
      : "";
  }

  #change(change: (field: TextField) => void): void {
    change(this.#field === "warning" ? this.#warning : this.#text);
    this.#compose.change(this.#text.text);
    this.#compose.warn(this.#warning.text);
  }

  /** Leaves the box; the draft is kept. */
  async leave(): Promise<void> {
    this.#parts.close();
    if (this.#text.text.trim() !== "") this.#stage.say("The draft is kept.");
    await this.#compose.close();
  }

  async #send(): Promise<void> {
    const { canSend, problem, state } = this.#compose.view();
    if (!canSend) {
      if (problem === null && state === "writing") this.#said = "There is nothing to publish yet";
      return;
    }
    if (!await this.#compose.send()) return;
    this.#parts.close();
    this.#stage.say("Published.", "good");
  }

  async #edit(): Promise<void> {
    const edited = await this.#parts.edit(this.#text.text);
    if (edited !== undefined) this.#change(() => this.#text.set(edited));
    this.#stage.changed();
  }

  /** Completes the name before the cursor; again, it takes the next one that fits. */
  #complete(): void {
    if (this.#field !== "text") return;
    if (this.#offered === undefined) {
      const found = this.#compose.completion(this.#text.before.length);
      if (found === undefined) {
        this.#said = "Tab completes a name of a user you follow, behind an @";
        return;
      }
      this.#offered = { names: found.names, at: -1, length: found.to - found.from };
    }
    const offered = this.#offered;
    offered.at = (offered.at + 1) % offered.names.length;
    const name = offered.names[offered.at] ?? "";
    // A name that alone fits is finished.
    const text = offered.names.length === 1 ? `${name} ` : name;
    const { length } = offered;
    this.#change((field) => field.complete(length, text));
    offered.length = text.length;
    if (offered.names.length === 1) this.#offered = undefined;
  }

  #title({ answers }: ComposeView): Piece[] {
    return answers === null
      ? [styled(" New post", "bold")]
      : [styled(" Reply to ", "bold"), namePiece(answers.author)];
  }

  #state({ draftText, count, length, lengthMax, state }: ComposeView): Piece[] {
    const kept = state === "sending" ? "publishing …" : draftText;
    return [
      styled(kept === "" ? "" : `${kept}   `, "dim"),
      styled(`${count} `, ...length > lengthMax ? ["error" as const] : []),
    ];
  }

  #quote({ answers }: ComposeView, columns: number): Piece[][] {
    if (answers === null) return [];
    const { row } = answers;
    if (row === null) return [[styled("  ┊ (this post is not here)", "dim")]];
    const lines = row.state === "shown"
      ? textPieces(row.spans, columns - 5)
      : [[styled("(taken back by its author)", "dim")]];
    const shown = lines.slice(0, quotedLinesMax);
    return [
      [styled("  ┊ ", "dim"), namePiece(row.author), styled(`  ${row.age}`, "dim")],
      ...shown.map((pieces) => [styled("  ┊ ", "dim"), ...pieces]),
      ...(lines.length > shown.length ? [[styled("  ┊ …", "dim")]] : []),
    ];
  }

  #foot({ problem, notice }: ComposeView, columns: number): Piece[][] {
    const wrong = this.#said === "" ? problem ?? "" : this.#said;
    const said = wrong === "" ? notice ?? "" : wrong;
    if (said !== "") {
      const style = wrong === "" ? "warning" : "error";
      return wrapText(safeText(said), columns - 3).map((line) => [styled(` ${line}`, style)]);
    }
    if (this.#offered === undefined) return [];
    const { names, at } = this.#offered;
    const offers = names.map((name, index) =>
      styled(` @${safeLine(name)} `, ...index === at ? ["inverse" as const] : ["dim" as const])
    );
    return [cut([plain(" "), ...offers], columns)];
  }

  /** Draws it, with a rule above. */
  draw({ columns, rows }: Size): Drawing {
    const view = this.#compose.view();
    const hasWarning = this.#field === "warning" || this.#warning.text !== "";
    const warning = this.#warning.lines(columns - warningLabel.length - 1);
    const head = [rule(columns), spread(this.#title(view), this.#state(view), columns)];
    const foot = this.#foot(view, columns);
    const room = Math.max(1, rows - head.length - foot.length - (hasWarning ? 1 : 0));
    const quote = this.#quote(view, columns).slice(0, Math.max(0, room - 3));
    const { lines, cursor } = this.#text.lines(columns - 3);
    const fit = Math.max(1, room - quote.length);
    const from = Math.max(0, Math.min(cursor.row - fit + 1, lines.length - fit));
    const warned = [
      styled(warningLabel, "warning"),
      plain(warning.lines[warning.cursor.row] ?? ""),
    ];
    const top: Piece[][] = [...head, ...quote, ...(hasWarning ? [warned] : [])];
    const shown: Piece[][] = lines.slice(from, from + fit).map((line) => [plain(` ${line}`)]);
    while (shown.length < fit) shown.push([]);
    return {
      rows: [...top, ...shown, ...foot],
      cursor: this.#field === "warning"
        ? { column: warningLabel.length + warning.cursor.column, row: top.length - 1 }
        : { column: 1 + cursor.column, row: top.length + cursor.row - from },
    };
  }
}
