/**
 * Followers, and what is muted, as text for people.
 *
 * @module
 */

import type { AboutView, FollowedView, MuteView } from "../../core/api.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import { type Look, widthAfter } from "./look.ts";

/** Something muted, and until when. */
export function renderMute({ kind, what, until }: MuteView, { paint }: Look): string {
  const end = until === null ? "" : paint.dim(` until ${until.slice(0, 16).replace("T", " ")} UTC`);
  const name = kind === "thread" ? `the thread of ${safeLine(what)}` : safeLine(what);
  return `${kind === "thread" ? "" : `${kind} `}${paint.name(name)}${end}`;
}

/** What a user says of themselves, in lines. */
export function renderAbout(
  { name = null, about = null, link = null }: Partial<AboutView>,
  look: Look,
): string[] {
  const width = widthAfter(16, look);
  const rows: [string, string | null][] = [["name", name], ["about", about], ["link", link]];
  return rows.flatMap(([label, text]) => {
    if (text === null) return [];
    const [first = "", ...rest] = wrapText(safeText(text), width);
    return [`${label.padEnd(16)}${first}`, ...rest.map((line) => " ".repeat(16) + line)];
  });
}

/** Followers, or users who are followed: a line each. */
export function renderPeople(
  list: "followers" | "following",
  users: readonly FollowedView[],
  { paint }: Look,
): string {
  if (users.length === 0) {
    return list === "followers" ? "No user follows you yet." : "You follow no users yet.";
  }
  return users.map(({ username, fingerprint, online, name }) => {
    const state = online ? paint.good("online ") : paint.dim("offline");
    return `${paint.name(safeLine(username).padEnd(20))} ${state}  ${paint.dim(fingerprint)}${
      name === null ? "" : `  ${safeLine(name)}`
    }`;
  }).join("\n");
}
