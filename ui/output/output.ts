/**
 * What a command says: results and events on standard output, everything else on standard error.
 *
 * @module
 */

import { failureOf } from "./failure.ts";
import { type LogLevel, logLevels } from "../settings/flags.ts";
import type { Io } from "../terminal/io.ts";
import { type Paint, paintFor } from "../terminal/paint.ts";
import type { Look } from "./look.ts";
import { safeJson, safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";

/** Lines that wait for a slow reader at most; beyond them lines are dropped, so that the peer runs on. */
const linesWaitingMax = 10_000;

/** Where a command's words go. */
export class Output {
  /** Whether results are JSON. */
  readonly json: boolean;
  readonly #io: Io;
  readonly #logLevel: LogLevel;
  readonly #verbose: boolean;
  readonly #errorPaint: Paint;
  readonly #paint: Paint;
  readonly #broken = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #write: ((line: string) => void) | undefined;
  #divert: ((text: string) => void) | undefined;

  /** The output of one run. */
  constructor(io: Io, options: { json?: boolean; logLevel: LogLevel; verbose?: boolean }) {
    this.#io = io;
    this.json = options.json ?? false;
    this.#logLevel = options.logLevel;
    this.#verbose = options.verbose ?? false;
    this.#paint = paintFor(io.colours("output"));
    this.#errorPaint = paintFor(io.colours("error"));
  }

  /** Aborted when the reader of standard output is gone. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** How text for people is to look. What goes to a file or to another program has exact times. */
  look(): Look {
    const now = this.#io.terminal.output ? this.#io.now() : undefined;
    return { paint: this.#paint, columns: this.#io.size().columns, now };
  }

  /** A result or event: one line of JSON, or text. Resolves when written; lines beyond the bound are dropped. */
  line(value: unknown, text: (look: Look) => string): Promise<void> {
    if (this.#waiting >= linesWaitingMax) return Promise.resolve();
    this.#waiting++;
    const line = `${this.json ? safeJson(value) : text(this.look())}\n`;
    this.#last = this.#last.then(() => this.#io.out(line)).catch((error) => {
      this.#broken.abort(error);
    }).finally(() => this.#waiting--);
    return this.#last;
  }

  /** Something that people may want to know and scripts not. */
  async note(text: string): Promise<void> {
    if (!this.json) await this.#say("note:", this.#errorPaint.dim, text);
  }

  /** Something that is told with `--verbose` alone, on standard error. */
  async detail(message: string): Promise<void> {
    if (!this.#verbose) return;
    if (this.json) await this.#io.err(`${safeJson({ log: { level: "info", message } })}\n`);
    else await this.note(safeText(message));
  }

  /** From now on the log goes to a file as well, one line an entry. */
  logTo(write: (line: string) => void): void {
    this.#write = write;
  }

  /** From now on the log is told to the screen that is open, which lines on standard error would garble. */
  divert(tell: ((text: string) => void) | undefined): void {
    this.#divert = tell;
  }

  /** Tells it to the screen that is open; false where none is. */
  tellScreen(text: string): boolean {
    this.#divert?.(text);
    return this.#divert !== undefined;
  }

  /** A line of the log for the file alone, where standard error must stay as it is. */
  readonly record = (level: LogLevel, message: string): void => {
    if (logLevels.indexOf(level) > logLevels.indexOf(this.#logLevel)) return;
    const time = new Date(this.#io.now()).toISOString();
    this.#write?.(`${time} ${level}: ${safeLine(message)}`);
  };

  /** A line of the log, on standard error. */
  readonly log = (level: LogLevel, message: string): void => {
    if (logLevels.indexOf(level) > logLevels.indexOf(this.#logLevel)) return;
    this.record(level, message);
    if (this.tellScreen(message)) return;
    const { error, warning, dim } = this.#errorPaint;
    const paint = level === "error" ? error : level === "warn" ? warning : dim;
    const line = this.json
      ? safeJson({ log: { level, message } })
      : paint(`${level}: ${safeText(message)}`);
    void this.#io.err(`${line}\n`);
  };

  /** What went wrong, on standard error. */
  async failure(error: unknown): Promise<void> {
    const failure = failureOf(error, this.#logLevel);
    this.record("error", failure.message);
    if (this.json) await this.#io.err(`${safeJson({ error: failure })}\n`);
    else await this.#say("error:", this.#errorPaint.error, safeText(failure.message));
  }

  /** A labelled message on standard error: broken between words on a terminal, elsewhere one line. */
  async #say(label: string, paint: (text: string) => string, message: string): Promise<void> {
    const words = `${label} ${message}`;
    const { columns } = this.#io.size();
    const text = this.#io.terminal.error ? wrapText(words, columns - 1).join("\n") : words;
    await this.#io.err(`${paint(label)}${text.slice(label.length)}\n`);
  }
}
