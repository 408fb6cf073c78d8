/**
 * What the user is to be told of, with a mark up to where it was read.
 *
 * @module
 */

import type { PeerEvent } from "../api.ts";
import type {
  NewNotification,
  NotificationExtras,
  NotificationList,
} from "../conversation_store.ts";
import { addressOf } from "../model/mentions.ts";
import type { Post } from "../model/post.ts";
import type { Session, Unwanted } from "../session/interfaces.ts";
import { postView } from "../session/views.ts";
import { readNumber, writeNumber } from "../session/notes.ts";
import { warn } from "../session/warn.ts";
import { isTimely } from "./limits.ts";

/** The notes with the marks. */
const markNote: Readonly<Record<NotificationList, string>> = {
  notifications: "read notifications",
  requests: "read requests",
};

const listsOf: readonly NotificationList[] = ["notifications", "requests"];

/** See the module. */
export class Notifications {
  readonly #session: Session;
  readonly #mutes: Pick<Unwanted, "hides" | "hidesUser">;
  /** The number of the last one that was read, by list. */
  readonly #marks: Record<NotificationList, number> = { notifications: 0, requests: 0 };
  readonly #unread: Record<NotificationList, number> = { notifications: 0, requests: 0 };

  /** The notifications of one session's user; {@linkcode load} takes in those of earlier ones. */
  constructor(session: Session, mutes: Pick<Unwanted, "hides" | "hidesUser">) {
    this.#session = session;
    this.#mutes = mutes;
  }

  /** Reads the marks, and counts what is unread. */
  async load(): Promise<void> {
    const { store } = this.#session;
    for (const list of listsOf) {
      this.#marks[list] = await readNumber(store, markNote[list]) ?? 0;
      await this.#count(list);
    }
  }

  /** How many are unread. */
  unread(list: NotificationList): number {
    return this.#unread[list];
  }

  /**
   * Keeps a notification and tells of it; false where there is one of this already, or what it tells of is muted.
   *
   * @param post The post that it tells of.
   */
  async tell(
    notification: NewNotification,
    extras?: NotificationExtras,
    post?: Post,
  ): Promise<boolean> {
    const { store } = this.#session;
    if (this.#isHidden(notification, post)) return false;
    const stored = await store.conversations.notify(notification, extras);
    if (stored === undefined) return false;
    this.#unread[stored.list]++;
    return true;
  }

  /** Posts of followed authors have come in by their feeds. */
  arrived(posts: readonly Post[]): void {
    const { self, store, ports: { clock } } = this.#session;
    for (const post of posts) {
      const { author, id, deletes } = post;
      if (deletes !== undefined) {
        this.#background(store.conversations.dropContext(author, deletes));
      }
      const kind = addressOf(post, self.username);
      // Those of years that are fetched for a new follower's sake are no news.
      if (kind === undefined || !isTimely(post, clock.now())) continue;
      const at = Math.floor(clock.now());
      const told = { kind, from: author, post: { author, id }, at };
      this.#background(this.tell({ list: "notifications", ...told }, {}, post));
    }
  }

  /** Something has happened in the peer. */
  happened(event: PeerEvent): void {
    const told = toldOf(event);
    if (told === undefined) return;
    const at = Math.floor(this.#session.ports.clock.now());
    this.#background(this.tell({ list: "notifications", at, ...told }));
  }

  /** All of a list have been read. */
  async markRead(list: NotificationList): Promise<void> {
    const { store } = this.#session;
    const [last] = await store.conversations.notifications({ list, limit: 1 });
    if (last === undefined || last.number <= this.#marks[list]) return;
    await writeNumber(store, markNote[list], last.number);
    this.#marks[list] = last.number;
    await this.#count(list);
  }

  /** Whether one has been read. */
  isRead({ list, number }: { readonly list: NotificationList; readonly number: number }): boolean {
    return number <= this.#marks[list];
  }

  /** The mark of a list: the number of the last one that was read. */
  markOf(list: NotificationList): number {
    return this.#marks[list];
  }

  /** Puts the requests of a user aside. */
  async putAside(username: string): Promise<void> {
    await this.#session.store.conversations.putAside("requests", username);
    await this.#count("requests");
  }

  #isHidden({ kind, from }: NewNotification, post?: Post): boolean {
    if (kind === "security") return false;
    return this.#mutes.hidesUser(from) || (post !== undefined && this.#mutes.hides(postView(post)));
  }

  async #count(list: NotificationList): Promise<void> {
    const { store } = this.#session;
    const after = this.#marks[list];
    const all = await store.conversations.notifications({ list, after, limit: Infinity });
    this.#unread[list] = all.length;
  }

  #background(task: Promise<unknown>): void {
    task.catch((error: unknown) => warn(this.#session, error));
  }
}

/** What an event tells the user, if it is to be kept. */
function toldOf(
  event: PeerEvent,
): Pick<NewNotification, "kind" | "from" | "message"> | undefined {
  switch (event.event) {
    case "follower":
      return event.following ? { kind: "follow", from: event.username } : undefined;
    case "clash": {
      const { username, pinned, other } = event;
      const message = `Another key claims the name ${username}: ${other}. Yours is ${pinned}.`;
      return { kind: "security", from: username, message };
    }
    case "fork": {
      const { author, number } = event;
      const message = `${author} published two posts under the number ${number}.`;
      return { kind: "security", from: author, message };
    }
    default:
      return undefined;
  }
}
