/**
 * The recovery words between the program and a person: shown once, checked, and asked for.
 *
 * A question vanishes once it is answered: the words that a person is asked to write down, and those
 * typed in, do not stay on the screen.
 *
 * @module
 */

import type { Credentials, PeerCalls } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { recoveryWordCount, seedOfWords, splitWords } from "../../core/model/recovery_words.ts";
import { type Random, shuffled } from "../../lib/random.ts";
import type { Context } from "../peer/host.ts";
import { readSecretFile } from "../prompts/password_source.ts";
import { expandHome } from "../settings/places.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** How many words the person is asked for. */
const checkedWords = 2;

/** Words in a row: four columns of 16 fit every terminal. */
const wordsARow = 4;

/** The words in numbered rows. */
export function renderWords(words: readonly string[]): string {
  const cells = words.map((word, index) => `${String(index + 1).padStart(2)}. ${word.padEnd(10)}`);
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += wordsARow) {
    rows.push(cells.slice(at, at + wordsARow).join("  ").trimEnd());
  }
  return rows.join("\n");
}

/** The numbers of different words, from 1 on, in order. */
function drawNumbers(random: Random): number[] {
  const numbers = Array.from({ length: recoveryWordCount }, (_, index) => index + 1);
  return shuffled(numbers, random).slice(0, checkedWords).sort((a, b) => a - b);
}

/** Asks the peer for the words that a password guards. */
export function fetchWords(
  { io }: Context,
  api: PeerCalls,
  credentials: Credentials,
): Promise<string[]> {
  return withSpinner(io, "Spelling the recovery words", api.recoveryWords(credentials));
}

/**
 * Shows the words of an account and asks for two of them; an empty answer ends that. The account exists
 * whatever the person answers.
 */
export async function showWords(
  context: Context,
  api: PeerCalls,
  credentials: Credentials,
): Promise<void> {
  const { prompts, signal, host } = context;
  const words = await fetchWords(context, api, credentials);
  await prompts.text({
    message:
      `These 24 words open the account ${credentials.username} if you forget the password.\n` +
      "Nothing else does.\nWrite them on paper, and show them to no one. Then press Enter.\n\n" +
      `${renderWords(words)}\n`,
  }, signal);
  for (const number of drawNumbers({ bytes: (length) => host.randomBytes(length) })) {
    const isRight = (typed: string) => typed.trim().toLowerCase() === words[number - 1];
    const problem = (typed: string) =>
      typed.trim() === "" || isRight(typed)
        ? undefined
        : `That is not word ${number}. Look at your paper; leave it empty to skip this`;
    const message = `Word ${number} of those that you wrote down (empty: skip):`;
    if (!isRight(await prompts.text({ message, problem }, signal))) return;
  }
}

/** Whether there is a person to show the words to after a registration. */
export function canShowWords({ io, output }: Context): boolean {
  return !output.json && io.terminal.input && io.terminal.output;
}

/**
 * The recovery words, from a file or from the person, once they spell a seed.
 *
 * @throws {CamelliaError} `wrong_words`.
 */
export async function askForWords(
  context: Context,
  { username, file }: { readonly username: string; readonly file?: string | undefined },
): Promise<string> {
  const words = file === undefined
    ? await typedWords(context, username)
    : await readSecretFile(context, expandHome(file, context.io), "words");
  // The person should not invent a password for words that are none.
  (await seedOfWords(words)).fill(0);
  return words;
}

async function typedWords(context: Context, username: string): Promise<string> {
  const { io, prompts, signal } = context;
  if (!io.terminal.input) {
    throw new CamelliaError(
      "wrong_words",
      `Cannot recover ${username} without its recovery words: standard input is not a terminal to ask ` +
        "on. Give them with --words-file FILE",
    );
  }
  let words = "";
  // Words that are pasted in several lines arrive one line at a time.
  while (splitWords(words).length < recoveryWordCount) {
    const count = splitWords(words).length;
    const message = count === 0
      ? `The 24 recovery words of ${username}:`
      : `The words after the first ${count}:`;
    const typed = await prompts.text({ message }, signal);
    if (typed.trim() === "") break;
    words += ` ${typed}`;
  }
  return words;
}
