/**
 * A thread as text for people: a tree, each reply below what it answers.
 *
 * @module
 */

import type { PostView, ThreadView } from "../../core/api.ts";
import { threadName, treeOf } from "../../core/model/thread.ts";
import { safeLine } from "../terminal/safe_text.ts";
import type { Look } from "./look.ts";
import { leftOutText } from "../views/words.ts";
import { renderPost } from "./render_post.ts";

/** Columns by which a reply stands to the right of what it answers. */
const stepColumns = 2;

/** Columns that a post has at least, however deep it stands. */
const columnsMin = 30;

function indented(text: string, depth: number): string {
  const space = " ".repeat(stepColumns * depth);
  return text.split("\n").map((line) => `${space}${line}`).join("\n");
}

/** A thread, oldest first within each branch. */
export function renderThread(thread: ThreadView, look: Look): string {
  const { paint } = look;
  const places = treeOf<PostView>(thread.posts, {
    name: threadName,
    parent: ({ reply_to }) => reply_to === null ? undefined : threadName(reply_to),
  });
  const posts = places.map(({ post, depth, missing }) => {
    const columns = Math.max(look.columns - stepColumns * depth, columnsMin);
    const lines = [renderPost(post, { ...look, columns })];
    if (missing !== undefined) {
      lines.unshift(paint.dim(`↱ ${safeLine(missing)} is not shown here`));
    }
    return indented(lines.join("\n"), depth);
  });
  const left = leftOutText(thread);
  return [...posts, ...left === "" ? [] : [paint.dim(left)]].join("\n\n");
}
