/**
 * What becomes of reposts when the author takes the original back. The author tells those who passed it on, and
 * their peers take their reposts back: so their followers, who may not follow the author, hear of it as well.
 *
 * @module
 */

import type { NotificationList } from "../conversation_store.ts";
import { equalBytes } from "../model/bytes.ts";
import { CamelliaError } from "../model/errors.ts";
import { type Post, type PostName, rootOf } from "../model/post.ts";
import { threadName } from "../model/thread.ts";
import type { Session } from "../session/interfaces.ts";
import { keptPost } from "../session/kept_post.ts";
import { warn } from "../session/warn.ts";
import { Mutex } from "../../lib/slots.ts";
import type { OutgoingMentions } from "./outgoing.ts";

/** Users who are told that what they passed on is taken back: those who did so last. */
export const repostersMax = 100;

/** Own reposts that a start looks at. */
const lookedAtMax = 1_000;

const lists: readonly NotificationList[] = ["notifications", "requests"];

/** What {@linkcode Reposts} need. */
export interface RepostsParts {
  /** The session. */
  readonly session: Session;
  /** Sends an own delete to a user. */
  readonly outgoing: Pick<OutgoingMentions, "added">;
}

/** See the module. */
export class Reposts {
  /** Takes own posts back. Until it is set, nothing is. */
  withdraw: ((post: PostName) => Promise<unknown>) | undefined;
  readonly #parts: RepostsParts;
  readonly #mutex = new Mutex();
  /** Whether a repost could not be taken back: the disk was full, or the clock was wrong. */
  #isBehind = false;

  /** The reposts of one session's user, and those of the user's posts. */
  constructor(parts: RepostsParts) {
    this.#parts = parts;
  }

  /** A peer that was killed may have heard of a delete and not taken its user's reposts back. */
  start(): void {
    this.#background(async () => {
      const { store } = this.#parts.session;
      await this.#withdraw(
        await store.ownReposts({ limit: lookedAtMax }),
        (original) => store.conversations.isTakenBack(original),
      );
    });
  }

  /** Tries again what has failed. */
  retry(): void {
    if (!this.#isBehind) return;
    this.#isBehind = false;
    this.start();
  }

  /** A delete has been stored: own reposts of what it takes back are taken back, in the background. */
  takenBack(by: Post): void {
    const { deletes } = by;
    if (deletes === undefined) return;
    this.#background(async () => {
      const of = { ...deletes, author: by.author };
      const reposts = await this.#parts.session.store.ownReposts({ of, limit: lookedAtMax });
      // The same key has signed both, whatever name that key has.
      await this.#withdraw(reposts, ({ authorKey }) => equalBytes(authorKey, by.authorKey));
    });
  }

  /** For each of these own posts the users who have passed it on, as far as they said so. */
  async repostersOf(posts: readonly PostName[]): Promise<string[][]> {
    const { store } = this.#parts.session;
    const { conversations } = store;
    const users = new Map(posts.map((post) => [threadName(post), new Set<string>()]));
    for (const list of lists) {
      for (const told of await conversations.notifications({ list, limit: Infinity })) {
        if (told.kind !== "repost" || told.post === undefined) continue;
        const post = await keptPost(store, told.post);
        const ofPost = post?.repostOf && users.get(threadName(post.repostOf));
        if (ofPost !== undefined && ofPost.size < repostersMax) ofPost.add(told.from);
      }
    }
    return posts.map((post) => [...users.get(threadName(post)) ?? []]);
  }

  /** A user passes on an own post that has been taken back: that user is told so. */
  async remind({ author, repostOf }: Post): Promise<void> {
    if (repostOf === undefined) return;
    const { store } = this.#parts.session;
    const { device, number } = repostOf;
    const by = (await store.conversations.contextThread(rootOf(repostOf))).find((post) =>
      post.author === repostOf.author && post.deletes?.device === device &&
      post.deletes.number === number
    );
    if (by !== undefined) this.#parts.outgoing.added(by, [author]);
  }

  /** Takes those of the own reposts back whose original is one of those meant. */
  async #withdraw(
    reposts: readonly Post[],
    isMeant: (original: Post) => boolean | Promise<boolean>,
  ): Promise<void> {
    const { signal } = this.#parts.session;
    for (const repost of reposts) {
      if (signal.aborted) return;
      if (repost.repostOf === undefined || !await isMeant(repost.repostOf)) continue;
      await this.withdraw?.(repost).catch((error: unknown) => {
        // The user, or another device, was faster.
        if (!(error instanceof CamelliaError && error.code === "unknown_post")) throw error;
      });
    }
  }

  #background(task: () => Promise<void>): void {
    const { session } = this.#parts;
    this.#mutex.run(task).catch((error: unknown) => {
      this.#isBehind = true;
      if (!session.signal.aborted) warn(session, error);
    });
  }
}
