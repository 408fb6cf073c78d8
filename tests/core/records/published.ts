/**
 * What the network has of a user, as a reader finds it.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type ListEntry,
  pageNamespaceOf,
  type PublicBody,
} from "../../../core/model/record_body.ts";
import type { World } from "../accounts_world.ts";
import { recordOf } from "../record_of.ts";

/** What a user's `public` says; it must be there. */
export function claimOf(world: World, username = "alice"): PublicBody {
  const claim = world.network.peek(username, "public");
  assert.ok(claim);
  return recordOf(claim, "public").body;
}

/** The entries of the pages that `public` names, every one of which must be there. */
export function published(world: World, username = "alice"): ListEntry[] {
  const { generation, pages } = claimOf(world, username);
  return Array.from({ length: pages }, (_, page) => {
    const record = world.network.peek(username, pageNamespaceOf(generation, page));
    assert.ok(record, `page ${page} of ${pages} in generation ${generation} is missing`);
    return recordOf(record, "page").body.entries;
  }).flat();
}
