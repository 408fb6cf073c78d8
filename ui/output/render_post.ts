/**
 * Posts as text for people. Whatever strangers wrote passes `safe_text.ts` here.
 *
 * @module
 */

import type { PostView, RepostedView, SearchView, TimelineView } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import { ageOf, counted, hiddenText, indexedText } from "../views/words.ts";
import { clashLine, type Look, widthAfter } from "./look.ts";

/** A post's text below its head, or what takes its place. */
function bodyOf(post: PostView, look: Look): string[] {
  const { paint, reveal } = look;
  const width = widthAfter(2, look);
  if (post.repost_of !== undefined) return repostedLines(post.repost_of, look);
  const text = wrapText(safeText(post.text), width);
  if (post.warning === undefined) return text;
  const warning = wrapText(`Content warning: ${safeLine(post.warning)}`, width).map(paint.warning);
  return [...warning, ...reveal ? text : [paint.dim("The text is hidden; --reveal shows it.")]];
}

function repostedLines(post: RepostedView, look: Look): string[] {
  const { verified, ...shown } = post;
  const doubt = verified ? [] : doubtLines(
    `You have no key of ${safeLine(post.author)}: whether this is theirs is not known.`,
    look,
  );
  return [...doubt, ...renderPost(shown, { ...look, columns: look.columns - 2 }).split("\n")];
}

function doubtLines(text: string, look: Look): string[] {
  return wrapText(text, widthAfter(2, look)).map(look.paint.dim);
}

/** A post: who and when in one line, the text below, indented. */
export function renderPost(post: PostView, look: Look): string {
  const { paint } = look;
  const reply = post.reply_to === null
    ? ""
    : paint.dim(` · in reply to ${safeLine(post.reply_to.author)}/${safeLine(post.reply_to.id)}`);
  const { replies = 0 } = post;
  const answers = replies === 0 ? "" : paint.dim(` · ${counted(replies, "reply", "replies")}`);
  const what = post.repost_of === undefined ? "" : " reposted";
  const where = post.outside === undefined ? "" : paint.dim(" · not on your timeline");
  const when = paint.dim(` · ${ageOf(post.created_at, look.now)} · ${safeLine(post.id)}`);
  const indented = (lines: string[]) => lines.map((line) => `  ${line}`);
  const clash = post.clash === undefined
    ? []
    : wrapText(clashLine(post.author, post.clash), widthAfter(2, look)).map(paint.warning);
  const head = `${
    paint.bold(paint.name(safeLine(post.author)))
  }${what}${when}${reply}${answers}${where}`;
  const doubt = post.verified === false && post.repost_of === undefined
    ? doubtLines(`Whether this is by ${safeLine(post.author)} is not known yet.`, look)
    : [];
  return [head, ...indented([...clash, ...doubt, ...bodyOf(post, look)])].join("\n");
}

/** Posts, one below the other. */
export function renderPosts(posts: readonly PostView[], look: Look): string {
  return posts.map((post) => renderPost(post, look)).join("\n\n");
}

/** A page of the timeline, in the order of its posts. */
export function renderTimeline({ posts, hidden = 0 }: TimelineView, look: Look): string {
  const left = hidden > 0 ? [look.paint.dim(hiddenText(hidden))] : [];
  if (posts.length > 0) return [renderPosts(posts, look), ...left].join("\n\n");
  if (hidden > 0) return left.join("");
  return "Nothing here yet: no post of yours, and none of users whom you follow. " +
    "`camellia suggest` has ideas whom to follow.";
}

/** What a search found. */
export function renderFound({ posts, indexed, hidden }: SearchView, look: Look): string {
  const { paint } = look;
  const found = posts.length === 0 && hidden === undefined
    ? "Nothing is found."
    : renderTimeline({ posts, ...given({ hidden }) }, look);
  return indexed === undefined ? found : `${paint.warning(indexedText(indexed))}\n\n${found}`;
}
