/**
 * The conversations of one user's simulated database: the rules of `ConversationStore`, written a second
 * time and simply, so that each implementation checks the other.
 *
 * @module
 */

import {
  type ConversationBounds,
  conversationBounds,
  type HeldMention,
  type HeldPlace,
  type NewContext,
  type NewNotification,
  type NotificationList,
  type NotificationsQuery,
  type PendingMention,
  type StoredNotification,
} from "../../core/conversation_store.ts";
import { equalBytes } from "../../core/model/bytes.ts";
import { type Post, type PostName, rootOf } from "../../core/model/post.ts";

interface ContextEntry {
  readonly post: Post;
  readonly at: number;
  readonly thread: PostName | undefined;
}

function isNamed({ author, id }: PostName, other: PostName): boolean {
  return other.author === author && other.id === id;
}

function takesBack({ author, authorKey, deletes }: Post, post: Post): boolean {
  return post.deletes === undefined && author === post.author &&
    deletes?.device === post.device && deletes.number === post.number &&
    equalBytes(authorKey, post.authorKey);
}

/** What is kept. */
export class MemoryConversations {
  pending: PendingMention[] = [];
  held: HeldMention[] = [];
  context: ContextEntry[] = [];
  notifications: (StoredNotification & { readonly isAside: boolean })[] = [];
  readonly #bounds: ConversationBounds;
  #next = 1;

  constructor(bounds = conversationBounds) {
    this.#bounds = bounds;
  }

  copy(): MemoryConversations {
    const copy = new MemoryConversations(this.#bounds);
    copy.pending = [...this.pending];
    copy.held = [...this.held];
    copy.context = [...this.context];
    copy.notifications = [...this.notifications];
    copy.#next = this.#next;
    return copy;
  }

  addPending({ id, number }: Post, names: readonly string[]): void {
    this.pending.push(...names.map((to) => ({ to, id, number, holders: [] })));
    this.pending.sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : a.to < b.to ? -1 : 1);
  }

  putHolders(mention: PendingMention): void {
    this.pending = this.pending.map((other) =>
      other.to === mention.to && other.id === mention.id ? mention : other
    );
  }

  dropPending({ to, id }: Pick<PendingMention, "to" | "id">): void {
    this.pending = this.pending.filter((other) => other.to !== to || other.id !== id);
  }

  hold(mention: HeldMention): void {
    this.release({ ...mention.post, for: mention.for });
    this.held.push(mention);
  }

  release(place: HeldPlace): void {
    this.held = this.held.filter((it) =>
      it.for !== place.for || it.post.author !== place.author || it.post.id !== place.id
    );
  }

  contextPost(name: PostName): Post | undefined {
    return this.context.find(({ post }) => isNamed(name, post) && post.deletes === undefined)?.post;
  }

  /** @param isDeleted Whether the feed of a post's author says that it was taken back. */
  addContext(posts: readonly NewContext[], at: number, isDeleted: (post: Post) => boolean): number {
    const before = new Set(this.context);
    for (const one of posts) {
      this.#add(one, at, isDeleted(one.post));
      this.context = this.context.filter((it) => it.at >= at - this.#bounds.contextMs);
      const bytes = () => this.context.reduce((sum, it) => sum + it.post.signed.length, 0);
      while (
        this.context.length > this.#bounds.context || bytes() > this.#bounds.contextBytes
      ) {
        this.context.shift();
      }
    }
    return this.context.filter((it) => !before.has(it)).length;
  }

  #add({ post, isConfirmed, ...more }: NewContext, at: number, isDeleted: boolean): void {
    const same = this.context.find((it) => isNamed(post, it.post));
    if (same !== undefined) {
      if (!isConfirmed || equalBytes(same.post.authorKey, post.authorKey)) return;
      this.#forget(same);
    }
    let { thread } = more;
    if (post.deletes === undefined) {
      if (isDeleted || this.isTakenBack(post)) return;
      thread = rootOf(post);
    } else {
      const gone = this.context.find((it) => takesBack(post, it.post));
      if (gone !== undefined) {
        thread = rootOf(gone.post);
        this.#forget(gone);
      } else if (thread === undefined && more.onlyForThread) return;
    }
    if (thread !== undefined && !isNamed(thread, post)) {
      const root = thread;
      const replies = this.context
        .filter((it) => it.thread && isNamed(root, it.thread) && !isNamed(root, it.post))
        .sort((a, b) => a.post.id < b.post.id ? -1 : 1);
      const [lowest] = replies;
      if (lowest !== undefined && replies.length >= this.#bounds.contextOfThread) {
        if (post.id < lowest.post.id) return;
        this.#forget(lowest);
      }
    }
    const theirs = this.context.filter((it) => it.post.author === post.author);
    if (theirs.length >= this.#bounds.contextOfOne) this.#forget(theirs[0]);
    this.context.push({ post, at, thread });
    this.context.sort((a, b) => a.at - b.at);
  }

  #forget(gone: ContextEntry | undefined): void {
    this.context = this.context.filter((it) => it !== gone);
  }

  dropContext(names: readonly PostName[]): void {
    this.context = this.context.filter(({ post }) => !names.some((name) => isNamed(name, post)));
  }

  contextThread(root: PostName): Post[] {
    return this.context.filter(({ thread }) => thread !== undefined && isNamed(root, thread))
      .map(({ post }) => post).sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  }

  contextReplies(names: readonly PostName[]): number[] {
    return names.map((name) =>
      this.context.filter(({ post }) => post.replyTo && isNamed(name, post.replyTo)).length
    );
  }

  isTakenBack(post: Post): boolean {
    return this.context.some((other) => takesBack(other.post, post));
  }

  isNotified(one: NewNotification): boolean {
    return this.notifications.some((other) =>
      other.from === one.from && other.post?.id === one.post?.id &&
      other.post?.author === one.post?.author &&
      (one.post !== undefined || (other.kind === one.kind && other.message === one.message))
    );
  }

  notify(notification: NewNotification): StoredNotification | undefined {
    if (this.isNotified(notification)) return undefined;
    const stored = { ...notification, number: this.#next++ };
    this.notifications.push({ ...stored, isAside: false });
    const { list } = notification;
    const ofList = this.notifications.filter((other) => other.list === list);
    if (ofList.length > this.#bounds[list]) {
      this.notifications = this.notifications.filter((other) => other !== ofList[0]);
    }
    return stored;
  }

  listed(
    { list, after = 0, limit, oldestFirst = false }: NotificationsQuery,
  ): StoredNotification[] {
    const found = this.notifications
      .filter((it) => it.list === list && it.number > after && !it.isAside)
      .map(({ isAside: _, ...it }) => it);
    return (oldestFirst ? found : found.reverse()).slice(0, limit);
  }

  putAside(list: NotificationList, from: string): void {
    this.notifications = this.notifications.map((it) =>
      it.list === list && it.from === from ? { ...it, isAside: true } : it
    );
  }
}
