/**
 * Whom to ask for an author's posts when the author does not answer.
 *
 * @module
 */

import type { UserRef } from "../model/user.ts";
import type { FetchParts } from "./fetch_parts.ts";
import { isSame } from "../model/user.ts";
import { shuffled } from "../../lib/random.ts";

/** Fellow followers asked in one run at most. */
const candidatesMax = 256;

/**
 * Fellow followers in the order in which they are asked: one's own other devices, which follow whom
 * one follows; those heard of before, who are likely to be online; the others, in random order, so
 * that not everybody asks the same ones.
 */
export function inOrder(
  parts: Pick<FetchParts, "session" | "messenger">,
  author: UserRef,
  followers: readonly UserRef[],
): UserRef[] {
  const { session: { self, ports: { random } }, messenger } = parts;
  const others = followers
    .filter((user) => !isSame(user, author) && user.username !== self.username)
    .map(({ username, key }) => ({ username, key }));
  const drawn = shuffled(others, random);
  const { heard = [], silent = [] } = Object.groupBy(
    drawn,
    (user) => messenger.heardAt(user) === undefined ? "silent" : "heard",
  );
  const own = isSame(author, self) ? [] : [self];
  return [...own, ...heard, ...silent].slice(0, candidatesMax);
}
