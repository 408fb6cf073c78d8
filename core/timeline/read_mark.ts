/**
 * How far the timeline was read: up to which post.
 *
 * A post that arrives late and lies below the mark counts as read, as it does in any list that is ordered by
 * time and read from its end.
 *
 * @module
 */

import { asArray, asBigInteger, attempt, decode, encode } from "../../lib/msgpack.ts";
import { Recent } from "../../lib/recent.ts";
import { given } from "../model/arguments.ts";
import { readPostId } from "../model/snowflake.ts";
import type { Session, Unwanted } from "../session/interfaces.ts";
import { postView } from "../session/views.ts";

/** The note with the id of the last post that was read. */
const note = "read timeline";

/** Unread posts are counted so far: a person does not tell 1,000 from 2,000. */
export const unreadCountedMax = 1_000;

/** A count is good for so long: a menu asks for it after every post of thousands that arrive at once. */
const countMs = 500;

/** Where something is muted, posts are read for that: so many at once, and so many in all. */
const readAtOnce = 200;
const lookedAtMax = 4 * unreadCountedMax;

/** What the user does not want to see. */
type Hiding = Pick<Unwanted, "hides" | "hidesNothing" | "version">;

/** The mark of one session's user. */
export class ReadMark {
  readonly #session: Pick<Session, "store" | "self" | "ports">;
  readonly #mutes: Hiding;
  readonly #counted: Recent<number>;
  #id = 0n;

  /** Nothing has been read before {@linkcode load}. */
  constructor(session: Pick<Session, "store" | "self" | "ports">, mutes: Hiding) {
    this.#session = session;
    this.#mutes = mutes;
    this.#counted = new Recent({
      time: session.ports.clock,
      ms: countMs,
      read: () => this.#count(),
      version: () => mutes.version,
    });
  }

  /** Reads the mark. Where there is none yet, what is here has been read: an older version showed it. */
  async load(): Promise<void> {
    const { store } = this.#session;
    const bytes = await store.getNote(note);
    if (bytes === undefined) {
      const [newest] = await store.timeline({ limit: 1 });
      return await this.set(newest?.id ?? 0n);
    }
    const limits = { maxBytes: 16, maxArrayLength: 1 };
    this.#id = attempt(() => asBigInteger(asArray(decode(bytes, limits), note, 1)[0], note)) ?? 0n;
  }

  /** Whether a post lies at the mark or below. Own posts are always read. */
  has({ author, id }: { readonly author: string; readonly id: bigint }): boolean {
    return id <= this.#id || author === this.#session.self.username;
  }

  /** Everything up to this post has been read. */
  async set(id: bigint): Promise<void> {
    if (id < this.#id) return;
    await this.#session.store.putNote(note, encode([id]));
    this.#id = id;
    this.#counted.forget();
  }

  /**
   * Everything up to the post of that id, as a person or script names it, has been read.
   *
   * @throws {CamelliaError} `invalid_argument`.
   */
  async setText(text = ""): Promise<void> {
    await this.set(readPostId(text, "mark as read"));
  }

  /** How many posts of others lie beyond the mark, without those that mutes hide, 1,000 at most. */
  unread(): Promise<number> {
    return this.#counted.get();
  }

  async #count(): Promise<number> {
    const { store, self: { username } } = this.#session;
    const than = this.#id;
    if (this.#mutes.hidesNothing) {
      return await store.countNewer({ than, except: username, limit: unreadCountedMax });
    }
    let count = 0;
    let before: bigint | undefined;
    for (let looked = 0; looked < lookedAtMax; looked += readAtOnce) {
      const page = await store.timeline({ limit: readAtOnce, ...given({ before }) });
      for (const post of page) {
        if (post.id <= than) return count;
        if (post.author !== username && !this.#mutes.hides(postView(post))) count++;
        if (count >= unreadCountedMax) return count;
      }
      if (page.length < readAtOnce) break;
      before = page.at(-1)?.id;
    }
    return count;
  }
}
