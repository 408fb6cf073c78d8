/**
 * Writing, and reading the timeline and what a search finds: pages of posts, and what can be done with them.
 *
 * @module
 */

import type {
  PostDraft,
  PostNameView,
  PostView,
  ThreadView,
  TimelineView,
} from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { threadName } from "../../core/model/thread.ts";
import { postLength, postLengthMax } from "../../core/model/post.ts";
import { deleting, posting, reposting } from "../commands/tasks.ts";
import { renderTimeline } from "../output/render_post.ts";
import { renderThread } from "../output/render_thread.ts";
import { draftFiles } from "../peer/draft_files.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { cutToWidth } from "../terminal/width.ts";
import { Draft, draftName } from "../views/drafts.ts";
import { PageReader } from "../views/reading.ts";
import { queryProblem } from "../views/search.ts";
import { indexedText } from "../views/words.ts";
import { chooseOne, type MenuContext, tell } from "./questions.ts";

/** A post takes three lines on average: head, text, and a blank one. */
const linesAPost = 3;

/** Posts of a thread among which a person chooses: the newest. */
const threadChoicesMax = 50;

/** Asks for a post and publishes it; what is not published is there again the next time. */
async function compose(
  menu: MenuContext,
  { message, more = {} }: {
    readonly message: string;
    readonly more?: Omit<PostDraft, "text">;
  },
): Promise<void> {
  const { username } = await menu.api.whoami();
  const { replyTo } = more;
  const draft = await Draft.open(draftFiles(menu), menu.io, draftName(username, replyTo));
  const problem = (typed: string) => {
    const length = postLength(typed);
    return length <= postLengthMax
      ? undefined
      : `That has ${length} characters; a post has at most ${postLengthMax}`;
  };
  try {
    const text = await menu.prompts.compose({
      ...{ message, draft: draft.text, problem },
      counter: (typed) => `${postLength(typed)}/${postLengthMax}`,
      onChange: (typed) => draft.change(typed),
      io: menu.io,
      paint: menu.output.look().paint,
    }, menu.signal);
    if (text === undefined || text.trim() === "") return;
    draft.change(text);
    await tell(menu, posting, { text, ...more });
    await draft.clear();
  } finally {
    await draft.keep();
  }
}

/** Asks for a post and publishes it. */
export async function writePost(menu: MenuContext): Promise<void> {
  await compose(menu, { message: "New post" });
}

/** Posts that fit the terminal, but at least three. */
function pageSize(menu: MenuContext): number {
  return Math.max(3, Math.floor((menu.io.size().rows - 6) / linesAPost));
}

/** Asks for one of some posts; undefined for back. */
async function choosePost(
  menu: MenuContext,
  message: string,
  posts: readonly PostView[],
): Promise<PostView | undefined> {
  const { columns } = menu.io.size();
  const named = posts.map((post) => {
    const { author, text, warning } = post.repost_of ?? post;
    const what = warning === undefined ? text : `(${warning})`;
    const name = cutToWidth(`${safeLine(author)}: ${safeLine(what)}`, columns - 6);
    return { post, value: threadName(post), name };
  });
  const chosen = await chooseOne(menu, message, named);
  return named.find(({ value }) => value === chosen)?.post;
}

async function reply(menu: MenuContext, posts: readonly PostView[]): Promise<void> {
  const original = await choosePost(menu, "Reply to which post?", posts);
  if (original === undefined) return;
  const { author, id } = original;
  await compose(menu, { message: "Your reply", more: { replyTo: { author, id } } });
}

async function repost(menu: MenuContext, posts: readonly PostView[]): Promise<void> {
  const original = await choosePost(menu, "Pass which post on to your followers?", posts);
  if (original === undefined) return;
  await tell(menu, reposting, { author: original.author, id: original.id });
}

async function takeBack(menu: MenuContext, posts: readonly PostView[]): Promise<void> {
  const own = await choosePost(menu, "Delete which post?", posts);
  if (own !== undefined) await tell(menu, deleting, { ids: [own.id] });
}

/** Shows the thread of one of some posts, with what can be done with its posts, until the person goes back. */
async function openThread(
  menu: MenuContext,
  username: string,
  posts: readonly PostView[],
): Promise<void> {
  const post = await choosePost(menu, "Open the thread of which post?", posts);
  if (post === undefined) return;
  const { author, id } = post.repost_of ?? post;
  let reveal = false;
  while (true) {
    const thread = await reading(menu, { author, id });
    if (thread === undefined) return;
    await menu.say(`\n${renderThread(thread, { ...menu.output.look(), reveal })}\n`);
    const newest = thread.posts.slice(-threadChoicesMax);
    const own = newest.filter(({ author }) => author === username);
    const hasHidden = !reveal && thread.posts.some(({ warning }) => warning);
    const choices = [
      { value: "back", name: "Back" },
      { value: "again", name: "Look for more replies" },
      { value: "reply", name: "Reply to one of them" },
      { value: "repost", name: "Pass one of them on to your followers" },
      ...(own.length === 0 ? [] : [{ value: "delete", name: "Delete one of yours" }]),
      ...(hasHidden ? [{ value: "reveal", name: "Show the texts behind content warnings" }] : []),
    ];
    const chosen = await menu.prompts.choice({ message: "Thread", choices }, menu.signal);
    if (chosen === "back") return;
    if (chosen === "reply") await reply(menu, newest);
    if (chosen === "repost") await repost(menu, newest);
    if (chosen === "delete") await takeBack(menu, own);
    reveal = chosen === "reveal";
  }
}

/** Reads a thread; undefined where that is not possible, and the person was told why. */
async function reading(menu: MenuContext, name: PostNameView): Promise<ThreadView | undefined> {
  try {
    return await withSpinner(menu.io, "Looking for replies", menu.api.thread(name));
  } catch (error) {
    if (!(error instanceof CamelliaError)) throw error;
    await menu.say(error.message);
    return undefined;
  }
}

/** Where pages of posts come from. */
interface Pages {
  /** What the choice below them is called. */
  readonly title: string;
  /** The user who is logged in. */
  readonly username: string;
  /** Reads a page, newest first. */
  readonly read: (page: { limit: number; before?: string }) => Promise<TimelineView>;
  /** What is said in place of a first page without posts. */
  readonly none: string;
  /** Told of each page that was shown. */
  readonly shown?: (
    posts: readonly PostView[],
    place: { readonly isFirst: boolean; readonly isLast: boolean },
  ) => Promise<void>;
}

/** Shows pages of the timeline until the person has seen enough. */
export async function browseTimeline(menu: MenuContext, username: string): Promise<void> {
  const reader = new PageReader(username);
  await browse(menu, {
    title: "Timeline",
    username,
    read: (page) => menu.api.timeline(page),
    none: renderTimeline({ posts: [] }, menu.output.look()),
    shown: async (posts, place) => {
      const id = reader.shown(posts, place);
      if (id !== undefined) await menu.api.markRead({ what: "timeline", id });
    },
  });
}

/** Asks what to search for, and shows pages of what is found. */
export async function searchPosts(menu: MenuContext, username: string): Promise<void> {
  const message = 'Search for (words, "a phrase", camel*, #tag, from:name; empty: back)';
  const query = await menu.prompts.text({ message, problem: queryProblem }, menu.signal);
  if (query === "") return;
  await browse(menu, {
    title: "Found",
    username,
    read: async (page) => {
      const found = await menu.api.search({ query, ...page });
      if (found.indexed !== undefined) await menu.say(indexedText(found.indexed));
      return found;
    },
    none: "Nothing is found.",
  });
}

async function browse(menu: MenuContext, pages: Pages): Promise<void> {
  const { title, username, read, none } = pages;
  let before: string | undefined;
  let reveal = false;
  while (true) {
    const limit = pageSize(menu);
    const request = before === undefined ? { limit } : { limit, before };
    const page = await read(request);
    const { posts, hidden } = page;
    const isEmpty = posts.length === 0 && hidden === undefined;
    const text = isEmpty ? none : renderTimeline(page, { ...menu.output.look(), reveal });
    await menu.say(isEmpty && before !== undefined ? "That was all." : `\n${text}\n`);
    const place = { isFirst: before === undefined, isLast: posts.length < limit };
    await pages.shown?.(posts, place);
    const oldest = posts.at(-1);
    const own = posts.filter(({ author }) => author === username);
    const hasHidden = !reveal && posts.some((post) => (post.repost_of ?? post).warning);
    const choices = [
      ...(posts.length < limit ? [] : [{ value: "older", name: "Older posts" }]),
      ...(before === undefined ? [] : [{ value: "newest", name: "Newest posts" }]),
      { value: "back", name: "Back" },
      ...(oldest === undefined ? [] : [
        { value: "thread", name: "Open a thread" },
        { value: "reply", name: "Reply to one of them" },
        { value: "repost", name: "Pass one of them on to your followers" },
      ]),
      ...(own.length === 0 ? [] : [{ value: "delete", name: "Delete one of yours" }]),
      ...(hasHidden ? [{ value: "reveal", name: "Show the texts behind content warnings" }] : []),
    ];
    if (oldest === undefined && before === undefined) return;
    const chosen = await menu.prompts.choice({ message: title, choices }, menu.signal);
    if (chosen === "back") return;
    if (chosen === "thread") await openThread(menu, username, posts);
    if (chosen === "reply") await reply(menu, posts);
    if (chosen === "repost") await repost(menu, posts);
    if (chosen === "delete") await takeBack(menu, own);
    if (chosen === "newest") before = undefined;
    if (chosen === "older") before = oldest?.id;
    reveal = chosen === "reveal";
  }
}
