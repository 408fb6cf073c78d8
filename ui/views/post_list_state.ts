/**
 * How a list of posts changes: what arrives, what is read, what is loaded.
 *
 * Pure: a state and what happened in, the next state out. While the reader follows the newest posts
 * ({@linkcode PostListState.isLive}), arrivals take their places; else none does, and they are counted, so that
 * nothing moves under the reader's eyes.
 *
 * @module
 */

import type { PostNameView, PostView } from "../../core/api.ts";
import { keyOf } from "./post_row.ts";
import {
  compareIds,
  compareNames,
  emptyWindow,
  isWithin,
  type PostWindow,
  withArrivals,
} from "./post_window.ts";

/** Arrivals that are told apart while they wait; a reader does not tell 1,000 from 2,000. */
export const waitingMax = 1_000;

/** A list of posts as its reader has it. */
export interface PostListState {
  /** What is held. */
  readonly window: PostWindow;
  /** Whether arrivals take their places at once. */
  readonly isLive: boolean;
  /** The key of the post that is read, which nothing moves or drops; undefined for none. */
  readonly anchor: string | undefined;
  /** Keys of posts that have come and wait, {@linkcode waitingMax} at most. */
  readonly waiting: ReadonlySet<string>;
  /** Keys of posts held that their authors took back. */
  readonly deleted: ReadonlySet<string>;
  /** Keys of posts held whose text behind the warning is shown. */
  readonly revealed: ReadonlySet<string>;
  /** Keys of unread posts held that the reader has had before their eyes. */
  readonly seen: ReadonlySet<string>;
  /** The id up to which this reader has read; undefined for what the list itself says. */
  readonly readTo: string | undefined;
}

/** A list that was not loaded yet, at its top. */
export const emptyList: PostListState = {
  window: emptyWindow,
  isLive: true,
  anchor: undefined,
  waiting: new Set(),
  deleted: new Set(),
  revealed: new Set(),
  seen: new Set(),
  readTo: undefined,
};

/** The state with another window: what belongs to posts that are no longer held is forgotten. */
export function withWindow(state: PostListState, window: PostWindow): PostListState {
  if (window === state.window) return state;
  const held = new Set(window.posts.map(keyOf));
  const kept = (keys: ReadonlySet<string>) => keys.size === 0 ? keys : keys.intersection(held);
  return {
    ...state,
    window,
    // Who goes down so far that the newest posts are dropped no longer follows them.
    isLive: state.isLive && !window.hasNewer,
    waiting: state.waiting.size === 0 ? state.waiting : state.waiting.difference(held),
    deleted: kept(state.deleted),
    revealed: kept(state.revealed),
    seen: kept(state.seen),
  };
}

/** A first page in place of all: the reader is at its top. */
export function withFirst(state: PostListState, window: PostWindow): PostListState {
  const next = withWindow(state, window);
  const isHeld = window.posts.some((post) => keyOf(post) === state.anchor);
  return {
    ...next,
    isLive: true,
    anchor: isHeld ? state.anchor : undefined,
    waiting: new Set(),
    deleted: new Set(),
  };
}

/** Posts that events tell of as a list has them: unread are those of others above what was read. */
function arrived(
  { window, readTo = "" }: PostListState,
  posts: readonly PostView[],
  self: string,
): PostView[] {
  const lastRead = window.posts.find(({ read, author }) => read === true && author !== self);
  const mark = [lastRead?.id ?? "", readTo].sort(compareIds).at(-1) ?? "";
  return posts.map((post) => ({
    ...post,
    read: post.read ?? (post.author === self || compareIds(post.id, mark) <= 0),
  }));
}

/** Posts have come. */
export function onArrivals(
  state: PostListState,
  arrivals: readonly PostView[],
  self: string,
): PostListState {
  const held = new Set(state.window.posts.map(keyOf));
  const fresh = arrived(state, arrivals.filter((post) => !held.has(keyOf(post))), self);
  const answered = withReplies(state, fresh.filter((post) => !state.waiting.has(keyOf(post))));
  if (fresh.length === 0) return answered;
  const { window } = answered;
  if (state.isLive && !window.hasNewer) {
    return withWindow(answered, withArrivals(window, fresh, state.anchor));
  }
  const waiting = new Set(state.waiting);
  for (const post of fresh) {
    if (waiting.size >= waitingMax) break;
    if (isWithin(window, post)) waiting.add(keyOf(post));
  }
  return { ...answered, waiting };
}

/** The posts that these answer have more replies. */
function withReplies(state: PostListState, answers: readonly PostView[]): PostListState {
  const more = new Map<string, number>();
  for (const { reply_to } of answers) {
    if (reply_to !== null) more.set(keyOf(reply_to), (more.get(keyOf(reply_to)) ?? 0) + 1);
  }
  if (!state.window.posts.some((post) => more.has(keyOf(post)))) return state;
  const posts = state.window.posts.map((post) => {
    const added = more.get(keyOf(post));
    return added === undefined ? post : { ...post, replies: (post.replies ?? 0) + added };
  });
  return { ...state, window: { ...state.window, posts } };
}

/** An author took a post back: its place stays, so that nothing moves. */
export function onDeleted(state: PostListState, name: PostNameView): PostListState {
  const key = keyOf(name);
  const waiting = state.waiting.has(key) ? state.waiting.difference(new Set([key])) : state.waiting;
  const isHeld = state.window.posts.some((post) => keyOf(post) === key);
  const deleted = isHeld ? new Set([...state.deleted, key]) : state.deleted;
  return waiting === state.waiting && !isHeld ? state : { ...state, waiting, deleted };
}

/** The reader reads a post; nothing happens where it is not held. */
export function onSelect(state: PostListState, anchor: string): PostListState {
  if (state.anchor === anchor) return state;
  return state.window.posts.some((post) => keyOf(post) === anchor) ? { ...state, anchor } : state;
}

/** Shows the text behind a warning, or hides it again. */
export function onReveal(state: PostListState, key: string): PostListState {
  const one = new Set([key]);
  const revealed = state.revealed.has(key)
    ? state.revealed.difference(one)
    : state.revealed.union(one);
  return { ...state, revealed };
}

/** Whether the reader has still to read a post. */
function isUnread(state: PostListState, post: PostView): boolean {
  if (post.read !== false) return false;
  return state.readTo === undefined || compareIds(post.id, state.readTo) > 0;
}

/** How many posts above the mark the reader has had before their eyes: others below them are still to be read. */
export function seenAhead({ seen, readTo }: PostListState): number {
  if (readTo === undefined) return seen.size;
  return [...seen].filter((key) => compareIds(key.slice(key.indexOf("/") + 1), readTo) > 0).length;
}

/**
 * Posts were before the reader's eyes. The mark moves up to the highest post below which none is left unseen; it
 * stays where the posts just above it are not held, since it is not known what is among them.
 */
export function onSeen(
  state: PostListState,
  keys: Iterable<string>,
  self: string,
): PostListState {
  const { posts, hasOlder } = state.window;
  const unread = posts.filter((post) => isUnread(state, post));
  const names = new Set(keys);
  const fresh = unread.filter((post) => names.has(keyOf(post)) && !state.seen.has(keyOf(post)));
  if (fresh.length === 0) return state;
  const seen = new Set([...state.seen, ...fresh.map(keyOf)]);
  const lowest = unread.at(-1);
  const isBelowKnown = !hasOlder || lowest === undefined ||
    posts.some((post) => post.author !== self && compareNames(post, lowest) > 0);
  if (!isBelowKnown) return { ...state, seen };
  let readTo = state.readTo;
  for (const post of unread.toReversed()) {
    if (!seen.has(keyOf(post))) break;
    readTo = post.id;
  }
  return { ...state, seen, readTo };
}

/** Where in a list what was read begins. */
export interface ReadLine {
  /** The key of the first post below the line. */
  readonly above: string;
  /** ISO 8601: of the newest post that was read. */
  readonly since: string;
}

/**
 * The line above what had been read when these posts were read, the newest first; undefined where it is not among
 * them, or all was read.
 */
export function readLineOf(posts: readonly PostView[], self: string): ReadLine | undefined {
  const below = posts.slice(posts.findLastIndex(({ read }) => read === false) + 1);
  const [first] = below;
  if (first === undefined || below.length === posts.length) return undefined;
  const last = below.find(({ author }) => author !== self) ?? first;
  return { above: keyOf(first), since: last.created_at };
}
