/**
 * A page of text: help, and what a command has to say.
 *
 * @module
 */

import type { Task } from "../commands/tasks.ts";
import { paintFor } from "../terminal/paint.ts";
import { wrapText } from "../terminal/width.ts";
import type { Action, Place } from "./key_table.ts";
import { cut, type Piece, plain, rule, styled } from "./line.ts";
import type { Drawing, Page, Size, Stage } from "./page.ts";

/** What a page of text is made from. */
export interface TextParts {
  /** What stands above it. */
  readonly title: string;
  /** Its rows for a width. */
  readonly rows: (columns: number) => readonly (readonly Piece[])[];
}

/** Shows on a page what a task says. */
export function showText<Result>(stage: Stage, title: string, task: Task<void, Result>): void {
  stage.tell({ ...task, text: () => "" }, undefined, (result) => {
    const look = { paint: paintFor(false), now: stage.time.now() };
    const rows = (columns: number) =>
      task.text(result, { ...look, columns }).split("\n")
        .flatMap((line) => wrapText(line, columns)).map((line) => [plain(line)]);
    stage.open(textPage(stage, { title, rows }));
  });
}

/** Text that scrolls. */
class TextPage implements Page {
  readonly tab = undefined;
  readonly places: readonly Place[] = ["everywhere"];
  readonly note = "";
  readonly #stage: Stage;
  readonly #title: string;
  readonly #rows: (columns: number) => readonly (readonly Piece[])[];
  #from = 0;
  #height = 1;
  #last = 0;

  constructor(stage: Stage, { title, rows }: TextParts) {
    this.#stage = stage;
    this.#title = title;
    this.#rows = rows;
  }

  draw({ columns, rows: height }: Size): Drawing {
    const rows = this.#rows(columns - 2);
    this.#height = Math.max(1, height - 1);
    this.#last = Math.max(0, rows.length - this.#height);
    this.#from = Math.min(this.#from, this.#last);
    const shown = rows.slice(this.#from, this.#from + this.#height);
    const head = this.#title === "" ? [] : [styled(` ${this.#title}`, "bold")];
    return {
      rows: [
        head.length === 0 ? rule(columns) : cut(head, columns),
        ...shown.map((pieces) => cut([{ text: "  " }, ...pieces], columns)),
      ],
    };
  }

  act(action: Action): boolean {
    const steps: Readonly<Partial<Record<Action, number>>> = {
      down: 1,
      up: -1,
      page_down: this.#height - 1,
      page_up: 1 - this.#height,
      top: -this.#from,
      bottom: this.#last - this.#from,
    };
    const step = steps[action];
    if (step === undefined) return false;
    this.#from = Math.max(0, Math.min(this.#last, this.#from + step));
    this.#stage.changed();
    return true;
  }

  close(): void {}
}

/** A page of text. */
export function textPage(stage: Stage, parts: TextParts): Page {
  return new TextPage(stage, parts);
}
