/**
 * How the user stands to others: who is followed, muted and blocked. All of it is on this machine, so it is read at
 * once.
 *
 * @module
 */

import type { PeerCalls } from "../../core/api.ts";

/** All that can be done about a user. */
export const personDeeds = [
  ...["follow", "unfollow", "mute", "unmute", "block", "unblock"] as const,
  ...["removeFollower", "dismiss"] as const,
] as const;

/** What can be done about a user. */
export type PersonDeed = typeof personDeeds[number];

/** Something that can be done, as a menu or a button offers it. */
export interface Offer {
  /** What. */
  readonly deed: PersonDeed;
  /** One or two words. */
  readonly label: string;
}

const labels: Readonly<Record<PersonDeed, string>> = {
  follow: "Follow",
  unfollow: "Unfollow",
  mute: "Mute",
  unmute: "Unmute",
  block: "Block",
  unblock: "Unblock",
  removeFollower: "Remove follower",
  dismiss: "Hide",
};

/** An offer to do something. */
export function offer(deed: PersonDeed): Offer {
  return { deed, label: labels[deed] };
}

/** How the user stands to another one. */
export interface RelationView {
  /** Whether the user follows the other one. */
  readonly isFollowed: boolean;
  /** Whether the other one follows the user; null where that was not asked. */
  readonly followsYou: boolean | null;
  /** Whether what the other one says is muted. */
  readonly isMuted: boolean;
  /** Whether the other one is blocked. */
  readonly isBlocked: boolean;
}

/** How the user of this peer stands to another one, in words. */
export function relationWords(
  { isFollowed, followsYou, isMuted, isBlocked }: RelationView,
): string {
  return [
    ...(isBlocked ? ["blocked"] : []),
    ...(isMuted ? ["muted"] : []),
    ...(isFollowed && followsYou === true
      ? ["you follow each other"]
      : isFollowed
      ? ["you follow"]
      : followsYou === true
      ? ["follows you"]
      : []),
  ].join(" · ");
}

/** Who is followed, muted and blocked. */
export class Relations {
  #followed: ReadonlySet<string> = new Set();
  #muted: ReadonlySet<string> = new Set();
  #blocked: ReadonlySet<string> = new Set();
  #followers: ReadonlySet<string> | undefined;

  /** Reads them anew. What cannot be read stays as it was. */
  async read(api: PeerCalls): Promise<void> {
    const [followed, mutes, blocked] = await Promise.all([
      api.followed().catch(() => undefined),
      api.mutes().catch(() => undefined),
      api.blocks().catch(() => undefined),
    ]);
    if (followed !== undefined) this.#followed = new Set(followed);
    if (blocked !== undefined) this.#blocked = new Set(blocked);
    if (mutes === undefined) return;
    this.#muted = new Set(mutes.filter(({ kind }) => kind === "user").map(({ what }) => what));
  }

  /** The users who follow the user. */
  learnFollowers(usernames: Iterable<string>): void {
    this.#followers = new Set(usernames);
  }

  /** One user follows, or no longer does. */
  learnFollower(username: string, isFollowing: boolean): void {
    if (this.#followers === undefined) return;
    const one = new Set([username]);
    this.#followers = isFollowing ? this.#followers.union(one) : this.#followers.difference(one);
  }

  /** The users who are followed. */
  get followed(): ReadonlySet<string> {
    return this.#followed;
  }

  /** How the user stands to another one. */
  of(username: string): RelationView {
    return {
      isFollowed: this.#followed.has(username),
      followsYou: this.#followers?.has(username) ?? null,
      isMuted: this.#muted.has(username),
      isBlocked: this.#blocked.has(username),
    };
  }

  /** What can be done about another user, the nearest at hand first. */
  offers(username: string, followsYou: boolean | null = this.of(username).followsYou): Offer[] {
    const { isFollowed, isMuted, isBlocked } = this.of(username);
    if (isBlocked) return [offer("unblock")];
    return [
      offer(isFollowed ? "unfollow" : "follow"),
      offer(isMuted ? "unmute" : "mute"),
      offer("block"),
      ...followsYou === true ? [offer("removeFollower")] : [],
    ];
  }
}
