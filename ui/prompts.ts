/**
 * Questions to the person at the terminal.
 *
 * @module
 */

import process from "node:process";
import type { LiveMenu } from "./live_prompt.ts";

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
  /** One of a few answers. */
  choice(question: ChoiceQuestion, signal: AbortSignal): Promise<string>;
  /** The menu, with what arrives above it. */
  menu(menu: LiveMenu, signal: AbortSignal): Promise<string>;
}

/**
 * Questions by `@inquirer/prompts`. It is loaded when the first question comes: scripts should not wait
 * for it. Passwords are asked for on standard error, so that standard output holds results only.
 */
export const terminalPrompts: Prompts = {
  async password(message, signal) {
    const { password } = await import("@inquirer/prompts");
    const context = { signal, output: process.stderr, clearPromptOnDone: true };
    return await password({ message, mask: "*", toggleMask: false }, context);
  },
  async text({ message, problem }, signal) {
    const { input } = await import("@inquirer/prompts");
    const validate = (answer: string) => problem?.(answer) ?? true;
    return await input({ message, validate }, { signal, clearPromptOnDone: true });
  },
  async choice({ message, choices }, signal) {
    const { select } = await import("@inquirer/prompts");
    const context = { signal, clearPromptOnDone: true };
    return await select({ message, choices: [...choices], pageSize: 12 }, context);
  },
  async menu(menu, signal) {
    const { livePrompt } = await import("./live_prompt.ts");
    return await livePrompt(menu, { signal, clearPromptOnDone: true });
  },
};
