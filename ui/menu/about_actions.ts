/**
 * The entry of the menu in which a user says something of themselves.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { type AboutPart, checkAbout } from "../../core/model/about.ts";
import { describing } from "../commands/tasks.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { cutToWidth } from "../terminal/width.ts";
import { chooseOne, type MenuContext, tell } from "./questions.ts";

const parts: Readonly<Record<AboutPart, string>> = {
  name: "Name to be shown",
  about: "A few words about you",
  link: "Link",
};

/** What is wrong with a text, as the peer would say it; undefined where nothing is. */
function problemOf(part: AboutPart, text: string): string | undefined {
  try {
    checkAbout({ [part]: text });
    return undefined;
  } catch (error) {
    if (error instanceof CamelliaError) return error.message;
    throw error;
  }
}

/** Shows what a profile says, and changes a part of it at a time until the person goes back. */
export async function describeSelf(menu: MenuContext): Promise<void> {
  const { columns } = menu.io.size();
  while (true) {
    const said = await menu.api.about({}, menu.signal);
    const answers = (Object.keys(parts) as AboutPart[]).map((part) => ({
      value: part,
      name: cutToWidth(`${parts[part]}: ${safeLine(said[part] ?? "none")}`, columns - 6),
    }));
    const part = await chooseOne(menu, "Change what your profile says?", answers);
    if (part === undefined) return;
    const label = parts[part as AboutPart];
    const problem = (text: string) => problemOf(part as AboutPart, text.trim());
    const message = `${label} (empty: none):`;
    const text = await menu.prompts.text({ message, problem }, menu.signal);
    await tell(menu, describing, { [part]: text.trim() });
  }
}
