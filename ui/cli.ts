/**
 * Runs the program once: from arguments to an exit code.
 *
 * @module
 */

import { resolve } from "node:path";
import { CommanderError } from "@commander-js/extra-typings";
import { CamelliaError } from "../core/model/errors.ts";
import type { Context } from "./peer/host.ts";
import { Interruption, isInterruption } from "./output/failure.ts";
import type { Host } from "./peer/host.ts";
import type { Io } from "./terminal/io.ts";
import { Output } from "./output/output.ts";
import { type Chosen, parseProgram } from "./program.ts";
import { type Prompts, terminalPrompts } from "./prompts/prompts.ts";
import { safeJson, safeText } from "./terminal/safe_text.ts";
import { defaultDataFolder } from "./settings/settings.ts";

/** Done. */
const exitDone = 0;
/** Refused or failed. */
const exitFailed = 1;
/** Wrong usage. */
const exitUsage = 2;

/** What {@linkcode run} needs. */
export interface RunOptions {
  /** The process around. */
  readonly io: Io;
  /** The adapters. */
  readonly host: Host;
  /** Questions to a person; those of the terminal by default. */
  readonly prompts?: Prompts;
}

/** Whether `--json` was given, where the arguments could not be parsed. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}

/** What the arguments ask for, or the exit code when that is settled already. */
async function parse(
  args: readonly string[],
  { io, host }: RunOptions,
): Promise<Chosen | number> {
  let help = "";
  let chosen: Chosen | undefined;
  const options = {
    version: host.version,
    columns: io.size().columns,
    writeOut: (text: string) => help += text,
    onChosen: (choice: Chosen) => chosen = choice,
  };
  try {
    parseProgram(options, args);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) {
      await io.out(help);
      return exitDone;
    }
    const message = error.code === "commander.help"
      ? "A command is missing. Add --help to see which there are."
      : error.message.replace(/^error: /, "").replaceAll("\n", " ");
    await io.err(
      wantsJson(args)
        ? `${safeJson({ error: { code: "invalid_argument", message } })}\n`
        : `error: ${safeText(message)}\n`,
    );
    return exitUsage;
  }
  return chosen ?? exitUsage;
}

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, and when nobody reads the output any more. A second
 * signal ends the process at once; what was acknowledged is on disk.
 */
function endSignal(io: Io, output: Output): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const release = io.onInterrupt((name) => {
    if (controller.signal.aborted) io.exit(exitFailed);
    controller.abort(new Interruption(name));
  });
  output.broken.addEventListener("abort", () => {
    controller.abort(new Interruption("a reader that went away"));
  });
  return { signal: controller.signal, release };
}

/**
 * Runs the command that the arguments name.
 *
 * @returns The exit code: 0 done, 1 refused or failed, 2 wrong usage.
 */
export async function run(args: readonly string[], options: RunOptions): Promise<number> {
  const { io, host, prompts = terminalPrompts() } = options;
  const chosen = await parse(args, options);
  if (typeof chosen === "number") return chosen;
  const { flags } = chosen;
  const output = new Output(io, flags);
  const { signal, release } = endSignal(io, output);
  // A mistake in the program, which must not take a peer down: the peer goes on, and says so.
  const forget = io.onUnexpected((error) => {
    const details = error instanceof Error ? error.stack ?? error.message : String(error);
    output.log("error", `This should not have happened: ${details}`);
  });
  try {
    const dataFolder = resolve(flags.data ?? defaultDataFolder(io));
    const context: Context = { io, host, flags, output, prompts, signal, dataFolder };
    await chosen.run(context);
    return exitDone;
  } catch (error) {
    // Whatever an abort made of the work at hand, what happened is that the program was interrupted.
    const isOurs = error instanceof CamelliaError && !isInterruption(error);
    await output.failure(signal.aborted && !isOurs ? signal.reason : error);
    return exitFailed;
  } finally {
    forget();
    release();
  }
}
