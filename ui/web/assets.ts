/**
 * What browsers are given beside the screens: the page's own style and scripts. Nothing comes from elsewhere.
 *
 * They are imported as texts, so that the executable has them in itself.
 *
 * @module
 */

import { createHash } from "node:crypto";
import compose from "./assets/compose.js" with { type: "text" };
import enter from "./assets/enter.js" with { type: "text" };
import icon from "./assets/icon.svg" with { type: "text" };
import live from "./assets/live.js" with { type: "text" };
import noscript from "./assets/noscript.css" with { type: "text" };
import page from "./assets/page.js" with { type: "text" };
import peer from "./assets/peer.js" with { type: "text" };
import posts from "./assets/posts.js" with { type: "text" };
import style from "./assets/page.css" with { type: "text" };

/** A file that browsers are given. */
export interface Asset {
  /** Its content. */
  readonly text: string;
  /** Its media type. */
  readonly type: string;
}

/** A style sheet. */
const css = "text/css; charset=utf-8";
/** A module. */
const js = "text/javascript; charset=utf-8";

/** All of them, by name. */
export const assets: ReadonlyMap<string, Asset> = new Map([
  ["page.css", { text: style, type: css }],
  ["noscript.css", { text: noscript, type: css }],
  ["icon.svg", { text: icon, type: "image/svg+xml" }],
  ["page.js", { text: page, type: js }],
  ["compose.js", { text: compose, type: js }],
  ["live.js", { text: live, type: js }],
  ["peer.js", { text: peer, type: js }],
  ["posts.js", { text: posts, type: js }],
  ["enter.js", { text: enter, type: js }],
]);

/** Changes whenever one of them does, so that a browser may keep them. */
export const edition: string = createHash("sha256")
  .update([...assets.values()].map(({ text }) => text).join("\0")).digest("hex").slice(0, 12);
