/**
 * `notifications`, `requests` and `watch`: what the user is to be told of, and everything that happens.
 *
 * @module
 */

import type { NotificationsRequest, PeerEvent } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { renderEvent } from "../output/render.ts";
import {
  isRepeated,
  renderNotification,
  renderNotifications,
  renderRequests,
} from "../output/render_notifications.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { Coalesced } from "../../lib/coalesced.ts";
import { untilQuiet } from "./fetching.ts";
import { whileEvents } from "./watching.ts";

/** Notifications or requests of a page. */
const limitDefault = 20;

/** Notifications oldest first, then each as it comes. */
async function watchNotifications(
  context: Context,
  access: Access,
  { request, read }: { readonly request: NotificationsRequest; readonly read: boolean },
): Promise<void> {
  const { output } = context;
  const marking = new Coalesced(() => access.api.markRead({ what: "notifications" }));
  /** Those of the page, until their events come as well. */
  const shown = new Set<string>();
  const show = (event: PeerEvent & { readonly event: "notification" }) => {
    void output.line(event, (look) => renderNotification(event.notification, look));
    if (read) marking.run().catch(output.failure.bind(output));
  };
  await whileEvents(context, access, {
    begin: async () => {
      const { notifications } = await access.api.notifications(request);
      for (const notification of [...notifications].reverse()) {
        shown.add(notification.id);
        show({ event: "notification", notification });
      }
    },
    tell: (event) => {
      if (event.event === "notification" && !shown.delete(event.notification.id)) show(event);
    },
  });
}

/** `notifications`. */
export async function notifications(
  context: Context,
  { limit = limitDefault, unread, read = false, watch }: PageFlags & { readonly watch?: boolean },
): Promise<void> {
  const request = { limit, ...given({ unread }) };
  await withPeer(context, "user", async (access) => {
    if (watch) return await watchNotifications(context, access, { request, read });
    // A command's own peer, just logged in, still takes in what it missed while it was away.
    if (access.own) await withSpinner(context.io, "Fetching", untilQuiet(context, access));
    const told = await access.api.notifications(request);
    if (read) await access.api.markRead({ what: "notifications" });
    await context.output.line(told, (look) => renderNotifications(told.notifications, look));
  });
}

/** `requests`. */
export async function requests(
  context: Context,
  { limit = limitDefault, unread, read, ignore }: PageFlags & { readonly ignore?: string },
): Promise<void> {
  await withPeer(context, "user", async (access) => {
    if (ignore !== undefined) await access.api.dismiss({ username: ignore });
    if (access.own) await withSpinner(context.io, "Fetching", untilQuiet(context, access));
    const told = await access.api.requests({ limit, ...given({ unread }) });
    if (read) await access.api.markRead({ what: "requests" });
    await context.output.line(told, (look) => renderRequests(told.requests, look));
  });
}

/** `watch`. */
export async function watch(context: Context): Promise<void> {
  const { output } = context;
  await withPeer(context, "user", async (access) => {
    const { user } = await access.api.status();
    await whileEvents(context, access, {
      begin: () => Promise.resolve(),
      tell: (event) => {
        if (!output.json && isRepeated(event, user?.username)) return;
        void output.line(event, (look) => renderEvent(event, look));
      },
    });
  });
}

/** What both lists take. */
export interface PageFlags {
  /** So many at most. */
  readonly limit?: number;
  /** Only those that have not been read. */
  readonly unread?: boolean;
  /** Whether all have been read then. */
  readonly read?: boolean;
}
