/**
 * The screens on which posts are read: Home, a thread, what a search finds.
 *
 * @module
 */

import { type Html, markup } from "./markup.ts";
import type { PeerCalls, PostNameView, PostView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { clockTime, hiddenText, indexedText, leftOutText } from "../views/words.ts";
import type { Screen } from "./layout.ts";
import type { Desk } from "../views/desk.ts";
import { threadRows } from "../views/thread.ts";
import { keyOf } from "../views/post_row.ts";
import { postHtml, postsHtml, type Reader, threadPath } from "./post_html.ts";

/** Posts on one screen: some heights of a window. Older ones are a link away, so a screen never grows. */
export const postsMax = 40;

/** Posts of a thread on one screen at most, the newest; as many as a peer shows of one at all. */
const threadPostsMax = 1000;

/** Steps to the right that the style sheet has. */
const stepsMax = 4;

/** What a screen is made from. */
export interface Making {
  /** The peer. */
  readonly api: PeerCalls;
  /** For whom. */
  readonly reader: Reader;
  /** What is remembered from screen to screen: names to be shown, posts to be quoted. */
  readonly desk: Desk;
}

/** The line between what was read before and what is new. */
function sinceHtml(unread: number, read: PostView, { known }: Reader): Html {
  const time = clockTime(read.created_at, known.nowMs);
  return markup`<p class="since" role="separator"><span>new since ${time} (${unread} unread)</span></p>`;
}

/** The posts of a timeline, with the line where what is new ends. */
function timelineHtml(posts: readonly PostView[], reader: Reader): Html[] {
  const isNew = ({ author, read }: PostView) => read === false && author !== reader.known.self;
  const unread = posts.filter(isNew).length;
  const lastNew = posts.findLastIndex(isNew);
  const pieces = postsHtml(posts, reader);
  const read = posts[lastNew + 1];
  if (unread > 0 && read !== undefined) {
    pieces.splice(lastNew + 1, 0, sinceHtml(unread, read, reader));
  }
  return pieces;
}

/** How many posts the user's mutes hide. */
function hiddenHtml(hidden: number): Html {
  return hidden === 0 ? "" : markup`<p class="note">${hiddenText(hidden)}</p>`;
}

/** The links below a list of posts. */
function pagesHtml(
  posts: readonly PostView[],
  { newest, older }: { newest: string | undefined; older: (id: string) => string },
): Html {
  const last = posts.at(-1);
  const next = posts.length < postsMax || last === undefined
    ? ""
    : markup`<a rel="next" class="page" href="${older(last.id)}">Older posts</a>`;
  const first = newest === undefined
    ? ""
    : markup`<a class="page" href="${newest}">Newest posts</a>`;
  return markup`<nav class="pages" aria-label="Pages">${first}${next}</nav>`;
}

/** The timeline. */
export async function homeScreen(
  { api, reader, desk }: Making,
  { before }: { readonly before?: string | undefined },
): Promise<Screen> {
  const { posts, hidden = 0 } = await api.timeline({
    limit: postsMax,
    ...(before === undefined ? {} : { before }),
  });
  desk.quote(posts);
  const { base } = reader;
  const isFirst = before === undefined;
  const none = isFirst
    ? markup`<p class="none">Nothing here yet. Write something, or look under <a href="${base}/people?list=suggestions">People</a> for users to follow.</p>`
    : markup`<p class="none">That was all.</p>`;
  const newer = markup`<p id="newer" role="status"><button data-key="top" hidden></button></p>`;
  const pages = pagesHtml(posts, {
    newest: isFirst ? undefined : `${base}/`,
    older: (id) => `${base}/?before=${id}`,
  });
  return {
    title: "Home",
    entry: "home",
    main: [
      isFirst ? newer : "",
      markup`<div id="posts">${posts.length === 0 ? none : timelineHtml(posts, reader)}</div>`,
      hiddenHtml(hidden),
      pages,
    ],
    facts: isFirst ? { kind: "home", newest: posts[0]?.id ?? "0" } : { kind: "older" },
  };
}

/** The thread of a post: at first what is here, then, where it is asked for in full, what others have of it. */
export async function threadScreen(
  { api, reader, desk }: Making,
  { name, isFull }: { readonly name: PostNameView; readonly isFull: boolean },
): Promise<Screen> {
  const full = `${threadPath(reader, name)}?full=1`;
  const thread = await api.thread({ ...name, ...(isFull ? {} : { local: true }) }).catch(
    (error: unknown) => {
      const isAbsent = error instanceof CamelliaError && error.code === "unknown_post";
      if (!isFull && isAbsent) return undefined;
      throw error;
    },
  );
  if (thread === undefined) {
    return {
      title: "Thread",
      main:
        markup`<p class="none">This post is not here. <a href="${full}">Ask others for it</a></p>`,
      facts: { kind: "thread", full },
    };
  }
  desk.quote(thread.posts);
  const here = new Map(thread.posts.map((post) => [keyOf(post), post]));
  const rows = threadRows(thread.posts, name, reader.known).slice(-threadPostsMax);
  const posts = rows.flatMap(({ key, depth, isOpened, isLoose }) => {
    const post = here.get(key);
    // As far as the steps to the right tell what a post answers, it need not be said again.
    const isBelow = !isLoose && depth <= stepsMax;
    return post === undefined ? [] : postHtml(post, reader, { depth, isFocus: isOpened, isBelow });
  });
  const lack = leftOutText(thread);
  const ask = isFull
    ? ""
    : markup`<p class="pages"><a class="page" href="${full}">Look for more replies</a></p>`;
  return {
    title: "Thread",
    main: [
      markup`<div id="posts">${posts}</div>`,
      lack === "" ? "" : markup`<p class="note">${lack}</p>`,
      ask,
    ],
    facts: { kind: "thread", root: keyOf(thread.root), ...(isFull ? {} : { full }) },
  };
}

/** A field for a search, and what the last one found. */
export async function searchScreen(
  { api, reader }: Making,
  { query, before }: { readonly query: string; readonly before?: string | undefined },
): Promise<Screen> {
  const { base } = reader;
  const form =
    markup`<form action="${base}/search" role="search" class="row"><label for="q" class="away">Search for</label><input id="q" type="search" name="q" value="${query}" maxlength="300" placeholder="words, a &quot;phrase&quot;, camel*, #tag, from:name, since:2026-11-01"><button class="main">Search</button></form>`;
  const screen = (main: readonly Html[]): Screen => ({
    title: "Search",
    entry: "search",
    main: [form, ...main],
    facts: { kind: "search" },
  });
  if (query.trim() === "") {
    return screen([markup`<p class="none">What is searched are the posts on this machine.</p>`]);
  }
  try {
    const found = await api.search({
      query,
      limit: postsMax,
      ...(before === undefined ? {} : { before }),
    });
    const at = (id: string) =>
      `${base}/search?q=${encodeURIComponent(query)}&before=${encodeURIComponent(id)}`;
    const none = markup`<p class="none">Nothing is found.</p>`;
    return screen([
      found.indexed === undefined ? "" : markup`<p class="note">${indexedText(found.indexed)}</p>`,
      markup`<div id="posts">${
        found.posts.length === 0 ? none : postsHtml(found.posts, reader)
      }</div>`,
      hiddenHtml(found.hidden ?? 0),
      pagesHtml(found.posts, { newest: undefined, older: at }),
    ]);
  } catch (error) {
    // What was typed may be no query: the message says why.
    if (!(error instanceof CamelliaError)) throw error;
    return screen([markup`<p class="note" role="alert">${error.message}</p>`]);
  }
}
