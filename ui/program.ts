/**
 * The command line: which commands and flags there are, and what the help says of them.
 *
 * @module
 */

import {
  Command as Parser,
  CommanderError,
  type CommandUnknownOpts,
} from "@commander-js/extra-typings";
import { similar } from "../lib/similar.ts";
import { accountCommands } from "./commands/account_commands.ts";
import { type Command, command, type Run } from "./commands/command.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { helpAfter } from "./commands/help_texts.ts";
import { deviceCommands } from "./commands/device_commands.ts";
import { inviteCommands } from "./commands/invite_commands.ts";
import { recoveryCommands } from "./commands/recovery_commands.ts";
import { serveCommands } from "./commands/serve.ts";
import { serviceCommands } from "./commands/service.ts";
import { shellCommands } from "./commands/shell_commands.ts";
import { statusCommand, timelineCommands } from "./commands/timeline_commands.ts";
import { writingCommands } from "./commands/writing_commands.ts";
import { addFlags, type Flags } from "./settings/flags.ts";
import { quoted } from "./terminal/safe_text.ts";

/** What the arguments ask for: a command, a text that helps, or nothing, because of a mistake in them. */
export type Parsed =
  | { readonly flags: Flags; readonly run: Run }
  | { readonly help: string }
  | { readonly mistake: string };

/** Below the help of each command. */
const commandHelpAfter =
  '\nBesides, all flags of "camellia --help" are taken, such as --data and --json.';

/** All commands, in the order in which the help lists them. */
const commands: readonly Command[] = [
  ...serveCommands,
  statusCommand,
  doctorCommand,
  ...accountCommands,
  ...recoveryCommands,
  ...deviceCommands,
  ...inviteCommands,
  ...writingCommands,
  ...timelineCommands,
  ...serviceCommands,
  ...shellCommands,
  command(
    (program) => program.command("version").description("print the version"),
    ({ output, host: { version } }) => output.line({ version }, () => `camellia ${version}`),
  ),
];

/** That a word is no command, and which one may have been meant. */
function noCommand(word: string, { commands }: CommandUnknownOpts): string {
  const known = [...commands.map((command) => command.name()), "help"];
  const near = similar(word.toLowerCase(), known.filter((name) => !name.startsWith("_")));
  const meant = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  return `${quoted(word)} is no command.${meant} "camellia help" lists them.`;
}

/** What is wrong where help was asked for on a command that does not exist; undefined where it was not. */
function noHelp(program: CommandUnknownOpts): string | undefined {
  let parser = program;
  for (const word of program.args.filter((word) => word !== "help")) {
    const next = parser.commands.find((command) => command.name() === word);
    if (next === undefined) return noCommand(word, parser);
    parser = next;
  }
  return undefined;
}

/** Parses the arguments. Help texts get the program's version and fit the columns. */
export function parseArguments(args: readonly string[], version: string, columns: number): Parsed {
  let help = "";
  let chosen: Run | undefined;
  const choose = (run: Run) => void (chosen = run);
  const parser = new Parser("camellia")
    .description("Camellia: a timeline without servers. Without a command it opens the menu.")
    .usage("[flags] [command]")
    .version(version, "-V, --version", "print the version")
    .addHelpText("after", helpAfter)
    .addHelpText("afterAll", ({ command }) => command.parent === null ? "" : commandHelpAfter)
    .configureHelp({ showGlobalOptions: false })
    .helpOption("-h, --help", "print this")
    .helpCommand("help [command]", "help on a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => help += text,
      // The message of the error has it all.
      writeErr: () => {},
      getOutHelpWidth: () => columns,
      getOutHasColors: () => false,
    });
  const program = addFlags(parser);
  for (const add of commands) add(program, choose);
  program.action(() => {
    const unknown = program.args[0];
    if (unknown !== undefined) program.error(`error: ${noCommand(unknown, program)}`);
    choose(async (context) => {
      const { runMenu } = await import("./menu/menu.ts");
      await runMenu(context);
    });
  }).allowExcessArguments();
  try {
    program.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const mistake = error.code === "commander.help"
      ? noHelp(program)
      : error.exitCode === 0
      ? undefined
      : error.message.replace(/^error: /, "").replaceAll("\n", " ");
    if (mistake !== undefined) return { mistake };
    if (error.exitCode === 0) return { help };
  }
  if (chosen !== undefined) return { flags: program.opts(), run: chosen };
  return { mistake: "A command is missing. Add --help to see which there are." };
}
