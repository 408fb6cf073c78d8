/**
 * Following and unfollowing (design, sections 4 and 6).
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import type { FollowView } from "../api.ts";
import { equalBytes } from "../model/bytes.ts";
import { fingerprintOf, parseFingerprint } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { ListEntry } from "../model/record_body.ts";
import type { PendingFollow } from "../ports.ts";
import { parseUsername } from "../model/username.ts";
import type { Lists, People, Session } from "../session/interfaces.ts";
import { chooseKey } from "./follow_key.ts";
import type { Notices } from "./follow_notices.ts";
import { Mutex, Slots } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { warn } from "../session/warn.ts";

/** Entries in one list at most (design, section 4). */
export const listLengthMax = 5_000;

/** How long an answer waits for the acknowledgement and the first posts. */
const answerWaitMs = 1_500;

/** A change made on another device this recently is told by this one too, should the other be gone. */
const takeOverAgeMs = 86_400_000;

/** Fetches at once for changes merged from another device: its list may have thousands. */
const mergedFetchesMax = 8;

/** Attempts to change an entry that other devices change at the same time. */
const changeAttemptsMax = 10;

/** The parts of a session that following needs. */
export interface FollowsParts {
  /** The session. */
  readonly session: Session;
  /** Finds whom one follows. */
  readonly people: Pick<People, "find">;
  /** The two lists. */
  readonly lists: Lists;
  /** Fetches the posts. */
  readonly sync: { fetch(author: UserRef, signal?: AbortSignal): Promise<void> };
  /** Tells whom one follows. */
  readonly notices: Notices;
}

/** A request as it comes from the user interface. */
export interface FollowRequest {
  /** As typed. */
  readonly username: string;
  /** Sixteen hex digits: the key to believe, in place of a pin if need be. */
  readonly fingerprint?: string;
}

/** Follows and unfollows. */
export class Follows {
  readonly #parts: FollowsParts;
  readonly #mutex = new Mutex();
  readonly #background = new Set<Promise<void>>();
  readonly #mergedFetches = new Slots(mergedFetchesMax);
  /** Authors whose posts are still there because the disk failed, and whether under a replaced pin. */
  readonly #leftOver = new Map<string, boolean>();

  /** The follows of one session; {@linkcode start} takes up what earlier ones left undone. */
  constructor(parts: FollowsParts) {
    this.#parts = parts;
    const stop = parts.lists.onChange((entry) => this.#changed(entry));
    parts.session.signal.addEventListener("abort", stop, { once: true });
  }

  /**
   * Takes up what earlier sessions left undone: notices not acknowledged, and posts of authors
   * unfollowed just before a crash.
   */
  async start(): Promise<void> {
    const { notices, session } = this.#parts;
    await notices.load();
    for (const notice of await session.store.pendingFollows()) await this.#reconcile(notice);
    for (const entry of await session.store.listEntries("following")) {
      if (!entry.present) await this.#removePosts(entry.username);
    }
    notices.send();
  }

  /**
   * Follows somebody and fetches their posts at once.
   *
   * @throws {CamelliaError} `invalid_username`, `invalid_argument`, `follow_self`,
   * `already_following`, `unknown_user`, `not_joined`, `pin_clash`.
   */
  async follow(request: FollowRequest, signal?: AbortSignal): Promise<FollowView> {
    const username = parseUsername(request.username);
    const fingerprint = this.#parseFingerprint(username, request.fingerprint);
    this.#refuseSelf(username);
    this.#refuseFollowed(username, fingerprint);
    const person = await this.#parts.people.find(username, signal);
    signal?.throwIfAborted();
    const key = chooseKey(this.#parts.session, { username, person, fingerprint });
    const user = { username, key };
    await this.#mutex.run(async () => {
      this.#refuseFollowed(username, fingerprint);
      const old = this.#parts.lists.get("following", username);
      await this.#change(user, true);
      // Under a replaced pin the name's posts so far are somebody else's.
      if (old !== undefined && !equalBytes(old.key, key)) await this.#removePosts(username, true);
    });
    const fetched = this.#fetchBehind(user);
    const [acknowledged] = await Promise.all([
      this.#parts.notices.acknowledged(username, answerWaitMs),
      settledWithin(this.#parts.session.ports.clock, fetched, answerWaitMs),
    ]);
    return { username, following: true, acknowledged };
  }

  /**
   * Unfollows somebody and removes their posts.
   *
   * @throws {CamelliaError} `invalid_username`, `not_following`.
   */
  async unfollow(request: { readonly username: string }): Promise<FollowView> {
    const username = parseUsername(request.username);
    await this.#mutex.run(async () => {
      const entry = this.#parts.lists.get("following", username);
      if (!entry?.present) {
        const message = `Cannot unfollow ${username}: you do not follow them.`;
        throw new CamelliaError("not_following", message);
      }
      await this.#change({ username, key: entry.key }, false);
      await this.#removePosts(username);
    });
    const acknowledged = await this.#parts.notices.acknowledged(username, answerWaitMs);
    return { username, following: false, acknowledged };
  }

  /** Resolves when what goes on behind is done. */
  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  #parseFingerprint(username: string, text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const fingerprint = parseFingerprint(text);
    if (fingerprint !== undefined) return fingerprint;
    throw new CamelliaError(
      "invalid_argument",
      `Cannot follow ${username}: ${JSON.stringify(text.slice(0, 40))} is not a fingerprint ` +
        "(16 hexadecimal digits).",
    );
  }

  #refuseSelf(username: string): void {
    if (username !== this.#parts.session.self.username) return;
    throw new CamelliaError("follow_self", `Cannot follow ${username}: that is yourself.`);
  }

  #refuseFollowed(username: string, fingerprint: string | undefined): void {
    const { lists } = this.#parts;
    const entry = lists.get("following", username);
    if (entry?.present) {
      if (fingerprint !== undefined && fingerprintOf(entry.key) !== fingerprint) return;
      const message = `Cannot follow ${username}: you follow them already.`;
      throw new CamelliaError("already_following", message);
    }
    if (lists.present("following").length < listLengthMax) return;
    throw new CamelliaError(
      "invalid_argument",
      `Cannot follow ${username}: you follow ${listLengthMax} users, the most there can be.`,
    );
  }

  /**
   * Writes notice and list entry, and starts telling. The notice comes first: after a crash between
   * the two, `start` completes the change, and nothing is left untold.
   */
  async #change(user: UserRef, present: boolean): Promise<void> {
    const { lists, notices, session } = this.#parts;
    const { username, key } = user;
    const kind = present ? "follow" : "unfollow";
    try {
      for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
        // Another device's clock may be ahead; this change is later than what it changes.
        const known = lists.get("following", username)?.updatedAt ?? 0;
        const updatedAt = Math.max(Math.floor(session.ports.clock.now()), known + 1);
        await notices.put({ username, key, kind, updatedAt });
        if (await lists.apply({ list: "following", username, key, updatedAt, present })) {
          return notices.send(username);
        }
        session.signal.throwIfAborted();
      }
    } catch (error) {
      if (!session.signal.aborted) await this.#undo(username);
      throw error;
    }
    await this.#undo(username);
    throw new CamelliaError(
      "clock_ahead",
      `Cannot ${kind} ${username}: the list has a later change, dated ahead of the clock, or is full. ` +
        "Check the clock and try again.",
    );
  }

  /** After a change that failed: the notice says what the list says, or goes. */
  async #undo(username: string): Promise<void> {
    const { lists, notices } = this.#parts;
    const notice = notices.get(username);
    const entry = lists.get("following", username);
    try {
      if (notice !== undefined) await notices.drop(username, notice.updatedAt);
      if (entry !== undefined) await this.#tell(entry);
    } catch {
      // The disk fails; the change's own error says so. The next start completes the change.
    }
    notices.send(username);
  }

  /**
   * Brings list and notice in step after a crash: a change whose notice was committed and whose entry
   * was not is completed; where another device changed the entry later, that is what is told.
   */
  async #reconcile(notice: PendingFollow): Promise<void> {
    const { lists, notices } = this.#parts;
    const { username, key, kind, updatedAt } = notice;
    const entry = lists.get("following", username);
    if (entry?.updatedAt === updatedAt) return;
    if (entry === undefined || entry.updatedAt < updatedAt) {
      const present = kind === "follow";
      if (await lists.apply({ list: "following", username, key, updatedAt, present })) return;
      await notices.drop(username, updatedAt);
    }
    if (entry !== undefined) await this.#tell(entry);
  }

  /** Commits the notice of an entry. */
  async #tell({ username, key, present, updatedAt }: ListEntry): Promise<void> {
    await this.#parts.notices.put({
      username,
      key,
      kind: present ? "follow" : "unfollow",
      updatedAt,
    });
  }

  /** An entry changed: here, or on another device and merged. */
  #changed(entry: ListEntry): void {
    if (entry.list !== "following") return;
    // Changes made here hold the mutex and have a notice already.
    if (this.#parts.notices.get(entry.username)?.updatedAt === entry.updatedAt) return;
    this.#behind(this.#mutex.run(() => this.#merged(entry)));
  }

  async #merged(entry: ListEntry): Promise<void> {
    const { lists, notices, session } = this.#parts;
    const { username, key, updatedAt, present } = entry;
    if (lists.get("following", username)?.updatedAt !== updatedAt || session.signal.aborted) return;
    if (present) this.#mergedFetches.run(() => this.#fetchBehind({ username, key }));
    else await this.#removePosts(username);
    const known = notices.get(username);
    if (known === undefined && session.ports.clock.now() - updatedAt > takeOverAgeMs) return;
    if (known !== undefined && known.updatedAt >= updatedAt) return;
    await this.#tell(entry);
    notices.send(username);
  }

  /** Removes an author's posts, unless they are followed (again). What the disk refuses is left over. */
  async #removePosts(username: string, replaced = false): Promise<void> {
    const { lists, session } = this.#parts;
    const { store } = session;
    this.#leftOver.delete(username);
    if (!replaced && lists.get("following", username)?.present) return;
    try {
      if ((await store.feeds(username)).length > 0) await store.removeAuthor(username);
    } catch (error) {
      this.#leftOver.set(username, replaced);
      warn(session, error, `Cannot remove the posts of ${username} yet`);
    }
  }

  /** Tries again to remove what could not be removed. To be called now and then. */
  async tidy(): Promise<void> {
    for (const [username, replaced] of [...this.#leftOver]) {
      await this.#removePosts(username, replaced);
    }
  }

  #fetchBehind(user: UserRef): Promise<void> {
    const { sync, session } = this.#parts;
    return this.#behind(sync.fetch(user, session.signal));
  }

  #behind(work: Promise<void>): Promise<void> {
    const contained = work.catch((error: unknown) =>
      warn(this.#parts.session, error, "Cannot finish a follow")
    );
    this.#background.add(contained);
    return contained.finally(() => this.#background.delete(contained));
  }
}
