/**
 * Following and unfollowing (docs/DESIGN.md).
 *
 * @module
 */

import type { FollowView } from "../api.ts";
import { given } from "../model/arguments.ts";
import { equalBytes } from "../model/bytes.ts";
import { CamelliaError } from "../model/errors.ts";
import type { Invite } from "../model/invite.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { ListEntry } from "../model/record_body.ts";
import { isSame, type UserRef } from "../model/user.ts";
import { parseUsername } from "../model/username.ts";
import type { PendingFollow } from "../ports.ts";
import type { Parts } from "../session/interfaces.ts";
import { accountClosed } from "../session/closed.ts";
import { warn } from "../session/warn.ts";
import { Mutex, Slots } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import { mapBounded, settledWithin } from "../../lib/waiting.ts";
import { chooseKey, readFingerprint, refuseOtherKey, unknownInviter } from "./keys.ts";
import type { PendingFollows } from "./pending_follows.ts";

/** Users that one user follows at most. */
export const followedMax = 5_000;

/** How long an answer waits for the acknowledgement and the first posts. */
const answerWaitMs = 1_500;

/** A change made on another device this recently is told by this one too, should the other be gone. */
const takeOverAgeMs = 86_400_000;

/** Fetches at once for changes merged from another device: its list may have thousands. */
const mergedFetchesMax = 8;

/** Users unfollowed at once where all are; each takes as long as its acknowledgement. */
const unfollowedAtOnceMax = 64;

/** Attempts to change an entry that other devices change at the same time. */
const changeAttemptsMax = 10;

/** What following needs. */
export interface FollowsParts extends Pick<Parts, "session" | "people" | "lists"> {
  /** Fetches the posts. */
  readonly sync: { fetch(author: UserRef, signal?: AbortSignal): Promise<void> };
  /** Tells whom one follows. */
  readonly requests: PendingFollows;
  /** Whom the user has blocked. */
  readonly mutes: { blocksName(username: string): boolean };
}

/** What the user asks for. */
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
  readonly #background: Tasks;
  /** Fetches that no one asked for here, so that no one waits for them. */
  readonly #fetching: Tasks;
  readonly #mergedFetches = new Slots(mergedFetchesMax);
  /** Authors whose posts are still there because the disk failed, and whether under a replaced pin. */
  readonly #leftOver = new Map<string, boolean>();

  /** The follows of one session; {@linkcode start} takes up what earlier ones left undone. */
  constructor(parts: FollowsParts) {
    this.#parts = parts;
    const report = (error: unknown) => warn(parts.session, error, "Cannot finish a follow");
    this.#background = new Tasks(report);
    this.#fetching = new Tasks(report);
    parts.lists.onChange((entry, isMerged) => {
      if (!isMerged || entry.list !== "following") return;
      this.#background.add(this.#mutex.run(() => this.#merged(entry)));
    });
  }

  /**
   * Takes up what earlier sessions left undone: requests not acknowledged, and posts of authors
   * unfollowed just before a crash.
   */
  async start(): Promise<void> {
    const { requests, session } = this.#parts;
    for (const request of await requests.load()) await this.#reconcile(request);
    for (const entry of await session.store.listEntries("following")) {
      if (!entry.present) await this.#removePosts(entry.username);
    }
    requests.send();
  }

  /**
   * Follows a user and fetches the user's posts at once. Where the user is followed already under that
   * key, nothing changes, and the view says so.
   *
   * @throws {CamelliaError} `invalid_username`, `invalid_argument`, `follow_self`, `unknown_user`,
   * `not_joined`, `no_answer`, `pin_clash`.
   */
  async follow(request: FollowRequest, signal?: AbortSignal): Promise<FollowView> {
    const { session, people } = this.#parts;
    const username = parseUsername(request.username);
    const fingerprint = readFingerprint(username, request.fingerprint);
    if (username === session.self.username) {
      throw new CamelliaError("follow_self", `Cannot follow ${username}: that is yourself.`);
    }
    if (this.#isFollowed(username, fingerprint)) return this.#already(username);
    this.#refuse(username);
    const person = await people.find(username, signal);
    signal?.throwIfAborted();
    if (person?.public?.isClosed) throw accountClosed("follow", username);
    const isAbsent = people.isAbsent(username);
    const key = chooseKey(session, { username, person, isAbsent, fingerprint });
    const user = { username, key };
    // A moment ago the user may have had no device; a follow asks the network anew.
    people.forgetDevices(user, []);
    const isDone = await this.#mutex.run(async () => {
      if (this.#isFollowed(username, fingerprint)) return true;
      this.#refuse(username);
      await this.#add(user);
      return false;
    });
    return isDone ? this.#already(username) : await this.#followed(user);
  }

  /**
   * Follows the inviter of an invite under the key that it names, and presents its token, also where the
   * inviter is followed already.
   *
   * @throws {CamelliaError} `follow_self`, `unknown_user`, `not_joined`, `no_answer`, and `pin_clash` where
   * this user or the network knows the name under another key.
   */
  async accept({ inviter, token }: Invite, signal?: AbortSignal): Promise<FollowView> {
    const { session, people, lists, requests } = this.#parts;
    const { username, key } = inviter;
    if (isSame(inviter, session.self)) {
      throw new CamelliaError(
        "follow_self",
        "Cannot use the invite: it is your own. Give it away.",
      );
    }
    this.#refuse(username);
    const person = await people.find(username, signal);
    signal?.throwIfAborted();
    if (person?.public?.isClosed) throw accountClosed("follow", username);
    if (person === undefined) throw unknownInviter(username, people.isAbsent(username), session);
    refuseOtherKey(inviter, person);
    const isDone = await this.#mutex.run(async () => {
      const entry = lists.get("following", username);
      if (!entry?.present) {
        await this.#add(inviter, token);
        return false;
      }
      refuseOtherKey(inviter, { ...person, key: entry.key, pinned: true });
      if (token === undefined) return true;
      const { updatedAt } = entry;
      await requests.put({ username, key, kind: "follow", updatedAt, token });
      requests.send(username);
      return false;
    });
    return isDone ? this.#already(username) : await this.#followed(inviter);
  }

  /**
   * Follows a user who has just presented a token of the own user's invite; whether this changed anything.
   * The user's message was signed with the key, and the network has confirmed it.
   */
  async followBack(user: UserRef): Promise<boolean> {
    const { session, lists, sync } = this.#parts;
    const isNew = await this.#mutex.run(async () => {
      if (lists.get("following", user.username)?.present) return false;
      if (lists.present("following").length >= followedMax) return false;
      await this.#add(user);
      return true;
    });
    if (isNew) this.#background.add(sync.fetch(user, session.signal));
    return isNew;
  }

  /** Writes that a user is followed, and starts telling the user. */
  async #add(user: UserRef, token?: Uint8Array): Promise<void> {
    const { username, key } = user;
    const old = this.#parts.lists.get("following", username);
    await this.#change(user, true, token);
    // Under a replaced pin the name's posts so far are another user's.
    if (old !== undefined && !equalBytes(old.key, key)) await this.#removePosts(username, true);
  }

  /** Fetches the posts of a user who has just been followed, and waits a moment for them. */
  async #followed(user: UserRef): Promise<FollowView> {
    const { session, requests, sync } = this.#parts;
    const { username } = user;
    const fetched = this.#background.add(sync.fetch(user, session.signal));
    const [acknowledged] = await Promise.all([
      requests.acknowledged(username, answerWaitMs),
      settledWithin(session.ports.clock, fetched, answerWaitMs),
    ]);
    // A request that is neither acknowledged nor waits any more was refused.
    const isRefused = !acknowledged && !requests.isWaiting(username);
    return { username, following: true, acknowledged, ...isRefused ? { refused: true } : {} };
  }

  /**
   * Unfollows a user and removes the user's posts.
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
    const acknowledged = await this.#parts.requests.acknowledged(username, answerWaitMs);
    return { username, following: false, acknowledged };
  }

  /** Unfollows all, so that no user goes on listing this one as a follower. What fails is left. */
  async unfollowAll(): Promise<void> {
    await mapBounded(this.followed(), unfollowedAtOnceMax, async (username) => {
      // Another device may have unfollowed; the session may end meanwhile.
      await this.unfollow({ username }).catch(() => {});
    });
  }

  /** The names of the users who are followed, sorted. */
  followed(): string[] {
    return this.#parts.lists.present("following").map(({ username }) => username).sort();
  }

  /**
   * Resolves when what the user asked for and what other devices changed is done; the posts of users whom
   * another device followed may still be on their way.
   */
  async settled(): Promise<void> {
    await this.#background.settled();
  }

  /** Tries again to remove posts that could not be removed. To be called now and then. */
  async tidy(): Promise<void> {
    for (const [username, isReplaced] of [...this.#leftOver]) {
      await this.#removePosts(username, isReplaced);
    }
  }

  /** Whether the user is followed, and not under another key than the one asked for. */
  #isFollowed(username: string, fingerprint: string | undefined): boolean {
    const entry = this.#parts.lists.get("following", username);
    if (!entry?.present) return false;
    return fingerprint === undefined || fingerprintOf(entry.key) === fingerprint;
  }

  /** What a follow that changes nothing comes to. */
  #already(username: string): FollowView {
    const acknowledged = !this.#parts.requests.isWaiting(username);
    return { username, following: true, acknowledged, already: true };
  }

  #refuse(username: string): void {
    if (this.#parts.mutes.blocksName(username)) {
      throw new CamelliaError(
        "invalid_argument",
        `Cannot follow ${username}: you have blocked them. Unblock them first.`,
      );
    }
    const { lists } = this.#parts;
    if (lists.get("following", username)?.present) return;
    if (lists.present("following").length < followedMax) return;
    throw new CamelliaError(
      "invalid_argument",
      `Cannot follow ${username}: you follow ${followedMax} users, the most there can be.`,
    );
  }

  /**
   * Writes request and list entry, and starts telling. The request comes first: after a crash between
   * the two, `start` completes the change, and nothing is left untold.
   */
  async #change(user: UserRef, present: boolean, token?: Uint8Array): Promise<void> {
    const { lists, requests, session } = this.#parts;
    const { username, key } = user;
    const kind = present ? "follow" : "unfollow";
    try {
      for (let attempt = 0; attempt < changeAttemptsMax; attempt++) {
        // Another device's clock may be ahead; this change is later than what it changes.
        const known = lists.get("following", username)?.updatedAt ?? 0;
        const updatedAt = Math.max(Math.floor(session.ports.clock.now()), known + 1);
        await requests.put({ username, key, kind, updatedAt, ...given({ token }) });
        if (await lists.apply({ list: "following", username, key, updatedAt, present })) {
          return requests.send(username);
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

  /** After a change that failed: the request says what the list says, or goes. */
  async #undo(username: string): Promise<void> {
    const { lists, requests } = this.#parts;
    const request = requests.get(username);
    const entry = lists.get("following", username);
    try {
      if (request !== undefined) await requests.drop(username, request.updatedAt);
      if (entry !== undefined) await this.#tell(entry);
    } catch {
      // The disk fails; the change's own error says so. The next start completes the change.
    }
    requests.send(username);
  }

  /**
   * Brings list and request in step after a crash: a change whose request was committed and whose entry
   * was not is completed; where another device changed the entry later, that is what is told.
   */
  async #reconcile({ username, key, kind, updatedAt }: PendingFollow): Promise<void> {
    const { lists, requests } = this.#parts;
    const entry = lists.get("following", username);
    if (entry?.updatedAt === updatedAt) return;
    if (entry === undefined || entry.updatedAt < updatedAt) {
      const present = kind === "follow";
      if (await lists.apply({ list: "following", username, key, updatedAt, present })) return;
      await requests.drop(username, updatedAt);
    }
    if (entry !== undefined) await this.#tell(entry);
  }

  /** Commits the request of an entry. */
  async #tell({ username, key, present, updatedAt }: ListEntry): Promise<void> {
    const kind = present ? "follow" : "unfollow";
    await this.#parts.requests.put({ username, key, kind, updatedAt });
  }

  /** Another device changed an entry. */
  async #merged(entry: ListEntry): Promise<void> {
    const { lists, requests, session, sync } = this.#parts;
    const { username, key, updatedAt, present } = entry;
    if (lists.get("following", username)?.updatedAt !== updatedAt || session.signal.aborted) return;
    if (present) {
      const fetch = () => sync.fetch({ username, key }, session.signal);
      this.#fetching.add(this.#mergedFetches.run(fetch));
    } else await this.#removePosts(username);
    const known = requests.get(username);
    if (known === undefined && session.ports.clock.now() - updatedAt > takeOverAgeMs) return;
    if (known !== undefined && known.updatedAt >= updatedAt) return;
    await this.#tell(entry);
    requests.send(username);
  }

  /** Removes an author's posts, unless they are followed (again). What the disk refuses is left over. */
  async #removePosts(username: string, isReplaced = false): Promise<void> {
    const { lists, session } = this.#parts;
    const { store } = session;
    this.#leftOver.delete(username);
    if (!isReplaced && lists.get("following", username)?.present) return;
    try {
      if ((await store.feeds(username)).length > 0) await store.removeAuthor(username);
    } catch (error) {
      this.#leftOver.set(username, isReplaced);
      warn(session, error, `Cannot remove the posts of ${username} yet`);
    }
  }
}
