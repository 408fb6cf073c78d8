/**
 * The real {@linkcode Io}: Deno's streams, signals and clock.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import type { Timer } from "../../lib/time.ts";
import type { Io } from "./io.ts";
import type { RawTerminal } from "./raw_terminal.ts";
import { startTimer } from "./timer.ts";

const encoder = new TextEncoder();

/** Some terminals report sizes below this, which are wrong. */
const columnsMin = 20;
const sizeDefault = { columns: 80, rows: 24 };

async function writeAll(stream: { write(bytes: Uint8Array): Promise<number> }, text: string) {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
}

/** Reads up to `bytesMax + 1` bytes. */
async function readUpTo(
  stream: { read(into: Uint8Array): Promise<number | null> },
  bytesMax: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(bytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const more = await stream.read(bytes.subarray(length));
    if (more === null) break;
    length += more;
  }
  return bytes.subarray(0, length);
}

/** The process's own streams, clock and signals. */
export class SystemIo implements Io {
  readonly terminal = {
    input: Deno.stdin.isTerminal(),
    output: Deno.stdout.isTerminal(),
    error: Deno.stderr.isTerminal(),
  };
  readonly os: string = Deno.build.os;
  readonly #consoleSize: () => { columns: number; rows: number };

  /**
   * The streams and clock that this process has.
   *
   * @param consoleSize Tells the size of the terminal; throws where there is none.
   */
  constructor(consoleSize: () => { columns: number; rows: number } = Deno.consoleSize) {
    this.#consoleSize = consoleSize;
  }

  async out(text: string): Promise<void> {
    await writeAll(Deno.stdout, text);
  }

  async err(text: string): Promise<void> {
    try {
      await writeAll(Deno.stderr, text);
    } catch {
      // Its reader is gone, and there is no other place to say so.
    }
  }

  async input(bytesMax: number): Promise<Uint8Array | undefined> {
    const bytes = await readUpTo(Deno.stdin, bytesMax);
    return bytes.length > bytesMax ? undefined : bytes;
  }

  env(name: string): string | undefined {
    return Deno.env.get(name) || undefined;
  }

  size(): { columns: number; rows: number } {
    try {
      const { columns, rows } = this.#consoleSize();
      return columns < columnsMin || rows < 1 ? sizeDefault : { columns, rows };
    } catch {
      return sizeDefault;
    }
  }

  async whole(): Promise<RawTerminal> {
    const { SystemTerminal } = await loadModule<typeof import("./raw_terminal.ts")>(
      new URL("./raw_terminal.ts", import.meta.url),
    );
    return new SystemTerminal(() => this.size());
  }

  async readFile(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    try {
      using file = await Deno.open(path, { read: true });
      return await readUpTo(file, bytesMax);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  async readableByOthers(path: string): Promise<boolean> {
    if (this.os === "windows") return false;
    const { mode, isFile } = await Deno.stat(path);
    // Pipes such as /dev/fd/3 belong to the shell that made them.
    return isFile && mode !== null && (mode & 0o077) !== 0;
  }

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(ms: number, fn: () => void): Timer {
    return startTimer(ms, fn);
  }

  onInterrupt(fn: (signal: string) => void): () => void {
    const names: readonly Deno.Signal[] = this.os === "windows"
      ? ["SIGINT", "SIGBREAK"]
      : ["SIGINT", "SIGTERM", "SIGHUP"];
    const handlers = names.map((name) => ({ name, handler: () => fn(name) }));
    for (const { name, handler } of handlers) Deno.addSignalListener(name, handler);
    return () => {
      for (const { name, handler } of handlers) Deno.removeSignalListener(name, handler);
    };
  }

  onUnexpected(fn: (error: unknown) => void): () => void {
    const handler = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      fn(event.reason);
    };
    globalThis.addEventListener("unhandledrejection", handler);
    return () => globalThis.removeEventListener("unhandledrejection", handler);
  }

  exit(code: number): void {
    Deno.exit(code);
  }

  colours(stream: "output" | "error"): boolean {
    return this.terminal[stream] && this.env("NO_COLOR") === undefined &&
      this.env("TERM") !== "dumb";
  }
}
