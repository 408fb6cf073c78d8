/**
 * The method `sample`: what a node says of the users most followed in the lists that it stores.
 *
 * On the wire: an array of at most 20 `[username, key, followers]`.
 *
 * @module
 */

import { lowerMedian } from "../../lib/median.ts";
import { asArray, asBytes, asInteger, attempt } from "../../lib/msgpack.ts";
import { nameOf } from "../../core/model/user.ts";
import { asUsername } from "../../core/model/username.ts";
import type { PopularUser } from "../../core/ports.ts";

/**
 * Users named in one answer: each takes at most 21 + 34 + 3 bytes, 20 of them 1,160, which leaves room
 * for the array's header below the 1,200 of a packet.
 */
export const sampleUsersMax = 20;

/** The highest number of followers told: what fits into three bytes of MessagePack. */
const followersMax = 65_535;

/** Users that the merged answers of all nodes name at most: more than a person reads. */
const mergedUsersMax = 50;

/** Order of popularity; names make it one and the same everywhere. */
export function byPopularity(a: PopularUser, b: PopularUser): number {
  return b.followers - a.followers || (a.username < b.username ? -1 : 1);
}

/** The form on the wire of the most followed users. */
export function writeSample(users: readonly PopularUser[]): unknown {
  return [...users].sort(byPopularity).slice(0, sampleUsersMax)
    .map(({ username, key, followers }) => [username, key, Math.min(followers, followersMax)]);
}

/** Reads one node's answer; undefined if anything about it is wrong. A user named twice counts once. */
export function readSample(value: unknown): PopularUser[] | undefined {
  const users = attempt(() =>
    asArray(value, "sample", 0, sampleUsersMax).map((item): PopularUser => {
      const [username, key, followers] = asArray(item, "sampled user", 3);
      return {
        username: asUsername(username, "sampled username"),
        key: asBytes(key, "sampled key", 32),
        followers: asInteger(followers, "followers", 1, followersMax),
      };
    })
  );
  if (users === undefined) return undefined;
  return [...new Map(users.map((user) => [nameOf(user), user])).values()];
}

/**
 * What several nodes say together. Each node sees other lists, and some of them the same ones, so
 * numbers are not added up: first come those whom more nodes name, among them those with the higher
 * lower median. So one node's invention comes last.
 */
export function mergeSamples(samples: readonly (readonly PopularUser[])[]): PopularUser[] {
  const users = new Map<string, { user: PopularUser; counts: number[] }>();
  for (const sample of samples) {
    for (const user of sample) {
      const name = nameOf(user);
      const entry = users.get(name) ?? { user, counts: [] };
      entry.counts.push(user.followers);
      users.set(name, entry);
    }
  }
  return [...users.values()]
    .map(({ user, counts }) => ({
      named: counts.length,
      user: { ...user, followers: lowerMedian(counts) ?? 0 },
    }))
    .sort((a, b) => b.named - a.named || byPopularity(a.user, b.user))
    .slice(0, mergedUsersMax)
    .map(({ user }) => user);
}
