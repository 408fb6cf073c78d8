/**
 * The division of an author's followers into a tree, drawn for an hour: who relays to whom does not change with
 * each post, so that links stay open and what posts have in common is hashed once. It loses relays that have
 * lost their place meanwhile.
 *
 * @module
 */

import type { MessagingParts } from "../messages/messenger.ts";
import type { ListEntry } from "../model/record_body.ts";
import { nameOf, type UserRef } from "../model/user.ts";
import type { Slices } from "../../lib/slices.ts";
import type { Standing } from "./standing.ts";
import {
  type Cover,
  drawCovers,
  type Limb,
  limbRoot,
  type Placed,
  seedBytes,
  type TreeLimits,
} from "./tree_draw.ts";

/** The tree is drawn anew after so long, and where so many followers have come or gone. */
const epochMs = 3_600_000;
const changedShare = 0.03;

/** A user heard of within so long is likely to be online. */
const heardMsMax = 900_000;

/** A division of the list that is in force. */
interface Plan {
  readonly covers: readonly Cover[];
  readonly drawnAt: number;
  readonly followers: number;
  readonly generation: number;
  readonly losses: number;
}

/** What drawing needs. */
export interface TreePlanParts
  extends Pick<MessagingParts, "session" | "lists" | "records" | "messenger"> {
  /** How large the tree is. */
  readonly limits: TreeLimits;
}

/** Draws divisions, and keeps the one that is in force. */
export class TreePlans {
  readonly #parts: TreePlanParts;
  readonly #standing: Standing;
  readonly #slices: Slices;
  #plan: Plan | undefined;

  /**
   * Nothing is drawn at first.
   *
   * @param standing Which relays have lost their place.
   * @param slices The long work of the author's side.
   */
  constructor(parts: TreePlanParts, standing: Standing, slices: Slices) {
    this.#parts = parts;
    this.#standing = standing;
    this.#slices = slices;
  }

  /** The divisions in force; drawn anew after an hour, and where they no longer fit the list. */
  async covers(followers: readonly ListEntry[]): Promise<readonly Cover[]> {
    const { session: { ports: { clock, random } }, lists, records, messenger, limits } =
      this.#parts;
    const { generation, pages } = records.layout();
    const standing = this.#standing;
    const isOut = (user: UserRef) => standing.isOut(user);
    const now = clock.monotonic();
    const plan = this.#plan;
    const isInForce = plan !== undefined && plan.generation === generation &&
      now - plan.drawnAt < epochMs &&
      Math.abs(followers.length - plan.followers) <= changedShare * plan.followers;
    if (isInForce && plan.losses === standing.losses) return plan.covers;
    let covers: readonly Cover[];
    if (isInForce) covers = plan.covers.map((cover) => without(cover, isOut));
    else {
      const placed: Placed[] = [];
      for (const user of followers) {
        await this.#slices.next();
        placed.push({ user, place: lists.placeOf(user.username, pages) });
      }
      placed.sort((a, b) => a.place - b.place);
      const heardAfter = now - heardMsMax;
      const isLikely = (user: UserRef) => (messenger.heardAt(user) ?? -Infinity) >= heardAfter;
      const seed = random.bytes(seedBytes);
      covers = drawCovers({ followers: placed, pages, seed, isLikely, isOut, limits });
    }
    // What the posts of this hour have in common is hashed now, and not in one go.
    for (const { limbs } of covers) {
      for (const { branches } of limbs) {
        await this.#slices.next();
        limbRoot(branches);
      }
    }
    const drawn = isInForce ? plan : { drawnAt: now, followers: followers.length };
    this.#plan = { ...drawn, covers, generation, losses: standing.losses };
    return covers;
  }
}

/** A division without relays that have lost their place, but for branches that have no other. */
function without(cover: Cover, isOut: (user: UserRef) => boolean): Cover {
  const out = new Set<string>();
  for (const { branches } of cover.limbs) {
    for (const { relays } of branches) {
      for (const user of relays) if (isOut(user)) out.add(nameOf(user));
    }
  }
  if (out.size === 0) return cover;
  const limbs = cover.limbs.map((limb): Limb => {
    const branches = limb.branches.map((branch) => {
      const relays = branch.relays.filter((user) => !out.has(nameOf(user)));
      return relays.length === 0 ? branch : { ...branch, relays };
    });
    return { ...limb, branches };
  });
  return { limbs };
}
