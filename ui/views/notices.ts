/**
 * Notifications, or what strangers say: a list of what the user is told of.
 *
 * @module
 */

import type { NotificationView, PeerEvent } from "../../core/api.ts";
import { type AuthorRow, authorRow } from "./authors.ts";
import type { Desk } from "./desk.ts";
import { Load, type LoadView } from "./load.ts";
import { type PostRow, postRow } from "./post_row.ts";
import { compareIds } from "./post_window.ts";
import { type Offer, offer } from "./relations.ts";
import { shortAge } from "./words.ts";

/** Rows that are read at first, and by which the list grows. */
const step = 100;

/** Rows at most: as many as the peer tells of at once. */
export const noticesMax = 1_000;

/** What the user is told of. */
export interface NoticeRow {
  /** No other row has it. */
  readonly key: string;
  /** What it is. */
  readonly kind: NotificationView["kind"];
  /** Who did it; of a security event, whom it concerns. */
  readonly who: AuthorRow;
  /** What they did, to stand behind the name: `replies to you`. Of a security event all of it, without the name. */
  readonly text: string;
  /** The post, or null. */
  readonly post: PostRow | null;
  /** Whether there was a post that is no longer here. */
  readonly isPostGone: boolean;
  /** ISO 8601. */
  readonly at: string;
  /** The same in words. */
  readonly age: string;
  /** Whether it had not been read when the list was loaded. */
  readonly isUnread: boolean;
  /** What can be done about its author. */
  readonly offers: readonly Offer[];
}

/** The list as it is shown. */
export interface NoticesView extends LoadView {
  /** The newest first; {@linkcode noticesMax} at most. */
  readonly rows: readonly NoticeRow[];
  /** Those that have come and do not stand among the rows, because the reader reads. */
  readonly waiting: number;
  /** The same in words; empty where there are none. */
  readonly waitingText: string;
  /** Whether there are more below the last row. */
  readonly hasOlder: boolean;
  /** The key of the row that is read, or null. */
  readonly anchor: string | null;
  /** What to say where there are no rows; empty where there are, or it is not known yet. */
  readonly emptyText: string;
}

const deedTexts: Readonly<Record<NotificationView["kind"], string>> = {
  follow: "follows you",
  mention: "mentions you",
  reply: "replies to you",
  repost: "passed a post of yours on",
  security: "",
};

/** What to say where there is nothing. */
export const noticesEmptyTexts = {
  notifications: "Nothing to tell you.",
  requests: "No stranger has written to you.",
} as const;

/** What a row shows of what the user is told. */
export function noticeRow(
  view: NotificationView,
  { desk, what, isRevealed }: {
    readonly desk: Desk;
    readonly what: "notifications" | "requests";
    /** Whether the text behind a warning is shown. */
    readonly isRevealed: () => boolean;
  },
): NoticeRow {
  const known = desk.known({ isRevealed });
  const { id, kind, from, post, message, at, read } = view;
  const about = from === desk.self || kind === "security" ? [] : desk.relations.offers(from);
  return {
    key: id,
    kind,
    who: authorRow(from, known, post ?? {}),
    text: kind === "security" ? message ?? "Something is wrong" : deedTexts[kind],
    post: post === null ? null : postRow(post, known),
    isPostGone: post === null && kind !== "follow" && kind !== "security",
    at,
    age: shortAge(at, known.nowMs),
    isUnread: !read,
    offers: what === "requests" ? [...about, offer("dismiss")] : about,
  };
}

/** Notifications, or requests. */
export class Notices {
  readonly #desk: Desk;
  readonly #what: "notifications" | "requests";
  readonly #load: Load;
  readonly #stops: (() => void)[];
  #held: readonly NotificationView[] | undefined;
  #waiting = new Map<string, NotificationView>();
  #revealed = new Set<string>();
  #limit = step;
  #hasOlder = false;
  #isLive = true;
  #anchor: string | undefined;
  /** The highest id that the peer was told is read. */
  #marked = "";

  /** A list of that kind; {@linkcode open} loads it. */
  constructor(desk: Desk, what: "notifications" | "requests") {
    this.#desk = desk;
    this.#what = what;
    this.#load = new Load(desk);
    this.#stops = [
      desk.onEvents((events) => this.#happened(events)),
      desk.onMissed(() => {
        if (this.#held !== undefined || this.#load.view().problem !== null) void this.#read();
      }),
      desk.onDone((deed) =>
        this.#held !== undefined && "username" in deed ? this.#read() : undefined
      ),
    ];
  }

  /** Loads the list, unless it is there. */
  open(): void {
    if (this.#held === undefined && !this.#load.isLoading) void this.#read();
  }

  /** Goes to the newest: what has come takes its place. */
  newest(): void {
    this.#isLive = true;
    this.#anchor = undefined;
    void this.#read();
  }

  /** Loads more below the last row. */
  older(): void {
    if (!this.#hasOlder || this.#load.isLoading) return;
    this.#limit = Math.min(this.#limit + step, noticesMax);
    void this.#read();
  }

  #read(): Promise<void> {
    const limit = this.#limit;
    return this.#load.run(() => this.#ask(limit), (found) => {
      this.#take(found);
      this.#hasOlder = found.length >= limit && limit < noticesMax;
    });
  }

  async #ask(limit: number): Promise<readonly NotificationView[]> {
    const { api } = this.#desk;
    return this.#what === "requests"
      ? (await api.requests({ limit })).requests
      : (await api.notifications({ limit })).notifications;
  }

  #take(found: readonly NotificationView[]): void {
    const held = new Set(this.#held?.map(({ id }) => id));
    const top = this.#held?.[0]?.id;
    // What has come since the reader began to read waits on.
    const isShown = ({ id }: NotificationView) =>
      this.#isLive || top === undefined || held.has(id) || compareIds(id, top) < 0;
    this.#waiting = new Map(
      found.filter((view) => !isShown(view)).map((view) => [view.id, view]),
    );
    this.#held = found.filter(isShown);
    this.#desk.quote(found.map(({ post }) => post).filter((post) => post !== null));
  }

  /** The list as it is now. */
  view(): NoticesView {
    const rows = (this.#held ?? []).map((view) => this.#row(view));
    const waiting = this.#waiting.size;
    const isEmpty = this.#held !== undefined && rows.length === 0;
    return {
      ...this.#load.view(),
      rows,
      waiting,
      waitingText: waiting === 0 ? "" : `${waiting} newer arrived`,
      hasOlder: this.#hasOlder,
      anchor: this.#anchor ?? null,
      emptyText: isEmpty ? noticesEmptyTexts[this.#what] : "",
    };
  }

  #row(view: NotificationView): NoticeRow {
    const isRevealed = () => this.#revealed.has(view.id);
    return noticeRow(view, { desk: this.#desk, what: this.#what, isRevealed });
  }

  /** The reader reads a row. `isAtTop`: those that come may take their places, unless some wait already. */
  select(key: string, isAtTop = false): void {
    this.#anchor = key;
    this.#isLive = isAtTop && this.#waiting.size === 0;
    this.#desk.changed();
  }

  /** Shows the text of a row's post behind its warning, or hides it again. */
  reveal(key: string): void {
    if (!this.#revealed.delete(key)) this.#revealed.add(key);
    this.#desk.changed();
  }

  /** All that is in the list was before the reader's eyes. The rows stay marked until the list is loaded anew. */
  seen(): void {
    const newest = this.#held?.find(({ read }) => !read)?.id;
    if (newest === undefined || compareIds(newest, this.#marked) <= 0) return;
    this.#marked = newest;
    const failed = () => {
      // The next time marks again.
      this.#marked = "";
    };
    this.#desk.api.markRead({ what: this.#what }).then(() => this.#desk.recount(), failed);
  }

  /** The list is no longer shown. */
  close(): void {
    for (const stop of this.#stops) stop();
    this.#load.stop();
  }

  #happened(events: readonly PeerEvent[]): void {
    if (this.#held === undefined) return;
    const fresh: NotificationView[] = [];
    for (const event of events) {
      if (event.event === "notification" && this.#what === "notifications") {
        fresh.push(event.notification);
      }
      if (event.event === "request" && this.#what === "requests") fresh.push(event.request);
      if (event.event === "deleted") this.#deleted(event.author, event.id);
    }
    if (fresh.length === 0) return;
    const held = new Set(this.#held.map(({ id }) => id));
    const added = fresh.filter(({ id }) => !held.has(id));
    if (!this.#isLive) {
      for (const view of added) {
        if (this.#waiting.size < noticesMax) this.#waiting.set(view.id, view);
      }
      return;
    }
    const all = new Map([...added, ...this.#held].map((view) => [view.id, view]));
    this.#held = [...all.values()].sort((a, b) => compareIds(b.id, a.id)).slice(0, noticesMax);
  }

  /** What an author took back is no longer shown with what the user was told. */
  #deleted(author: string, id: string): void {
    this.#held = this.#held?.map((view) =>
      view.post?.author === author && view.post.id === id ? { ...view, post: null } : view
    );
  }
}
