/**
 * The command line: which commands and flags there are, and what the help says of them.
 *
 * @module
 */

import { Command as Parser } from "@commander-js/extra-typings";
import { accountCommands } from "./commands/account_commands.ts";
import { type Command, command, type Run } from "./commands/command.ts";
import { serveCommands } from "./commands/serve.ts";
import { statusCommand, timelineCommands } from "./commands/timeline_commands.ts";
import { addFlags, type Flags, flagsOf } from "./settings/flags.ts";

/** What the command line asks for. */
export interface Chosen {
  /** The global flags. */
  readonly flags: Flags;
  /** Does it. */
  readonly run: Run;
}

/** Where the parser writes, and what it needs to know. */
export interface ProgramOptions {
  /** The program's version. */
  readonly version: string;
  /** Columns for help texts. */
  readonly columns: number;
  /** Takes help texts. */
  readonly writeOut: (text: string) => void;
  /** Called with what the command line asks for, at most once. */
  readonly onChosen: (chosen: Chosen) => void;
}

const helpAfter = `
Passwords come from --password-file, CAMELLIA_PASSWORD, or a masked prompt, never from an argument.
Without --data, data is kept in $XDG_DATA_HOME/camellia or ~/.local/share/camellia (Linux),
~/Library/Application Support/camellia (macOS), %LOCALAPPDATA%\\camellia (Windows).
Flags win over config.ini. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Examples:
  camellia                                                the menu
  camellia node --init                                    the first node of a new network
  camellia register alice --bootstrap node.example:8000   a new account, through a node you know
  camellia up                                             stay in the network, show posts as they come
  camellia post "Hello, world"                            (in another terminal, or without one running)
  camellia timeline --limit 5 --json`;

/** Below the help of each command. */
const commandHelpAfter =
  '\nBesides, all flags of "camellia --help" are taken, such as --data and --json.';

/** The program with its flags, but without commands. */
function baseProgram(options: ProgramOptions) {
  const program = new Parser("camellia")
    .description("Camellia: a timeline without servers. Without a command it opens the menu.")
    .usage("[flags] [command]")
    .version(options.version, "-V, --version", "print the version");
  return addFlags(program)
    .addHelpText("after", helpAfter)
    .configureHelp({ showGlobalOptions: false })
    .helpOption("-h, --help", "print this")
    .helpCommand("help [command]", "help on a command")
    .exitOverride()
    .configureOutput({
      writeOut: options.writeOut,
      // The message of the error says it all; `cli.ts` prints it once, as text or JSON.
      writeErr: () => {},
      getOutHelpWidth: () => options.columns,
      getOutHasColors: () => false,
    });
}

/** All commands, in the order in which the help lists them. */
const commands: readonly Command[] = [
  ...serveCommands,
  statusCommand,
  ...accountCommands,
  ...timelineCommands,
  command(
    (program) => program.command("version").description("print the version"),
    ({ output, host: { version } }) => output.result({ version }, () => `camellia ${version}`),
  ),
];

/** Parses the arguments. Throws commander's errors for wrong usage, help and version. */
export function parseProgram(options: ProgramOptions, args: readonly string[]): void {
  const program = baseProgram(options);
  const choose = (run: Run) => options.onChosen({ flags: flagsOf(program.opts()), run });
  for (const add of commands) add(program, choose);
  program.addHelpText("afterAll", ({ command }) => command.parent === null ? "" : commandHelpAfter);
  program.action(() => {
    const unknown = program.args[0];
    if (unknown !== undefined) {
      program.error(`error: ${JSON.stringify(unknown)} is no command. "camellia help" lists them.`);
    }
    choose(async (context) => {
      const { runMenu } = await import("./menu/menu.ts");
      await runMenu(context);
    });
  }).allowExcessArguments();
  program.parse([...args], { from: "user" });
}
