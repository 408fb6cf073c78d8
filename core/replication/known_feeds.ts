/**
 * What this peer keeps, has and lacks of the feeds of each author.
 *
 * @module
 */

import type { WantBody } from "../messages/kinds/want.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import { equalBytes } from "../model/bytes.ts";
import { emptyFeed, feedOf, type FeedState, missingUpTo, withRanges } from "../model/feed.ts";
import { type Head, highestHeads } from "../model/record_body.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import type { Parts } from "../session/interfaces.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import { FuturePosts } from "./future_posts.ts";

/** Authors whose heads are remembered: more than a user can follow. */
const authorsMax = 8192;

/**
 * Feeds taken in of one author: 16 at once, more than anyone's devices in use, and then one a day. An author
 * could have 1,024, and each of them costs a read with every question.
 */
const feedsTaken = { perSecond: 1 / 86_400, burst: 16 };

/** The parts of a login, the messenger, and what is known of feeds. */
export interface FeedsParts extends MessagingParts {
  /** What is kept, had and lacking. */
  readonly feeds: KnownFeeds;
}

/** Feeds of one author that were new here, and how many more may be taken. */
interface TakenFeeds {
  readonly room: TokenBucket;
  readonly devices: Set<number>;
}

/** See the module. */
export class KnownFeeds {
  readonly #parts: Pick<Parts, "session" | "lists" | "records">;
  /** How far authors say that their feeds reach: in `public`, `hello` and `posts`, and by each post. */
  readonly #promised = new BoundedMap<string, Head[]>(authorsMax);
  readonly #taken = new BoundedMap<string, TakenFeeds>(authorsMax);
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

  /**
   * Whether posts of that feed would be taken in, where these feeds of its author are here: all of them,
   * one's own, and as many others as there is room for.
   */
  takes(author: string, device: number, here: readonly FeedState[]): boolean {
    const { self } = this.#parts.session;
    if (author === self.username || here.some((feed) => feed.device === device)) return true;
    const { devices, room } = this.#takenOf(author, here);
    return devices.has(device) || room.has(1);
  }

  /** Takes in a feed of which a post has been verified, if there is room. A feed that was taken once stays. */
  take(author: string, device: number, here: readonly FeedState[]): boolean {
    if (!this.takes(author, device, here)) return false;
    const { devices, room } = this.#takenOf(author, here);
    if (devices.has(device) || here.some((feed) => feed.device === device)) return true;
    devices.add(device);
    room.spend(1);
    return true;
  }

  #takenOf(author: string, here: readonly FeedState[]): TakenFeeds {
    const known = this.#taken.touch(author);
    if (known !== undefined) return known;
    const room = new TokenBucket(this.#parts.session.ports.clock, feedsTaken);
    // Whatever is here, one more is taken after each start.
    room.spend(Math.min(here.length, feedsTaken.burst - 1));
    const taken = { room, devices: new Set<number>() };
    this.#taken.set(author, taken);
    return taken;
  }

  /** Whether something up to the heads is missing; by default up to those that the author promised. */
  async lacks(
    { username }: UserRef,
    heads: readonly Head[] = this.#promised.get(username) ?? [],
  ): Promise<boolean> {
    const had = await this.had(username);
    return heads.some(({ device, head }) =>
      !this.isOwnFeed(username, device) && missingUpTo(feedOf(had, device), head).length > 0 &&
      this.takes(username, device, had)
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
    const had = await this.had(author.username);
    const unwanted = (this.#promised.get(author.username) ?? [])
      .filter(({ device }) => !this.takes(author.username, device, had))
      .map(({ device }) => withRanges(emptyFeed(device), [[1, Number.MAX_SAFE_INTEGER]]));
    const feeds = [...had, ...unwanted];
    const since = this.since(author.username);
    const body = { author: refOf(author), feeds, since, device: session.device };
    const connections = records.connections();
    return connections === undefined ? body : { ...body, connections: connections.value };
  }

  /** Forgets an author who is no longer followed. */
  forget(author: string): void {
    this.#promised.delete(author);
    this.#taken.delete(author);
    this.future.forget(author);
  }
}
