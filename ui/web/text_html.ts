/**
 * What strangers wrote, as HTML: text stays text, whatever it contains.
 *
 * It passes `safe_text.ts`, which takes out what hides or reorders, and then `markup`, which escapes it. Each text * stands in an element that keeps its direction to itself. `ui/views/spans.ts` says what is a link: http and https
 * alone, and the address shows.
 *
 * @module
 */

import { type Html, markup } from "./markup.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { colourOf } from "../views/authors.ts";
import { type Span, spansOf } from "../views/spans.ts";

/** Where the links of a page lead. */
export interface Places {
  /** What all paths of the session begin with, such as `/abc`. */
  readonly base: string;
}

/** A `#tag`, as searches find it. */
const tag = /(?<![\p{L}\p{N}_#&/])#[\p{L}\p{N}_]+/gu;

/** The path of a user's profile. */
export function profilePath({ base }: Places, username: string): string {
  return `${base}/profile/${encodeURIComponent(username)}`;
}

/** Plain text, whose tags lead to a search. */
function plainHtml(text: string, { base }: Places): Html {
  const pieces: Html[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(tag)) {
    const path = `${base}/search?q=${encodeURIComponent(found)}`;
    pieces.push(markup`${text.slice(from, index)}<a class="tag" href="${path}">${found}</a>`);
    from = index + found.length;
  }
  return markup`${pieces}${text.slice(from)}`;
}

/** A part of a text. A link opens a tab of its own, which learns nothing of this page. */
function spanHtml(span: Span, places: Places): Html {
  switch (span.kind) {
    case "link":
      return markup`<a class="out" href="${span.url}" rel="noopener noreferrer nofollow" target="_blank">${span.text}</a>`;
    case "mention":
      return markup`<a class="at" href="${profilePath(places, span.username)}">${span.text}</a>`;
    case "text":
      return plainHtml(span.text, places);
  }
}

/** A text of several lines, with its links; the style sheet keeps its line breaks. */
export function textHtml(text: string, places: Places): Html {
  // What is taken out must not come between the finding of a link and its showing.
  return markup`<bdi>${spansOf(safeText(text)).map((span) => spanHtml(span, places))}</bdi>`;
}

/** A text on one line, without links. */
export function lineHtml(text: string): Html {
  return markup`<bdi>${safeLine(text)}</bdi>`;
}

/** Some parts of a text of one line. */
export function spansHtml(spans: readonly Span[], places: Places): Html {
  const safe = spans.flatMap((span) => spansOf(safeLine(span.text)));
  return markup`<bdi>${safe.map((span) => spanHtml(span, places))}</bdi>`;
}

/** A username that leads to its profile, and behind it the name that the user wants to be shown. */
export function nameHtml(username: string, places: Places, shown: string | null = null): Html {
  const name = safeLine(username);
  const more = shown === null ? "" : markup` <span class="shown">${lineHtml(shown)}</span>`;
  return markup`<a class="who c${colourOf(name)}" href="${
    profilePath(places, name)
  }"><bdi>${name}</bdi></a>${more}`;
}
