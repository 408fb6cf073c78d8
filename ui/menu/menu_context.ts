/**
 * What the parts of the menu share.
 *
 * @module
 */

import type { PeerApi } from "../../core/api.ts";
import type { Context } from "../peer/context.ts";
import { failureOf } from "../output/failure.ts";
import type { PeerSettings } from "../settings/settings.ts";
import type { LiveFeed } from "../output/live_feed.ts";
import { safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";

/** What the menu's parts share. */
export interface MenuContext extends Context {
  /** The peer. */
  readonly api: PeerApi;
  /** What arrives. */
  readonly feed: LiveFeed;
  /** Where the data is, and how the peer is set up where it is ours. */
  readonly settings: PeerSettings | undefined;
  /** Prints something above the menu, to stay. */
  say(text: string): Promise<void>;
}

/** Says what something was refused for, in lines that fit the terminal. */
export async function sayFailure(menu: MenuContext, error: unknown): Promise<void> {
  const { message } = failureOf(error, menu.flags.logLevel);
  const [first, ...rest] = wrapText(safeText(message), menu.io.size().columns - 3);
  const mark = menu.output.look().paint.error("✗");
  await menu.say([`${mark} ${first}`, ...rest.map((line) => `  ${line}`)].join("\n"));
}
