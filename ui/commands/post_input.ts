/**
 * Posts from standard input: one text, or many, a line each.
 *
 * @module
 */

import type { PostDraft, PostNameView } from "../../core/api.ts";
import { fields, given, optional, text as textOf } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Io } from "../terminal/io.ts";
import { parsePostName } from "./values.ts";

/** A line of standard input that is to be a post. */
export interface Line {
  /** Its number, from 1. */
  readonly line: number;
  /** What it says. Throws a `CamelliaError` with the code `invalid_argument` if it makes no sense. */
  readonly read: () => PostDraft;
}

/**
 * Standard input as text.
 *
 * @param tooMuch What is said of more bytes than `bytesMax`.
 * @throws {CamelliaError} `post_too_long`, `invalid_text`.
 */
export async function inputText(
  io: Pick<Io, "input">,
  bytesMax: number,
  tooMuch: string,
): Promise<string> {
  const bytes = await io.input(bytesMax);
  if (bytes === undefined) {
    throw new CamelliaError(
      "post_too_long",
      `Cannot post: standard input has more than ${bytesMax} bytes, ${tooMuch}`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const message = "Cannot post: standard input is not UTF-8 text";
    throw new CamelliaError("invalid_text", message, { cause: error });
  }
}

/** The lines of a text that are to be posts: empty ones are left out, but counted. */
export function draftsOf(text: string, form: "lines" | "jsonl"): Line[] {
  const read = form === "lines" ? (line: string) => ({ text: line }) : readDraft;
  return text.split(/\r?\n/).map((line, i) => ({ line: i + 1, text: line }))
    .filter((one) => one.text.trim() !== "")
    .map((one) => ({ line: one.line, read: () => read(one.text) }));
}

function readDraft(line: string): PostDraft {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw refused("it is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw refused("it is not a JSON object");
  }
  const of = (name: string): unknown => Object.getOwnPropertyDescriptor(json, name)?.value;
  const word = textOf(65_536);
  const text = word(of("text"), "text");
  const warning = optional(word)(of("warning"), "warning");
  const replyTo = readName(of("reply_to") ?? undefined);
  return { text, ...given({ replyTo, warning }) };
}

/** The post replied to: `AUTHOR/ID`, or an object as `timeline --json` prints it. */
function readName(value: unknown): PostNameView | undefined {
  if (value === undefined) return undefined;
  const word = textOf(1000);
  const name = typeof value === "object" && value !== null
    ? fields<PostNameView>({ author: word, id: word })(value, "reply_to")
    : parsePostName(word(value, "reply_to"));
  if (name === undefined) throw refused("reply_to is not AUTHOR/ID, the name of a post");
  return name;
}

function refused(why: string): CamelliaError {
  return new CamelliaError("invalid_argument", `Cannot post: ${why}`);
}
