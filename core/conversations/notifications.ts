/**
 * What the user is to be told of, with a mark up to where it was read.
 *
 * @module
 */

import type { NotificationsRequest, NotificationView, PeerEvent } from "../api.ts";
import type {
  NewNotification,
  NotificationExtras,
  NotificationList,
  StoredNotification,
} from "../conversation_store.ts";
import type { CamelliaError } from "../model/errors.ts";
import { addressOf } from "../model/mentions.ts";
import { type Post, rootOf } from "../model/post.ts";
import { deviceMax } from "../model/snowflake.ts";
import type { Session, Unwanted } from "../session/interfaces.ts";
import { postView } from "../session/views.ts";
import { readNumber, writeNumber } from "../session/notes.ts";
import { warn } from "../session/warn.ts";
import { asArray, asInteger, attempt, decode, encode } from "../../lib/msgpack.ts";
import { Recent } from "../../lib/recent.ts";
import { isTimely } from "./limits.ts";
import { notificationView } from "./notification_views.ts";
import { postNamed } from "./post_named.ts";

/** The notes with the marks. */
const markNote: Readonly<Record<NotificationList, string>> = {
  notifications: "read notifications",
  requests: "read requests",
};

/** The note with the numbers of the user's devices that are known. */
const devicesNote = "known devices";

/** Notifications in a page, unless the reader asks for another number. */
const pageDefault = 100;

/** A count of what is unread is good for so long: a menu asks for it after each of many that come at once. */
const countMs = 500;

/** Posts of the timeline that are looked at after a start. */
const lookedAtMax = 200;

const listsOf: readonly NotificationList[] = ["notifications", "requests"];

/** What the user does not want to see. */
type Hiding = Pick<Unwanted, "hides" | "hidesUser" | "hidesNothing" | "version">;

/** See the module. */
export class Notifications {
  readonly #session: Session;
  readonly #mutes: Hiding;
  /** The number of the last one that was read, by list. */
  readonly #marks: Record<NotificationList, number> = { notifications: 0, requests: 0 };
  readonly #unread: Readonly<Record<NotificationList, Recent<number>>>;

  /** Is told of each delete that was stored. */
  onDelete: (by: Post) => void = () => {};
  /** Called when the user is told of a post. */
  onPost: () => void = () => {};

  /** The notifications of one session's user; {@linkcode load} takes in those of earlier ones. */
  constructor(session: Session, mutes: Hiding) {
    this.#session = session;
    this.#mutes = mutes;
    const counted = (list: NotificationList) =>
      new Recent({
        time: session.ports.clock,
        ms: countMs,
        read: () => this.#count(list),
        version: () => mutes.version,
      });
    this.#unread = { notifications: counted("notifications"), requests: counted("requests") };
  }

  /** Reads the marks. */
  async load(): Promise<void> {
    const { store } = this.#session;
    for (const list of listsOf) {
      this.#marks[list] = await readNumber(store, markNote[list]) ?? 0;
    }
    // A peer that was killed may have kept a post and not told of it.
    this.arrived((await store.timeline({ limit: lookedAtMax })).reverse(), []);
  }

  /** How many are unread, without those that the user does not want to see any more. */
  unread(list: NotificationList): Promise<number> {
    return this.#unread[list].get();
  }

  /**
   * Keeps a notification and tells of it, with its post; false where there is one of this already, or what it
   * tells of is muted.
   */
  async tell(
    notification: NewNotification,
    { post, ...extras }: NotificationExtras & { readonly post?: Post } = {},
  ): Promise<boolean> {
    if (this.hides(notification, post)) return false;
    const session = this.#session;
    const stored = await session.store.conversations.notify(notification, extras);
    if (stored === undefined) return false;
    const { list } = stored;
    this.#unread[list].change((count) => count + 1);
    if (stored.post !== undefined) this.onPost();
    const view = notificationView(stored, { post, read: false });
    session.emit(
      list === "requests"
        ? { event: "request", request: view }
        : { event: "notification", notification: view },
    );
    return true;
  }

  /** A page of a list, newest first. */
  async page(
    list: NotificationList,
    { limit = pageDefault, unread = false }: NotificationsRequest,
  ): Promise<NotificationView[]> {
    const { store } = this.#session;
    const mark = this.#marks[list];
    const after = unread ? { after: mark } : {};
    // What is hidden is not to make a page shorter.
    const all = { list, limit: this.#mutes.hidesNothing ? limit : Infinity, ...after };
    const views: NotificationView[] = [];
    for (const stored of await store.conversations.notifications(all)) {
      if (views.length >= limit) break;
      const post = await this.#postOf(stored);
      if (post === "hidden") continue;
      views.push(notificationView(stored, { post, read: stored.number <= mark }));
    }
    return views;
  }

  /**
   * Posts of followed authors have come in by their feeds.
   *
   * @param gone Posts that were here and that deletes among the new ones have removed.
   */
  arrived(posts: readonly Post[], gone: readonly Post[]): void {
    const { self, ports: { clock } } = this.#session;
    for (const post of posts) {
      const { author, id, deletes } = post;
      if (deletes !== undefined) {
        const isGone = ({ device, number }: Post) =>
          device === deletes.device && number === deletes.number;
        this.#background(this.tookBack(post, gone.find(isGone)));
        continue;
      }
      const kind = addressOf(post, self.username);
      // Those of years that are fetched for a new follower's sake are no news.
      if (kind === undefined || !isTimely(post, clock.now())) continue;
      const at = Math.floor(clock.now());
      const told = { kind, from: author, post: { author, id }, at };
      this.#background(this.tell({ list: "notifications", ...told }, { post }));
    }
  }

  /** An author has taken a post back: who asks for its thread is to learn of that. */
  async tookBack(by: Post, gone?: Post): Promise<void> {
    const { self, store, ports: { clock } } = this.#session;
    const isServed = gone !== undefined &&
      (gone.replyTo !== undefined || gone.author === self.username);
    const one = { post: by, isConfirmed: true, onlyForThread: true };
    await store.conversations.addContext(
      [isServed ? { ...one, thread: rootOf(gone) } : one],
      Math.floor(clock.now()),
    );
    this.onDelete(by);
  }

  /** Something has happened in the peer. */
  happened(event: PeerEvent): void {
    const told = toldOf(event);
    if (told === undefined) return;
    const at = Math.floor(this.#session.ports.clock.now());
    this.#background(this.tell({ list: "notifications", at, ...told }));
  }

  /** A followed user has closed the account: the person is told once. */
  closed(username: string): void {
    const message = `${username} has closed the account: no more posts come. ` +
      `Unfollow ${username} to remove those that are here.`;
    const told = { kind: "security", from: username, message } as const;
    const at = Math.floor(this.#session.ports.clock.now());
    this.#background(this.tell({ list: "notifications", at, ...told }));
  }

  /** The session ends because of what another device did. */
  leaving({ code, message }: CamelliaError): void {
    if (code !== "password_changed") return;
    const { self, ports: { clock } } = this.#session;
    const told = { kind: "security", from: self.username, message } as const;
    const at = Math.floor(clock.now());
    this.#background(this.tell({ list: "notifications", at, ...told }));
  }

  /** The user's devices that are announced, by number: of new ones the user is told. */
  async devices(numbers: readonly number[]): Promise<void> {
    const { self, device, store, ports: { clock } } = this.#session;
    const bytes = await store.getNote(devicesNote);
    const limits = { maxBytes: 8_192, maxArrayLength: deviceMax + 1 };
    const known = bytes === undefined
      ? undefined
      : attempt(() =>
        asArray(decode(bytes, limits), "devices", 0, deviceMax + 1)
          .map((number) => asInteger(number, "device", 0, deviceMax))
      );
    const seen = new Set([...known ?? [], device]);
    const fresh = numbers.filter((number) => !seen.has(number));
    if (known !== undefined && seen.size === known.length && fresh.length === 0) return;
    await store.putNote(devicesNote, encode([...seen, ...fresh]));
    // The first time all of them are new here.
    if (known === undefined) return;
    for (const number of fresh) {
      const message =
        `You are logged in on another device, number ${number}. If it is not yours, ` +
        "change your password and remove that device.";
      const told = { kind: "security", from: self.username, message } as const;
      await this.tell({ list: "notifications", at: Math.floor(clock.now()), ...told });
    }
  }

  /** All of a list have been read. */
  async markRead(list: NotificationList): Promise<void> {
    const { store } = this.#session;
    const [last] = await store.conversations.notifications({ list, limit: 1 });
    if (last === undefined || last.number <= this.#marks[list]) return;
    await writeNumber(store, markNote[list], last.number);
    this.#marks[list] = last.number;
    this.#unread[list].forget();
  }

  /** Puts the requests of a user aside. */
  async putAside(username: string): Promise<void> {
    await this.#session.store.conversations.putAside("requests", username);
    this.#unread.requests.forget();
  }

  /** Whether the user does not want to be told of this. */
  hides({ kind, from }: Pick<NewNotification, "kind" | "from">, post?: Post): boolean {
    if (kind === "security") return false;
    return this.#mutes.hidesUser(from) || (post !== undefined && this.#mutes.hides(postView(post)));
  }

  /** The post of a notification, undefined where there is none any more; or that the user is not to see it. */
  async #postOf(stored: StoredNotification): Promise<Post | undefined | "hidden"> {
    if (this.hides(stored)) return "hidden";
    const post = stored.post && await postNamed(this.#session.store, stored.post);
    return post !== undefined && this.hides(stored, post) ? "hidden" : post;
  }

  /** Counts in the database, which forgets the oldest ones. */
  async #count(list: NotificationList): Promise<number> {
    const { conversations } = this.#session.store;
    const after = this.#marks[list];
    const all = await conversations.notifications({ list, after, limit: Infinity });
    if (this.#mutes.hidesNothing) return all.length;
    let count = 0;
    for (const stored of all) if (await this.#postOf(stored) !== "hidden") count++;
    return count;
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
