/**
 * The full screen as the menu opens it: with entries of the menu for what is done outside of it.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import type { UserView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { isInterruption } from "../output/failure.ts";
import { type Access, withFolder } from "../peer/access.ts";
import type { Left } from "../screen/screen.ts";
import type { Context } from "../peer/host.ts";
import { resolveKeys } from "../settings/settings.ts";

/** What is shown once a user is logged in. */
export type Opens = "menu" | "screen";

/**
 * Works with the person at the terminal. Where Ctrl+C or a signal ends that, it is no failure.
 *
 * @throws {CamelliaError} `not_a_terminal`, and what the work throws.
 */
export async function inTerminal(context: Context, work: () => Promise<void>): Promise<void> {
  const { terminal } = context.io;
  if (context.output.json || !terminal.input || !terminal.output) {
    const why = context.output.json
      ? "it does not go with --json"
      : `standard ${terminal.input ? "output" : "input"} is not a terminal`;
    throw new CamelliaError(
      "not_a_terminal",
      `Cannot show the menu: ${why}. Use a command instead; "camellia help" lists them`,
    );
  }
  try {
    await work();
  } catch (error) {
    if (!isInterruption(error) && !context.signal.aborted) throw error;
  }
}

/** Whether the terminal can be drawn on as a whole, and the person wants that. */
export function hasScreen({ io, flags }: Context): boolean {
  return io.whole !== undefined && flags.plain !== true && io.env("TERM") !== "dumb";
}

/** Loads what draws. */
function loadScreen() {
  return loadModule<typeof import("../screen/screen.ts")>(
    new URL("../screen/screen.ts", import.meta.url),
  );
}

/** Shows the screen until it is left. */
export async function openScreen(
  context: Context,
  access: Access,
  { username }: UserView,
): Promise<Left> {
  const [{ showScreen }, terminal, keys] = await Promise.all([
    loadScreen(),
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

/** Loads the menu, which the screen of a peer that runs does without for as long as nothing is asked. */
function loadMenu() {
  return loadModule<typeof import("./menu.ts")>(new URL("./menu.ts", import.meta.url));
}

/** `camellia tui`: the screen, and the menu's questions where one has to be asked. */
export async function runScreen(context: Context): Promise<void> {
  // While the peer is looked for, what draws is loaded.
  if (hasScreen(context)) void loadScreen().catch(() => {});
  await inTerminal(context, () =>
    withFolder(context, "none", {
      own: async (folder) => await (await loadMenu()).runOwnPeer(context, folder, "screen"),
      running: async (access) => {
        const { user } = await access.api.status();
        const left = user === null || !hasScreen(context)
          ? undefined
          : await openScreen(context, access, user);
        if (left?.why === "quit") return;
        await (await loadMenu()).attachMenu(context, access, "screen", left);
      },
    }));
}
