/**
 * The full screen as the menu opens it: with entries of the menu for what is done outside of it.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import type { UserView } from "../../core/api.ts";
import type { Access } from "../peer/access.ts";
import type { Left } from "../screen/screen.ts";
import type { Context } from "../peer/host.ts";
import { resolveKeys } from "../settings/settings.ts";

/** Whether the terminal can be drawn on as a whole, and the person wants that. */
export function hasScreen({ io, flags }: Context): boolean {
  return io.whole !== undefined && flags.plain !== true && io.env("TERM") !== "dumb";
}

/** Shows the screen until it is left. */
export async function openScreen(
  context: Context,
  access: Access,
  { username }: UserView,
): Promise<Left> {
  const [{ showScreen }, terminal, keys] = await Promise.all([
    loadModule<typeof import("../screen/screen.ts")>(
      new URL("../screen/screen.ts", import.meta.url),
    ),
    context.io.whole?.(),
    resolveKeys(context),
  ]);
  if (terminal === undefined) return { why: "quit" };
  return await showScreen({ context, access, terminal, self: username, keys });
}

/** Waits until the person has read what an entry of the menu said. */
export async function afterEntry({ prompts, signal }: Context): Promise<void> {
  await prompts.text({ message: "Enter: back to the screen" }, signal);
}
