/**
 * Posting: checked, numbered, dated, signed, committed, and pushed in the background (docs/DESIGN.md).
 *
 * @module
 */

import type { PostView } from "../api.ts";
import { CamelliaError } from "../model/errors.ts";
import { feedOf, lastNumber } from "../model/feed.ts";
import {
  checkPostText,
  type Post,
  type PostContent,
  type PostName,
  signPost,
} from "../model/post.ts";
import { nextSnowflake, parseSnowflakeText, snowflakeTimeMs } from "../model/snowflake.ts";
import { parseUsername } from "../model/username.ts";
import type { Parts } from "../session/interfaces.ts";
import type { PeerDelivery } from "./delivery.ts";
import { Mutex } from "../../lib/slots.ts";
import { pause } from "../../lib/waiting.ts";
import { postView } from "../session/views.ts";

/** How far ahead of the clock an id may lie: half of the two minutes that receivers tolerate. */
const idAheadMsMax = 60_000;

/**
 * Further ahead than this the last post is not waited for: a clock that was wrong when it was written would
 * lock the author out for as long. Another device number begins a feed of its own instead.
 */
const waitedForMsMax = 600_000;

/** Posts dated within one hour that followers keep of one author, as config.ini is shipped. */
const postsAnHourMax = 600;

/** What the user wants to post. */
export interface Draft {
  /** 1 to 500 characters. */
  readonly text: string;
  /** The post replied to; its id is a decimal string. */
  readonly replyTo?: { readonly author: string; readonly id: string };
}

/** What posting needs. */
export interface PublisherParts extends Pick<Parts, "session" | "records"> {
  /** Pushes posts in the background. */
  readonly delivery: Pick<PeerDelivery, "push">;
  /** Tells the users whom a post mentions or answers. */
  readonly mentions: {
    named(post: PostContent): readonly string[];
    added(post: Post, names: readonly string[]): void;
  };
}

/** The end of one's own feed. */
interface FeedEnd {
  readonly device: number;
  /** Number of the last post; 0 before the first. */
  readonly number: number;
  /** Its id; undefined before the first. */
  readonly id: bigint | undefined;
}

function parseReply(replyTo: Draft["replyTo"]): PostName | undefined {
  if (replyTo === undefined) return undefined;
  const author = parseUsername(replyTo.author);
  const id = parseSnowflakeText(replyTo.id);
  if (id === undefined) {
    throw new CamelliaError(
      "invalid_argument",
      `Cannot reply: ${JSON.stringify(replyTo.id.slice(0, 40))} is not the id of a post.`,
    );
  }
  return { author, id };
}

/** Makes own posts, one after another: numbers and ids of a device rise together. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #mutex = new Mutex();
  /** Known after the first post of the session; unknown again after a failed commit. */
  #end: FeedEnd | undefined;
  /** Posts of this session dated within the hour of the last one. */
  #thisHour = { hour: 0, posts: 0 };

  /** A publisher for one session. */
  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /**
   * Posts. Resolves after the commit; pushing and publishing the head go on in the background.
   *
   * @throws {CamelliaError} `empty_post`, `post_too_long`, `invalid_text`, `invalid_argument`,
   * `invalid_username` (of the post replied to), `clock_ahead`, or what the database fails with.
   */
  async post(draft: Draft): Promise<PostView> {
    checkPostText(draft.text);
    const replyTo = parseReply(draft.replyTo);
    const post = await this.#mutex.run(() => this.#commit(draft.text, replyTo));
    const { session, records } = this.#parts;
    records.headMoved({ device: post.device, head: post.number });
    const view = postView(post);
    session.emit({ event: "post", post: view });
    return view;
  }

  /** Resolves when no post is on its way to the database. */
  async settled(): Promise<void> {
    await this.#mutex.run(() => Promise.resolve());
  }

  async #commit(text: string, replyTo: PostName | undefined): Promise<Post> {
    const { session, delivery, mentions } = this.#parts;
    session.signal.throwIfAborted();
    // A device number drawn anew begins a feed of its own.
    if (this.#end?.device !== session.device) this.#end = undefined;
    let end = this.#end ?? await this.#readEnd(session.device);
    if (this.#aheadMs(end) > waitedForMsMax) {
      await this.#parts.records.redraw();
      end = await this.#readEnd(session.device);
    }
    const id = await this.#nextId(end);
    const { device } = end;
    const number = end.number + 1;
    const content = { author: session.self.username, device, number, id, text };
    const withReply = replyTo === undefined ? content : { ...content, replyTo };
    const post = signPost(withReply, session.identity);
    // Should the commit fail, only the database knows whether it happened.
    this.#end = undefined;
    const mentioned = mentions.named(post);
    const committed = session.store.addOwnPost(post, mentioned);
    delivery.push(post, committed);
    await committed;
    mentions.added(post, mentioned);
    this.#end = { device, number, id };
    this.#countPost(id);
    return post;
  }

  /** Followers keep no more of an hour than {@linkcode postsAnHourMax}: the author is told, once an hour. */
  #countPost(id: bigint): void {
    const hour = Math.floor(snowflakeTimeMs(id) / 3_600_000);
    const posts = hour === this.#thisHour.hour ? this.#thisHour.posts + 1 : 1;
    this.#thisHour = { hour, posts };
    if (posts !== postsAnHourMax + 1) return;
    const message = `More than ${postsAnHourMax} posts in one hour: followers do not keep the ` +
      "others of this hour. They are in your own timeline.";
    this.#parts.session.emit({ event: "warning", code: "over_quota", message });
  }

  /** The end of the feed as the database has it, so that a restart goes on where it was. */
  async #readEnd(device: number): Promise<FeedEnd> {
    const { self, store } = this.#parts.session;
    const number = lastNumber(feedOf(await store.feeds(self.username), device));
    if (number === 0) return { device, number, id: undefined };
    const query = { author: self.username, device, from: number, to: number, limit: 1 };
    const [last] = await store.feedPosts(query);
    const id = last?.id ?? (await store.floorProof(self.username, device))?.id;
    return { device, number, id };
  }

  #aheadMs({ id }: FeedEnd): number {
    return id === undefined ? 0 : snowflakeTimeMs(id) - this.#parts.session.ports.clock.now();
  }

  async #nextId(end: FeedEnd): Promise<bigint> {
    const { signal, ports: { clock } } = this.#parts.session;
    let id = nextSnowflake(end.id, clock.now(), end.device);
    // A millisecond whose 4,096 ids are used up: the next one is waited for. After a step back the
    // last id may lie further ahead; that is not waited for, within the limit below.
    while (snowflakeTimeMs(id) === Math.floor(clock.now()) + 1) {
      await pause(clock, 1, signal);
      signal.throwIfAborted();
      id = nextSnowflake(end.id, clock.now(), end.device);
    }
    const aheadMs = snowflakeTimeMs(id) - clock.now();
    if (aheadMs > idAheadMsMax) {
      const seconds = Math.ceil((aheadMs - idAheadMsMax) / 1000);
      throw new CamelliaError(
        "clock_ahead",
        `Cannot post: the last post is dated ${Math.round(aheadMs / 1000)} s ahead of the clock, ` +
          `which has been set back since. Check the clock, or try again in ${seconds} s.`,
      );
    }
    return id;
  }
}
