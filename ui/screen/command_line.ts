/**
 * The row in which a command is typed.
 *
 * @module
 */

import { commandTable } from "./command_table.ts";
import type { InputEvent } from "./input.ts";
import { cut, type Piece, plain, styled } from "./line.ts";
import type { Cursor } from "./page.ts";
import { TextField } from "./text_field.ts";

/** What was typed. */
export interface Typed {
  /** The first word. */
  readonly name: string;
  /** The rest. */
  readonly argument: string;
}

/** A command that is being typed. */
export class CommandLine {
  readonly #field = new TextField("", { isOneLine: true });
  #begun: string | undefined;
  #at = 0;

  /** Takes a key; what it led to, where it ends the command. */
  key(event: InputEvent & { readonly kind: "key" }): Typed | "cancelled" | undefined {
    const { text } = this.#field;
    if (event.key === "tab") {
      this.#complete();
      return undefined;
    }
    this.#begun = undefined;
    if (event.key === "escape" || event.key === "ctrl+c") return "cancelled";
    if (event.key === "backspace" && text === "") return "cancelled";
    if (event.key === "enter") {
      const [name = "", ...words] = text.trim().split(/\s+/);
      return name === "" ? "cancelled" : { name, argument: words.join(" ") };
    }
    this.#field.key(event);
    return undefined;
  }

  /** Something was pasted. */
  paste(text: string): void {
    this.#field.insert(text);
  }

  #matching(): string[] {
    const typed = this.#begun ?? this.#field.text;
    if (typed.includes(" ")) return [];
    return commandTable.map(({ name }) => name).filter((name) => name.startsWith(typed));
  }

  /** Puts the next name there that begins so. */
  #complete(): void {
    if (this.#begun === undefined) {
      this.#begun = this.#field.text;
      this.#at = -1;
    }
    const names = this.#matching();
    if (names.length === 0) return;
    this.#at = (this.#at + 1) % names.length;
    this.#field.set(names[this.#at] ?? "");
  }

  /** Draws it, with what can be typed below. */
  draw(columns: number): { rows: (readonly Piece[])[]; cursor: Cursor } {
    const { lines, cursor } = this.#field.lines(columns - 3);
    const row = Math.min(cursor.row, lines.length - 1);
    const names = this.#matching();
    const only = commandTable.find(({ name }) => name === this.#field.text.split(" ")[0]);
    const help = only === undefined
      ? names.join("  ")
      : `${"takes" in only ? `${only.takes}: ` : ""}${only.help}`;
    return {
      rows: [
        cut([styled(":", "bold"), plain(lines[row] ?? "")], columns),
        cut([styled(` ${help}`, "dim")], columns),
      ],
      cursor: { column: cursor.column + 1, row: 0 },
    };
  }
}
