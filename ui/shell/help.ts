/**
 * What the help says of the program and of each command, made from the table of commands.
 *
 * @module
 */

import { wrapText } from "../terminal/width.ts";
import type { CommandEntry } from "./table.ts";

/** Texts beside the table. */
export interface HelpTexts {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Below the help of each command but the program. */
  readonly commandAfter: string;
}

/** Descriptions in fewer columns than this are not broken into lines. */
const descriptionColumnsMin = 40;

/** A flag, an argument or a command, and what is said of it. */
type Row = readonly [term: string, description: string];

/** What follows a command's name: that there are flags, and its arguments. */
function usageOf({ flags, arguments: taken, commands, run }: CommandEntry): string {
  const below = commands.length === 0 || run !== undefined ? [] : ["[command]"];
  const words = [...(flags.length > 0 ? ["[flags]"] : []), ...below];
  return [...words, ...taken.map(({ usage }) => usage)].map((word) => ` ${word}`).join("");
}

function section(title: string, rows: readonly Row[], width: number, columns: number): string {
  if (rows.length === 0) return "";
  const indent = width + 4;
  const room = columns - indent;
  const lines = rows.map(([term, description]) => {
    const text = room < descriptionColumnsMin ? [description] : wrapText(description, room);
    return `  ${term.padEnd(width)}  ${text.join(`\n${" ".repeat(indent)}`)}`.trimEnd();
  });
  return `\n${title}:\n${lines.join("\n")}\n`;
}

/** The help on the last command of a path that begins with the program. */
export function helpOf(
  path: readonly CommandEntry[],
  { columns, commandAfter }: HelpTexts,
): string {
  const command = path.at(-1);
  if (command === undefined) return "";
  const isProgram = path.length === 1;
  const names = path.map(({ name }) => name).join(" ");
  const usage = isProgram ? " [flags] [command]" : usageOf(command);
  const help = path[0]?.flags.filter(({ shows }) => shows === "help") ?? [];
  const flags: Row[] = [...command.flags, ...(isProgram ? [] : help)]
    .map((flag) => [flag.flags, flag.description]);
  const taken: Row[] = command.arguments.filter(({ description }) => description !== "")
    .map((argument) => [argument.usage.slice(1, -1), argument.description]);
  const below: Row[] = command.commands
    .map((next) => [`${next.name}${usageOf(next)}`, next.description]);
  const width = Math.max(...[...flags, ...taken, ...below].map(([term]) => term.length));
  return [
    `Usage: ${names}${usage}\n\n${command.description}\n`,
    section("Arguments", taken, width, columns),
    section("Flags", flags, width, columns),
    section("Commands", below, width, columns),
    ...(command.after === undefined ? [] : [`${command.after}\n`]),
    ...(isProgram ? [] : [`${commandAfter}\n`]),
  ].join("");
}
