/**
 * The command line: what its arguments ask for.
 *
 * @module
 */

import { loadModule } from "../lib/load_module.ts";
import { program } from "./commands/table.ts";
import type { Context } from "./peer/host.ts";
import { type Flags, logLevelDefault } from "./settings/flags.ts";
import { parse } from "./shell/parser.ts";

/** What the arguments ask for: a command, a text that helps, the version, or nothing, because of a mistake in them. */
export type Parsed =
  | { readonly flags: Flags; readonly run: (context: Context) => Promise<void> }
  | { readonly help: string }
  | { readonly version: string }
  | { readonly mistake: string };

/** Below the help of each command. */
const commandAfter =
  '\nBesides, all flags of "camellia --help" are taken, such as --data and --json.';

/** Opens the menu, which is what the program does without a command. */
async function openMenu(context: Context): Promise<void> {
  const { runMenu } = await loadModule<typeof import("./menu/menu.ts")>(
    new URL("./menu/menu.ts", import.meta.url),
  );
  await runMenu(context);
}

/** Opens the full screen. */
async function openScreen(context: Context): Promise<void> {
  const { runScreen } = await loadModule<typeof import("./menu/full_screen.ts")>(
    new URL("./menu/full_screen.ts", import.meta.url),
  );
  await runScreen(context);
}

/** Parses the arguments. Help texts get the program's version and fit the columns. */
export async function parseArguments(
  args: readonly string[],
  version: string,
  columns: number,
): Promise<Parsed> {
  const asked = await parse(program, args);
  if (asked.asks === "nothing") return { mistake: asked.mistake };
  if (asked.asks === "version") return { version };
  if (asked.asks === "help") {
    const { helpOf } = await loadModule<typeof import("./shell/help.ts")>(
      new URL("./shell/help.ts", import.meta.url),
    );
    return { help: helpOf(asked.path, { columns, commandAfter }) };
  }
  const { command, given } = asked;
  const run = command.run ?? (command === program ? openMenu : openScreen);
  // The table `globalFlags` ties each flag to its type.
  const flags = { logLevel: logLevelDefault, ...asked.flags } as Flags;
  return { flags, run: (context) => run(context, given) };
}
