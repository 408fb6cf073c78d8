/**
 * The manual as a page for man(1), made from the table of commands (man(7) has the macros).
 *
 * @module
 */

import { type CommandEntry, everyCommand, type FlagEntry, type PlacedCommand } from "./table.ts";

/** What the page says beside the table. */
export interface ManualTexts {
  /** The program's version. */
  readonly version: string;
  /** Paragraphs that hold for all commands, each with its heading. */
  readonly sections: readonly (readonly [heading: string, text: string])[];
  /** Examples, as lines to type. */
  readonly examples: readonly string[];
}

/** Text as troff takes it: nothing in it is a request or an escape. */
function troff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("'", "\\(aq")
    .replace(/^\./gm, "\\&.");
}

/** Lines of troff for a text of one or more lines. */
function paragraph(text: string): string[] {
  return text.split("\n").filter((line) => line !== "").map(troff);
}

function flagLines({ flags, description }: FlagEntry): string[] {
  return [".TP", `.B ${troff(flags)}`, ...paragraph(description)];
}

function synopsisOf({ path, command }: PlacedCommand): string {
  const flags = command.flags.length > 0 ? ["[flags]"] : [];
  const usages = command.arguments.map(({ usage }) => usage);
  return ["camellia", ...path, ...flags, ...usages].join(" ");
}

function commandLines(placed: PlacedCommand): string[] {
  const { command } = placed;
  return [
    `.SS ${troff(synopsisOf(placed))}`,
    ...paragraph(command.description),
    ...command.arguments.filter(({ description }) => description !== "")
      .flatMap(({ usage, description }) => [
        ".TP",
        `.I ${troff(usage)}`,
        ...paragraph(description),
      ]),
    ...command.flags.flatMap(flagLines),
  ];
}

/** The page `camellia.1`: one for the program and all its commands. */
export function manPage(program: CommandEntry, texts: ManualTexts): string {
  const commands = everyCommand(program)
    .filter(({ path, command }) => path.length > 0 && command.commands.length === 0);
  return [
    `.TH CAMELLIA 1 "" "camellia ${troff(texts.version)}" "User Commands"`,
    ".SH NAME",
    "camellia \\- a timeline without servers",
    ".SH SYNOPSIS",
    ".B camellia",
    "[flags] [command]",
    ".SH DESCRIPTION",
    ...paragraph(program.description),
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ".SH FLAGS",
    "All commands take these, before and after their name.",
    ...program.flags.flatMap(flagLines),
    ...texts.sections.flatMap(([heading, text]) => [`.SH ${troff(heading)}`, ...paragraph(text)]),
    ".SH EXAMPLES",
    ...texts.examples.flatMap((line) => [".PP", ".nf", troff(line), ".fi"]),
    "",
  ].join("\n");
}
