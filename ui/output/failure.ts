/**
 * What a failure is called: the code and the sentence that a user meets.
 *
 * @module
 */

import { CamelliaError, type ErrorCode } from "../../core/model/errors.ts";
import type { LogLevel } from "../settings/flags.ts";

/** A failure as `--json` prints it. */
export interface Failure {
  /** For scripts. */
  readonly code: ErrorCode;
  /** For people. */
  readonly message: string;
}

/** The reason that signals carry when the user or the system interrupts the program. */
export class Interruption extends CamelliaError {
  /** The reason for one interruption, by something such as `SIGINT`. */
  constructor(by: string) {
    super("interrupted", `Interrupted by ${by}; nothing is lost`);
  }
}

/** A command has failed, and its result says so: there is nothing more to tell. */
export class AlreadyTold extends Error {}

/** Names of errors which only say that the program was told to stop waiting. */
const abortNames: ReadonlySet<string> = new Set([
  "AbortError",
  "AbortPromptError",
  "ExitPromptError",
]);

/** Whether the error only says that the wait was given up. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof CamelliaError) return error.code === "interrupted";
  return error instanceof Error && abortNames.has(error.name);
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error in full, for the log. */
export function detailsOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/**
 * The failure of any error. What is not a {@linkcode CamelliaError} is a mistake in the program: its
 * stack is shown at log level `debug` alone.
 */
export function failureOf(error: unknown, logLevel: LogLevel = "warn"): Failure {
  if (error instanceof CamelliaError) return { code: error.code, message: error.message };
  if (isInterruption(error)) {
    return { code: "interrupted", message: "Interrupted; nothing is lost" };
  }
  const details = logLevel === "debug" && error instanceof Error && error.stack !== undefined
    ? `\n${error.stack}`
    : ". Run it again with --log-level debug for the details";
  return {
    code: "internal",
    message: `This should not have happened: ${messageOf(error)}${details}`,
  };
}
