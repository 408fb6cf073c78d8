/**
 * The whole terminal, for a program that draws all of it: keys one by one, and what restores it.
 *
 * @module
 */

import process from "node:process";

/** What is told of a terminal while it is open. */
export interface TerminalHandlers {
  /** Keys, pastes and mouse events as the terminal sends them, in pieces of any length. */
  onData(data: string): void;
  /** Its size has changed, or another program may have drawn on it: all is to be drawn anew. */
  onRedraw(): void;
}

/** A terminal that can be drawn on as a whole. */
export interface RawTerminal {
  /** From now on keys come one by one, and are not shown. */
  open(handlers: TerminalHandlers): void;
  /** As it was before {@linkcode RawTerminal.open}. */
  close(): void;
  /** Resolves when the terminal has taken the text; never rejects, since there is no one to tell. */
  write(text: string): Promise<void>;
  /** Writes at once, for the last moment of a process. */
  writeNow(text: string): void;
  /** Columns and rows. */
  size(): { readonly columns: number; readonly rows: number };
  /**
   * Runs a program on the closed terminal, such as an editor; its exit code, or undefined where it cannot be
   * started. It is ended when the signal is aborted.
   */
  run(program: string, args: readonly string[], signal: AbortSignal): Promise<number | undefined>;
}

const encoder = new TextEncoder();

/** The process's own terminal. */
export class SystemTerminal implements RawTerminal {
  readonly #size: RawTerminal["size"];
  #handlers: TerminalHandlers | undefined;

  /** Told how large the terminal is by `size`. */
  constructor(size: RawTerminal["size"]) {
    this.#size = size;
  }

  readonly #onData = (data: string): void => this.#handlers?.onData(data);
  readonly #onRedraw = (): void => this.#handlers?.onRedraw();

  open(handlers: TerminalHandlers): void {
    this.#handlers = handlers;
    // The prompts of @inquirer read node's stream as well; two readers of one descriptor would share its keys.
    const { stdin } = process;
    stdin.setRawMode(true);
    stdin.setEncoding("utf8");
    stdin.on("data", this.#onData);
    stdin.resume();
    this.#listen(true);
  }

  close(): void {
    if (this.#handlers === undefined) return;
    this.#handlers = undefined;
    this.#listen(false);
    const { stdin } = process;
    stdin.off("data", this.#onData);
    stdin.pause();
    try {
      stdin.setRawMode(false);
    } catch {
      // The terminal is gone, after a SIGHUP.
    }
  }

  #listen(on: boolean): void {
    // Windows has no such signals.
    if (Deno.build.os === "windows") return;
    const change = on ? Deno.addSignalListener : Deno.removeSignalListener;
    change("SIGWINCH", this.#onRedraw);
    change("SIGCONT", this.#onRedraw);
  }

  async write(text: string): Promise<void> {
    let bytes = encoder.encode(text);
    try {
      while (bytes.length > 0) bytes = bytes.subarray(await Deno.stdout.write(bytes));
    } catch {
      // The terminal is gone; the signal that tells so ends the program.
    }
  }

  writeNow(text: string): void {
    try {
      Deno.stdout.writeSync(encoder.encode(text));
    } catch {
      // See there.
    }
  }

  size(): { readonly columns: number; readonly rows: number } {
    return this.#size();
  }

  async run(
    program: string,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    try {
      const child = new Deno.Command(program, {
        args: [...args],
        signal,
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
      }).spawn();
      return (await child.status).code;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
        return undefined;
      }
      throw error;
    }
  }
}
