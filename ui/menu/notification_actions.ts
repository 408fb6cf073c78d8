/**
 * The entries of the menu on notifications and requests.
 *
 * @module
 */

import type { NotificationView } from "../../core/api.ts";
import { blocking, following, muting } from "../commands/tasks.ts";
import { renderNotifications, renderRequests } from "../output/render_notifications.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { chooseOne, type MenuContext, tell } from "./questions.ts";

/** One takes four lines on average: head, and a post of three. */
const linesEach = 4;

/** Requests that fit the terminal, but at least three. */
function pageSize(menu: MenuContext): number {
  return Math.max(3, Math.floor((menu.io.size().rows - 6) / linesEach));
}

/** Shows the newest notifications; all have been read then. */
export async function showNotifications(menu: MenuContext): Promise<void> {
  const { notifications } = await menu.api.notifications({ limit: pageSize(menu) });
  await menu.say(`\n${renderNotifications(notifications, menu.output.look())}\n`);
  await menu.api.markRead({ what: "notifications" });
}

/** Shows what strangers say, and lets the person follow, mute or block them, or put aside what they say. */
export async function showRequests(menu: MenuContext): Promise<void> {
  while (true) {
    const { requests } = await menu.api.requests({ limit: pageSize(menu) });
    await menu.say(`\n${renderRequests(requests, menu.output.look())}\n`);
    await menu.api.markRead({ what: "requests" });
    const username = await chooseStranger(menu, requests);
    if (username === undefined) return;
    const answer = await chooseOne(menu, `What about ${safeLine(username)}?`, [
      { value: "follow", name: "Follow" },
      { value: "ignore", name: "Ignore: put aside what this user has said" },
      { value: "mute", name: "Mute: show nothing of this user" },
      { value: "block", name: "Block: take nothing from this user" },
    ]);
    if (answer === undefined) return;
    if (answer === "follow") await tell(menu, following, { username });
    if (answer === "mute") await tell(menu, muting, { kind: "user", what: `@${username}` });
    if (answer === "block") await tell(menu, blocking, { username });
    await menu.api.dismiss({ username });
  }
}

/** Asks for one of those who wrote; undefined for back, and where there are none. */
async function chooseStranger(
  menu: MenuContext,
  requests: readonly NotificationView[],
): Promise<string | undefined> {
  const names = [...new Set(requests.map(({ from }) => from))];
  if (names.length === 0) return undefined;
  const answers = names.map((name) => ({ value: name, name: safeLine(name) }));
  return await chooseOne(menu, "Follow, ignore, mute or block one of them?", answers);
}
