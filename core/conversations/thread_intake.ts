/**
 * Posts of threads as strangers send them: every check before one is kept, and whose name each bears.
 *
 * A post whose author's name is not known to be its key's is kept and marked until the network has been asked; once
 * the network says that the name is another key's, the post goes.
 *
 * @module
 */

import type { NewContext } from "../conversation_store.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { equalBytes } from "../model/bytes.ts";
import {
  authorOf,
  type Post,
  type PostName,
  type ReadPost,
  readPost,
  rootOf,
  verifyPost,
} from "../model/post.ts";
import { threadName } from "../model/thread.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { attempt } from "../../lib/msgpack.ts";
import { Slices } from "../../lib/slices.ts";
import { Tasks } from "../../lib/tasks.ts";
import type { Lists, People, Session, Unwanted } from "../session/interfaces.ts";
import { postNameView } from "../session/views.ts";
import { warn } from "../session/warn.ts";
import { isEarly } from "./limits.ts";
import type { Reposts } from "./reposts.ts";
import { postNamed } from "./post_named.ts";

/** Names looked up for one thread … */
export const threadLookUpsMax = 64;

/** … within this time, and threads of which that is remembered. */
const lookUpsMs = 600_000;
const countedMax = 256;

/** After so many posts in one step that are none of the thread, the sender is not listened to any more. */
const refusedMax = 8;

/** What {@linkcode ThreadIntake} needs. */
export interface ThreadIntakeParts {
  /** The session. */
  readonly session: Session;
  /** Who is followed. */
  readonly lists: Pick<Lists, "get">;
  /** Whose key is pinned. */
  readonly people: Pick<People, "pin">;
  /** Says whose a name is. */
  readonly messenger: Pick<PeerMessenger, "confirms" | "claimOf">;
  /** Takes in posts of a followed author as if they had been pushed; resolves to how many were new. */
  readonly feeds: { take(author: UserRef, posts: readonly Uint8Array[]): Promise<number> };
  /** Takes own reposts of deleted posts back. */
  readonly reposts: Pick<Reposts, "takenBack">;
  /** Says from whom nothing is taken. */
  readonly mutes: Pick<Unwanted, "isBlocked">;
}

/** What became of a step. */
export interface ThreadReport {
  /** Posts and deletes that were new. */
  readonly added: number;
  /** Whether the sender is evidently not honest. */
  readonly isLying: boolean;
}

/** See the module. */
export class ThreadIntake {
  readonly #parts: ThreadIntakeParts;
  readonly #slices: Slices;
  readonly #tasks: Tasks;
  /** Names looked up, by thread. */
  readonly #lookUps: TimedCache<{ count: number }>;

  /** Takes posts in for one session's user. */
  constructor(parts: ThreadIntakeParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#slices = new Slices(clock);
    this.#tasks = new Tasks((error) => warn(parts.session, error));
    this.#lookUps = new TimedCache(clock, countedMax);
  }

  /** Takes in what came in one step of an answer. Names are looked up in the background. */
  async take(root: PostName, bytes: readonly Uint8Array[]): Promise<ThreadReport> {
    const posts: Post[] = [];
    let refused = 0;
    for (const one of bytes) {
      await this.#slices.next();
      const read = attempt(() => readPost(one));
      if (read === undefined || !this.#mayBe(root, read.post)) refused++;
      else if (!await this.#isHere(read.post)) {
        if (verifyPost(read)) posts.push(read.post);
        else refused++;
      }
      if (refused > refusedMax) break;
    }
    const added = await this.#keep(root, posts);
    if (added > 0) this.#changed(root);
    return { added, isLying: refused > refusedMax };
  }

  /** Looks up, in the background, the names of posts that are here and whose keys are not known to be theirs. */
  lookUp(root: PostName, posts: readonly Post[]): void {
    const { messenger } = this.#parts;
    const unknown = posts.filter((post) => messenger.claimOf(authorOf(post)) === undefined);
    for (const theirs of Map.groupBy(unknown, (post) => nameOf(authorOf(post))).values()) {
      const [first] = theirs;
      if (first !== undefined) this.#tasks.add(this.#ask(root, authorOf(first), theirs));
    }
  }

  /** Resolves when no name is being looked up. */
  settled(): Promise<void> {
    return this.#tasks.settled();
  }

  /** The checks that cost next to nothing. */
  #mayBe(root: PostName, post: ReadPost["post"]): boolean {
    const { session: { self, ports: { clock } }, people, mutes } = this.#parts;
    if (post.repostOf !== undefined || isEarly(post, clock.now())) return false;
    // What the user has written and what is here of it is for the own feed to say.
    if (post.author === self.username) return false;
    const isOfThread = post.deletes !== undefined || threadName(post) === threadName(root) ||
      threadName(rootOf(post)) === threadName(root);
    const pin = people.pin(post.author);
    if (!isOfThread || (pin !== undefined && !equalBytes(pin, post.authorKey))) return false;
    return !mutes.isBlocked(authorOf(post)) &&
      this.#parts.messenger.claimOf(authorOf(post)) !== false;
  }

  async #isHere(post: Post): Promise<boolean> {
    const { store } = this.#parts.session;
    if (post.deletes !== undefined) return false;
    const here = await postNamed(store, post);
    return here !== undefined && equalBytes(here.authorKey, post.authorKey);
  }

  /** Keeps posts and deletes of many authors, in as few commits as it takes; resolves to how many were new. */
  async #keep(root: PostName, posts: readonly Post[]): Promise<number> {
    const { session: { store, ports: { clock }, signal }, messenger } = this.#parts;
    let added = 0;
    const kept: NewContext[] = [];
    const unknown: Post[][] = [];
    for (const theirs of Map.groupBy(posts, (post) => nameOf(authorOf(post))).values()) {
      const [first] = theirs;
      if (first === undefined || signal.aborted) return added;
      const { others, taken } = await this.#intoFeed(theirs);
      added += taken;
      const isConfirmed = messenger.claimOf(authorOf(first)) === true;
      kept.push(...others.map((post) => contextOf(root, post, isConfirmed)));
      if (!isConfirmed) unknown.push(others);
    }
    added += await store.conversations.addContext(kept, Math.floor(clock.now()));
    for (const { post } of kept) this.#parts.reposts.takenBack(post);
    for (const others of unknown) {
      const [first] = others;
      if (first !== undefined) this.#tasks.add(this.#ask(root, authorOf(first), others));
    }
    return added;
  }

  /** Gives posts of an author who is followed to that feed; those to be kept for the thread, and how many it took. */
  async #intoFeed(posts: readonly Post[]): Promise<{ others: Post[]; taken: number }> {
    const { session: { store }, lists, feeds } = this.#parts;
    const [first] = posts;
    if (first === undefined || !lists.get("following", first.author)?.present) {
      return { others: [...posts], taken: 0 };
    }
    const taken = await feeds.take(authorOf(first), posts.map(({ signed }) => signed));
    const inFeed = await Promise.all(posts.map((post) => store.findPost(post)));
    // What the feed does not keep, because it is too old, is kept for the thread.
    const others = posts.filter((post, i) => post.deletes === undefined && inFeed[i] === undefined);
    return { others, taken };
  }

  /** Asks the network whose a name is, within what there is of that for one thread. */
  async #ask(root: PostName, author: UserRef, posts: readonly Post[]): Promise<void> {
    const { session: { store, ports: { clock }, signal }, messenger } = this.#parts;
    const name = threadName(root);
    const lookUps = this.#lookUps.get(name) ?? { count: 0 };
    if (lookUps.count >= threadLookUpsMax) return;
    lookUps.count++;
    this.#lookUps.set(name, lookUps, lookUpsMs);
    await messenger.confirms(author);
    if (signal.aborted) return;
    const claim = messenger.claimOf(author);
    if (claim === undefined) return;
    if (claim) {
      const kept = await this.#lacking(root, posts);
      if (kept.length > 0) await store.conversations.addContext(kept, Math.floor(clock.now()));
    } else {
      const forged: PostName[] = [];
      for (const post of posts) {
        const here = await store.conversations.contextPost(post);
        if (here !== undefined && equalBytes(here.authorKey, author.key)) forged.push(post);
      }
      await store.conversations.dropContext(forged);
    }
    this.#changed(root);
  }

  /** What is to be kept of posts whose name is known to be their key's: others have that name, or a delete waits. */
  async #lacking(root: PostName, posts: readonly Post[]): Promise<NewContext[]> {
    const { conversations } = this.#parts.session.store;
    const lacking: NewContext[] = [];
    for (const post of posts) {
      const here = post.deletes === undefined ? await conversations.contextPost(post) : undefined;
      const isHere = here !== undefined && equalBytes(here.authorKey, post.authorKey);
      if (!isHere) lacking.push(contextOf(root, post, true));
    }
    return lacking;
  }

  #changed(root: PostName): void {
    this.#parts.session.emit({ event: "thread", root: postNameView(root) });
  }
}

/** A delete that an unknown key has signed says nothing of the thread, but for posts of that key that are here. */
function contextOf(root: PostName, post: Post, isConfirmed: boolean): NewContext {
  if (post.deletes === undefined) return { post, isConfirmed };
  return { post, isConfirmed, onlyForThread: true, ...isConfirmed ? { thread: root } : {} };
}
