/**
 * Notifications in the shape that the interface of a peer shows.
 *
 * @module
 */

import type { NotificationView, PeerEvent, PostView } from "../api.ts";
import type { StoredNotification } from "../conversation_store.ts";
import { given } from "../model/arguments.ts";
import type { Post } from "../model/post.ts";
import { postView } from "../session/views.ts";

/**
 * A notification as commands and events show it.
 *
 * @param post The post that it tells of; undefined where there is none, or where it is no longer there.
 */
export function notificationView(
  { number, kind, from, at, message }: StoredNotification,
  { post, read }: { readonly post: Post | undefined; readonly read: boolean },
): NotificationView {
  const view = {
    id: number.toString(),
    kind,
    from,
    post: post === undefined ? null : postView(post),
    at: new Date(at).toISOString(),
    read,
  };
  return { ...view, ...given({ message }) };
}

/** A post as its reader may see it; undefined for one that is not shown. */
export type Shown = (post: PostView) => PostView | undefined;

/** The same, with its post as its reader may see it; undefined where that is not shown at all. */
export function shownNotification(
  view: NotificationView,
  shown: Shown,
): NotificationView | undefined {
  if (view.post === null) return view;
  const post = shown(view.post);
  return post && { ...view, post };
}

/** An event with its post as its reader may see it; undefined for that of a post that is not shown. */
export function shownEvent(
  event: PeerEvent,
  shown: Shown,
): PeerEvent | undefined {
  switch (event.event) {
    case "post": {
      const post = shown(event.post);
      return post && { ...event, post };
    }
    case "notification": {
      const notification = shownNotification(event.notification, shown);
      return notification && { ...event, notification };
    }
    case "request": {
      const request = shownNotification(event.request, shown);
      return request && { ...event, request };
    }
    default:
      return event;
  }
}
