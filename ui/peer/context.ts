/**
 * What every command has at hand.
 *
 * @module
 */

import type { Console } from "../prompts/console.ts";
import type { Host } from "./host.ts";

/** What every command has at hand. */
export interface Context extends Console {
  /** The adapters. */
  readonly host: Host;
  /** The data folder, absolute. */
  readonly dataFolder: string;
}
