/**
 * Followers, and what is muted, as text for people.
 *
 * @module
 */

import type { FollowedView, MuteView } from "../../core/api.ts";
import { safeLine } from "../terminal/safe_text.ts";
import type { Look } from "./look.ts";

/** Something muted, and until when. */
export function renderMute({ kind, what, until }: MuteView, { paint }: Look): string {
  const end = until === null ? "" : paint.dim(` until ${until.slice(0, 16).replace("T", " ")} UTC`);
  const name = kind === "thread" ? `the thread of ${safeLine(what)}` : safeLine(what);
  return `${kind === "thread" ? "" : `${kind} `}${paint.name(name)}${end}`;
}

/** Followers, or users who are followed: a line each. */
export function renderPeople(users: readonly FollowedView[], { paint }: Look): string {
  if (users.length === 0) return "No user.";
  return users.map(({ username, fingerprint, online }) => {
    const state = online ? paint.good("online ") : paint.dim("offline");
    return `${paint.name(safeLine(username).padEnd(20))} ${state}  ${paint.dim(fingerprint)}`;
  }).join("\n");
}
