/**
 * What ui/ needs from the process that it runs in: streams, terminal, environment, clock, signals.
 *
 * `system_io.ts` is the real one; tests have one in memory.
 *
 * @module
 */

import type { Time } from "../../lib/time.ts";
import type { RawTerminal } from "./raw_terminal.ts";

/** The process around. Its `now` is the system's clock. */
export interface Io extends Time {
  /** Which of the three streams are terminals. */
  readonly terminal: {
    readonly input: boolean;
    readonly output: boolean;
    readonly error: boolean;
  };
  /** The operating system, as `Deno.build.os` names it. */
  readonly os: string;
  /** Writes to standard output; resolves when handed over, rejects with `BrokenPipe` when its reader is gone. */
  out(text: string): Promise<void>;
  /** Writes to standard error; never rejects. */
  err(text: string): Promise<void>;
  /** All of standard input; undefined when it is longer than `bytesMax`. */
  input(bytesMax: number): Promise<Uint8Array | undefined>;
  /** An environment variable; an empty one counts as unset. */
  env(name: string): string | undefined;
  /** Columns and rows of the terminal, or 80 by 24. */
  size(): { readonly columns: number; readonly rows: number };
  /** The terminal, to be drawn on as a whole; absent where that cannot be done. */
  whole?(): Promise<RawTerminal>;
  /** A file's bytes, at most `bytesMax + 1` of them; undefined when there is none. Rejects otherwise. */
  readFile(path: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Whether others than its owner may read a file; false where the system cannot tell. */
  readableByOthers(path: string): Promise<boolean>;
  /** Calls back at SIGINT, SIGTERM and SIGHUP, which then no longer end the process. */
  onInterrupt(fn: (signal: string) => void): () => void;
  /** Calls back for promises whose rejection no code handles; the process then lives on. */
  onUnexpected(fn: (error: unknown) => void): () => void;
  /** Ends the process at once: for a second interruption while the first is still being dealt with. */
  exit(code: number): void;
  /** Whether text may be coloured: a terminal, and no `NO_COLOR` (https://no-color.org). */
  colours(stream: "output" | "error"): boolean;
}
