/**
 * Draws rows of text on the whole terminal: only rows that have changed are written, by `pi-tui`
 * (docs/decisions/0035-screen-by-pi-tui.md).
 *
 * @module
 */

import { TuiAltScreen } from "@earendil-works/pi-tui/dist/tui-alt-screen.js";
import { setCapabilities } from "@earendil-works/pi-tui/dist/terminal-image.js";
import type { Terminal } from "@earendil-works/pi-tui";
import type { RawTerminal, TerminalHandlers } from "../terminal/raw_terminal.ts";

/** A terminal in these modes tells where a paste begins and ends, and of clicks and the wheel (xterm). */
const modes = { on: "\x1b[?2004h\x1b[?1000h\x1b[?1006h", off: "\x1b[?1006l\x1b[?1000l\x1b[?2004l" };

/** What restores a terminal whatever it is in the middle of: synchronised output, wrapping, the cursor, the screen. */
const restoring = `\x1b[?2026l${modes.off}\x1b[0m\x1b[?7h\x1b[?1049l\x1b[?25h`;

/** What is drawn for a size: rows that are at most as wide, and where the cursor is, if it shows. */
export type Draw = (size: { readonly columns: number; readonly rows: number }) => {
  readonly rows: readonly string[];
  readonly cursor?: { readonly column: number; readonly row: number };
};

/** A painted terminal. */
export class Painter {
  readonly #terminal: RawTerminal;
  readonly #handlers: TerminalHandlers;
  readonly #draw: Draw;
  readonly #onError: (error: unknown) => void;
  readonly #screen: TuiAltScreen;
  #isOpen = false;
  #isWanted = false;
  #isAll = false;
  #writing: Promise<void> | undefined;
  #bytes = 0;
  #waiting = "";
  #cursor: ReturnType<Draw>["cursor"];

  /**
   * A painter of a terminal, which is left as it is until {@linkcode Painter.open}. What `draw` throws is thrown where
   * it was asked to paint, or told to `onError` where that waited for the terminal.
   */
  constructor(
    terminal: RawTerminal,
    { handlers, draw, onError }: {
      readonly handlers: TerminalHandlers;
      readonly draw: Draw;
      readonly onError: (error: unknown) => void;
    },
  ) {
    this.#onError = onError;
    this.#terminal = terminal;
    this.#handlers = handlers;
    this.#draw = draw;
    // No terminal is asked for the size of its cells: there are no pictures here.
    setCapabilities({ images: null, trueColor: false, hyperlinks: true });
    this.#screen = new TuiAltScreen(this.#adapter(), false, undefined, { mouse: false });
    this.#screen.setLayoutRoot({
      invalidate: () => {},
      render: () => {
        const { rows, cursor } = this.#draw(this.#terminal.size());
        this.#cursor = cursor;
        return [...rows];
      },
    });
  }

  /** UTF-16 units written so far. */
  get written(): number {
    return this.#bytes;
  }

  /** Takes the terminal and draws. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#terminal.open(this.#handlers);
    this.#screen.start();
    this.#write(modes.on);
    this.paint(true);
  }

  /** Gives the terminal back as it was; resolves when all is written. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#screen.stop({ preserveScreen: true });
    await this.#writing;
    await this.#terminal.write(restoring);
    this.#terminal.close();
  }

  /** As {@linkcode Painter.close}, at once: for a process that ends. */
  abandon(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#waiting = "";
    this.#terminal.writeNow(restoring);
    this.#terminal.close();
  }

  /** Something has changed: it is drawn, or as soon as the terminal has taken what was drawn before. */
  paint(all = false): void {
    this.#isAll ||= all;
    if (!this.#isOpen || this.#writing !== undefined) {
      this.#isWanted = true;
      return;
    }
    const isAll = this.#isAll;
    this.#isAll = false;
    this.#isWanted = false;
    this.#screen.renderNow(isAll);
    const cursor = this.#cursor;
    if (cursor !== undefined) this.#write(`\x1b[${cursor.row + 1};${cursor.column + 1}H\x1b[?25h`);
  }

  /** Writes; what comes meanwhile follows in one piece. A slow terminal is never sent more than one frame ahead. */
  #write(text: string): void {
    this.#bytes += text.length;
    this.#waiting += text;
    this.#writing ??= this.#flush();
  }

  async #flush(): Promise<void> {
    while (this.#waiting !== "") {
      const text = this.#waiting;
      this.#waiting = "";
      await this.#terminal.write(text);
    }
    this.#writing = undefined;
    if (!this.#isWanted) return;
    try {
      this.paint();
    } catch (error) {
      this.#onError(error);
    }
  }

  /** What the library draws with. Keys do not go through it. */
  #adapter(): Terminal {
    const size = () => this.#terminal.size();
    return {
      start: () => {},
      stop: () => {},
      drainInput: () => Promise.resolve(),
      write: (text) => this.#write(text),
      get columns() {
        return size().columns;
      },
      get rows() {
        return size().rows;
      },
      get kittyProtocolActive() {
        return false;
      },
      moveBy: () => {},
      hideCursor: () => this.#write("\x1b[?25l"),
      showCursor: () => {},
      clearLine: () => {},
      clearFromCursor: () => {},
      clearScreen: () => {},
      setTitle: () => {},
      setProgress: () => {},
      setProgramStatus: () => {},
    };
  }
}
