/**
 * The table of commands: what each is called, what it takes, and what it is for. The parser, the help,
 * completion scripts and the manual are made from it.
 *
 * @module
 */

/** What a flag or an argument takes, which its placeholder says. */
export type Kind = "user" | "file" | "dir" | "other" | readonly string[];

/** Reads a value that a person typed; `earlier` is the one before, where a flag is given again. */
export type ReadValue<T> = (text: string, earlier?: T) => T | Promise<T>;

/** A flag. */
export interface FlagEntry<T = unknown> {
  /** As the help shows it: `-p, --port <n>`. */
  readonly flags: string;
  /** All its spellings: `-p`, `--port`. */
  readonly names: readonly string[];
  /** What its value is; undefined where it takes none. */
  readonly kind: Kind | undefined;
  /** What it does. */
  readonly description: string;
  /** Reads its value; throws a {@linkcode WrongValue}. Without it the value is what was typed. */
  read?(text: string, earlier?: T): T | Promise<T>;
  /** What it shows in place of doing anything. */
  readonly shows?: "help" | "version";
}

/** An argument. */
export interface ArgumentEntry<T = unknown> {
  /** As the help shows it: `<file>`, `[name]`, `<user...>`. */
  readonly usage: string;
  /** What it is. */
  readonly kind: Kind;
  /** What it is, in words; may be empty. */
  readonly description: string;
  /** Whether it is the last one, and takes all words that are left, one at least. */
  readonly repeats?: true;
  /** Reads it, or each of its words; throws a {@linkcode WrongValue}. Without it the value is what was typed. */
  read?(text: string, earlier?: T): T | Promise<T>;
}

/** A flag or an argument under the name of its value. */
export type Named<Entry> = Entry & { readonly key?: string };

/** A command, or the whole program. */
export interface CommandEntry<Do = unknown> {
  /** Its name. */
  readonly name: string;
  /** What it does. */
  readonly description: string;
  /** Its own flags. */
  readonly flags: readonly Named<FlagEntry>[];
  /** Its arguments, in order. */
  readonly arguments: readonly Named<ArgumentEntry>[];
  /** The commands below it. */
  readonly commands: readonly CommandEntry<Do>[];
  /** Commands that no text names. */
  readonly hidden?: readonly CommandEntry<Do>[];
  /** What the help says below all else. */
  readonly after?: string;
  /** What is wrong with values that do not go together; undefined where nothing is. */
  mistakeIn?(given: Readonly<Record<string, unknown>>): string | undefined;
  /** Does it; absent where one of the commands below it has to be named, and where the menu does it. */
  readonly run?: Do;
}

/** A command with the names on the way to it, the program's own left out: `["account", "export"]`. */
export interface PlacedCommand {
  /** The names; none for the program itself. */
  readonly path: readonly string[];
  /** The command. */
  readonly command: CommandEntry;
}

/** A value is not what a flag or an argument takes; the message says what it takes. */
export class WrongValue extends Error {}

/** What the placeholder in a usage such as `--config <file>` stands for. */
function kindOf(placeholder: string, choices: readonly string[] | undefined): Kind {
  if (choices !== undefined) return choices;
  if (placeholder === "user" || placeholder === "file" || placeholder === "dir") return placeholder;
  return "other";
}

const placeholder = /[<[]([^>\].]+)(?:\.\.\.)?[>\]]/;

/** Reads one of a few words. */
function oneOf(choices: readonly string[]): ReadValue<unknown> {
  return (text) => {
    const choice = choices.find((choice) => choice === text);
    if (choice !== undefined) return choice;
    throw new WrongValue(`${JSON.stringify(text)} is not one of ${choices.join(", ")}.`);
  };
}

/** How values are read: by a function, or as one of a few words. */
export type Reading<T> = ReadValue<T> | readonly (T & string)[];

function readingOf(
  reading: Reading<unknown> | undefined,
): { read?: ReadValue<unknown>; choices?: readonly string[] } {
  if (reading === undefined) return {};
  if (typeof reading === "function") return { read: reading };
  return { read: oneOf(reading), choices: reading };
}

/** What a flag is without a reader: true, or the text after it. */
export type Plain<Usage> = Usage extends `${string}<${string}` ? string : true;

/** Declares a flag, such as `-p, --port <n>`; one without a placeholder takes no value. */
export function flag<const Usage extends string>(
  flags: Usage,
  description: string,
): FlagEntry<Plain<Usage>>;
/** Declares a flag whose value is read, or one of a few words. */
export function flag<const T>(
  flags: string,
  description: string,
  reading: Reading<T>,
): FlagEntry<T>;
export function flag(flags: string, description: string, reading?: Reading<unknown>): FlagEntry {
  const { read, choices } = readingOf(reading);
  const value = placeholder.exec(flags)?.[1];
  return {
    flags,
    names: flags.match(/--?[a-z][a-z-]*/gi) ?? [],
    kind: value === undefined ? undefined : kindOf(value, choices),
    description,
    ...(read && { read }),
  };
}

/** What an argument is without a reader. */
export type PlainArgument<Usage> = Usage extends `[${string}` ? string | undefined : string;

/** Declares an argument, `<file>` or, where it may be left out, `[file]`. */
export function argument<const Usage extends string>(
  usage: Usage,
  description?: string,
): ArgumentEntry<PlainArgument<Usage>>;
/** Declares an argument that is read, or one of a few words. */
export function argument<const T>(
  usage: string,
  description: string,
  reading: Reading<T>,
): ArgumentEntry<T>;
export function argument(
  usage: string,
  description = "",
  reading?: Reading<unknown>,
): ArgumentEntry {
  const { read, choices } = readingOf(reading);
  const kind = kindOf(placeholder.exec(usage)?.[1] ?? "", choices);
  return { usage, kind, description, ...(read && { read }) };
}

/** Declares an argument that takes all words that are left, such as `<user...>`. */
export function rest<T = string>(
  usage: string,
  description = "",
  read?: ReadValue<T>,
): ArgumentEntry<readonly T[]> {
  const kind = kindOf(placeholder.exec(usage)?.[1] ?? "", undefined);
  // Each word is read by itself.
  const each = read as ReadValue<unknown> as ReadValue<readonly T[]> | undefined;
  return { usage, kind, description, repeats: true, ...(each && { read: each }) };
}

/** The entries of a record, each with its key. */
export function named<Entry extends FlagEntry | ArgumentEntry>(
  entries: Readonly<Record<string, Entry>>,
): readonly (Entry & { readonly key: string })[] {
  return Object.entries(entries).map(([key, entry]) => ({ ...entry, key }));
}

/** The program and all commands, each with the names on the way to it. */
export function everyCommand(
  command: CommandEntry,
  path: readonly string[] = [],
): readonly PlacedCommand[] {
  const below = command.commands.flatMap((next) => everyCommand(next, [...path, next.name]));
  return [{ path, command }, ...below];
}
