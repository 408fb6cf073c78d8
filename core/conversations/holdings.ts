/**
 * Keeping mentions for users who are followed and offline, and handing them over at their `hello`
 * (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import type { HeldMention, HeldPlace } from "../conversation_store.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { addressOf } from "../model/mentions.ts";
import { type FeedPlace, type ReadPost, verifyPost } from "../model/post.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import type { Lists, Session } from "../session/interfaces.ts";
import { Mutex } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { isTimely, mentionMsMax } from "./limits.ts";

/** Posts kept for others, for one of them, and at one sender's wish. */
export const heldMax = 1_000;
/** See {@linkcode heldMax}. */
export const heldForOneMax = 100;
/** See {@linkcode heldMax}. */
export const heldByOneMax = 20;

/** What was handed over and not acknowledged within this is sent again … */
const ackMsMax = 5_000;

/** … so many times; then at the next `hello`. */
const sendsMax = 3;

/** What {@linkcode Holdings} need. */
export interface HoldingsParts {
  /** The session. */
  readonly session: Session;
  /** Whom the user follows. */
  readonly lists: Pick<Lists, "get">;
  /** Hands over. */
  readonly messenger: Pick<PeerMessenger, "send" | "onAck">;
}

/** A post that the user is asked to keep. */
export interface HoldRequest {
  /** The user for whom. */
  readonly for: string;
  /** The post; its signatures have not been verified. */
  readonly read: ReadPost;
  /** Key of the user who asks, in hexadecimal. */
  readonly by: string;
}

/** See the module. */
export class Holdings {
  readonly #parts: HoldingsParts;
  readonly #mutex = new Mutex();
  /** What is held, without the posts. */
  readonly #held = new Map<string, Omit<HeldMention, "post">>();
  /** Users to whom posts are being handed over. */
  readonly #handing = new Set<string>();

  /** What one session's user keeps for others; {@linkcode load} takes in what earlier sessions kept. */
  constructor(parts: HoldingsParts) {
    this.#parts = parts;
  }

  /** How many posts are held. */
  get size(): number {
    return this.#held.size;
  }

  /** Takes in what the store has; what is too old goes. */
  async load(): Promise<void> {
    const { conversations } = this.#parts.session.store;
    for (const { post, ...entry } of await conversations.held()) {
      this.#held.set(placeName({ ...post, for: entry.for }), entry);
    }
    await this.#tidy();
  }

  /** Keeps a post; whether it is kept. Undefined where it is nothing to be kept at all. */
  async keep({ for: user, read, by }: HoldRequest): Promise<boolean | undefined> {
    const { session: { ports: { clock }, store, settings }, lists } = this.#parts;
    const { post } = read;
    if (lists.get("following", user)?.present !== true) return undefined;
    if (addressOf(post, user) === undefined || !isTimely(post, clock.now())) return undefined;
    return await this.#mutex.run(async () => {
      const name = placeName({ ...post, for: user });
      if (this.#held.has(name)) return true;
      await this.#tidy();
      if (!this.#hasRoom(user, by)) return false;
      if (!verifyPost(read)) return undefined;
      const entry = { for: user, by, at: Math.floor(clock.now()) };
      await store.conversations.hold({ ...entry, post });
      this.#held.set(name, entry);
      settings.trace?.(`A post by ${post.author} is kept for ${user}`);
      return true;
    });
  }

  #hasRoom(user: string, by: string): boolean {
    let [forOne, byOne] = [0, 0];
    for (const held of this.#held.values()) {
      if (held.for === user) forOne++;
      if (held.by === by) byOne++;
    }
    return this.#held.size < heldMax && forOne < heldForOneMax && byOne < heldByOneMax;
  }

  /** A user has said hello: what is kept for that user is handed over. */
  async handOver(to: UserRef): Promise<void> {
    const { session: { store, signal }, lists } = this.#parts;
    const { username } = to;
    const pinned = lists.get("following", username);
    if (pinned?.present !== true || !isSame(pinned, to) || this.#handing.has(username)) return;
    if (![...this.#held.values()].some((held) => held.for === username)) return;
    this.#handing.add(username);
    try {
      for (const held of await store.conversations.heldFor(username)) {
        if (signal.aborted) return;
        if (!await this.#send(refOf(to), held)) return;
      }
    } finally {
      this.#handing.delete(username);
    }
  }

  /** Sends one post until it is acknowledged; whether it was. */
  async #send(to: UserRef, { post }: HeldMention): Promise<boolean> {
    const { session: { ports: { clock, random }, signal }, messenger } = this.#parts;
    const answer = Promise.withResolvers<void>();
    const order = {
      kind: "mention" as const,
      to,
      body: { post: post.signed },
      id: random.bytes(16),
    };
    const stop = messenger.onAck(order.id, (from) => {
      // With a reason it is refused: it is not sent again either.
      if (isSame(from, to)) answer.resolve();
    });
    try {
      for (let i = 0; i < sendsMax && !signal.aborted; i++) {
        await messenger.send(order, signal);
        if (!await settledWithin(clock, answer.promise, ackMsMax)) continue;
        await this.release({ ...post, for: to.username });
        return true;
      }
      return false;
    } finally {
      stop();
    }
  }

  /** Keeps a post no longer. */
  async release({ for: user, author, id }: HeldPlace): Promise<void> {
    if (!this.#held.delete(placeName({ for: user, author, id }))) return;
    await this.#parts.session.store.conversations.release({ for: user, author, id });
  }

  /** An author takes a post back: it is kept no longer. */
  async takeBack(author: string, { device, number }: FeedPlace): Promise<void> {
    const { conversations } = this.#parts.session.store;
    const users = new Set(
      [...this.#held].flatMap(([name, held]) =>
        name.startsWith(`${held.for}/${author}/`) ? [held.for] : []
      ),
    );
    for (const user of users) {
      for (const { post } of await conversations.heldFor(user)) {
        if (post.author !== author || post.device !== device || post.number !== number) continue;
        await this.release({ ...post, for: user });
      }
    }
  }

  /** Removes what was kept for too long. */
  async #tidy(): Promise<void> {
    const since = this.#parts.session.ports.clock.now() - mentionMsMax;
    for (const [name, held] of this.#held) {
      if (held.at >= since) continue;
      const [user = "", author = "", id = "0"] = name.split("/");
      await this.release({ for: user, author, id: BigInt(id) });
    }
  }
}

function placeName({ for: user, author, id }: HeldPlace): string {
  return `${user}/${author}/${id}`;
}
