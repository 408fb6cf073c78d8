/**
 * The table of commands as values: what completion scripts and the manual are made from.
 *
 * @module
 */

import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";

/** What a flag or an argument takes, which its placeholder says. */
export type Kind = "user" | "file" | "dir" | "other" | readonly string[];

/** A flag. */
export interface FlagEntry {
  /** As the help shows it: `-p, --port <n>`. */
  readonly flags: string;
  /** All its spellings: `-p`, `--port`. */
  readonly names: readonly string[];
  /** What its value is; undefined where it takes none. */
  readonly kind: Kind | undefined;
  /** What it does. */
  readonly description: string;
}

/** An argument. */
export interface ArgumentEntry {
  /** As the help shows it: `<file>`, `[name]`. */
  readonly usage: string;
  /** What it is. */
  readonly kind: Kind;
  /** What it is, in words; may be empty. */
  readonly description: string;
}

/** A command, or the whole program. */
export interface CommandEntry {
  /** Its name. */
  readonly name: string;
  /** What it does. */
  readonly description: string;
  /** Its own flags. */
  readonly flags: readonly FlagEntry[];
  /** Its arguments, in order. */
  readonly arguments: readonly ArgumentEntry[];
  /** The commands below it; hidden ones are left out. */
  readonly commands: readonly CommandEntry[];
}

/** A command with the names on the way to it, the program's own left out: `["account", "export"]`. */
export interface PlacedCommand {
  /** The names; none for the program itself. */
  readonly path: readonly string[];
  /** The command. */
  readonly command: CommandEntry;
}

/** What a placeholder such as `file` stands for. */
function kindOf(placeholder: string, choices: readonly string[] | undefined): Kind {
  if (choices !== undefined && choices.length > 0) return choices;
  if (placeholder === "user" || placeholder === "file" || placeholder === "dir") return placeholder;
  return "other";
}

function flagOf({ flags, short, long, description, argChoices }: Option): FlagEntry {
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
  return {
    flags,
    names: [short, long].filter((name) => name !== undefined),
    kind: placeholder === undefined ? undefined : kindOf(placeholder, argChoices),
    description,
  };
}

function commandOf(parser: CommandUnknownOpts, names: readonly string[]): CommandEntry {
  const help = parser.createHelp();
  return {
    name: parser.name(),
    description: parser.description(),
    flags: help.visibleOptions(parser).filter(({ long }) => long !== "--help").map(flagOf),
    arguments: parser.registeredArguments.map((argument) => ({
      usage: argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
      kind: kindOf(argument.name(), argument.name() === "command" ? names : argument.argChoices),
      description: argument.description,
    })),
    // What "help" does for the commands of a command, the program's own does as well.
    commands: help.visibleCommands(parser).filter((command) => command.name() !== "help")
      .map((command) => commandOf(command, names)),
  };
}

/**
 * Reads the program, and all commands, off its parser.
 *
 * @internal Its types are commander's.
 */
export function tableOf(program: CommandUnknownOpts): CommandEntry {
  const help = program.createHelp();
  const visible = help.visibleCommands(program);
  const names = visible.map((command) => command.name());
  return {
    ...commandOf(program, names),
    flags: help.visibleOptions(program).map(flagOf),
    commands: visible.map((command) => commandOf(command, names)),
  };
}

/** The program and all commands, each with the names on the way to it. */
export function everyCommand(
  command: CommandEntry,
  path: readonly string[] = [],
): readonly PlacedCommand[] {
  const below = command.commands.flatMap((next) => everyCommand(next, [...path, next.name]));
  return [{ path, command }, ...below];
}
