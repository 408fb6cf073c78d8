/**
 * What all screens of the page have around them.
 *
 * @module
 */

import { asMarkup, type Html, markup } from "./markup.ts";
import type { StatusView, UnreadView } from "../../core/api.ts";
import { keys } from "./keys.ts";

/** A screen of the page. */
export interface Screen {
  /** What the tab and the heading are called. */
  readonly title: string;
  /** Which entry of the navigation is the one. */
  readonly entry?: string;
  /** What stands in it. */
  readonly main: Html | readonly Html[];
  /** Facts for the page's script: attributes of the main element, named `data-…`. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** What the frame around a screen shows. */
export interface Frame {
  /** What all paths of the session begin with. */
  readonly base: string;
  /** The user. */
  readonly username: string;
  /** The state of the peer. */
  readonly status: StatusView;
  /** Changes whenever scripts or style do, so that a browser may keep them. */
  readonly edition: string;
}

const entries: readonly (readonly [string, string, string, keyof UnreadView | undefined])[] = [
  ["home", "Home", "/", "posts"],
  ["notifications", "Notifications", "/notifications", "notifications"],
  ["requests", "Requests", "/requests", "requests"],
  ["people", "People", "/people", undefined],
  ["search", "Search", "/search", undefined],
  ["settings", "Settings", "/settings", undefined],
];

/** A count as the navigation shows it. */
function countText(count: number): string {
  return count === 0 ? "" : count > 99 ? "99+" : String(count);
}

/** How the peer is doing, in a few words. */
export function stateText({ node, reach }: StatusView): string {
  if (!node.joined) return "no other node yet";
  const way = { direct: "reachable", mapped: "reachable", relayed: "by relay" };
  const reached = reach.state in way ? way[reach.state as keyof typeof way] : "not reachable";
  const peers = `${node.contacts} ${node.contacts === 1 ? "node" : "nodes"}`;
  return reach.state === "unknown" ? peers : `${peers} · ${reached}`;
}

function head(title: string, { base, edition }: Pick<Frame, "base" | "edition">): Html {
  const at = (name: string) => `/assets/${name}?${edition}`;
  return markup`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title} · Camellia</title><link rel="stylesheet" href="${
    at("page.css")
  }"><link rel="icon" href="${at("icon.svg")}" type="image/svg+xml">${
    base === ""
      ? markup`<script type="module" src="${at("enter.js")}"></script>`
      : markup`<script type="module" src="${at("page.js")}"></script>`
  }<noscript><link rel="stylesheet" href="${at("noscript.css")}"></noscript>`;
}

function composeDialog(): Html {
  return markup`<dialog id="compose" aria-labelledby="compose-title"><form method="dialog"><h2 id="compose-title">New post</h2><blockquote id="compose-quote" hidden></blockquote><label for="compose-text" class="away">Text</label><textarea id="compose-text" rows="6" autocomplete="off" dir="auto" placeholder="What is going on?"></textarea><p id="compose-names" class="row" role="group" aria-label="Names that fit"></p><label class="row" for="compose-warning">Content warning <input id="compose-warning" autocomplete="off" maxlength="100" placeholder="none"></label><p class="row"><span id="compose-count" role="status">0 / 500</span><span id="compose-state" role="status"></span></p><p class="row"><button type="button" id="compose-send" class="main">Post</button><button type="button" id="compose-close">Close</button><span class="hint">Ctrl+Enter posts, Tab completes @names, Esc keeps the draft</span></p></form></dialog>`;
}

function helpDialog(): Html {
  const rows = keys.map(({ keys, does }) =>
    markup`<tr><td>${keys.map((key) => markup`<kbd>${key}</kbd>`)}</td><td>${does}</td></tr>`
  );
  return markup`<dialog id="help" aria-labelledby="help-title"><form method="dialog"><h2 id="help-title">Keys</h2><table><tbody>${rows}</tbody></table><p class="row"><button class="main">Close</button></p></form></dialog>`;
}

/** A document. */
function documentHtml(inside: { readonly head: Html; readonly body: Html }): Html {
  return markup`${
    asMarkup("<!DOCTYPE html>")
  }<html lang="en"><head>${inside.head}</head>${inside.body}</html>`;
}

/** A screen as a whole document. */
export function screenDocument(screen: Screen, frame: Frame): Html {
  const { base, username, status } = frame;
  const links = entries.map(([name, label, path, counted]) => {
    const current = name === screen.entry ? asMarkup(' aria-current="page"') : "";
    const count = counted === undefined
      ? ""
      : markup`<span class="count" data-count="${counted}">${
        countText(status.unread[counted])
      }</span>`;
    return markup`<a href="${base}${path}" data-entry="${name}" ${current}>${label}${count}</a>`;
  });
  const table = JSON.stringify(keys.map(({ keys, name }) => [name, keys]));
  const body =
    markup`<body data-base="${base}" data-user="${username}" data-keys="${table}"><a class="skip" href="#main">To the content</a><header id="top"><div class="bar"><a class="brand" href="${base}/">Camellia</a> <a class="me" href="${base}/profile/${username}"><bdi>${username}</bdi></a><span id="state" role="status">${
      stateText(status)
    }</span><button id="write" class="main" data-key="write">New post</button></div><nav aria-label="Screens">${links}</nav></header><noscript><p class="note">Scripts are off: you can read everything, and change nothing.</p></noscript>${
      mainHtml(screen)
    }<div id="said" role="status" aria-live="polite"></div>${composeDialog()}${helpDialog()}<div id="menu" role="menu" hidden></div></body>`;
  return documentHtml({ head: head(screen.title, frame), body });
}

/** The screen alone, which the page's script puts in the place of another one. */
export function mainHtml({ title, main, facts = {} }: Screen): Html {
  const attributes = Object.entries(facts).map(([name, value]) =>
    markup`data-${asMarkup(name)}="${value}"`
  );
  return markup`<main id="main" tabindex="-1" ${attributes}><h1>${title}</h1>${main}</main>`;
}

/** The document that lets a browser in: the page's script gives the code of the address to the peer. */
export function entranceDocument(edition: string, failure = ""): Html {
  const body =
    markup`<body class="entrance"><main id="main"><h1>Camellia</h1><p id="entering" role="status">${
      failure === ""
        ? "This page needs a one-time code. Run camellia web, and open the address that it prints."
        : failure
    }</p><p><a href="/enter">Enter a code by hand</a></p></main></body>`;
  return documentHtml({ head: head("Enter", { base: "", edition }), body });
}

/** The document in which a person enters the code: without a script the browser sends it as a form. */
export function enterDocument(edition: string, failure = ""): Html {
  const body =
    markup`<body class="entrance"><main id="main"><h1>Camellia</h1><form method="post" action="/enter"><p id="entering" role="status">${failure}</p><p><label for="code">The code: what stands behind # in the address that camellia web prints</label></p><p class="row"><input id="code" name="code" autocomplete="off" spellcheck="false" required maxlength="200"><button class="main">Enter</button></p><p class="hint">Without scripts you can read everything, and change nothing.</p></form></main></body>`;
  return documentHtml({ head: head("Enter", { base: "", edition }), body });
}
