/**
 * The person or script in front of the program, as commands and questions meet them.
 *
 * @module
 */

import type { Output } from "../output/output.ts";
import type { Flags } from "../settings/flags.ts";
import type { Io } from "../terminal/io.ts";
import type { Prompts } from "./prompts.ts";

/** The person or script in front of the program. */
export interface Console {
  /** The process around. */
  readonly io: Io;
  /** The global flags. */
  readonly flags: Flags;
  /** Where results and errors go. */
  readonly output: Output;
  /** Questions to a person. */
  readonly prompts: Prompts;
  /** Aborted when the program is to end. */
  readonly signal: AbortSignal;
}
