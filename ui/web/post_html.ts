/**
 * Posts as HTML.
 *
 * @module
 */

import { type Html, markup } from "./markup.ts";
import type { PostNameView, PostView } from "../../core/api.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { ageOf, clashText, shortAge } from "../views/words.ts";
import type { Offer } from "../views/relations.ts";
import type { AuthorRow } from "../views/authors.ts";
import { keyOf, type PostRow, postRow, type QuoteRow, type RowKnown } from "../views/post_row.ts";
import { lineHtml, nameHtml, type Places, textHtml } from "./text_html.ts";

/** What the look of a post depends on. */
export interface Reader extends Places {
  /** What is known beside the posts: the user, the time, names, posts that can be quoted. */
  readonly known: RowKnown;
  /** What can be done about another user. */
  readonly offers: (username: string) => readonly Offer[];
}

/** The path of the thread that a post stands in. */
export function threadPath({ base }: Places, { author, id }: PostNameView): string {
  return `${base}/thread/${encodeURIComponent(author)}/${encodeURIComponent(id)}`;
}

/** A time as words, and exactly where the pointer rests; the page's script keeps the words true. */
export function timeHtml(iso: string, { known }: Pick<Reader, "known">): Html {
  return markup`<time datetime="${iso}" title="${ageOf(iso, undefined)}">${
    shortAge(iso, known.nowMs)
  }</time>`;
}

/** The text, behind its warning if it has one. */
function bodyHtml({ text, warning }: PostView, reader: Reader): Html {
  const body = markup`<div class="text" dir="auto">${textHtml(text, reader)}</div>`;
  if (warning === undefined) return body;
  return markup`<details class="warned"><summary>Content warning: ${
    lineHtml(warning)
  }</summary>${body}</details>`;
}

/** What is doubtful of an author, if anything is. */
function doubtHtml({ username, clash, isUnverified }: AuthorRow): Html | "" {
  if (clash !== null) return markup`<p class="doubt">${safeLine(clashText(username, clash))}</p>`;
  if (!isUnverified) return "";
  return markup`<p class="doubt">Whether this is by ${lineHtml(username)} is not known.</p>`;
}

/** The post that is answered: whose, and how it begins where it is at hand. */
function answeredHtml({ name, author, text }: QuoteRow, reader: Reader): Html {
  const words = text === null ? "" : markup` <q><bdi>${safeLine(text)}</bdi></q>`;
  return markup`<p class="answered"><a href="${
    threadPath(
      reader,
      name,
    )
  }" aria-label="The post that this one answers">↳</a> ${
    nameHtml(
      author.username,
      reader,
    )
  }${words}</p>`;
}

/** Where a post stands. */
export interface PostContext {
  /** How deep it stands in a thread. */
  readonly depth?: number;
  /** Whether it is the one that a thread was opened at. */
  readonly isFocus?: boolean;
  /** Whether the post that it answers stands right above it. */
  readonly isBelow?: boolean;
  /** What its author did with it, to stand behind the name: `mentions you`. */
  readonly did?: string;
}

function classesOf(
  { isMine, isUnread }: PostRow,
  { depth = 0, isFocus = false }: PostContext,
): string {
  return [
    "post",
    ...(isMine ? ["own"] : []),
    ...(isUnread && !isMine ? ["unread"] : []),
    ...(depth > 0 ? [`d${Math.min(depth, 6)}`] : []),
    ...(isFocus ? ["focus"] : []),
  ].join(" ");
}

/** A post with what can be done with it. */
export function postHtml(post: PostView, reader: Reader, context: PostContext = {}): Html {
  const row = postRow(post, reader.known);
  const { key, target, author, repostedBy, isMine, answers, replies } = row;
  const count = replies === 0 ? "Thread" : replies === 1 ? "1 reply" : `${replies} replies`;
  const own = isMine ? markup`<span class="mark">you</span>` : "";
  const when = markup`<a class="when" href="${threadPath(reader, target)}">${
    timeHtml(row.at, reader)
  }</a>`;
  const whose = nameHtml(author.username, reader, author.shown);
  const quote = answers === null || context.isBelow === true ? "" : answeredHtml(answers, reader);
  const inside = markup`${quote}${doubtHtml(author)}${bodyHtml(post.repost_of ?? post, reader)}`;
  const outside = post.outside === true
    ? markup`<span class="mark">not on your timeline</span>`
    : "";
  const did = context.did === undefined ? "" : markup`<span class="did">${context.did}</span>`;
  const content = repostedBy === null
    ? markup`<header>${whose}${did}${own}${outside}${when}</header>${inside}`
    : markup`<header>${
      nameHtml(repostedBy.username, reader, repostedBy.shown)
    }${own}<span class="did">${
      context.did ?? "reposted"
    }</span>${when}</header><div class="reposted"><header>${whose}</header>${inside}</div>`;
  const last = isMine
    ? markup`<button class="act" data-key="delete">Delete</button>`
    : markup`<button class="act" data-key="more" aria-haspopup="menu" data-offers="${
      JSON.stringify(reader.offers(author.username).map(({ deed, label }) => [deed, label]))
    }">More</button>`;
  return markup`<article class="${
    classesOf(
      row,
      context,
    )
  }" id="p-${key}" data-post="${key}" data-shown="${
    keyOf(target)
  }" tabindex="0" aria-label="Post by ${
    safeLine(post.author)
  }">${content}<footer><a class="act" href="${
    threadPath(
      reader,
      target,
    )
  }">${count}</a><button class="act" data-key="reply">Reply</button><button class="act" data-key="repost">Repost</button>${last}</footer></article>`;
}

/** Posts one below the other. */
export function postsHtml(posts: readonly PostView[], reader: Reader): Html[] {
  return posts.map((post) => postHtml(post, reader));
}
