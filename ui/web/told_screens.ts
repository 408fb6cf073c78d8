/**
 * The screens of what the user is told: notifications, and what strangers say.
 *
 * @module
 */

import type { NotificationView } from "../../core/api.ts";
import { noticeRow, noticesEmptyTexts } from "../views/notices.ts";
import type { Offer } from "../views/relations.ts";
import type { Screen } from "./layout.ts";
import { type Html, markup } from "./markup.ts";
import { postHtml, timeHtml } from "./post_html.ts";
import type { Making } from "./screens.ts";
import { nameHtml, textHtml } from "./text_html.ts";
import { userButtons } from "./user_buttons.ts";

/** Notifications and requests on a screen. */
const toldMax = 100;

/** One thing that the user is told, and what can be done about its author. */
function toldHtml(
  view: NotificationView,
  { reader, desk }: Making,
  what: "notifications" | "requests",
): { readonly html: Html; readonly offers: readonly Offer[] } {
  const row = noticeRow(view, { desk, what, isRevealed: () => true });
  const { kind, who, text, offers } = row;
  const mark = row.isUnread ? "told unread" : "told";
  const when = timeHtml(row.at, reader);
  const { post } = view;
  const told = (inside: Html, more = "") => ({
    html: markup`<div class="${mark}${more}">${inside}</div>`,
    offers,
  });
  if (kind === "security") return told(markup`${textHtml(text, reader)} · ${when}`, " doubt");
  // A post of the one who is told of says so itself.
  if (post !== null && post.author === who.username) {
    return told(postHtml(post, reader, { did: text }));
  }
  const head = markup`<p class="deed"><span>${
    nameHtml(who.username, reader, who.shown)
  } ${text}</span>${when}</p>`;
  const gone = row.isPostGone ? markup`<p class="none">The post is no longer here.</p>` : "";
  return told(markup`${head}${post === null ? gone : postHtml(post, reader)}`);
}

/** What the user is told of. */
export async function notificationsScreen(making: Making): Promise<Screen> {
  const { notifications } = await making.api.notifications({ limit: toldMax });
  making.desk.quote(notifications.flatMap(({ post }) => post ?? []));
  const list = notifications.map((view) => toldHtml(view, making, "notifications").html);
  const none = markup`<p class="none">${noticesEmptyTexts.notifications}</p>`;
  return {
    title: "Notifications",
    entry: "notifications",
    main: markup`<div id="posts">${list.length === 0 ? none : list}</div>`,
    facts: { kind: "notifications" },
  };
}

/** What strangers say, each with what may be done about the stranger. */
export async function requestsScreen(making: Making): Promise<Screen> {
  const { requests } = await making.api.requests({ limit: toldMax });
  making.desk.quote(requests.flatMap(({ post }) => post ?? []));
  const list = requests.map((view) => {
    const { html, offers } = toldHtml(view, making, "requests");
    return markup`<section class="request">${html}<p class="row">${
      userButtons(offers, view.from)
    }</p></section>`;
  });
  const none = markup`<p class="none">${noticesEmptyTexts.requests}</p>`;
  return {
    title: "Requests",
    entry: "requests",
    main: [
      markup`<p class="note">Users who neither follow you nor are followed by you.</p>`,
      markup`<div id="posts">${list.length === 0 ? none : list}</div>`,
    ],
    facts: { kind: "requests" },
  };
}
