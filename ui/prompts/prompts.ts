/**
 * The person or script in front of the program, and questions to the person.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import type { Output } from "../output/output.ts";
import type { Flags } from "../settings/flags.ts";
import type { Io } from "../terminal/io.ts";
import type { ComposeQuestion } from "./compose_prompt.ts";
import type { LiveMenu } from "./live_prompt.ts";

/** The person or script in front of the program, as commands and questions meet them. */
export interface Console {
  /** The process around. */
  readonly io: Io;
  /** The global flags. */
  readonly flags: Flags;
  /** Where results and errors go. */
  readonly output: Output;
  /** Questions to a person. */
  readonly prompts: Prompts;
  /** Aborted when the program is to end. */
  readonly signal: AbortSignal;
}

/** A question for a line of text. */
export interface TextQuestion {
  /** The question. */
  readonly message: string;
  /** What is wrong with an answer, shown below it; undefined when it is fine. */
  readonly problem?: (answer: string) => string | undefined;
}

/** A question with answers to choose from. */
export interface ChoiceQuestion {
  /** The question. */
  readonly message: string;
  /** The answers, the default first. */
  readonly choices: readonly { readonly value: string; readonly name: string }[];
}

/**
 * Asks. Each rejects with an interruption at Ctrl+C and when the signal is aborted; the terminal is as
 * it was then.
 */
export interface Prompts {
  /** A secret, shown as asterisks. */
  password(message: string, signal: AbortSignal): Promise<string>;
  /** A line of text. */
  text(question: TextQuestion, signal: AbortSignal): Promise<string>;
  /** A text that may have several lines; undefined where the person goes back. */
  compose(question: ComposeQuestion, signal: AbortSignal): Promise<string | undefined>;
  /** One of a few answers. */
  choice(question: ChoiceQuestion, signal: AbortSignal): Promise<string>;
  /** The menu, with what arrives above it. */
  menu(menu: LiveMenu, signal: AbortSignal): Promise<string>;
}

/** Where questions are asked; the process's own streams by default. */
export interface PromptStreams {
  /** Keys come from here. */
  readonly input: NodeJS.ReadableStream;
  /** Questions go here … */
  readonly output: NodeJS.WritableStream;
  /** … but passwords are asked for here, so that standard output holds results only. */
  readonly error: NodeJS.WritableStream;
}

/** The process's own streams; node:process is loaded when the first question comes. */
async function ownStreams(): Promise<PromptStreams> {
  const { default: process } = await import("node:process");
  return { input: process.stdin, output: process.stdout, error: process.stderr };
}

/**
 * Questions on the process's own streams, or on others, by `@inquirer/prompts`. It is loaded when the
 * first one comes: scripts should not wait for it. An answered question vanishes, and its result is shown instead.
 */
export function terminalPrompts(given?: PromptStreams): Prompts {
  const on = async (signal: AbortSignal, kind: "output" | "error" = "output") => {
    const streams = given ?? await ownStreams();
    return { input: streams.input, output: streams[kind], signal, clearPromptOnDone: true };
  };
  return {
    async password(message, signal) {
      const { password } = await import("@inquirer/prompts");
      return await password({ message, mask: "*", toggleMask: false }, await on(signal, "error"));
    },
    async text({ message, problem }, signal) {
      const prompts = await import("@inquirer/prompts");
      const validate = (answer: string) => problem?.(answer) ?? true;
      return await prompts.input({ message, validate }, await on(signal));
    },
    async compose(question, signal) {
      const { composePrompt } = await loadModule<typeof import("./compose_prompt.ts")>(
        new URL("./compose_prompt.ts", import.meta.url),
      );
      const context = await on(signal);
      const write = (text: string) => void context.output.write(text);
      return await composePrompt({ ...question, write }, context);
    },
    async choice({ message, choices }, signal) {
      const { select } = await import("@inquirer/prompts");
      return await select({ message, choices: [...choices], pageSize: 12 }, await on(signal));
    },
    async menu(menu, signal) {
      const { livePrompt } = await loadModule<typeof import("./live_prompt.ts")>(
        new URL("./live_prompt.ts", import.meta.url),
      );
      return await livePrompt(menu, await on(signal));
    },
  };
}
