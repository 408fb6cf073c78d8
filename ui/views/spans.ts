/**
 * The parts of a text: plain ones, links and names.
 *
 * A link leads where its text says: only http and https, without a name and password before the host, and with the
 * host as the network knows it, so that a letter that looks like another one shows.
 *
 * @module
 */

import { findNames } from "../../core/model/mentions.ts";

/** A part of a text, unfiltered. */
export type Span =
  | { readonly kind: "text"; readonly text: string }
  | {
    readonly kind: "link";
    /** The address, to be shown. */
    readonly text: string;
    /** The same address, to be opened. */
    readonly url: string;
  }
  | {
    readonly kind: "mention";
    /** The `@` and the name as written. */
    readonly text: string;
    /** The user. */
    readonly username: string;
  };

/** An address up to the next space, quote, bracket or character that is not shown. */
const address = /https?:\/\/[^\s<>"“”«»\p{C}]+/giu;

/** What ends a sentence and not an address. */
const sentenceEnd = /[.,;:!?'’*_]$/u;

const pairs: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** The address without what belongs to the sentence around it. */
function withoutEnd(text: string): string {
  let end = text;
  while (true) {
    const last = end.at(-1) ?? "";
    const open = pairs[last];
    const isStray = open !== undefined && end.split(last).length > end.split(open).length;
    if (!isStray && !sentenceEnd.test(end)) return end;
    end = end.slice(0, -1);
  }
}

/** The address as a link; undefined where it is none that a reader should follow. */
function linkOf(written: string): Span & { readonly kind: "link" } | undefined {
  if (!URL.canParse(written)) return undefined;
  const { protocol, username, password, hostname, href } = new URL(written);
  if (!/^https?:$/.test(protocol) || hostname === "") return undefined;
  if (username !== "" || password !== "") return undefined;
  const host = /^[^/]*\/\/([^/?#]*)/.exec(written)?.[1] ?? "";
  // deno-lint-ignore no-control-regex
  const text = /^[\x00-\x7f]*$/.test(host) ? written : href;
  return { kind: "link", text, url: text };
}

/** The parts of a text, in its order; together they have all of it. */
export function spansOf(text: string): readonly Span[] {
  const found: { readonly at: number; readonly length: number; readonly span: Span }[] = [];
  for (const { 0: match, index } of text.matchAll(address)) {
    const written = withoutEnd(match);
    const span = linkOf(written);
    if (span !== undefined) found.push({ at: index, length: written.length, span });
  }
  const links = [...found];
  for (const { at, text: written, username } of findNames(text)) {
    if (links.some((link) => at >= link.at && at < link.at + link.length)) continue;
    found.push({ at, length: written.length, span: { kind: "mention", text: written, username } });
  }
  const spans: Span[] = [];
  let end = 0;
  for (const { at, length, span } of found.sort((a, b) => a.at - b.at)) {
    if (at > end) spans.push({ kind: "text", text: text.slice(end, at) });
    spans.push(span);
    end = at + length;
  }
  if (end < text.length) spans.push({ kind: "text", text: text.slice(end) });
  return spans;
}
