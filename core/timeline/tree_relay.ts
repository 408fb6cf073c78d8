/**
 * The relay's side of a tree: an order of the author is handed on to other relays, branch by branch, or told
 * to the followers on one branch (docs/PROTOCOL.md, section 4.7).
 *
 * An author may be malicious, and so may the relay that brings the order: each order is proved by the author's
 * signature, and is carried out once, for new posts of a followed author, to users on the author's own signed
 * list, within the budgets of `passing.ts`.
 *
 * @module
 */

import { messageIdBytes } from "../messages/frame.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import { equalBytes, toHex } from "../model/bytes.ts";
import { placeOf } from "../model/list_pages.ts";
import { authorOf, type Post, readPost, verifyPost } from "../model/post.ts";
import { isSame, nameOf, refOf, type UserRef } from "../model/user.ts";
import {
  type Branch,
  branchProof,
  covers,
  postsDigest,
  readWarrant,
  verifyWarrant,
  type Warrant,
} from "../model/warrant.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { attempt } from "../../lib/msgpack.ts";
import { Tasks } from "../../lib/tasks.ts";
import { mapBounded, pause } from "../../lib/waiting.ts";
import type { Passing } from "./passing.ts";
import { type Patience, silentAfterMs } from "./patience.ts";
import { RollCall } from "./roll_call.ts";
import { branchPagesMax, pagesOf, type TreeLimits } from "./tree_draw.ts";

/** Orders remembered, so that each is carried out once, and for how long: older posts are not passed on. */
const ordersMax = 2_048;
const orderMs = 1_200_000;

/** What an order costs beside the posts in it: envelope, names, warrant, proof. */
const orderBytes = 1_024;

/** A relay that has not acknowledged after this is replaced: it may have to read pages and to open links first. */
export const relayPatience: Patience = { times: 3, msMin: 1_500, msMax: 3_000 };

/** How often it is looked whether a relay has been silent for too long. */
const lookMs = 200;

/** Pages of an author's list read at once. */
const pagesParallel = 8;

/** What the relay's side needs. */
export interface TreeRelayParts extends MessagingParts {
  /** Passes posts on within budgets. */
  readonly passing: Pick<Passing, "mayPass" | "passToListed" | "refused" | "spend" | "wants">;
  /** How many messages one relay sends. */
  readonly limits: TreeLimits;
}

/** An order whose proof holds. */
interface Order {
  readonly message: MessageOf<"spread">;
  readonly warrant: Warrant;
  readonly posts: readonly Post[];
  /** The branch that this peer is to tell; undefined where it is to hand branches on. */
  readonly branch: Branch | undefined;
}

/** Carries orders out. */
export class TreeRelay {
  readonly #parts: TreeRelayParts;
  /** Whether an order was carried out, by posts, root and leaf. */
  readonly #orders: TimedCache<Promise<boolean>>;
  /** Users told so far, by the digest of the posts. */
  readonly #sent: TimedCache<{ users: number }>;
  readonly #tasks = new Tasks(() => {});

  /** No order has come. */
  constructor(parts: TreeRelayParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#orders = new TimedCache(clock, ordersMax);
    this.#sent = new TimedCache(clock, ordersMax);
  }

  /** Checks an order, carries it out in the background, and acknowledges it. */
  ordered(message: MessageOf<"spread">): void {
    const order = this.#check(message);
    if (order === undefined) return;
    const { messenger, session: { signal } } = this.#parts;
    const { id, from, body: { at } } = message;
    const { root, posts } = order.warrant;
    const name = `${toHex(posts)} ${toHex(root)} ${at} ${order.branch === undefined}`;
    let done = this.#orders.get(name);
    // Two relays bring the same order: it is carried out once, and both hear of it.
    if (done === undefined) this.#orders.set(name, done = this.#carryOut(order), orderMs);
    this.#tasks.add(done.then(async (isDone) => {
      if (isDone) await messenger.send({ kind: "ack", to: from, body: { id } }, signal);
      else this.#orders.delete(name);
    }));
  }

  /** The order, if its author is followed, its posts are new, and the author signed all of it. */
  #check(message: MessageOf<"spread">): Order | undefined {
    const { author, posts: signed, warrant: bytes } = message.body;
    const read = attempt(() => readWarrant(bytes));
    if (read === undefined || !isSame(read.warrant.author, author)) return undefined;
    const { warrant } = read;
    if (!equalBytes(warrant.posts, postsDigest(signed)) || !covers(warrant, message.body)) {
      return undefined;
    }
    const posts: Post[] = [];
    for (const bytes of signed) {
      const it = attempt(() => readPost(bytes));
      if (it === undefined || !isSame(authorOf(it.post), author) || !verifyPost(it)) {
        return undefined;
      }
      posts.push(it.post);
    }
    if (!this.#parts.passing.mayPass(author, posts) || !verifyWarrant(read)) return undefined;
    const { self } = this.#parts.session;
    const [branch, ...others] = message.body.branches;
    const isMine = others.length === 0 && branch?.relays.some((user) => isSame(user, self));
    // Any follower may bring the order to tell a branch; only the author gives branches to hand on.
    if (!isMine && !isSame(message.from, author)) return undefined;
    return { message, warrant, posts, branch: isMine ? branch : undefined };
  }

  /** Whether the order is carried out, or under way. */
  #carryOut(order: Order): Promise<boolean> {
    return order.branch === undefined
      ? Promise.resolve(this.#handOn(order))
      : this.#tell(order, order.branch);
  }

  /** Tells the followers on a branch; whether they could be found and told. */
  async #tell({ warrant, posts }: Order, branch: Branch): Promise<boolean> {
    const { people, passing, session: { self, signal }, limits } = this.#parts;
    const { author, pages } = warrant;
    const numbers = pagesOf(branch);
    if (numbers.length > branchPagesMax) return false;
    if (!passing.spend(author, { users: 0, bytes: 0, lookUps: numbers.length })) return false;
    const read = await mapBounded(
      numbers,
      pagesParallel,
      (page) => people.followersOn(author, warrant, page, signal),
    );
    if (read.every((entries) => entries === undefined)) return false;
    const users = read.flatMap((entries) => entries ?? []).filter(({ username }) => {
      const place = placeOf(username, pages);
      return username !== self.username && place >= branch.from && place < branch.to;
    });
    const sent = this.#sentFor(warrant);
    const told = users.slice(0, Math.max(limits.forwardsMax - sent.users, 0)).map(refOf);
    sent.users += told.length;
    return passing.passToListed(author, told, posts);
  }

  /** Hands branches on in the background; false if that is beyond the budgets. */
  #handOn(order: Order): boolean {
    const { passing, session: { ports: { random, clock } }, messenger } = this.#parts;
    const { message: { body: { author, branches } }, posts } = order;
    const bytes = posts.reduce((sum, { signed }) => sum + signed.length, orderBytes);
    const users = branches.reduce((sum, { relays }) => sum + relays.length, 0);
    const cost = { users, bytes: branches.length * bytes, lookUps: 0 };
    if (!passing.spend(author, cost)) return false;
    const handing: Handing = {
      id: random.bytes(messageIdBytes),
      acked: new Set(),
      unsent: branches.length,
      delays: branches.map(() => Infinity),
    };
    const stop = messenger.onAck(handing.id, (from, reason) => {
      if (reason === undefined) handing.acked.add(nameOf(from));
      else passing.refused(author, from);
    });
    const startedAt = clock.monotonic();
    const all = branches.map(async (_, i) => {
      await this.#handBranch(order, handing, i);
      handing.delays[i] = clock.monotonic() - startedAt;
    });
    this.#tasks.add(Promise.allSettled(all).finally(stop));
    return true;
  }

  /** Hands one branch on to the first of its relays who is there, and acknowledges it. */
  async #handBranch(order: Order, handing: Handing, index: number): Promise<void> {
    const { session: { self, signal, ports: { clock } }, messenger, passing, limits } = this.#parts;
    const { message: { body }, warrant } = order;
    const branch = body.branches[index];
    if (branch === undefined) return;
    const proof = branchProof(body, warrant.depth, index);
    const roll = new RollCall(clock, branch.relays, async (user) => {
      if (isSame(user, self)) return true;
      return passing.wants(body.author, user) &&
        (await messenger.devices(user, signal)).length > 0;
    });
    let isFirst = true;
    for (let relay = await roll.next(); relay !== undefined; relay = await roll.next()) {
      if (signal.aborted) return;
      if (isSame(relay, self)) {
        if (await this.#tell(order, branch)) return;
        continue;
      }
      const sent = this.#sentFor(warrant);
      if (isFirst) handing.unsent--;
      isFirst = false;
      if (sent.users + handing.unsent >= limits.forwardsMax) return;
      sent.users++;
      const { author, posts, heads, warrant: bytes } = body;
      const one = { author, posts, heads, warrant: bytes, ...proof };
      const { id } = handing;
      await messenger.send({ kind: "spread", to: relay, body: one, id, devicesMax: 1 }, signal);
      if (await this.#isAcked(handing, relay, clock.monotonic())) return;
    }
    if (isFirst) handing.unsent--;
  }

  /** Whether the relay acknowledges before it has been silent for too long. */
  async #isAcked({ acked, delays }: Handing, relay: UserRef, sentAt: number): Promise<boolean> {
    const { session: { signal, ports: { clock } } } = this.#parts;
    while (!acked.has(nameOf(relay))) {
      if (clock.monotonic() - sentAt >= silentAfterMs(delays, relayPatience)) return false;
      await pause(clock, lookMs, signal);
      if (signal.aborted) return true;
    }
    return true;
  }

  #sentFor({ posts }: Warrant): { users: number } {
    const name = toHex(posts);
    const sent = this.#sent.get(name) ?? { users: 0 };
    this.#sent.set(name, sent, orderMs);
    return sent;
  }
}

/** Branches that are being handed on. */
interface Handing {
  /** The id that all these messages have. */
  readonly id: Uint8Array;
  /** Relays that have acknowledged, by name. */
  readonly acked: Set<string>;
  /** Branches of which no relay has been sent the order: messages are kept for them. */
  unsent: number;
  /** How long each branch took until it was acknowledged, in milliseconds. */
  readonly delays: number[];
}
