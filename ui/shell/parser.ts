/**
 * From arguments to a command of the table, with the values that it takes.
 *
 * Flags stand before and after the command. A mistake is told only where no help was asked for.
 *
 * @module
 */

import { similar } from "../../lib/similar.ts";
import { quoted } from "../terminal/safe_text.ts";
import { type ArgumentEntry, type CommandEntry, type FlagEntry, WrongValue } from "./table.ts";

/** Values by the keys of the table. */
export type Values = Readonly<Record<string, unknown>>;

/** What the arguments ask for. */
export type Asked<Do> =
  | {
    /** A command is to be done. */
    readonly asks: "command";
    /** Which; the program itself where none was named. */
    readonly command: CommandEntry<Do>;
    /** Its arguments and its own flags. */
    readonly given: Values;
    /** The flags of the program. */
    readonly flags: Values;
  }
  | {
    /** The help is to be shown. */
    readonly asks: "help";
    /** The commands from the program down to the one in question. */
    readonly path: readonly CommandEntry<Do>[];
  }
  | { readonly asks: "version" }
  | {
    /** Something is wrong. */
    readonly asks: "nothing";
    /** What, for the person. */
    readonly mistake: string;
  };

/** `Did you mean A or B?`, or nothing. */
function meant(word: string, known: readonly string[]): string {
  const near = similar(word.toLowerCase(), known);
  return near.length === 0 ? "" : `Did you mean ${near.join(" or ")}?`;
}

class Parser<Do> {
  readonly #program: CommandEntry<Do>;
  readonly #path: CommandEntry<Do>[];
  readonly #words: string[] = [];
  readonly #values = new Map<FlagEntry, unknown>();
  #mistake: string | undefined;
  #shows: "help" | "version" | undefined;
  /** Whether the words after `help` name a command. */
  #isHelping = false;

  constructor(program: CommandEntry<Do>) {
    this.#program = program;
    this.#path = [program];
  }

  get #command(): CommandEntry<Do> {
    return this.#path.at(-1) ?? this.#program;
  }

  #mistaken(what: string): void {
    this.#mistake ??= what;
  }

  /** Takes in all arguments. */
  async takeAll(args: readonly string[]): Promise<void> {
    const rest = [...args];
    let isPlain = false;
    for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
      if (isPlain || !arg.startsWith("-") || arg === "-") this.#takeWord(arg);
      else if (arg === "--") isPlain = true;
      else if (arg.startsWith("--")) await this.#takeLong(arg, rest);
      else await this.#takeShort(arg, rest);
    }
  }

  #takeWord(word: string): void {
    const { commands, hidden = [], arguments: taken } = this.#command;
    if (commands.length === 0 || this.#words.length > 0) return void this.#words.push(word);
    if (word === "help") {
      this.#isHelping = true;
      this.#shows = "help";
      return;
    }
    const next = [...commands, ...hidden].find(({ name }) => name === word);
    if (next !== undefined) return void this.#path.push(next);
    const near = meant(word, commands.map(({ name }) => name));
    if (this.#command === this.#program || this.#isHelping) {
      const list = `"camellia help" lists them.`;
      this.#mistaken([`${quoted(word)} is no command.`, near, list].filter(Boolean).join(" "));
      // A person who asks for help on it is told so.
      this.#shows = undefined;
    } else if (taken.length === 0) {
      this.#mistaken(`unknown command '${word}'${near && ` (${near})`}`);
    }
    this.#words.push(word);
  }

  #find(name: string): FlagEntry | undefined {
    const flags = [...this.#command.flags, ...this.#program.flags];
    const found = flags.find(({ names }) => names.includes(name));
    if (found === undefined) {
      const near = meant(name, flags.flatMap(({ names }) => names.filter((n) => n.length > 2)));
      this.#mistaken(`unknown option '${name}'${near && ` (${near})`}`);
    }
    return found;
  }

  async #takeLong(arg: string, rest: string[]): Promise<void> {
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const flag = this.#find(name);
    if (flag === undefined) return;
    if (flag.kind !== undefined) {
      await this.#takeValue(flag, equals < 0 ? rest.shift() : arg.slice(equals + 1));
    } else if (equals < 0) this.#takeSwitch(flag);
    else this.#mistaken(`option '${name}' takes no value`);
  }

  /** `-v`, `-p 8000`, `-p8000`, or several in one: `-vp8000`. */
  async #takeShort(arg: string, rest: string[]): Promise<void> {
    for (let at = 1; at < arg.length; at++) {
      const flag = this.#find(`-${arg[at]}`);
      if (flag === undefined) return;
      if (flag.kind !== undefined) {
        return await this.#takeValue(flag, arg.slice(at + 1) || rest.shift());
      }
      this.#takeSwitch(flag);
    }
  }

  #takeSwitch(flag: FlagEntry): void {
    if (flag.shows !== undefined) this.#shows = flag.shows;
    else this.#values.set(flag, true);
  }

  async #takeValue(flag: FlagEntry, text: string | undefined): Promise<void> {
    if (text === undefined) return this.#mistaken(`option '${flag.flags}' needs a value`);
    const value = await this.#read(flag, `option '${flag.flags}'`, text, this.#values.get(flag));
    this.#values.set(flag, value);
  }

  async #read(
    { read }: FlagEntry | ArgumentEntry,
    place: string,
    text: string,
    earlier?: unknown,
  ): Promise<unknown> {
    if (read === undefined) return text;
    try {
      return await read(text, earlier);
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error;
      this.#mistaken(`${place}: ${error.message}`);
      return earlier;
    }
  }

  /** The values of the flags that were given, by their keys. */
  #valuesOf({ flags }: CommandEntry): Record<string, unknown> {
    return Object.fromEntries(
      flags.flatMap((flag) =>
        this.#values.has(flag) ? [[flag.key ?? "", this.#values.get(flag)]] : []
      ),
    );
  }

  async #argumentsOf({ name, arguments: taken }: CommandEntry): Promise<Record<string, unknown>> {
    const values: Record<string, unknown> = {};
    for (const [at, argument] of taken.entries()) {
      const word = argument.usage.slice(1, -1).replace("...", "");
      const place = `argument '${word}'`;
      const texts = this.#words.slice(at, argument.repeats ? undefined : at + 1);
      const read = [];
      for (const text of texts) read.push(await this.#read(argument, place, text));
      if (texts.length > 0) values[argument.key ?? ""] = argument.repeats ? read : read[0];
      else if (argument.usage.startsWith("<")) {
        const usage = [...this.#path.map((entry) => entry.name), ...taken.map((one) => one.usage)];
        this.#mistaken(`missing required ${place}: ${usage.join(" ")}`);
      }
    }
    if (this.#words.length > taken.length && !taken.at(-1)?.repeats) {
      const counts = `it takes ${taken.length || "none"}, and these are ${this.#words.length}`;
      this.#mistaken(`too many arguments for '${name}': ${counts}`);
    }
    return values;
  }

  /** What all of them ask for. */
  async asked(): Promise<Asked<Do>> {
    if (this.#shows === "version") return { asks: "version" };
    if (this.#shows === "help") return { asks: "help", path: this.#path };
    const command = this.#command;
    const values = await this.#argumentsOf(command);
    if (command.run === undefined && command.commands.length > 0 && command !== this.#program) {
      const names = command.commands.map((each) => each.name).join(", ");
      this.#mistaken(
        `A command is missing after "${command.name}": ${names}. Add --help for more.`,
      );
    }
    const given = command === this.#program ? values : { ...values, ...this.#valuesOf(command) };
    const mistake = this.#mistake ?? command.mistakeIn?.(given);
    if (mistake !== undefined) return { asks: "nothing", mistake };
    return { asks: "command", command, given, flags: this.#valuesOf(this.#program) };
  }
}

/** Parses arguments by the table whose first entry is the program. */
export async function parse<Do>(
  program: CommandEntry<Do>,
  args: readonly string[],
): Promise<Asked<Do>> {
  const parser = new Parser(program);
  await parser.takeAll(args);
  return await parser.asked();
}
