/**
 * The door of this room: all of its parts, put together for one session.
 *
 * @module
 */

import type {
  NotificationsRequest,
  NotificationsView,
  NotificationView,
  RequestsView,
} from "../api.ts";
import type { NotificationList } from "../conversation_store.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import type { Post, PostContent } from "../model/post.ts";
import { refOf } from "../model/user.ts";
import type { Unwanted } from "../session/interfaces.ts";
import { warn } from "../session/warn.ts";
import { HolderSearch } from "./holder_search.ts";
import { Holdings } from "./holdings.ts";
import { IncomingMentions } from "./incoming.ts";
import { type Shown, shownNotification } from "./notification_views.ts";
import { Notifications } from "./notifications.ts";
import { OutgoingMentions } from "./outgoing.ts";
import { OwnDevices } from "./own_devices.ts";
import { Reposts } from "./reposts.ts";
import { StrangersBudget } from "./strangers.ts";
import { Threads, type ThreadsParts } from "./threads.ts";

/**
 * Other devices are told of a new mention this late. By then the sender has told all devices that it knows, and
 * only those that it does not know lack the mention.
 */
const shareAfterMs = 2_000;

/** What conversations need of a login. */
export interface ConversationParts extends MessagingParts, Pick<ThreadsParts, "feeds" | "answers"> {
  /** What is not shown, and from whom nothing is taken. */
  readonly mutes: Unwanted;
}

/** See the module. */
export class Conversations {
  /** What the user is to be told of. */
  readonly notifications: Notifications;
  /** Own posts on their way. */
  readonly outgoing: OutgoingMentions;
  /** What becomes of reposts. */
  readonly reposts: Reposts;
  /** Threads. */
  readonly threads: Threads;
  readonly #parts: ConversationParts;
  readonly #incoming: IncomingMentions;
  readonly #holdings: Holdings;
  readonly #strangers: StrangersBudget;
  readonly #devices: OwnDevices;

  /** The conversations of one session; {@linkcode load} takes in those of earlier ones. */
  constructor(parts: ConversationParts) {
    this.#parts = parts;
    const { session } = parts;
    const notifications = new Notifications(session, parts.mutes);
    const strangers = new StrangersBudget(session);
    const holdings = new Holdings(parts);
    const outgoing = new OutgoingMentions({ ...parts, search: new HolderSearch(parts) });
    const reposts = new Reposts({ session, outgoing });
    notifications.onDelete = (by) => reposts.takenBack(by);
    const sharing = session.scheduler.job(() => this.share());
    notifications.onPost = () => sharing.isDue || sharing.dueIn(shareAfterMs);
    this.notifications = notifications;
    this.outgoing = outgoing;
    this.reposts = reposts;
    this.threads = new Threads({ ...parts, reposts });
    this.#holdings = holdings;
    this.#devices = new OwnDevices(parts);
    this.#strangers = strangers;
    this.#incoming = new IncomingMentions({
      ...parts,
      notifications,
      strangers,
      holdings,
      reposts,
    });
  }

  /** Takes in what earlier sessions left in the store. */
  async load(): Promise<void> {
    await this.#strangers.load();
    await this.#holdings.load();
    await this.notifications.load();
    await this.outgoing.load();
    this.reposts.start();
  }

  /** Deals with a `mention`. */
  received(message: MessageOf<"mention">): void {
    this.#incoming.received(message);
  }

  /** A user is online: what waits for that user is sent. */
  greeted({ from, body }: MessageOf<"hello">): void {
    const { session } = this.#parts;
    if (from.username === session.self.username) return this.share(body.device);
    this.outgoing.send(from.username);
    this.#holdings.handOver(refOf(from)).catch((error: unknown) => warn(session, error));
  }

  /** Tells the user's other devices, or one of them, of what is new here; goes on in the background. */
  share(device?: number): void {
    const { session } = this.#parts;
    this.reposts.retry();
    this.#devices.share(device).catch((error: unknown) => warn(session, error));
  }

  /** A page of notifications, with the posts that `shown` lets their reader see. */
  async told(request: NotificationsRequest, shown: Shown): Promise<NotificationsView> {
    const notifications = await this.#page("notifications", request, shown);
    return { notifications, unread: await this.notifications.unread("notifications") };
  }

  /** A page of what strangers say. */
  async asked(request: NotificationsRequest, shown: Shown): Promise<RequestsView> {
    const requests = await this.#page("requests", request, shown);
    return { requests, unread: await this.notifications.unread("requests") };
  }

  async #page(
    list: NotificationList,
    request: NotificationsRequest,
    shown: Shown,
  ): Promise<NotificationView[]> {
    const page = await this.notifications.page(list, request);
    return page.map((view) => shownNotification(view, shown)).filter((view) => view !== undefined);
  }

  /** How many posts are kept for other users. */
  get held(): number {
    return this.#holdings.size;
  }

  /** Users to whom an own post is to go; its author is told where it names too many. */
  named(post: PostContent): string[] {
    return this.outgoing.named(post);
  }

  /** For each own post that is taken back, those who have it although they may not follow. */
  async concerned(posts: readonly Post[]): Promise<string[][]> {
    const reposters = await this.reposts.repostersOf(posts);
    return posts.map((post, i) => [
      ...new Set([...this.outgoing.concerned(post), ...reposters[i] ?? []]),
    ]);
  }

  /** An own post has been committed together with those to whom it is to go. */
  added(post: Post, names: readonly string[]): void {
    this.outgoing.added(post, names);
  }

  /** An own post has been taken back: peers that ask for its thread are told of it. */
  async tookBack(by: Post, gone: Post): Promise<void> {
    await this.notifications.tookBack(by, gone);
  }

  /** Resolves when nothing that came in is being dealt with. */
  settled(): Promise<void> {
    return this.#incoming.settled();
  }
}
