/**
 * Runs the program once: from arguments to an exit code.
 *
 * @module
 */

import { absolutePath } from "../lib/paths.ts";
import { CamelliaError } from "../core/model/errors.ts";
import type { Context, Host, LogSink } from "./peer/host.ts";
import { AlreadyTold, detailsOf, Interruption, isInterruption } from "./output/failure.ts";
import type { Io } from "./terminal/io.ts";
import { Output } from "./output/output.ts";
import { parseArguments } from "./program.ts";
import { type Prompts, terminalPrompts } from "./prompts/prompts.ts";
import { safeJson, safeText } from "./terminal/safe_text.ts";
import { defaultDataFolder, expandFlags } from "./settings/places.ts";

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

/** Whether `--json` was given, where the arguments name no command to run. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json");
}

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, and when the reader of the output is gone. A second
 * signal ends the process at once; everything acknowledged is on disk.
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
  const parsed = await parseArguments(args, host.version, io.size().columns);
  if ("help" in parsed) {
    await io.out(parsed.help);
    return exitDone;
  }
  if ("version" in parsed) {
    const { version } = parsed;
    await io.out(`${wantsJson(args) ? safeJson({ version }) : version}\n`);
    return exitDone;
  }
  if ("mistake" in parsed) {
    const { mistake: message } = parsed;
    await io.err(
      wantsJson(args)
        ? `${safeJson({ error: { code: "invalid_argument", message } })}\n`
        : `error: ${safeText(message)}\n`,
    );
    return exitUsage;
  }
  const flags = expandFlags(parsed.flags, io);
  const output = new Output(io, flags);
  const { signal, release } = endSignal(io, output);
  // A mistake in the program must not end a peer: the peer reports it and goes on.
  const forget = io.onUnexpected((error) => {
    output.log("error", `This should not have happened: ${detailsOf(error)}`);
  });
  let log: LogSink | undefined;
  try {
    const dataFolder = absolutePath(flags.data ?? defaultDataFolder(io));
    if (flags.logFile) {
      log = await host.openLog(dataFolder);
      output.logTo((line) => log?.write(line));
    }
    const context: Context = { io, host, flags, output, prompts, signal, dataFolder };
    await parsed.run(context);
    return exitDone;
  } catch (error) {
    // Work that is aborted may fail with any error; the interruption is the reason to report.
    if (error instanceof AlreadyTold) return exitFailed;
    const isOurs = error instanceof CamelliaError && !isInterruption(error);
    await output.failure(signal.aborted && !isOurs ? signal.reason : error);
    return exitFailed;
  } finally {
    forget();
    release();
    log?.close();
    log = undefined;
  }
}
