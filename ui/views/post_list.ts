/**
 * A list of posts of a timeline, as a screen has it: read in windows, changed by events, marked as read.
 *
 * All methods return at once; what they ask the peer for comes later, and what is superseded by then is dropped.
 *
 * @module
 */

import type { PeerEvent, PostView, TimelineRequest, TimelineView } from "../../core/api.ts";
import { type Desk, problemOf } from "./desk.ts";
import { keyOf, type PostRow, postRow } from "./post_row.ts";
import {
  emptyList,
  onArrivals,
  onDeleted,
  onReveal,
  onSeen,
  onSelect,
  type PostListState,
  readLineOf,
  seenAhead,
  waitingMax,
  withFirst,
  withWindow,
} from "./post_list_state.ts";
import { compareIds, firstPage, pageLength, withNewer, withOlder } from "./post_window.ts";
import { clockTime } from "./words.ts";

/** Ages are made anew so often: they are told in minutes. */
const agesEveryMs = 20_000;

/** Events kept while posts are loaded: a load takes milliseconds. */
const meanwhileMax = 2_000;

/** A list of posts as it is shown. */
export interface PostListView {
  /** The newest first; at most `windowMax` of `post_window.ts`. */
  readonly rows: readonly PostRow[];
  /** The line above what had been read when the list was loaded; null where it is not held. */
  readonly line: {
    /** The key of the row below the line. */
    readonly above: string;
    /** When the newest post below was posted, such as `21:34`. */
    readonly since: string;
    /** Posts of others that have not been read; 1,000 stand for more. */
    readonly unread: number;
    /** All of it: `new since 21:34 (3 unread)`. */
    readonly text: string;
  } | null;
  /** Posts that have come and do not stand among the rows, because the reader reads; 1,000 stand for more. */
  readonly waiting: number;
  /** The same in words, `2 newer arrived`; empty where there are none. */
  readonly waitingText: string;
  /** How many posts the user's mutes hide among those that were read on the way down. */
  readonly hidden: number;
  /** Whether there are posts above the first row that are not held. */
  readonly hasNewer: boolean;
  /** Whether there are posts below the last row that are not held, or that is not known yet. */
  readonly hasOlder: boolean;
  /** The key of the row that is read, or null. */
  readonly anchor: string | null;
  /** Whether posts that come take their places at once. */
  readonly isLive: boolean;
  /** Whether rows are being loaded, and where they will stand. */
  readonly loading: "first" | "newer" | "older" | null;
  /** Why the last load failed, in a sentence; null where it did not. */
  readonly problem: string | null;
}

/** What a list shows. */
export interface PostSource {
  /** Only this author's posts. */
  readonly author?: string;
  /** Whether the list is the timeline, in which the reader has a mark. */
  readonly isMarked: boolean;
}

/** A list of posts. */
export class PostList {
  readonly #desk: Desk;
  readonly #source: PostSource;
  readonly #stops: (() => void)[];
  #state: PostListState = emptyList;
  /** Loads that are under way, told apart by what they may still change. */
  #loading: { readonly what: "first" | "newer" | "older" } | undefined;
  /** What happens while posts are loaded: the peer may have read them before that. */
  #meanwhile: PeerEvent[] = [];
  #problem: string | null = null;
  /** The rows that were made last, and what they were made from. */
  #made: { readonly from: readonly unknown[]; readonly rows: readonly PostRow[] } = {
    from: [undefined],
    rows: [],
  };
  #marked = "";
  #unread = 0;
  #hidden = 0;
  #deepest = "";

  /** A list of that source; {@linkcode open} loads it. */
  constructor(desk: Desk, source: PostSource) {
    this.#desk = desk;
    this.#source = source;
    this.#stops = [
      desk.onEvents((events) => this.#happened(events)),
      desk.onMissed(() => {
        if (!this.#isEmpty) this.reload();
        else if (this.#problem !== null) this.newest();
      }),
      desk.onDone(({ deed }) => {
        // Which posts are shown depends on whom and what the user wants to see.
        if (!this.#isEmpty && deed !== "repost" && deed !== "delete") this.reload();
      }),
    ];
  }

  /** The list as it is now. Its rows are the same array for as long as none of them has changed. */
  view(): PostListView {
    const { window, anchor, isLive, waiting } = this.#state;
    const count = waiting.size;
    const newer = count >= waitingMax ? `${waitingMax} or more` : String(count);
    return {
      rows: this.#rows(),
      line: this.#line(this.#desk.time.now()),
      waiting: count,
      waitingText: count === 0 ? "" : `${newer} newer arrived`,
      hidden: this.#hidden,
      hasNewer: window.hasNewer,
      hasOlder: window.hasOlder,
      anchor: anchor ?? null,
      isLive,
      loading: this.#loading?.what ?? null,
      problem: this.#problem,
    };
  }

  #rows(): readonly PostRow[] {
    const { window: { posts }, revealed, deleted } = this.#state;
    const ages = Math.floor(this.#desk.time.now() / agesEveryMs);
    const made = [posts, revealed, deleted, this.#desk.version, ages];
    if (this.#made.from.every((part, i) => part === made[i])) return this.#made.rows;
    const held = new Map(posts.map((post) => [keyOf(post), post]));
    const known = this.#desk.known({
      isRevealed: (key) => revealed.has(key),
      isDeleted: (key) => deleted.has(key),
      quoted: (key) => held.get(key),
    });
    this.#made = { from: made, rows: posts.map((post) => postRow(post, known)) };
    return this.#made.rows;
  }

  #line(nowMs: number): PostListView["line"] {
    const line = this.#source.isMarked
      ? readLineOf(this.#state.window.posts, this.#desk.self)
      : undefined;
    if (line === undefined) return null;
    const since = clockTime(line.since, nowMs);
    const unread = this.unread;
    const count = unread >= waitingMax ? `${waitingMax} or more` : String(unread);
    const text = `new since ${since}${unread === 0 ? "" : ` (${count} unread)`}`;
    return { above: line.above, since, unread, text };
  }

  /** Loads the first page, unless something is there already. */
  open(): void {
    if (this.#isEmpty && this.#loading === undefined) this.newest();
  }

  /**
   * Goes to the newest posts: what has come takes its place. A reader who was there, and goes down to one of them
   * before they have been read again, stays with it.
   */
  newest(): void {
    const wasLive = this.#state.isLive;
    void this.#load("first", {}, (page, isLast) => {
      const hasLeft = wasLive && !this.#state.isLive;
      const next = withFirst(this.#state, firstPage(page, isLast));
      this.#state = { ...next, isLive: !hasLeft || next.anchor === undefined };
    });
  }

  /** Loads posts below the last row, if there are more. */
  older(): void {
    const last = this.#state.window.posts.at(-1);
    if (last === undefined || !this.#state.window.hasOlder || this.#loading !== undefined) return;
    void this.#load("older", { before: last.id }, (page, isLast) => {
      const { window, anchor } = this.#state;
      this.#state = withWindow(this.#state, withOlder(window, page, { isLast, anchor }));
    });
  }

  /** Loads posts above the first row: those that were dropped, and those that have come. Nothing moves by it. */
  newer(): void {
    const [first] = this.#state.window.posts;
    const { window: { hasNewer }, waiting } = this.#state;
    if (first === undefined || this.#loading !== undefined) return;
    if (!hasNewer && waiting.size === 0) return;
    void this.#load("newer", { after: first.id }, (page, isLast) => {
      const { window, anchor } = this.#state;
      this.#state = withWindow(this.#state, withNewer(window, page, { isLast, anchor }));
    });
  }

  /** Reads the rows around the one that is read again: after a mute, say, some are no longer to be shown. */
  reload(): void {
    const { anchor, isLive, window } = this.#state;
    const post = window.posts.find((held) => keyOf(held) === anchor);
    if (post === undefined || isLive) return this.newest();
    const ask = async (request: TimelineRequest): Promise<TimelineView> => {
      const { api } = this.#desk;
      const [above, below] = await Promise.all([
        api.timeline({ ...request, after: post.id }),
        // The post that is read is among those before the next id.
        api.timeline({ ...request, before: String(BigInt(post.id) + 1n) }),
      ]);
      return { ...below, posts: [...above.posts, ...below.posts] };
    };
    void this.#load("first", {}, (page) => {
      const at = page.findIndex(({ id }) => compareIds(id, post.id) <= 0);
      const above = at < 0 ? page.length : at;
      const isLast = page.length - above < pageLength;
      const held = { ...firstPage(page, isLast), hasNewer: above >= pageLength };
      // Where the post itself is no longer shown, the reader goes on with the one below.
      const next = page.find((one) => keyOf(one) === anchor) ?? page[above] ?? page.at(-1);
      const state = { ...this.#state, anchor: next && keyOf(next) };
      this.#state = { ...withFirst(state, held), isLive: false };
    }, ask);
  }

  /**
   * The reader reads a row: nothing moves or drops it. `isAtTop`: the newest posts are before their eyes, so those
   * that come may take their places, unless some wait already.
   */
  select(key: string, isAtTop = false): void {
    const state = onSelect(this.#state, key);
    // Above what waits, or what is not held, nothing new may stand: there would be a gap.
    const isWhole = !state.window.hasNewer && state.waiting.size === 0;
    this.#state = { ...state, isLive: isAtTop && isWhole };
    this.#desk.changed();
  }

  /** These rows were before the reader's eyes. The peer learns up to where all was read. */
  seen(keys: Iterable<string>): void {
    if (!this.#source.isMarked) return;
    this.#state = onSeen(this.#state, keys, this.#desk.self);
    this.#mark(this.#state.readTo);
  }

  /** All that is here has been read. */
  markAllRead(): void {
    const [first] = this.#state.window.posts;
    if (first === undefined || !this.#source.isMarked) return;
    this.seen(this.#state.window.posts.map(keyOf));
    this.#mark(first.id);
  }

  /** The number of unread posts, as the peer counts them. */
  count(unread: number): void {
    this.#unread = unread;
  }

  /** The number of unread posts without those that the reader has had before their eyes. */
  get unread(): number {
    return Math.max(0, this.#unread - seenAhead(this.#state));
  }

  /** Shows the text behind a warning, or hides it again. */
  reveal(key: string): void {
    this.#state = onReveal(this.#state, key);
    this.#desk.changed();
  }

  /** The list is no longer shown. */
  close(): void {
    for (const stop of this.#stops) stop();
    this.#loading = undefined;
  }

  #mark(id: string | undefined): void {
    if (id === undefined || compareIds(id, this.#marked) <= 0) return;
    this.#marked = id;
    const failed = () => {
      // The next row that is seen marks again.
      this.#marked = "";
    };
    this.#desk.api.markRead({ what: "timeline", id }).then(() => this.#desk.recount(), failed);
  }

  async #load(
    what: "first" | "newer" | "older",
    place: Pick<TimelineRequest, "before" | "after">,
    take: (page: readonly PostView[], isLast: boolean) => void,
    ask = (request: TimelineRequest): Promise<TimelineView> => this.#desk.api.timeline(request),
  ): Promise<void> {
    const load = { what };
    if (this.#loading === undefined) this.#meanwhile = [];
    this.#loading = load;
    this.#desk.changed();
    const { author } = this.#source;
    const request = { limit: pageLength, ...place, ...author === undefined ? {} : { author } };
    let problem: string | null = null;
    let read: TimelineView | undefined;
    try {
      read = await ask(request);
    } catch (error) {
      if (this.#loading !== load) return;
      this.#loading = undefined;
      problem = problemOf(error);
    }
    if (read !== undefined && this.#loading !== load) return;
    this.#loading = undefined;
    this.#problem = problem;
    if (read !== undefined) {
      const { posts, hidden = 0 } = read;
      take(posts, posts.length < pageLength);
      this.#countHidden(what, place, hidden);
      this.#desk.quote(posts);
      this.#change(this.#meanwhile);
    }
    this.#desk.changed();
  }

  /** What mutes hide is counted once, on the first way down. */
  #countHidden(what: string, { before }: Pick<TimelineRequest, "before">, hidden: number): void {
    const isDeeper = before !== undefined && compareIds(before, this.#deepest) < 0;
    if (what === "first") this.#hidden = hidden;
    else if (isDeeper) this.#hidden += hidden;
    if (what === "first" || isDeeper) this.#deepest = before ?? this.#newestId;
  }

  #happened(events: readonly PeerEvent[]): void {
    if (this.#loading !== undefined) {
      const { length } = this.#meanwhile;
      this.#meanwhile.push(...events.slice(0, meanwhileMax - length));
    }
    this.#change(events);
  }

  #change(events: readonly PeerEvent[]): void {
    const { author } = this.#source;
    const arrivals: PostView[] = [];
    for (const event of events) {
      if (event.event === "deleted") {
        this.#state = onDeleted(this.#state, event);
        this.#desk.forgetPost(event);
      }
      if (event.event !== "post") continue;
      if (author === undefined || event.post.author === author) arrivals.push(event.post);
    }
    // Before the first page is here, there is nothing to change.
    if (arrivals.length === 0 || this.#isEmpty) return;
    this.#state = onArrivals(this.#state, arrivals, this.#desk.self);
    this.#desk.quote(arrivals);
  }

  /** The highest id that is held, or one above all. */
  get #newestId(): string {
    return this.#state.window.posts[0]?.id ?? String(2n ** 63n);
  }

  get #isEmpty(): boolean {
    const { posts, hasOlder } = this.#state.window;
    return posts.length === 0 && hasOlder;
  }
}
