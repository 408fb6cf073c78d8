/**
 * Posting: checked, numbered, dated, signed, committed, and pushed in the background (docs/DESIGN.md).
 *
 * @module
 */

import type { PostDraft, PostNameView, PostView } from "../api.ts";
import { given } from "../model/arguments.ts";
import { CamelliaError } from "../model/errors.ts";
import { feedOf, lastNumber } from "../model/feed.ts";
import {
  checkPostText,
  checkWarning,
  type Post,
  type PostContent,
  type PostName,
  rootOf,
  signPost,
} from "../model/post.ts";
import { nextSnowflake, readPostId, snowflakeTimeMs } from "../model/snowflake.ts";
import { parseUsername } from "../model/username.ts";
import type { Parts } from "../session/interfaces.ts";
import { keptPost } from "../session/kept_post.ts";
import type { PeerDelivery } from "./delivery.ts";
import { Mutex } from "../../lib/slots.ts";
import { pause } from "../../lib/waiting.ts";
import { postNameView, postView } from "../session/views.ts";

/** How far ahead of the clock an id may lie: half of the two minutes that receivers tolerate. */
const idAheadMsMax = 60_000;

/**
 * Further ahead than this the last post is not waited for: a clock that was wrong when it was written would
 * lock the author out for as long. Another device number begins a feed of its own instead.
 */
const waitedForMsMax = 600_000;

/** Posts dated within one hour that followers keep of one author, as config.ini is shipped. */
const postsAnHourMax = 600;

/** What posting needs. */
export interface PublisherParts extends Pick<Parts, "session" | "records"> {
  /** Pushes posts in the background. */
  readonly delivery: Pick<PeerDelivery, "push">;
  /** Tells the users whom a post mentions or answers. */
  readonly mentions: {
    named(post: PostContent): readonly string[];
    /** For each post that is taken back, those who have it although they may not follow. */
    concerned(posts: readonly Post[]): Promise<readonly (readonly string[])[]>;
    added(post: Post, names: readonly string[]): void;
    /** A delete is committed: peers that ask for the thread of what it takes back are told of it. */
    tookBack(by: Post, gone: Post): Promise<void>;
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

/** What an author says in a post; the rest of its content is for {@linkcode Publisher} to find. */
type Words = Omit<PostContent, "author" | "device" | "number" | "id">;

function parseName({ author, id }: PostNameView, what: string): PostName {
  return { author: parseUsername(author), id: readPostId(id, what) };
}

function unknownPost(what: string, { author, id }: PostName): CamelliaError {
  const hints: Readonly<Record<string, string>> = {
    reply: "To reply nevertheless, use --force.",
    delete: "Only own posts can be deleted, and only once.",
  };
  const hint = hints[what] ?? "The timeline shows the names of posts.";
  return new CamelliaError(
    "unknown_post",
    `Cannot ${what}: the post ${author}/${id} is not here. ${hint}`,
  );
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
   * `invalid_username` (of the post replied to), `unknown_post` (that post is not here), `clock_ahead`, or
   * what the database fails with.
   */
  async post({ text, replyTo, force, warning }: PostDraft): Promise<PostView> {
    checkPostText(text);
    if (warning !== undefined) checkWarning(warning);
    const thread = replyTo === undefined ? {} : await this.#threadOf(replyTo, force);
    return this.#tell(await this.#publish({ text, ...thread, ...given({ warning }) }));
  }

  /**
   * Passes a post on to one's own followers; of a repost the post in it.
   *
   * @throws {CamelliaError} `invalid_argument`, `invalid_username`, `unknown_post`, `clock_ahead`, or what the
   * database fails with.
   */
  async repost(request: PostNameView): Promise<PostView> {
    const name = parseName(request, "repost");
    const post = await keptPost(this.#parts.session.store, name);
    const original = post?.repostOf ?? post;
    const { conversations } = this.#parts.session.store;
    if (original === undefined || await conversations.isTakenBack(original)) {
      throw unknownPost("repost", name);
    }
    return this.#tell(await this.#publish({ text: "", repostOf: original }));
  }

  /**
   * Takes own posts back: all of them, or none where one of them is not there. Resolves to their ids.
   *
   * @throws {CamelliaError} `invalid_argument`, `unknown_post`, `clock_ahead`, or what the database fails with.
   */
  async delete(ids: readonly string[]): Promise<string[]> {
    const { self: { username: author }, store } = this.#parts.session;
    const posts: Post[] = [];
    for (const id of new Set(ids.map((id) => readPostId(id, "delete")))) {
      const post = await store.findPost({ author, id });
      if (post === undefined) throw unknownPost("delete", { author, id });
      posts.push(post);
    }
    const told = await this.#parts.mentions.concerned(posts);
    for (const [i, post] of posts.entries()) {
      const { id, device, number } = post;
      const by = await this.#publish({ text: "", deletes: { device, number } }, told[i] ?? []);
      await this.#parts.mentions.tookBack(by, post);
      this.#parts.session.emit({ event: "deleted", ...postNameView({ author, id }) });
    }
    return posts.map(({ id }) => id.toString());
  }

  /**
   * What a reply says of the post that it answers, and of the thread. A reply to a repost goes to the author of
   * the post in it.
   */
  async #threadOf(
    request: PostNameView,
    force = false,
  ): Promise<Pick<PostContent, "replyTo" | "root">> {
    const name = parseName(request, "reply");
    const found = await keptPost(this.#parts.session.store, name);
    if (found === undefined && !force) throw unknownPost("reply", name);
    const post = found?.repostOf ?? found;
    if (post === undefined) return { replyTo: name };
    const replyTo = { author: post.author, id: post.id };
    return post.replyTo === undefined ? { replyTo } : { replyTo, root: rootOf(post) };
  }

  /** Commits and tells; `told` names those to whom the post is to go where it does not say so itself. */
  async #publish(words: Words, told?: readonly string[]): Promise<Post> {
    const post = await this.#mutex.run(() => this.#commit(words, told));
    this.#parts.records.headMoved({ device: post.device, head: post.number });
    return post;
  }

  #tell(post: Post): PostView {
    const view = postView(post);
    this.#parts.session.emit({ event: "post", post: view });
    return view;
  }

  /** Resolves when no post is on its way to the database. */
  async settled(): Promise<void> {
    await this.#mutex.run(() => Promise.resolve());
  }

  async #commit(words: Words, told?: readonly string[]): Promise<Post> {
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
    const place = { author: session.self.username, device, number, id };
    const post = signPost({ ...place, ...words }, session.identity);
    // Should the commit fail, only the database knows whether it happened.
    this.#end = undefined;
    const mentioned = told ?? mentions.named(post);
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
