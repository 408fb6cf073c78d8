/**
 * The screen as a whole: its title, a page, and its foot; keys in, rows out. No terminal is touched here.
 *
 * @module
 */

import type { PeerCalls } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Time } from "../../lib/time.ts";
import type { Task } from "../commands/tasks.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import { paintFor } from "../terminal/paint.ts";
import { safeText } from "../terminal/safe_text.ts";
import { textWidth, wrapText } from "../terminal/width.ts";
import type { Views } from "../views/views.ts";
import { CommandLine } from "./command_line.ts";
import { runCommand } from "./commands.ts";
import { ComposeBox } from "./compose_box.ts";
import { helpPage } from "./help_page.ts";
import type { InputEvent } from "./input.ts";
import type { Action, Place } from "./key_table.ts";
import type { Keymap } from "./keymap.ts";
import { cut, type Piece, plain, rendered, rule, type Style, styled, type Theme } from "./line.ts";
import type { ComposeRequest, Cursor, Page, Size, Stage, Tab } from "./page.ts";
import { tabPage } from "./pages.ts";
import { titleRow } from "./title.ts";

/** Pages that lie below one another at most: who goes on from profile to thread to profile, drops the oldest. */
const pagesMax = 30;

/** Rows that something said at the foot may take. */
const saidRowsMax = 4;

/** Entries that the wheel moves by. */
const wheelStep = 2;

/** What the screen does outside of itself. */
export interface AppParts {
  /** All that is shown. */
  readonly views: Views;
  /** The peer. */
  readonly api: PeerCalls;
  /** The settings of the data folder. */
  readonly settings: SettingsPort;
  /** The user who is logged in. */
  readonly self: string;
  /** The time. */
  readonly time: Time;
  /** Aborted when the screen is left. */
  readonly signal: AbortSignal;
  /** What the terminal can show. */
  readonly theme: Theme;
  /** Which key does what. */
  readonly keymap: Keymap;
  /** Something has changed; `all`: and the terminal may show something else than was drawn. */
  readonly paint: (all?: boolean) => void;
  /** Leaves the screen. */
  readonly quit: () => void;
  /** Stops the process until it is continued. */
  readonly suspend: () => void;
  /** Writes a text in another program; undefined where that failed, after it was said why. */
  readonly edit: (text: string) => Promise<string | undefined>;
  /** Does an entry of the menu, outside the screen. */
  readonly inMenu: (entry: string) => void;
}

/** Something said at the foot. */
interface Said {
  readonly text: string;
  readonly style: Style;
}

/** As many hints as fit, whole ones, in any case with so many of the last: on help and the way out. */
function fitting<Hint extends readonly [key: string, does: string]>(
  hints: readonly Hint[],
  columns: number,
  lastHints: number,
): readonly Hint[] {
  const widthOf = (some: readonly Hint[]) =>
    some.reduce((sum, [key, does]) => sum + textWidth(key) + textWidth(does) + 3, -1);
  const last = hints.slice(-lastHints);
  const first = hints.slice(0, -lastHints);
  while (first.length > 0 && widthOf([...first, ...last]) > columns) first.pop();
  return [...first, ...last];
}

/** The screen. */
export class App {
  readonly #parts: AppParts;
  readonly #stage: Stage;
  #pages: Page[] = [];
  #box: ComposeBox | undefined;
  #line: CommandLine | undefined;
  #question: { readonly text: string; readonly yes: () => void } | undefined;
  #said: Said | undefined;
  /** What goes on; said while nothing else is. */
  #doing: string[] = [];
  /** The number of the last thing that deeds said and a key was pressed after. */
  #heard = 0;
  /** Where the page was drawn last, and what the title has where. */
  #top = 2;
  #spots: ReturnType<typeof titleRow>["spots"] = [];

  /** The screen, with its first page. */
  constructor(parts: AppParts) {
    this.#parts = parts;
    const { views, api, settings, self, time, signal } = parts;
    this.#stage = {
      ...{ views, api, settings, self, time, signal },
      key: (action) => parts.keymap.shown(action)[0] ?? "",
      changed: () => parts.paint(),
      say: (text, style = "accent") => this.#say(text, style),
      tell: (task, request, then) => void this.#tell(task, request, then),
      confirm: (text, yes) => {
        this.#question = { text, yes };
        parts.paint();
      },
      open: (page) => this.#open(page),
      write: (request) => this.#write(request),
    };
    this.#pages = [tabPage(this.#stage, "home")];
  }

  /** What pages work with. */
  get stage(): Stage {
    return this.#stage;
  }

  get #page(): Page {
    const page = this.#pages.at(-1);
    if (page === undefined) throw new Error("There is always a page.");
    return page;
  }

  /** Whether a text is being written. */
  get isWriting(): boolean {
    return this.#box !== undefined;
  }

  #say(text: string, style: Style): void {
    this.#said = { text, style };
    this.#parts.paint();
  }

  async #tell<Request, Result>(
    task: Task<Request, Result>,
    request: Request,
    then?: (result: Result) => void,
  ): Promise<void> {
    const { api, signal, time, paint } = this.#parts;
    const doing = task.doing(request);
    if (doing !== "") this.#doing.push(doing);
    this.#said = undefined;
    paint();
    const done = () => {
      const at = this.#doing.indexOf(doing);
      if (at >= 0) this.#doing.splice(at, 1);
      paint();
    };
    let result: Result;
    try {
      result = await task.call(api, request, signal);
    } catch (error) {
      done();
      if (signal.aborted) return;
      if (!(error instanceof CamelliaError)) throw error;
      return this.#say(error.message, "error");
    }
    done();
    const text = task.text(result, { paint: paintFor(false), columns: 1000, now: time.now() });
    if (text !== "") this.#say(text.replace(/\s*\n\s*/g, " "), "good");
    then?.(result);
  }

  #open(page: Page): void {
    this.#pages.push(page);
    if (this.#pages.length > pagesMax) this.#pages.splice(1, 1)[0]?.close();
    this.#parts.paint();
  }

  #back(): void {
    if (this.#pages.length > 1) this.#pages.pop()?.close();
    this.#parts.paint();
  }

  /** Goes to a page of the title: what lay above Home is closed. */
  #go(tab: Tab): void {
    for (const page of this.#pages.splice(1)) page.close();
    if (tab !== "home") this.#pages.push(tabPage(this.#stage, tab));
    this.#parts.paint();
  }

  #write({ replyTo, text = "" }: ComposeRequest): void {
    if (this.#box !== undefined) return;
    const { views, edit, paint } = this.#parts;
    this.#said = undefined;
    const close = () => {
      this.#box = undefined;
      paint();
    };
    const compose = views.compose(replyTo);
    this.#box = new ComposeBox(this.#stage, { compose, text, edit, close });
    paint();
  }

  /** What keys do now. */
  get #places(): readonly Place[] {
    return this.#box === undefined ? this.#page.places : ["writing"];
  }

  /** Takes what a person did. */
  input(event: InputEvent): void {
    if (event.kind === "mouse") this.#mouse(event);
    else if (event.kind === "paste") this.#paste(event.text, event.length);
    else this.#key(event);
    this.#parts.paint();
  }

  #paste(text: string, length: number): void {
    if (this.#box !== undefined) this.#box.paste(text, length);
    else if (this.#line !== undefined) this.#line.paste(text);
    else this.#page.paste?.(text, length);
  }

  #key(event: InputEvent & { readonly kind: "key" }): void {
    this.#hush();
    // Also while a text is typed, unless it is a character of it.
    const always = event.text === undefined
      ? this.#parts.keymap.actionFor(event.key, ["everywhere"])
      : undefined;
    if (always === "suspend") return this.#parts.suspend();
    if (always === "redraw") return this.#parts.paint(true);
    const question = this.#question;
    if (question !== undefined) {
      this.#question = undefined;
      if (event.key === "y" || event.key === "Y") question.yes();
      return;
    }
    if (this.#line !== undefined) return this.#typeCommand(this.#line, event);
    const { keymap } = this.#parts;
    if (this.#box !== undefined) {
      const action = keymap.actionFor(event.key, ["writing"]);
      if (action === undefined) this.#box.type(event);
      else this.#box.act(action, event);
      return;
    }
    if (this.#page.type?.(event) === true) return;
    const action = keymap.actionFor(event.key, this.#places);
    if (action !== undefined) this.#act(action);
  }

  /** What was said has been read. */
  #hush(): void {
    this.#said = undefined;
    this.#heard = this.#parts.views.deeds.view().said?.number ?? this.#heard;
  }

  #typeCommand(line: CommandLine, event: InputEvent & { readonly kind: "key" }): void {
    const ended = line.key(event);
    if (ended === undefined) return;
    this.#line = undefined;
    if (ended === "cancelled") return;
    this.#run(ended.name, ended.argument);
  }

  #run(name: string, argument: string): void {
    runCommand(this.#stage, { name, argument }, {
      go: (tab) => this.#go(tab),
      help: () => this.#open(helpPage(this.#stage, this.#parts.keymap)),
      quit: this.#parts.quit,
      inMenu: this.#parts.inMenu,
      act: (action) => this.#act(action),
    });
  }

  #act(action: Action): void {
    if (this.#page.act(action)) return;
    switch (action) {
      case "back":
        return this.#back();
      case "home":
      case "mentions":
      case "people":
      case "search":
        return this.#go(action);
      case "write":
        return this.#write({});
      case "command":
        this.#line = new CommandLine();
        return;
      case "help":
        return this.#open(helpPage(this.#stage, this.#parts.keymap));
      case "quit":
        return this.#parts.quit();
    }
  }

  #mouse({ what, column, row }: InputEvent & { readonly kind: "mouse" }): void {
    if (this.#box !== undefined || this.#question !== undefined || this.#line !== undefined) return;
    if (what !== "click") {
      for (let step = 0; step < wheelStep; step++) this.#page.act(what === "up" ? "up" : "down");
      return;
    }
    this.#hush();
    if (row === 0) {
      const spot = this.#spots.find(({ from, to }) => column >= from && column < to);
      if (spot !== undefined) this.#go(spot.tab);
      return;
    }
    this.#page.click?.(row - this.#top);
  }

  /** The last rows: what was said or asked, or which keys there are. */
  #foot(
    columns: number,
  ): { readonly rows: readonly (readonly Piece[])[]; readonly cursor?: Cursor } {
    if (this.#line !== undefined) return this.#line.draw(columns);
    const question = this.#question;
    if (question !== undefined) {
      const lines = wrapText(`${question.text} (y / n)`, columns - 2);
      return { rows: lines.slice(0, saidRowsMax).map((line) => [styled(` ${line}`, "warning")]) };
    }
    const deeds = this.#parts.views.deeds.view();
    const told: Said | undefined = deeds.said === null || deeds.said.number === this.#heard
      ? undefined
      : { text: deeds.said.text, style: deeds.said.isProblem ? "error" : "good" };
    const said = this.#said ?? told;
    if (said !== undefined) {
      const lines = wrapText(safeText(said.text).replace(/\s*\n\s*/g, " "), columns - 2);
      return { rows: lines.slice(0, saidRowsMax).map((line) => [styled(` ${line}`, said.style)]) };
    }
    const doing = this.#doing[0] ?? deeds.busy;
    if (doing !== null) {
      return { rows: [cut([styled(` ${safeText(doing)} …`, "dim")], columns)] };
    }
    const { hint } = this.#page;
    if (this.#box === undefined && hint !== undefined) {
      return { rows: [cut([styled(` ${hint}`, "dim")], columns)] };
    }
    const hints = fitting(
      this.#parts.keymap.hints(this.#places),
      columns,
      this.#box === undefined ? 2 : 1,
    );
    const pieces = hints.flatMap(([key, does]) => [
      plain("  "),
      styled(key, "bold"),
      styled(` ${does}`, "dim"),
    ]);
    return { rows: [cut([plain(" "), ...pieces.slice(1)], columns)] };
  }

  /** The whole screen. */
  draw({ columns, rows: height }: Size): { readonly rows: string[]; readonly cursor?: Cursor } {
    const { views, theme } = this.#parts;
    const title = titleRow(views.frame(), this.#page.tab, columns);
    this.#spots = title.spots;
    const foot = this.#foot(columns);
    const isLow = height < 10;
    const head: (readonly Piece[])[] = isLow ? [title.pieces] : [title.pieces, rule(columns)];
    this.#top = head.length;
    const room = Math.max(1, height - head.length - foot.rows.length - (isLow ? 0 : 1));
    const box = this.#box;
    const boxRows = box === undefined ? 0 : Math.min(room, Math.max(7, Math.ceil(room / 2)));
    const body = box === undefined || room - boxRows > 2
      ? this.#page.draw({ columns, rows: Math.max(1, room - boxRows) })
      : { rows: [] };
    const rows = [...head, ...body.rows];
    let cursor: Cursor | undefined = body.cursor === undefined
      ? undefined
      : { column: body.cursor.column, row: body.cursor.row + head.length };
    if (box === undefined) {
      while (rows.length < head.length + room) rows.push([]);
    } else {
      const boxRoom = body.rows.length === 0 && room - boxRows <= 2 ? room : boxRows;
      while (rows.length < head.length + room - boxRoom) rows.push([]);
      const drawn = box.draw({ columns, rows: boxRoom });
      if (drawn.cursor !== undefined) {
        cursor = { column: drawn.cursor.column, row: drawn.cursor.row + rows.length };
      }
      rows.push(...drawn.rows);
    }
    if (!isLow) rows.push(rule(columns, box === undefined ? this.#page.note : "", true));
    if (foot.cursor !== undefined) {
      cursor = { column: foot.cursor.column, row: foot.cursor.row + rows.length };
    } else if (this.#question !== undefined) cursor = undefined;
    rows.push(...foot.rows);
    return {
      rows: rows.slice(0, height).map((pieces) => rendered(cut(pieces, columns), theme)),
      ...cursor === undefined ? {} : { cursor },
    };
  }

  /** The screen is left. */
  async close(): Promise<void> {
    await this.#box?.leave();
    for (const page of this.#pages.splice(0)) page.close();
  }
}
