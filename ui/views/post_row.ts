/**
 * A post as a row of a list. Texts are unfiltered: the code that shows a row filters them.
 *
 * @module
 */

import type { PostNameView, PostView } from "../../core/api.ts";
import { type AuthorKnown, type AuthorRow, authorRow } from "./authors.ts";
import { type Span, spansOf } from "./spans.ts";
import { shortAge } from "./words.ts";

/** Characters of an answered post that are quoted. */
export const quoteLengthMax = 40;

/** The post that a row answers. */
export interface QuoteRow {
  /** Its name. */
  readonly name: PostNameView;
  /** Who wrote it. */
  readonly author: AuthorRow;
  /** Its first characters on one line, or its content warning in brackets; null where it is not here. */
  readonly text: string | null;
}

/** A post as a row. */
export interface PostRow {
  /** AUTHOR/ID: no other row of the list has it. */
  readonly key: string;
  /** The name of the post itself, to be deleted if {@linkcode PostRow.isMine}. */
  readonly name: PostNameView;
  /** What is opened, answered and passed on: the post, or of a repost the one in it. */
  readonly target: PostNameView;
  /** Who wrote the text. */
  readonly author: AuthorRow;
  /** Who passed it on; null where it is no repost. */
  readonly repostedBy: AuthorRow | null;
  /** When it was posted, or passed on: ISO 8601. */
  readonly at: string;
  /** The same in words. */
  readonly age: string;
  /** Whether the post, or the repost, is the user's own: it can be deleted. */
  readonly isMine: boolean;
  /** Whether it speaks to the user: mentions or answers. */
  readonly isToMe: boolean;
  /** Whether it had not been read when the list was loaded. */
  readonly isUnread: boolean;
  /** Whether it was found outside the timeline. */
  readonly isOutside: boolean;
  /** `warned`: the text is hidden behind its warning; `deleted`: its author took it back while it was shown. */
  readonly state: "shown" | "warned" | "deleted";
  /** The content warning, or null. */
  readonly warning: string | null;
  /** The text; empty where it is not shown. */
  readonly spans: readonly Span[];
  /** The post that it answers, or null. */
  readonly answers: QuoteRow | null;
  /** How many posts answer it. */
  readonly replies: number;
}

/** What rows are made from, beside the post. */
export interface RowKnown extends AuthorKnown {
  /** Unix time in milliseconds. */
  readonly nowMs: number;
  /** Whether the reader has asked for the text behind a warning; by the row's key. */
  readonly isRevealed: (key: string) => boolean;
  /** Whether the post was taken back while it was shown; by the row's key. */
  readonly isDeleted: (key: string) => boolean;
  /** A post that is answered, where it is known; by AUTHOR/ID. */
  readonly quoted: (key: string) => PostView | undefined;
}

/** AUTHOR/ID. */
export function keyOf({ author, id }: PostNameView): string {
  return `${author}/${id}`;
}

/** The first characters of a text, on one line, with `…` where there are more. */
export function shortened(text: string, lengthMax: number = quoteLengthMax): string {
  // A character takes at most two units; what lies beyond is not looked at.
  const line = text.slice(0, 8 * lengthMax).replace(/\s+/g, " ").trim();
  const characters = [...line];
  return characters.length <= lengthMax
    ? line
    : `${characters.slice(0, lengthMax).join("").trimEnd()}…`;
}

/** What a quote says of a post. */
function quoteText(post: PostView): string {
  const { text, warning } = post.repost_of ?? post;
  return warning === undefined ? shortened(text) : `(${shortened(warning)})`;
}

/** The quote of a post that is answered. */
export function quoteRow(name: PostNameView, known: RowKnown): QuoteRow {
  const post = known.quoted(keyOf(name));
  return {
    name,
    author: authorRow(name.author, known, post),
    text: post === undefined || known.isDeleted(keyOf(name)) ? null : quoteText(post),
  };
}

/** The parts of texts that were found already: a row is made anew whenever its age changes. */
const found = new WeakMap<PostView, readonly Span[]>();

function spansIn(post: PostView): readonly Span[] {
  let spans = found.get(post);
  if (spans === undefined) found.set(post, spans = spansOf(post.text));
  return spans;
}

/** A post as a row. */
export function postRow(post: PostView, known: RowKnown): PostRow {
  const name = { author: post.author, id: post.id };
  const key = keyOf(name);
  const written = post.repost_of ?? post;
  const { warning } = written;
  let state: PostRow["state"] = "shown";
  if (known.isDeleted(key)) state = "deleted";
  else if (warning !== undefined && !known.isRevealed(key)) state = "warned";
  const { reply_to } = written;
  return {
    key,
    name,
    target: { author: written.author, id: written.id },
    author: authorRow(written.author, known, written),
    repostedBy: post.repost_of === undefined ? null : authorRow(post.author, known, post),
    at: post.created_at,
    age: shortAge(post.created_at, known.nowMs),
    isMine: post.author === known.self,
    isToMe: post.author !== known.self &&
      (post.mentions?.includes(known.self) === true || post.reply_to?.author === known.self),
    isUnread: post.read === false,
    isOutside: post.outside === true,
    state,
    warning: state === "deleted" ? null : warning ?? null,
    spans: state === "shown" ? spansIn(written) : [],
    answers: reply_to === null ? null : quoteRow(reply_to, known),
    replies: post.replies ?? 0,
  };
}
