/**
 * A thread as a screen has it: a tree, each reply below what it answers.
 *
 * What is here is shown at once; then others are asked. Until the reader has moved, what comes takes its place; then
 * it waits, counted, until the reader asks for it, so that nothing moves under their eyes.
 *
 * @module
 */

import type { PeerEvent, PostNameView, PostView, ThreadView } from "../../core/api.ts";
import { threadName, treeOf } from "../../core/model/thread.ts";
import type { Desk } from "./desk.ts";
import { Load, type LoadView } from "./load.ts";
import { keyOf, type PostRow, postRow, type RowKnown } from "./post_row.ts";
import { leftOutText } from "./words.ts";

/** A post of a thread. */
export interface ThreadRow extends PostRow {
  /** Steps to the right at which it stands, 0 to 8. */
  readonly depth: number;
  /** Whether it answers a post that is not shown. */
  readonly isLoose: boolean;
  /** Whether it is the post that the thread was opened at. */
  readonly isOpened: boolean;
}

/** A thread as it is shown. */
export interface ThreadListView extends LoadView {
  /** Its first post. */
  readonly root: PostNameView;
  /** In the order of the tree; 1,000 at most. */
  readonly rows: readonly ThreadRow[];
  /** What is not among the rows, in words: `2 posts are not here; 1 post is hidden by your mutes`; else empty. */
  readonly leftOut: string;
  /** Posts that have come and do not stand among the rows, because the reader reads. */
  readonly waiting: number;
  /** The same in words, `2 more have come`; empty where there are none. */
  readonly waitingText: string;
  /** The key of the row that is read, or null. */
  readonly anchor: string | null;
}

/** The posts of a thread as rows, in the order of the tree; `opened`: the post that it was opened at. */
export function threadRows(
  posts: readonly PostView[],
  opened: PostNameView,
  known: RowKnown,
): ThreadRow[] {
  const places = treeOf<PostView>(posts, {
    name: threadName,
    parent: ({ reply_to }) => reply_to === null ? undefined : threadName(reply_to),
  });
  return places.map(({ post, depth, missing }) => ({
    ...postRow(post, known),
    depth,
    isLoose: missing !== undefined,
    isOpened: keyOf(post) === keyOf(opened),
  }));
}

/** A thread that is open. */
export class Thread {
  readonly #desk: Desk;
  readonly #opened: PostNameView;
  readonly #load: Load;
  readonly #more: Load;
  readonly #stops: readonly (() => void)[];
  #shown: ThreadView | undefined;
  /** What is to be shown once the reader asks. */
  #next: ThreadView | undefined;
  #anchor: string | undefined;
  #hasMoved = false;
  #isStale = false;
  #isClosed = false;
  #deleted = new Set<string>();
  #revealed = new Set<string>();

  /** The thread of a post; it loads at once. */
  constructor(desk: Desk, opened: PostNameView) {
    this.#desk = desk;
    this.#opened = opened;
    this.#load = new Load(desk);
    this.#more = new Load(desk);
    this.#stops = [
      desk.onEvents((events) => this.#happened(events)),
      desk.onMissed(() => {
        if (this.#shown === undefined) this.again();
        else void this.#readAgain(this.#shown.root);
      }),
    ];
    void this.#open();
  }

  async #open(): Promise<void> {
    // A thread that is not here at all is no problem before others were asked.
    const here = await this.#desk.api.thread({ ...this.#opened, local: true }).catch(() =>
      undefined
    );
    if (here !== undefined && this.#shown === undefined) this.#take(here);
    await this.#ask();
  }

  /** Asks others for what they have of the thread, two seconds at most. */
  again(): void {
    void this.#ask();
  }

  async #ask(): Promise<void> {
    await this.#load.run(
      () => this.#desk.api.thread(this.#opened),
      (thread) => this.#take(thread),
    );
  }

  /** The thread as it is now. */
  view(): ThreadListView {
    const posts = this.#shown?.posts ?? [];
    const held = new Map(posts.map((post) => [keyOf(post), post]));
    const known = this.#desk.known({
      isRevealed: (key) => this.#revealed.has(key),
      isDeleted: (key) => this.#deleted.has(key),
      quoted: (key) => held.get(key),
    });
    const rows = threadRows(posts, this.#opened, known);
    const waiting = (this.#next?.posts ?? []).filter((post) => !held.has(keyOf(post))).length;
    return {
      ...this.#load.view(),
      root: this.#shown?.root ?? this.#opened,
      rows,
      leftOut: this.#shown === undefined ? "" : leftOutText(this.#shown),
      waiting,
      waitingText: waiting === 0 ? "" : `${waiting} more ${waiting === 1 ? "has" : "have"} come`,
      anchor: this.#anchor ?? null,
    };
  }

  /** The reader reads a row: from now on what comes waits. */
  select(key: string): void {
    this.#hasMoved ||= this.#anchor !== undefined && key !== this.#anchor;
    this.#anchor = key;
    this.#desk.changed();
  }

  /** What has come takes its place. */
  showWaiting(): void {
    if (this.#next !== undefined) this.#show(this.#next);
    this.#hasMoved = false;
    this.#desk.changed();
  }

  /** Shows the text behind a warning, or hides it again. */
  reveal(key: string): void {
    if (!this.#revealed.delete(key)) this.#revealed.add(key);
    this.#desk.changed();
  }

  /** The thread is no longer shown. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#load.stop();
    this.#more.stop();
  }

  #take(thread: ThreadView): void {
    this.#desk.quote(thread.posts);
    if (!this.#hasMoved || this.#shown === undefined) return this.#show(thread);
    this.#next = thread;
    this.#desk.changed();
  }

  #show(thread: ThreadView): void {
    this.#shown = thread;
    this.#next = undefined;
    const held = new Set(thread.posts.map(keyOf));
    this.#deleted = this.#deleted.intersection(held);
    this.#revealed = this.#revealed.intersection(held);
    this.#desk.changed();
  }

  #isOf({ reply_to, root }: PostView): boolean {
    const name = this.#shown?.root;
    if (name === undefined) return false;
    const begin = root ?? reply_to;
    return begin !== null && keyOf(begin) === keyOf(name);
  }

  #happened(events: readonly PeerEvent[]): void {
    const root = this.#shown?.root;
    if (root === undefined) return;
    const held = new Set(this.#shown?.posts.map(keyOf));
    let isStale = false;
    for (const event of events) {
      if (event.event === "deleted" && held.has(keyOf(event))) {
        this.#deleted.add(keyOf(event));
        this.#desk.forgetPost(event);
      }
      isStale ||= event.event === "thread" && keyOf(event.root) === keyOf(root);
      isStale ||= event.event === "post" && this.#isOf(event.post);
    }
    if (isStale) void this.#readAgain(root);
  }

  /** What is here is read again, without asking others: once for all that comes while it is read. */
  async #readAgain(root: PostNameView): Promise<void> {
    this.#isStale = true;
    if (this.#more.isLoading) return;
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false;
      await this.#more.run(
        () => this.#desk.api.thread({ ...root, local: true }),
        (thread) => this.#take(thread),
      );
    }
  }
}
