/**
 * What every command has at hand.
 *
 * @module
 */

import type { Flags } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Io } from "./io.ts";
import type { Output } from "./output.ts";
import type { Prompts } from "./prompts.ts";

/** What every command has at hand. */
export interface Context {
  /** The process around. */
  readonly io: Io;
  /** The adapters. */
  readonly host: Host;
  /** The global flags. */
  readonly flags: Flags;
  /** Where results and errors go. */
  readonly output: Output;
  /** Questions to a person. */
  readonly prompts: Prompts;
  /** Aborted when the program is to end. */
  readonly signal: AbortSignal;
  /** The data folder, absolute. */
  readonly dataFolder: string;
}
