/**
 * Posts and users in the shape that the interface of a peer shows.
 *
 * @module
 */

import type {
  AboutView,
  DeviceView,
  PostNameView,
  PostView,
  ReachView,
  RepostedView,
  UserView,
} from "../api.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import type { About } from "../model/about.ts";
import { given } from "../model/arguments.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { DeviceEntry } from "../model/record_body.ts";
import type { UserRef } from "../model/user.ts";
import { mentionsOf } from "../model/mentions.ts";
import type { Post, PostName } from "../model/post.ts";
import { snowflakeTimeMs } from "../model/snowflake.ts";
import type { Carriage, ReachStatus } from "../ports.ts";

/** The name of a post as commands show it. */
export function postNameView({ author, id }: PostName): PostNameView {
  return { author, id: id.toString() };
}

/** A post as commands and events show it, before a peer tells whom its user trusts. */
export function postView(post: Post): PostView {
  const { id, author, text, replyTo, root, warning, repostOf } = post;
  const mentions = mentionsOf(post);
  return {
    id: id.toString(),
    author,
    text,
    created_at: new Date(snowflakeTimeMs(id)).toISOString(),
    reply_to: replyTo === undefined ? null : postNameView(replyTo),
    ...given({
      root: root && postNameView(root),
      warning,
      mentions: mentions.length > 0 ? mentions : undefined,
      repost_of: repostOf && repostedView(repostOf),
    }),
  };
}

function repostedView(post: Post): RepostedView {
  return { ...postView(post), fingerprint: fingerprintOf(post.authorKey), verified: false };
}

/** A user as commands and events show one. */
export function userView(user: UserRef): UserView {
  return { username: user.username, fingerprint: fingerprintOf(user.key) };
}

/** What a user says of themselves, as commands show it. */
export function aboutView(about: Partial<Omit<About, "updatedAt">> = {}): AboutView {
  const { name, about: text, link } = about;
  return { name: name || null, about: text || null, link: link || null };
}

/** What is known of the way to other nodes, as commands and events show it. */
export function carriageView({ carrier, hindrance }: Carriage): Carriage {
  return given({ carrier, hindrance });
}

/** A device of the user as commands show it. */
export function deviceView(entry: DeviceEntry, ownDevice: number): DeviceView {
  const { device, addresses, port, until } = entry;
  return {
    device,
    this: device === ownDevice,
    // A relay's address has its port already.
    addresses: addresses.map((address) =>
      address.includes("/") ? address : formatHostPort(address, port)
    ),
    until: new Date(until).toISOString(),
  };
}

/** How others reach the peer, as commands and events show it. */
export function reachView({ state, relays, places }: ReachStatus): ReachView {
  const addresses = places.map(({ ip, isReached }) => ({ ip, reached: isReached ?? null }));
  return { state, relays, outer_ip: addresses[0]?.ip ?? null, addresses };
}
