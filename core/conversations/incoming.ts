/**
 * Mentions as they come in: every check, the cheapest first, before a post is kept and acknowledged
 * (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import type { NewContext, NewNotification } from "../conversation_store.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { equalBytes, toHex } from "../model/bytes.ts";
import { addressOf } from "../model/mentions.ts";
import {
  authorOf,
  type FeedPlace,
  type Post,
  type ReadPost,
  readPost,
  verifyPost,
} from "../model/post.ts";
import type { UserRef } from "../model/user.ts";
import type { Lists, Session, Unwanted } from "../session/interfaces.ts";
import { warn } from "../session/warn.ts";
import { attempt } from "../../lib/msgpack.ts";
import { Mutex } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import type { Holdings } from "./holdings.ts";
import { isEarly, isTimely } from "./limits.ts";
import type { Reposts } from "./reposts.ts";
import type { Notifications } from "./notifications.ts";
import type { StrangersBudget } from "./strangers.ts";

/** Mentions dealt with at once; most of the time they wait for a look-up. Others are dropped, and come again. */
const underWayMax = 128;

/** What {@linkcode IncomingMentions} need. */
export interface IncomingParts {
  /** The session. */
  readonly session: Session;
  /** Who is a stranger. */
  readonly lists: Pick<Lists, "get">;
  /** Acknowledges, and says whose a name is. */
  readonly messenger: Pick<PeerMessenger, "send" | "confirms" | "isKnown" | "mayLookUp">;
  /** Takes in a post of a followed author as if it had been pushed. */
  readonly feeds: { take(author: UserRef, posts: readonly Uint8Array[]): Promise<unknown> };
  /** Keeps what the user is told. */
  readonly notifications: Pick<Notifications, "hides" | "tell">;
  /** What strangers may bring. */
  readonly strangers: StrangersBudget;
  /** Says from whom nothing is taken. */
  readonly mutes: Pick<Unwanted, "isBlocked">;
  /** Knows what becomes of reposts. */
  readonly reposts: Pick<Reposts, "remind" | "takenBack">;
  /** Keeps posts for others. */
  readonly holdings: Pick<Holdings, "keep" | "takeBack">;
}

/** See the module. */
export class IncomingMentions {
  readonly #parts: IncomingParts;
  readonly #mutex = new Mutex();
  readonly #tasks: Tasks;
  #underWay = 0;

  /** The mentions that come in for one session's user. */
  constructor(parts: IncomingParts) {
    this.#parts = parts;
    this.#tasks = new Tasks((error) => warn(parts.session, error));
  }

  /** Deals with a `mention`, in the background: a look-up must not hold up other messages. */
  received(message: MessageOf<"mention">): void {
    const { body } = message;
    const read = attempt(() => readPost(body.post));
    if (read === undefined || this.#underWay >= underWayMax) return;
    this.#underWay++;
    this.#tasks.add(this.#deal(message, read).finally(() => this.#underWay--));
  }

  /** Resolves when nothing that came in is being dealt with. */
  settled(): Promise<void> {
    return this.#tasks.settled();
  }

  async #deal(message: MessageOf<"mention">, read: ReadPost): Promise<void> {
    const { from, body: { for: user } } = message;
    const { self } = this.#parts.session;
    if (user !== undefined && user !== self.username) {
      const isKept = await this.#parts.holdings.keep({ for: user, read, by: toHex(from.key) });
      if (isKept !== undefined) await this.#answer(message, isKept ? undefined : "full");
      return;
    }
    const isKept = read.post.deletes === undefined
      ? await this.#take(read)
      : await this.#takeBack(read);
    if (isKept) await this.#answer(message);
    // A user who keeps it for another's sake need not go on.
    else if (isKept === undefined && this.#parts.messenger.isKnown(from)) {
      await this.#answer(message, "unwanted");
    }
  }

  /** Whether the post is kept now; false where it may be taken later, undefined where it never is. */
  async #take(read: ReadPost): Promise<boolean | undefined> {
    const { session, messenger, strangers } = this.#parts;
    const { self, store, ports: { clock } } = session;
    const { post } = read;
    const kind = addressOf(post, self.username);
    if (kind === undefined) return undefined;
    if (!isTimely(post, clock.now())) return isEarly(post, clock.now()) ? false : undefined;
    if (post.repostOf !== undefined && !equalBytes(post.repostOf.authorKey, self.key)) {
      return undefined;
    }
    const { author, id } = post;
    if (this.#parts.mutes.isBlocked(authorOf(post))) return undefined;
    const told = { kind, from: author, post: { author, id } };
    const probe: NewNotification = { ...told, list: "notifications", at: 0 };
    if (await store.conversations.isNotified(probe)) return true;
    if (await store.conversations.isTakenBack(post)) return undefined;
    if (this.#isStranger(author) && !strangers.has(author)) return false;
    if (!verifyPost(read)) return undefined;
    if (!await messenger.confirms(authorOf(post))) return false;
    if (post.repostOf !== undefined && await store.conversations.isTakenBack(post.repostOf)) {
      // The repost crossed with the delete. Nothing is shown of it, and its author hears of the delete.
      await this.#parts.reposts.remind(post);
      return true;
    }
    return await this.#mutex.run(() => this.#keep(post, told));
  }

  /** Keeps a post that was checked. */
  async #keep(
    post: Post,
    told: Pick<NewNotification, "kind" | "from"> & Required<Pick<NewNotification, "post">>,
  ): Promise<boolean | undefined> {
    const { session, notifications, strangers, lists, feeds } = this.#parts;
    const { store, ports: { clock }, signal } = session;
    const { author } = post;
    if (lists.get("following", author)?.present) {
      await feeds.take(authorOf(post), [post.signed]);
    }
    if (signal.aborted) return false;
    // Who it is may have changed meanwhile.
    const isStranger = this.#isStranger(author);
    if (isStranger && !strangers.has(author)) return false;
    // Copies that were on their way, or with holders, come later than the delete.
    if (await store.conversations.isTakenBack(post)) return undefined;
    const isInFeed = await store.findPost(told.post) !== undefined;
    if (notifications.hides(told, post)) {
      // Others may ask for the thread that it belongs to, and the user may think better of it.
      if (!isInFeed) await this.#addContext({ post, isConfirmed: true });
      return true;
    }
    const list = isStranger ? "requests" : "notifications";
    const isNew = await notifications.tell({ ...told, list, at: Math.floor(clock.now()) }, {
      post,
      ...(isInFeed ? {} : { context: post }),
      ...(isStranger ? { note: strangers.noteWith(author) } : {}),
    });
    if (isNew && isStranger) strangers.took(author);
    return true;
  }

  /** An author takes back a post that came as a mention. */
  async #takeBack(read: ReadPost): Promise<boolean | undefined> {
    const { session: { ports: { clock } }, messenger } = this.#parts;
    const { deletes } = read.post;
    if (deletes === undefined) return undefined;
    if (!isTimely(read.post, clock.now())) {
      return isEarly(read.post, clock.now()) ? false : undefined;
    }
    if (!verifyPost(read)) return undefined;
    if (!await messenger.confirms(authorOf(read.post))) return false;
    await this.#mutex.run(() => this.#forget(read.post, deletes));
    return true;
  }

  /** Removes a post that its author has taken back, and remembers that, within what strangers may bring. */
  async #forget(post: Post, deletes: FeedPlace): Promise<void> {
    const { strangers, holdings } = this.#parts;
    const { author } = post;
    await holdings.takeBack(author, deletes);
    const isKept = !this.#isStranger(author) || strangers.has(author);
    await this.#addContext({ post, isConfirmed: true, onlyForThread: !isKept });
    this.#parts.reposts.takenBack(post);
  }

  /** Keeps a post of which the user is told nothing. One that is here already costs its author nothing more. */
  async #addContext(one: NewContext): Promise<void> {
    const { session: { store, ports: { clock } }, strangers } = this.#parts;
    const { post: { author }, onlyForThread = false } = one;
    const added = await store.conversations.addContext([one], Math.floor(clock.now()));
    if (!this.#isStranger(author) || onlyForThread || added === 0) return;
    const { name, value } = strangers.noteWith(author);
    await store.putNote(name, value);
    strangers.took(author);
  }

  #isStranger(username: string): boolean {
    const { lists } = this.#parts;
    return !lists.get("following", username)?.present && !lists.get("followers", username)?.present;
  }

  /** Acknowledges, or refuses with a reason. A sender who is not known takes a look-up of where it is. */
  async #answer({ from, id }: MessageOf<"mention">, reason?: string): Promise<void> {
    const { session, messenger } = this.#parts;
    if (!messenger.isKnown(from) && !messenger.mayLookUp()) return;
    const body = reason === undefined ? { id } : { id, reason };
    await messenger.send({ kind: "ack", to: from, body }, session.signal);
  }
}
