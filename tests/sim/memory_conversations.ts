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
  type NewNotification,
  type NotificationList,
  type PendingMention,
  type StoredNotification,
} from "../../core/conversation_store.ts";
import type { FeedPlace, Post, PostName } from "../../core/model/post.ts";

/** What is kept. */
export class MemoryConversations {
  pending: PendingMention[] = [];
  held: HeldMention[] = [];
  context: { readonly post: Post; readonly at: number }[] = [];
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

  contextPost({ author, id }: PostName): Post | undefined {
    const post = this.context.find((it) => it.post.author === author && it.post.id === id)?.post;
    return post?.deletes === undefined ? post : undefined;
  }

  isTakenBack({ author, device, number }: Post): boolean {
    return this.context.some(({ post }) =>
      post.author === author && post.deletes?.device === device && post.deletes.number === number
    );
  }

  addContext(post: Post, at: number): void {
    if (this.context.some((it) => it.post.author === post.author && it.post.id === post.id)) return;
    this.context.push({ post, at });
    this.context.sort((a, b) => a.at - b.at);
    const theirs = this.context.filter((it) => it.post.author === post.author);
    if (theirs.length > this.#bounds.contextOfOne) this.#forget(theirs[0]?.post);
    this.context = this.context.filter((it) => it.at >= at - this.#bounds.contextMs);
    const bytes = () => this.context.reduce((sum, it) => sum + it.post.signed.length, 0);
    while (
      this.context.length > this.#bounds.context || bytes() > this.#bounds.contextBytes
    ) {
      this.context.shift();
    }
  }

  #forget(gone: Post | undefined): void {
    this.context = this.context.filter(({ post }) => post !== gone);
  }

  dropContext(author: string, { device, number }: FeedPlace): void {
    this.context = this.context.filter(({ post }) =>
      post.author !== author || post.device !== device || post.number !== number ||
      post.deletes !== undefined
    );
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
    { list, after = 0, limit }: { list: NotificationList; after?: number; limit: number },
  ): StoredNotification[] {
    return this.notifications
      .filter((it) => it.list === list && it.number > after && !it.isAside)
      .map(({ isAside: _, ...it }) => it).reverse().slice(0, limit);
  }

  putAside(list: NotificationList, from: string): number {
    const count = this.notifications
      .filter((it) => it.list === list && it.from === from && !it.isAside).length;
    this.notifications = this.notifications.map((it) =>
      it.list === list && it.from === from ? { ...it, isAside: true } : it
    );
    return count;
  }
}
