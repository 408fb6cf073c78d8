/**
 * The keys of the page: the table that the script obeys and the help shows. Where the full screen has the same, it is
 * the same key.
 *
 * @module
 */

import { type Action, keyTable } from "../screen/key_table.ts";

/** A key and what it does. */
export interface PageKey {
  /** What the script calls it. */
  readonly name: string;
  /** The keys, as `KeyboardEvent.key` names them. */
  readonly keys: readonly string[];
  /** What it does, in words. */
  readonly does: string;
}

/** Keys that terminals call otherwise than browsers. */
const namesInBrowsers: Readonly<Record<string, string>> = {
  down: "ArrowDown",
  up: "ArrowUp",
  enter: "Enter",
};

/** A key of the full screen; those that browsers need for themselves are left out. */
function shared(action: Action, does?: string): PageKey {
  const entry = keyTable.find((each) => each.action === action);
  const keys = (entry?.keys ?? []).map((key) => namesInBrowsers[key] ?? key)
    .filter((key) => key.length === 1 || Object.values(namesInBrowsers).includes(key));
  return { name: action, keys, does: does ?? entry?.help ?? "" };
}

/** All keys. */
export const keys: readonly PageKey[] = [
  shared("down", "to the next post or user"),
  shared("up", "to the one before"),
  shared("open"),
  shared("top"),
  shared("back"),
  shared("write"),
  shared("reply"),
  shared("repost"),
  shared("reveal"),
  shared("delete"),
  shared("profile"),
  shared("follow", "follow the author or user"),
  shared("mute", "mute the author or user"),
  shared("block", "block the author or user"),
  shared("mute_thread", "mute the thread"),
  shared("home"),
  shared("mentions", "Notifications: what you are told of"),
  shared("people"),
  shared("search"),
  { name: "requests", keys: ["5"], does: "Requests: what strangers say" },
  { name: "settings", keys: ["6"], does: "Settings" },
  shared("help"),
];
