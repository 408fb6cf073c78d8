/**
 * How a command is declared in the table: its name, help, arguments and flags, and what does it.
 *
 * @module
 */

import type { Context } from "../peer/host.ts";
import { type ArgumentEntry, type CommandEntry, type FlagEntry, named } from "../shell/table.ts";

/** Does a command that was chosen, with the values that were given. */
export type Run = (context: Context, given: Readonly<Record<string, unknown>>) => Promise<void>;

/** A command of the table. */
export type Command = CommandEntry<Run>;

/** Arguments by the names of their values. */
export type Arguments = Readonly<Record<string, ArgumentEntry>>;
/** Flags by the names of their values. */
export type Flags = Readonly<Record<string, FlagEntry>>;
/** What an entry reads. */
export type ValueOf<Entry> = Entry extends ArgumentEntry<infer T> | FlagEntry<infer T> ? T : never;

/** The values of a command's arguments, and of its flags as far as they were given. */
export type Given<Args extends Arguments, Own extends Flags> =
  & { readonly [Name in keyof Args]: ValueOf<Args[Name]> }
  & { readonly [Name in keyof Own]?: ValueOf<Own[Name]> };

/** What is declared of a command; `load` brings what does it, which the table does without. */
export interface Declaration<Args extends Arguments, Own extends Flags> {
  /** Its name. */
  readonly name: string;
  /** What it does. */
  readonly description: string;
  /** Its arguments, in order. */
  readonly takes?: Args;
  /** Its own flags. */
  readonly flags?: Own;
  /** The commands below it. */
  readonly commands?: readonly Command[];
  /** What its help says below all else. */
  readonly after?: string;
  /** What is wrong with values that do not go together; undefined where nothing is. */
  readonly mistakeIn?: (given: Given<Args, Own>) => string | undefined;
  /** Loads what does it. */
  readonly load?: () => Promise<(context: Context, given: Given<Args, Own>) => Promise<void>>;
}

/** Declares a command. */
export function command<
  // deno-lint-ignore ban-types
  const Args extends Arguments = {},
  // deno-lint-ignore ban-types
  const Own extends Flags = {},
>(declaration: Declaration<Args, Own>): Command {
  const { name, description, takes, flags, commands = [], after, mistakeIn, load } = declaration;
  return {
    name,
    description,
    arguments: named(takes ?? {}),
    flags: named(flags ?? {}),
    commands,
    ...(after === undefined ? {} : { after }),
    ...(mistakeIn === undefined ? {} : {
      mistakeIn: (given) => mistakeIn(given as Given<Args, Own>),
    }),
    ...(load === undefined ? {} : {
      // The parser gives what the entries read.
      run: async (context, given) => await (await load())(context, given as Given<Args, Own>),
    }),
  };
}
