/**
 * Notifications and requests as text for people. Whatever strangers wrote passes `safe_text.ts` here.
 *
 * @module
 */

import type { NotificationView, PeerEvent } from "../../core/api.ts";
import { safeLine, safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import { type Look, widthAfter } from "./look.ts";
import { renderPost } from "./render_post.ts";
import { ageOf } from "../views/words.ts";

const deeds: Readonly<Record<NotificationView["kind"], string>> = {
  follow: "follows you",
  mention: "mentions you",
  reply: "replies to you",
  repost: "passed a post of yours on",
  security: "",
};

/** Who did what, in one line. */
function headOf({ kind, from, message }: NotificationView, look: Look): string {
  if (kind === "security") return look.paint.warning(safeLine(message ?? "Something is wrong"));
  return `${look.paint.bold(look.paint.name(safeLine(from)))} ${deeds[kind]}`;
}

/** A notification: who did what and when, the post below, indented. */
export function renderNotification(view: NotificationView, look: Look): string {
  const { paint } = look;
  const mark = view.read ? " " : paint.good("•");
  const when = paint.dim(` · ${ageOf(view.at, look.now)}`);
  if (view.kind === "security") {
    const lines = wrapText(safeText(view.message ?? ""), widthAfter(2, look)).map(paint.warning);
    return lines.map((line, i) => i === 0 ? `${mark} ${line}` : `  ${line}`).join("\n") + when;
  }
  const head = `${mark} ${headOf(view, look)}${when}`;
  if (view.kind === "follow") return head;
  if (view.post === null) return `${head}\n    ${paint.dim("The post is no longer here.")}`;
  const post = renderPost(view.post, { ...look, columns: look.columns - 4 });
  return [head, ...post.split("\n").map((line) => `    ${line}`)].join("\n");
}

/** Notifications, newest first. */
export function renderNotifications(views: readonly NotificationView[], look: Look): string {
  if (views.length === 0) return "Nothing to tell you.";
  return views.map((view) => renderNotification(view, look)).join("\n");
}

/** What strangers say, newest first. */
export function renderRequests(views: readonly NotificationView[], look: Look): string {
  if (views.length === 0) return "No stranger has written to you.";
  return views.map((view) => renderNotification(view, look)).join("\n");
}

/** One line that tells of a notification or request as it comes. */
export function renderTold(
  event: PeerEvent & { readonly event: "notification" | "request" },
  look: Look,
): string {
  if (event.event === "notification") return headOf(event.notification, look);
  return `${headOf(event.request, look)} ${look.paint.dim("(a stranger: see requests)")}`;
}

/** Whether an event tells people what another one has told them already. */
export function isRepeated(event: PeerEvent, username: string | undefined): boolean {
  if (event.event !== "notification") return false;
  const { kind, from } = event.notification;
  return kind === "follow" || (kind === "security" && from !== username);
}
