/**
 * The menu on a machine with a terminal.
 *
 * @module
 */

import { Machine } from "../fake_io.ts";

/** A machine with a terminal, and the answers that a person gives there, first to last. */
export function withTerminal(...answers: string[]): Machine {
  const m = new Machine();
  m.io.terminal = { input: true, output: true, error: false };
  m.answers.push(...answers);
  const { text } = m.prompts;
  // What is asked about recovery words after a registration is skipped.
  m.prompts.text = (question, signal) =>
    /^(These 24 words|Word \d+ of)/.test(question.message)
      ? Promise.resolve("")
      : text(question, signal);
  return m;
}
