/**
 * Blocking users, and taking users out of one's followers.
 *
 * @module
 */

import type { BlockView } from "../api.ts";
import { given } from "../model/arguments.ts";
import { CamelliaError } from "../model/errors.ts";
import type { Block } from "../model/mute.ts";
import { parseUsername } from "../model/username.ts";
import type { Parts } from "../session/interfaces.ts";
import type { Follows } from "./follow.ts";

/** What {@linkcode Blocks} need. */
export interface BlocksParts extends Pick<Parts, "session" | "lists" | "people"> {
  /** Unfollows. */
  readonly follows: Pick<Follows, "unfollow">;
  /** Keeps who is blocked. */
  readonly mutes: {
    block(block: Block): Promise<void>;
    unblock(username: string): Promise<void>;
  };
  /** What strangers said. */
  readonly requests: { putAside(username: string): Promise<void> };
}

/** See the module. */
export class Blocks {
  readonly #parts: BlocksParts;

  /** The blocks of one session. */
  constructor(parts: BlocksParts) {
    this.#parts = parts;
  }

  /**
   * Blocks a user: from now on nothing of that user is taken or shown. The user is unfollowed and taken out
   * of the followers.
   *
   * @throws {CamelliaError} `invalid_username`, `invalid_argument`, or what the database fails with.
   */
  async block(request: { readonly username: string }): Promise<BlockView> {
    const { session, people, lists, mutes, follows, requests } = this.#parts;
    const username = parseUsername(request.username);
    if (username === session.self.username) {
      throw new CamelliaError("invalid_argument", "Cannot block yourself.");
    }
    await mutes.block({ username, ...given({ key: people.pin(username) }) });
    await this.#removeFollower(username);
    await requests.putAside(username);
    // Last: it waits a moment for the other user, and fails where another device has unfollowed meanwhile.
    if (lists.get("following", username)?.present) await follows.unfollow({ username });
    return { username, blocked: true };
  }

  /**
   * Takes what a user sends again. Who followed whom does not come back by itself.
   *
   * @throws {CamelliaError} `invalid_username`, `invalid_argument`, or what the database fails with.
   */
  async unblock(request: { readonly username: string }): Promise<BlockView> {
    const username = parseUsername(request.username);
    await this.#parts.mutes.unblock(username);
    return { username, blocked: false };
  }

  /**
   * Takes a user out of the followers: nothing is pushed there any more. That user can follow again.
   *
   * @throws {CamelliaError} `invalid_username`, `not_following` where the user is no follower, or what the
   * database fails with.
   */
  async removeFollower(request: { readonly username: string }): Promise<{ username: string }> {
    const username = parseUsername(request.username);
    if (!await this.#removeFollower(username)) {
      const message = `Cannot remove ${username}: they do not follow you.`;
      throw new CamelliaError("not_following", message);
    }
    return { username };
  }

  /** Whether the user was a follower. */
  async #removeFollower(username: string): Promise<boolean> {
    const { session, lists } = this.#parts;
    const known = lists.get("followers", username);
    if (known === undefined || !known.present) return false;
    const updatedAt = Math.max(Math.floor(session.ports.clock.now()), known.updatedAt + 1);
    await lists.apply({ ...known, updatedAt, present: false });
    session.emit({ event: "follower", username, following: false });
    return true;
  }
}
