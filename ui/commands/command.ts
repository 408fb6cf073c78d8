/**
 * How a command is declared: its name, help, arguments and options, and what it does with them, in one
 * place.
 *
 * @module
 */

import type {
  Command as Parser,
  CommandUnknownOpts,
  OptionValues,
} from "@commander-js/extra-typings";
import type { Context } from "../peer/host.ts";

/** Does a command that was chosen. */
export type Run = (context: Context) => Promise<void>;

/**
 * A command: adds itself to the program, and calls back with what it does when it is chosen.
 *
 * @internal Its types are commander's.
 */
export type Command = (program: CommandUnknownOpts, choose: (run: Run) => void) => void;

/**
 * Declares a command.
 *
 * @internal Its types are commander's.
 * @param parser Adds name, help, arguments and options to the program.
 * @param run Does it, with the arguments and the options that were given.
 * @param mistakeIn What is wrong with arguments and options that do not go together.
 */
export function command<Args extends unknown[], Options extends OptionValues>(
  parser: (program: CommandUnknownOpts) => Parser<Args, Options>,
  run: (context: Context, ...given: [...Args, Options]) => Promise<void>,
  mistakeIn: (...given: [...Args, Options]) => string | undefined = () => undefined,
): Command {
  return (program, choose) => {
    const added = parser(program);
    const action = (...passed: [...Args, Options, unknown]) => {
      const given = passed.slice(0, -1) as [...Args, Options];
      const mistake = mistakeIn(...given);
      if (mistake !== undefined) added.error(`error: ${mistake}`);
      choose((context) => run(context, ...given));
    };
    added.action(action as () => void);
  };
}
