/**
 * Questions that several entries of the menu ask.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { postLength, postLengthMax } from "../../core/model/post.ts";
import { parseUsername } from "../../core/model/username.ts";
import type { MenuContext } from "./menu_context.ts";
import { wrapText } from "../terminal/width.ts";

/** What is wrong with a name as typed; nothing means back. */
export function nameProblem(menu: MenuContext, text: string): string | undefined {
  if (text.trim() === "") return undefined;
  try {
    parseUsername(text);
    return undefined;
  } catch (error) {
    const message = error instanceof CamelliaError ? error.message : String(error);
    return wrapText(message, menu.io.size().columns - 3).join("\n  ");
  }
}

/** Asks for a username; undefined when left empty. */
export async function askName(menu: MenuContext, message: string): Promise<string | undefined> {
  const problem = (given: string) => nameProblem(menu, given);
  const question = { message: `${message} (empty: back)`, problem };
  const text = await menu.prompts.text(question, menu.signal);
  return text.trim() === "" ? undefined : parseUsername(text);
}

/** What is wrong with a post as typed; nothing means back. */
export function postProblem(text: string): string | undefined {
  const length = postLength(text);
  return length <= postLengthMax
    ? undefined
    : `That has ${length} characters; a post has at most ${postLengthMax}`;
}
