/**
 * What happens in the peer, told to the tabs that are open: many events in one message, so that a storm of them
 * costs a browser no more than a breeze.
 *
 * A message says what has changed and which posts came, and nothing of what was written: a tab asks for that, as
 * much as it shows.
 *
 * @module
 */

import type { PeerEvent, UnreadView } from "../../core/api.ts";
import type { Time, Timer } from "../../lib/time.ts";

/** Time between two messages to a tab. The first after a quiet while goes at once. */
export const paceMs = 120;

/** After so long what is unread is counted: the database has to read for that, and no reader waits for it. */
export const countMs = 250;

/** Names of one kind in a message at most; beyond them the tab is told to look at everything. */
export const namesMax = 50;

/** What the person is told of outside of the page, in a message at most. */
const notesMax = 3;

/** What a tab is told. Everything is left out where nothing of the kind happened. */
export interface News {
  /** Names of posts of others that came to the timeline; where there are more, `all` has changed. */
  readonly posts?: readonly string[];
  /** Whether a post of the user came. */
  readonly own?: true;
  /** Names of posts that were taken back, `author/id`. */
  readonly deleted?: readonly string[];
  /** Names of the first posts of threads that changed. */
  readonly threads?: readonly string[];
  /** Whether what the user is told of changed, what strangers say, who follows, or how the peer is reached. */
  readonly changed?: readonly ("notifications" | "requests" | "people" | "peer" | "all")[];
  /** Whom a desktop notification may name. */
  readonly notes?: readonly { readonly kind: string; readonly from: string }[];
  /** How much is unread. */
  readonly unread?: UnreadView;
}

/** What has come since the last message. */
export class NewsBatch {
  readonly #posts = new Set<string>();
  #own = false;
  readonly #deleted = new Set<string>();
  readonly #threads = new Set<string>();
  readonly #changed = new Set<"notifications" | "requests" | "people" | "peer" | "all">();
  readonly #notes: { kind: string; from: string }[] = [];

  /** Takes an event in; whether it is news for a tab. */
  add(event: PeerEvent, username: string): boolean {
    switch (event.event) {
      case "post": {
        const { author, id, root, reply_to } = event.post;
        if (author === username) this.#own = true;
        else this.#name(this.#posts, `${author}/${id}`);
        const first = root ?? reply_to ?? { author, id };
        this.#name(this.#threads, `${first.author}/${first.id}`);
        return true;
      }
      case "deleted":
        this.#name(this.#deleted, `${event.author}/${event.id}`);
        return true;
      case "thread":
        this.#name(this.#threads, `${event.root.author}/${event.root.id}`);
        return true;
      case "notification":
        this.#changed.add("notifications");
        if (this.#notes.length < notesMax) {
          const { kind, from } = event.notification;
          this.#notes.push({ kind, from });
        }
        return true;
      case "request":
        this.#changed.add("requests");
        return true;
      case "follower":
      case "invited":
        this.#changed.add("people");
        return true;
      case "network":
      case "reach":
      case "clock":
        this.#changed.add("peer");
        return true;
      default:
        return false;
    }
  }

  /** What has come. */
  get news(): News {
    return {
      ...(this.#posts.size > 0 ? { posts: [...this.#posts] } : {}),
      ...(this.#own ? { own: true } : {}),
      ...(this.#deleted.size > 0 ? { deleted: [...this.#deleted] } : {}),
      ...(this.#threads.size > 0 ? { threads: [...this.#threads] } : {}),
      ...(this.#changed.size > 0 ? { changed: [...this.#changed] } : {}),
      ...(this.#notes.length > 0 ? { notes: this.#notes } : {}),
    };
  }

  #name(names: Set<string>, name: string): void {
    if (names.size < namesMax) names.add(name);
    else if (!names.has(name)) this.#changed.add("all");
  }
}

/** What the hub needs. */
export interface LiveOptions {
  /** The clock. */
  readonly time: Time;
  /** How much is unread; asked after what came was told of, which does not wait for it. */
  readonly unread: () => Promise<UnreadView>;
}

/** Tells all tabs of what happens. */
export class LiveHub {
  readonly #options: LiveOptions;
  readonly #tabs = new Set<(news: News) => void>();
  #batch = new NewsBatch();
  #timer: Timer | undefined;
  #sentAt = -Infinity;
  /** Until how much is unread is asked for. */
  #counting: Timer | undefined;
  #isCounting = false;
  #isStale = false;

  /** A hub without tabs. */
  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /** Calls back for news; returns how to stop that. */
  watch(tell: (news: News) => void): () => void {
    this.#tabs.add(tell);
    return () => {
      this.#tabs.delete(tell);
      if (this.#tabs.size === 0) this.#rest();
    };
  }

  /** Takes an event of the peer in. */
  event(event: PeerEvent, username: string): void {
    if (this.#tabs.size === 0 || !this.#batch.add(event, username)) return;
    this.#count();
    if (this.#timer !== undefined) return;
    const { time } = this.#options;
    const wait = Math.max(0, this.#sentAt + paceMs - time.monotonic());
    this.#timer = time.after(wait, () => {
      this.#timer = undefined;
      this.#sentAt = time.monotonic();
      const { news } = this.#batch;
      this.#batch = new NewsBatch();
      this.#tell(news);
    });
  }

  /** Something was read: what is unread is told anew. */
  read(): void {
    if (this.#tabs.size > 0) this.#count();
  }

  /** Forgets what has come, and sends nothing more. */
  close(): void {
    this.#tabs.clear();
    this.#rest();
  }

  #tell(news: News): void {
    for (const tell of [...this.#tabs]) tell(news);
  }

  #rest(): void {
    this.#timer?.cancel();
    this.#counting?.cancel();
    this.#timer = this.#counting = undefined;
    this.#isStale = false;
    this.#batch = new NewsBatch();
  }

  /** Asks how much is unread, soon, and once for all that changes until then. */
  #count(): void {
    this.#isStale = true;
    if (this.#counting !== undefined || this.#isCounting) return;
    this.#counting = this.#options.time.after(countMs, () => {
      this.#counting = undefined;
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    this.#isCounting = true;
    this.#isStale = false;
    const unread = await this.#options.unread().catch(() => undefined);
    this.#isCounting = false;
    if (this.#tabs.size === 0) return;
    if (unread !== undefined) this.#tell({ unread });
    if (this.#isStale) this.#count();
  }
}
