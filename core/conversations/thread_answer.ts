/**
 * One answer to a `thread`, in steps: the first post, what was taken back, then the newest replies first, so that
 * what does not come for want of time or room is the oldest.
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { StepBounds, SteppedAnswer } from "../messages/stepped_answer.ts";
import type { Post, PostName } from "../model/post.ts";
import { threadName } from "../model/thread.ts";
import type { Store } from "../ports.ts";
import { keptPost } from "../session/kept_post.ts";
import { readThread } from "./thread_posts.ts";

/** What a post adds to its own bytes in a message (MessagePack). */
const postHeaderBytes = 3;

/** Posts read at once for a step. */
const readAtOnceMax = 32;

/** What an answer is made from. */
export interface ThreadAnswerParts {
  /** Where the posts are. */
  readonly store: Pick<Store, "thread" | "findPost" | "conversations">;
  /** The `thread`. */
  readonly question: MessageOf<"thread">;
  /** Whether a post is passed on. */
  readonly isServed: (post: Post) => boolean;
}

/** What a `thread` asks for, as one word. */
export function aboutThread(root: PostName): string {
  return `thread of ${threadName(root)}`;
}

/** See the module. Between steps it keeps the names of the posts that are left, and nothing else of the question. */
export class ThreadAnswer implements SteppedAnswer {
  readonly about: string;
  readonly #parts: Omit<ThreadAnswerParts, "question">;
  readonly #id: Uint8Array;
  readonly #root: PostName;
  /** What the asker has, until the answer begins: a thousand names. */
  #had: readonly PostName[] | undefined;
  /** Names of posts, and deletes, that are to be sent. */
  #left: (PostName | Post)[] | undefined;

  /** An answer of which nothing has been read yet. */
  constructor({ question: { id, body: { root, had } }, store, isServed }: ThreadAnswerParts) {
    this.#parts = { store, isServed };
    this.#id = id;
    this.#root = root;
    this.#had = had;
    this.about = aboutThread(root);
  }

  async next(
    { posts: most, bytes }: StepBounds,
    token: () => Uint8Array,
  ): ReturnType<SteppedAnswer["next"]> {
    let reads = 0;
    if (this.#left === undefined) {
      const { left, read } = await this.#begin();
      this.#left = left;
      reads += read;
    }
    const left = this.#left;
    const posts: Uint8Array[] = [];
    let room = bytes;
    let at = 0;
    while (at < left.length && posts.length < most) {
      const some = left.slice(at, at + Math.min(readAtOnceMax, most - posts.length));
      const read = await Promise.all(some.map((one) => this.#read(one)));
      reads += some.length;
      let isFull = false;
      for (const post of read) {
        const size = (post?.signed.length ?? 0) + postHeaderBytes;
        if (post !== undefined && size > room) {
          isFull = true;
          break;
        }
        at++;
        if (post === undefined) continue;
        posts.push(post.signed);
        room -= size;
      }
      if (isFull) break;
    }
    this.#left = left.slice(at);
    const isLast = this.#left.length === 0;
    const body = {
      inReplyTo: this.#id,
      root: this.#root,
      posts,
      ...isLast ? {} : { more: token() },
    };
    return { step: { posts, isLast, reads }, message: { kind: "replies", body } };
  }

  async #begin(): Promise<{ left: (PostName | Post)[]; read: number }> {
    const { store, isServed } = this.#parts;
    const { posts, deletes } = await readThread(store, this.#root);
    const had = new Set(this.#had?.map(threadName));
    this.#had = undefined;
    const root = threadName(this.#root);
    const lacked = [...posts].reverse().filter((post) => !had.has(threadName(post)));
    const left = [
      ...lacked.filter((post) => threadName(post) === root && isServed(post)).map(nameOf),
      ...deletes.filter((post) => !had.has(threadName(post)) && isServed(post)),
      ...lacked.filter((post) => threadName(post) !== root && isServed(post)).map(nameOf),
    ];
    return { left, read: posts.length + deletes.length };
  }

  /** A post that may have been taken back since the answer began. */
  async #read(one: PostName | Post): Promise<Post | undefined> {
    if ("signed" in one) return one;
    return await keptPost(this.#parts.store, one);
  }
}

function nameOf({ author, id }: PostName): PostName {
  return { author, id };
}
