/**
 * A user's profile: who it is, what they say of themselves, and their posts as far as they are here.
 *
 * @module
 */

import type { ClashView, ProfileView } from "../../core/api.ts";
import { type AuthorRow, authorRow } from "./authors.ts";
import type { Desk } from "./desk.ts";
import { Load, type LoadView } from "./load.ts";
import { PostList } from "./post_list.ts";
import type { Offer, RelationView } from "./relations.ts";
import { type Span, spansOf } from "./spans.ts";
import { clashText, counted, countsText } from "./words.ts";

/** What was learnt of a user. */
export interface ProfileDetails {
  /** The fingerprint of the key: 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** What the user says of themselves; empty for nothing. */
  readonly about: readonly Span[];
  /** A link that the user gives: a link where it can be opened, else text; null for none. */
  readonly link: Span | null;
  /** Whether one of the user's devices can be reached. */
  readonly isOnline: boolean;
  /** `12 posts`. */
  readonly postsText: string;
  /** Names, sorted; null where the network does not tell. */
  readonly followers: readonly string[] | null;
  /** Names, sorted; null where the network does not tell. */
  readonly following: readonly string[] | null;
  /** What is to be warned of, a sentence each. */
  readonly warnings: readonly string[];
  /** The other key that claims the name: following with its fingerprint trusts that one; null for none. */
  readonly clash: ClashView | null;
}

/** A profile as it is shown. */
export interface ProfileCard extends LoadView {
  /** Who it is. */
  readonly author: AuthorRow;
  /** What was learnt; null while it is not known. */
  readonly details: ProfileDetails | null;
  /** How the user of this peer stands to them. */
  readonly relation: RelationView;
  /** What can be done; nothing with the own profile. */
  readonly offers: readonly Offer[];
}

function warningsOf({ username, clash, forks = 0, unreachable }: ProfileView): string[] {
  return [
    ...clash === undefined ? [] : [`${clashText(username, clash)}.`],
    ...forks === 0
      ? []
      : [`Published ${counted(forks, "post")} twice with different content; the first was kept.`],
    ...unreachable === true
      ? ["The network does not answer: followers and following are not known."]
      : [],
  ];
}

/** What a screen shows of a profile. */
export function profileDetails(profile: ProfileView): ProfileDetails {
  const isKnown = profile.unreachable !== true;
  const [link] = spansOf(profile.link ?? "");
  return {
    fingerprint: profile.fingerprint,
    about: spansOf(profile.about ?? ""),
    link: link ?? null,
    isOnline: profile.online,
    postsText: countsText(profile),
    followers: isKnown ? profile.followers : null,
    following: isKnown ? profile.following : null,
    warnings: warningsOf(profile),
    clash: profile.clash ?? null,
  };
}

/** A profile that is open. */
export class Profile {
  /** The user's posts that are here. */
  readonly posts: PostList;
  readonly #desk: Desk;
  readonly #username: string;
  readonly #load: Load;
  readonly #stop: () => void;
  #profile: ProfileView | undefined;

  /** The profile of a user; it loads at once. */
  constructor(desk: Desk, username: string) {
    this.#desk = desk;
    this.#username = username;
    this.#load = new Load(desk);
    this.posts = new PostList(desk, { author: username, isMarked: false });
    this.#stop = desk.onDone((deed) => {
      if ("username" in deed && deed.username === username) this.reload();
    });
    this.posts.open();
    this.reload();
  }

  /** Asks the network anew. */
  reload(): void {
    void this.#desk.relations.read(this.#desk.api).then(() => this.#desk.changed());
    void this.#load.run(
      (signal) => this.#desk.api.profile({ username: this.#username }, signal),
      (profile) => {
        this.#profile = profile;
        this.#desk.learnName(this.#username, profile.name);
      },
    );
  }

  /** The profile as it is now. */
  view(): ProfileCard {
    const { relations, self } = this.#desk;
    const profile = this.#profile;
    const isOwn = this.#username === self;
    const relation = relations.of(this.#username);
    const followsYou = profile === undefined || profile.unreachable === true
      ? relation.followsYou
      : profile.following.includes(self);
    return {
      ...this.#load.view(),
      author: authorRow(this.#username, this.#desk.known(), profile),
      details: profile === undefined ? null : profileDetails(profile),
      relation: { ...relation, followsYou: isOwn ? null : followsYou },
      offers: isOwn ? [] : relations.offers(this.#username, followsYou),
    };
  }

  /** The profile is no longer shown. */
  close(): void {
    this.#stop();
    this.#load.stop();
    this.posts.close();
  }
}
