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
import { untilQuiet } from "./fetching.ts";

/** Notifications or requests of a page. */
const limitDefault = 20;

/** Calls back for events until the program is to end, the user logs out, or the peer stops. */
async function whileEvents(
  context: Context,
  access: Access,
  { begin, tell }: {
    /** Says what there is before the first event. */
    readonly begin: () => Promise<void>;
    readonly tell: (event: PeerEvent) => void;
  },
): Promise<void> {
  const { signal } = context;
  const end = Promise.withResolvers<void>();
  const early: PeerEvent[] = [];
  let take: typeof tell = (event) => void early.push(event);
  const stop = await access.subscribe((event) => {
    take(event);
    if (event.event === "logout") end.resolve();
  });
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  try {
    await begin();
    take = tell;
    early.forEach(tell);
    if (!signal.aborted) await Promise.race([end.promise, access.ended]);
  } finally {
    stop();
  }
}

/** Notifications oldest first, then each as it comes. */
async function watchNotifications(
  context: Context,
  access: Access,
  { request, read }: { readonly request: NotificationsRequest; readonly read: boolean },
): Promise<void> {
  const { output } = context;
  const shown = new Set<string>();
  const show = (event: PeerEvent & { readonly event: "notification" }) => {
    if (shown.has(event.notification.id)) return;
    shown.add(event.notification.id);
    void output.line(event, (look) => renderNotification(event.notification, look));
    if (read) access.api.markRead({ what: "notifications" }).catch(output.failure.bind(output));
  };
  await whileEvents(context, access, {
    begin: async () => {
      const { notifications } = await access.api.notifications(request);
      for (const notification of [...notifications].reverse()) {
        show({ event: "notification", notification });
      }
    },
    tell: (event) => {
      if (event.event === "notification") show(event);
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
