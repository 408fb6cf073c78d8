/**
 * What this peer keeps, has and lacks of the feeds of each author.
 *
 * @module
 */

import type { WantBody } from "../messages/kinds/want.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import { equalBytes } from "../model/bytes.ts";
import { feedOf, type FeedState, missingUpTo } from "../model/feed.ts";
import { type Head, highestHeads } from "../model/record_body.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import type { Parts } from "../session/interfaces.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { FuturePosts } from "./future_posts.ts";

/** Authors whose heads are remembered: more than a user can follow. */
const authorsMax = 8192;

/** The parts of a login, the messenger, and what is known of feeds. */
export interface FeedsParts extends MessagingParts {
  /** What is kept, had and lacking. */
  readonly feeds: KnownFeeds;
}

/** See the module. */
export class KnownFeeds {
  readonly #parts: Pick<Parts, "session" | "lists" | "records">;
  /** How far authors say that their feeds reach: in `public`, `hello` and `posts`, and by each post. */
  readonly #promised = new BoundedMap<string, Head[]>(authorsMax);
  /** Posts from the future. */
  readonly future: FuturePosts;

  /** The feeds as one session knows them. */
  constructor(parts: Pick<Parts, "session" | "lists" | "records">) {
    this.#parts = parts;
    this.future = new FuturePosts(parts.session);
  }

  /** Whether posts of that author, under that key, are kept here: own ones and followed users'. */
  keeps(author: UserRef): boolean {
    const { session: { self }, lists } = this.#parts;
    if (author.username === self.username) return isSame(author, self);
    const entry = lists.get("following", author.username);
    return entry !== undefined && entry.present && equalBytes(entry.key, author.key);
  }

  /** Unix ms from which on posts of that author are wanted; 0 for all: own posts are kept for ever. */
  since(author: string): number {
    const { self, settings, ports } = this.#parts.session;
    if (author === self.username || settings.lifespanMs === undefined) return 0;
    return Math.max(Math.floor(ports.clock.now() - settings.lifespanMs), 0);
  }

  /** What is had of an author's feeds; what lies in the future counts as had, since it is not wanted now. */
  async had(author: string): Promise<FeedState[]> {
    return this.future.countedAsHad(author, await this.#parts.session.store.feeds(author));
  }

  /** Takes in heads that are certain to be the author's word. */
  promise(author: string, heads: readonly Head[]): void {
    this.#promised.set(author, highestHeads(this.#promised.get(author) ?? [], heads));
  }

  /** Whether something up to the heads is missing; by default up to those that the author promised. */
  async lacks(
    { username }: UserRef,
    heads: readonly Head[] = this.#promised.get(username) ?? [],
  ): Promise<boolean> {
    const had = await this.had(username);
    return heads.some(({ device, head }) =>
      !this.isOwnFeed(username, device) && missingUpTo(feedOf(had, device), head).length > 0
    );
  }

  /** Whether this device itself makes the posts of that feed: it has no gaps, and nothing is taken from others. */
  isOwnFeed(author: string, device: number): boolean {
    const { session } = this.#parts;
    return author === session.self.username && device === session.device;
  }

  /** The question for an author's posts: what is had, how old is still wanted, where to answer. */
  async wantOf(author: UserRef): Promise<WantBody> {
    const { session, records } = this.#parts;
    const feeds = await this.had(author.username);
    const since = this.since(author.username);
    const body = { author: refOf(author), feeds, since, device: session.device };
    const connections = records.connections();
    return connections === undefined ? body : { ...body, connections: connections.value };
  }

  /** Forgets an author who is no longer followed. */
  forget(author: string): void {
    this.#promised.delete(author);
    this.future.forget(author);
  }
}
