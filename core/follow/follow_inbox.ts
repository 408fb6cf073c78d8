/**
 * What others say about following: `follow` and `unfollow` as they come in (design, section 6).
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { UserRef } from "../model/user.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import type { Lists, OwnRecords, Session } from "../session/interfaces.ts";
import { listLengthMax } from "./follow.ts";
import { Mutex } from "../../lib/slots.ts";

/** How far ahead of this clock a change may be dated: what messages are allowed as well. */
const whenAheadMsMax = 600_000;

/** To one sender of unwanted posts at most one `unfollow` in this time. */
const unwantedEveryMs = 600_000;

/** How far in the past that `unfollow` is dated where nothing tells better; see {@linkcode FollowInbox.unwanted}. */
const unwantedAgeMs = 600_000;

/** Senders of unwanted posts remembered; the one told longest ago makes room. */
const unwantedMax = 1_000;

/** The parts of a session that the inbox needs. */
export interface FollowInboxParts {
  /** The session. */
  readonly session: Session;
  /** The followers' list. */
  readonly lists: Lists;
  /** For acknowledgements. */
  readonly messenger: Pick<PeerMessenger, "send">;
  /** To learn what another device has done. */
  readonly records: Pick<OwnRecords, "pull">;
  /** Says `hello` to a user. */
  readonly greet: (to: UserRef) => Promise<void>;
}

/** Keeps the list of followers. */
export class FollowInbox {
  readonly #parts: FollowInboxParts;
  readonly #mutex = new Mutex();
  /** When senders of unwanted posts were told, on the monotonic clock; in order of time. */
  readonly #told = new Map<string, number>();

  /** The inbox of one session. */
  constructor(parts: FollowInboxParts) {
    this.#parts = parts;
  }

  /**
   * Deals with a `follow` or `unfollow`: the list first, then the acknowledgement. A new follower is
   * greeted: what is posted from now on is pushed, and the heads tell what was posted before that.
   */
  async handle(message: MessageOf<"follow"> | MessageOf<"unfollow">): Promise<void> {
    const { session, messenger, lists, greet } = this.#parts;
    if (message.from.username === session.self.username) return;
    const wasFollower = lists.get("followers", message.from.username)?.present;
    const reason = await this.#mutex.run(() => this.#apply(message));
    const body = reason === undefined ? { id: message.id } : { id: message.id, reason };
    await messenger.send({ kind: "ack", to: message.from, body }, session.signal);
    const isFollower = lists.get("followers", message.from.username)?.present;
    if (isFollower && !wasFollower) await greet(message.from);
  }

  /** The reason of a refusal, or undefined. */
  async #apply(
    message: MessageOf<"follow"> | MessageOf<"unfollow">,
  ): Promise<string | undefined> {
    const { session, lists } = this.#parts;
    const { from, kind, body: { updatedAt } } = message;
    if (updatedAt > session.ports.clock.now() + whenAheadMsMax) return "time";
    const present = kind === "follow";
    const known = lists.get("followers", from.username);
    if (known !== undefined && known.updatedAt >= updatedAt) return undefined;
    if (present && known === undefined && lists.present("followers").length >= listLengthMax) {
      return "full";
    }
    const { username, key } = from;
    const applied = await lists.apply({ list: "followers", username, key, updatedAt, present });
    const entry = lists.get("followers", username);
    if (!applied && (entry === undefined || entry.updatedAt < updatedAt)) return "full";
    if (applied && (known?.present ?? false) !== present) {
      session.emit({ event: "follower", username, following: present });
    }
    return undefined;
  }

  /**
   * Somebody pushed posts whom the user does not follow: their list of followers is out of date, so
   * they are told, at most once in a while. Where an entry says when the user unfollowed, that is
   * what they are told. Where none does, another device may have followed a moment ago: the own
   * records are read first, and the notice is dated into the past, so that it beats only old entries.
   */
  async unwanted(from: UserRef): Promise<void> {
    const { session, lists, messenger, records } = this.#parts;
    const { clock } = session.ports;
    if (lists.get("following", from.username)?.present) return;
    const toldAt = this.#told.get(from.username);
    if (toldAt !== undefined && clock.monotonic() - toldAt < unwantedEveryMs) return;
    this.#told.delete(from.username);
    this.#told.set(from.username, clock.monotonic());
    if (this.#told.size > unwantedMax) {
      const [oldest] = this.#told.keys();
      if (oldest !== undefined) this.#told.delete(oldest);
    }
    if (lists.get("following", from.username) === undefined) await records.pull(session.signal);
    const entry = lists.get("following", from.username);
    if (entry?.present) return;
    const updatedAt = entry?.updatedAt ?? Math.max(clock.now() - unwantedAgeMs, 0);
    const to = { username: from.username, key: from.key };
    await messenger.send(
      { kind: "unfollow", to, body: { updatedAt: Math.floor(updatedAt) } },
      session.signal,
    );
  }
}
