/**
 * What a page of the screen is, and what pages work with.
 *
 * @module
 */

import type { PeerCalls, PostNameView } from "../../core/api.ts";
import type { Time } from "../../lib/time.ts";
import type { Task } from "../commands/tasks.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import type { Views } from "../views/views.ts";
import type { InputEvent } from "./input.ts";
import type { Action, Place } from "./key_table.ts";
import type { Style } from "./line.ts";
import type { Block } from "./list_pane.ts";

/** The pages that the title names. */
export type Tab = "home" | "mentions" | "people" | "search";

/** A part of the screen. */
export interface Size {
  /** Its columns. */
  readonly columns: number;
  /** Its rows. */
  readonly rows: number;
}

/** Where the cursor of the terminal is; 0-based. */
export interface Cursor {
  /** Its column. */
  readonly column: number;
  /** Its row. */
  readonly row: number;
}

/** What is drawn. */
export interface Drawing {
  /** Rows, as many as there is room for or fewer. */
  readonly rows: Block;
  /** The cursor, where a text is typed. */
  readonly cursor?: Cursor;
}

/** Something that fills the screen between its title and its foot. */
export interface Page {
  /** Which part of the title it belongs to; undefined for none. */
  readonly tab: Tab | undefined;
  /** What keys do there, what is particular to it first. */
  readonly places: readonly Place[];
  /** What stands in the rule below it, such as `2 newer arrived`; may be empty. */
  readonly note: string;
  /** What stands at the foot in place of the keys, where a text is typed. */
  readonly hint?: string | undefined;
  /** Draws it. */
  draw(size: Size): Drawing;
  /** Does what a key asks for; false where that is nothing here. */
  act(action: Action): boolean;
  /** A click on one of its rows, which is drawn there. */
  click?(row: number): void;
  /** A key that does nothing here, where a text is typed. Whether it was taken. */
  type?(event: InputEvent & { readonly kind: "key" }): boolean;
  /** Something was pasted. */
  paste?(text: string, length: number): void;
  /** It is no longer shown. */
  close(): void;
}

/** A text to be written. */
export interface ComposeRequest {
  /** The post that it replies to. */
  readonly replyTo?: PostNameView;
  /** What the text begins with, where there is no draft. */
  readonly text?: string;
}

/** What pages work with. */
export interface Stage {
  /** All that is shown. */
  readonly views: Views;
  /** The peer. */
  readonly api: PeerCalls;
  /** The settings of the data folder. */
  readonly settings: SettingsPort;
  /** The user who is logged in. */
  readonly self: string;
  /** The time. */
  readonly time: Pick<Time, "now" | "monotonic" | "after">;
  /** Aborted when the screen is left. */
  readonly signal: AbortSignal;
  /** The first key of an action as people read it; empty where config.ini leaves it none. */
  key(action: Action): string;
  /** Something has changed: it is drawn soon. */
  changed(): void;
  /** Says something at the foot, until the next key. */
  say(text: string, style?: Style): void;
  /** Does a task, says what comes of it, and does what follows where it is done. */
  tell<Request, Result>(
    task: Task<Request, Result>,
    request: Request,
    then?: (result: Result) => void,
  ): void;
  /** Asks whether to do something that cannot be taken back. */
  confirm(question: string, yes: () => void): void;
  /** Shows a page above the others. */
  open(page: Page): void;
  /** Opens the box in which a text is written. */
  write(request: ComposeRequest): void;
}
