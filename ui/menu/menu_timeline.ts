/**
 * The timeline in the menu, a page at a time.
 *
 * @module
 */

import type { PostView } from "../../core/api.ts";
import type { MenuContext } from "./menu_context.ts";
import { postProblem } from "./menu_questions.ts";
import { renderPost, renderTimeline } from "../output/render.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { cutToWidth } from "../terminal/width.ts";

/** A post takes three lines on average: head, text, and a blank one. */
const linesAPost = 3;

const pageMin = 3;

/** Posts that fit the terminal. */
function pageSize(menu: MenuContext): number {
  return Math.max(pageMin, Math.floor((menu.io.size().rows - 6) / linesAPost));
}

async function reply(menu: MenuContext, posts: readonly PostView[]): Promise<void> {
  const { columns } = menu.io.size();
  const id = await menu.prompts.choice({
    message: "Reply to which post?",
    choices: [
      { value: "", name: "Back" },
      ...posts.map((post) => ({
        value: `${post.author}/${post.id}`,
        name: cutToWidth(`${safeLine(post.author)}: ${safeLine(post.text)}`, columns - 6),
      })),
    ],
  }, menu.signal);
  const original = posts.find((post) => `${post.author}/${post.id}` === id);
  if (original === undefined) return;
  const question = { message: "Your reply (empty: back)", problem: postProblem };
  const text = await menu.prompts.text(question, menu.signal);
  if (text === "") return;
  const replyTo = { author: original.author, id: original.id };
  await menu.say(renderPost(await menu.api.post({ text, replyTo }), menu.output.look()));
}

/** Shows pages until somebody has seen enough. */
export async function browseTimeline(menu: MenuContext): Promise<void> {
  let before: string | undefined;
  while (true) {
    const limit = pageSize(menu);
    const request = before === undefined ? { limit } : { limit, before };
    const posts = await menu.api.timeline(request);
    await menu.say(
      posts.length === 0 && before !== undefined
        ? "That was all."
        : `\n${renderTimeline(posts, menu.output.look())}\n`,
    );
    const oldest = posts.at(-1);
    const choices = [
      ...(posts.length < limit ? [] : [{ value: "older", name: "Older posts" }]),
      ...(before === undefined ? [] : [{ value: "newest", name: "Newest posts" }]),
      { value: "back", name: "Back" },
      ...(oldest === undefined ? [] : [{ value: "reply", name: "Reply to one of them" }]),
    ];
    if (oldest === undefined && before === undefined) return;
    const chosen = await menu.prompts.choice({ message: "Timeline", choices }, menu.signal);
    if (chosen === "back") return;
    if (chosen === "reply") await reply(menu, posts);
    if (chosen === "newest") before = undefined;
    if (chosen === "older") before = oldest?.id;
  }
}
