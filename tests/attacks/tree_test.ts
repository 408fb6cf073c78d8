/**
 * Attacks on the tree by which a post reaches very many followers: by authors who make relays send, by
 * followers who bring orders that no author gave, and by relays that lie on either level.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MessageWorld, type TestUser } from "../core/message_world.ts";
import type { MessageBodyOf } from "../../core/messages/kinds/mod.ts";
import { readFrame, readFrameBody } from "../../core/messages/frame.ts";
import { placeOf } from "../../core/model/list_pages.ts";
import type { Post } from "../../core/model/post.ts";
import type { UserRef } from "../../core/model/user.ts";
import {
  type Branch,
  branchDigest,
  pathOf,
  postsDigest,
  rootOf,
  signWarrant,
} from "../../core/model/warrant.ts";

const pages = 4;
const everywhere = { from: 0, to: pages * 2 ** 32 };

/** An author, a follower who is given orders, another who hands them on, and other users. */
async function ordering(count: number, options: { readonly following?: boolean } = {}) {
  const world = new MessageWorld();
  const [author, relay, hander] = await world.addAll("author", "relay", "hander");
  world.follow(relay, author);
  world.follow(hander, author);
  const others: TestUser[] = [];
  for (let i = 0; i < count; i++) {
    const other = await world.add(`other${i}`);
    if (options.following ?? true) world.follow(other, author);
    else author.enlist("followers", other);
    others.push(other);
  }
  const sent = { told: 0, bytes: 0, handed: 0, acks: 0 };
  world.network.onFrame = ({ from, frame }) => {
    const message = readFrameBody(readFrame(frame));
    if (from.ip !== relay.ip) return frame;
    if (message.kind === "ack") sent.acks++;
    if (message.kind === "spread") sent.handed++;
    if (message.kind === "posts" && message.body.inReplyTo === undefined) sent.told++;
    if (message.kind !== "ack") sent.bytes += frame.length;
    return frame;
  };
  return { world, author, relay, hander, others, sent };
}

/** An order as the author would give it, for all of these branches or one of them. */
function orderOf(
  author: TestUser,
  posts: readonly Post[],
  branches: readonly Branch[],
  options: { readonly index?: number; readonly depth?: number } = {},
): MessageBodyOf["spread"] {
  const { index, depth = 6 } = options;
  const signed = posts.map((post) => post.signed);
  const leaves = branches.map(branchDigest);
  const warrant = signWarrant({
    author: author.self,
    posts: postsDigest(signed),
    generation: 18,
    pages,
    depth,
    root: rootOf(leaves, depth),
  }, author.identity);
  const body = { author: author.self, posts: signed, heads: [], warrant };
  if (index === undefined) return { ...body, at: 0, path: [], branches };
  const branch = branches[index] as Branch;
  return { ...body, at: index, path: pathOf(leaves, depth, index), branches: [branch] };
}

function give(from: TestUser, to: TestUser, body: MessageBodyOf["spread"]): void {
  from.throw(to, from.frame(to.self, { kind: "spread", body }));
}

Deno.test("Attack: a follower brings a relay orders that the author did not give, and none is followed", async () => {
  const { world, author, relay, hander, others, sent } = await ordering(10);
  const post = author.make(1);
  const mine: Branch = { ...everywhere, relays: [relay.self] };
  const narrow: Branch = { from: 0, to: placeOf("other1", pages), relays: [relay.self] };
  const good = orderOf(author, [post], [narrow, { ...mine, relays: [hander.self] }], { index: 0 });
  // Another stretch, another relay's branch, another leaf, another post, a warrant that the follower signed.
  give(hander, relay, { ...good, branches: [mine] });
  give(hander, relay, { ...good, branches: [{ ...narrow, relays: [hander.self, relay.self] }] });
  give(hander, relay, { ...good, at: 1 });
  give(hander, relay, { ...good, path: good.path.slice(1) });
  give(hander, relay, { ...good, posts: [author.make(2).signed] });
  const own = orderOf(hander, [post], [mine], { index: 0 });
  give(hander, relay, { ...good, warrant: own.warrant, branches: [mine], path: own.path });
  const forged = new Uint8Array(good.warrant);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  give(hander, relay, { ...good, warrant: forged });
  // Several branches are handed on for the author alone.
  const limb = orderOf(
    author,
    [post],
    others.map(({ self }) => ({ ...everywhere, relays: [self] })),
  );
  give(hander, relay, limb);
  await world.clock.advance(10_000);
  assert.deepEqual(sent, { told: 0, bytes: 0, handed: 0, acks: 0 });
  give(hander, relay, good);
  give(author, relay, limb);
  await world.clock.advance(10_000);
  assert.ok(sent.told > 0);
  assert.equal(sent.handed, others.length);
  await world.stop();
});

Deno.test("Attack: an order is brought again and again, and each follower is told once", async () => {
  const { world, author, relay, hander, sent } = await ordering(10);
  const order = orderOf(author, [author.make(1)], [{ ...everywhere, relays: [relay.self] }], {
    index: 0,
  });
  for (let i = 0; i < 50; i++) give(i % 2 ? hander : author, relay, order);
  await world.clock.advance(10_000);
  assert.equal(sent.told, 11, "ten others, and the one who hands on");
  await world.stop();
});

Deno.test("Attack: an author gives one relay many orders for one post, and it tells 64 users at most", async () => {
  const { world, author, relay, others, sent } = await ordering(80);
  const places = others.map(({ username }) => placeOf(username, pages)).sort((a, b) => a - b);
  const branches = Array.from({ length: 8 }, (_, i): Branch => {
    const [from = 0, to = everywhere.to] = [places[10 * i], places[10 * i + 10]];
    return { from, to, relays: [relay.self] };
  });
  for (const index of branches.keys()) {
    give(author, relay, orderOf(author, [author.make(1)], branches, { index }));
  }
  give(
    author,
    relay,
    orderOf(
      author,
      [author.make(1)],
      branches.map((branch) => {
        return { ...branch, relays: others.slice(0, 3).map(({ self }) => self) };
      }),
    ),
  );
  await world.clock.advance(10_000);
  assert.equal(sent.told + sent.handed, 64);
  await world.stop();
});

Deno.test("Attack: an author orders old posts, and posts without end, and a minute takes so many bytes", async () => {
  const { world, author, relay, others, sent } = await ordering(60);
  const order = (post: Post) => {
    const branches = [{ ...everywhere, relays: [relay.self] }];
    give(author, relay, orderOf(author, [post], branches, { index: 0 }));
  };
  order(author.make(1, "old", author.clock.now() - 700_000));
  await world.clock.advance(5_000);
  assert.equal(sent.told, 0);
  for (const other of others) world.follow(other, relay);
  for (let i = 2; i <= 40; i++) {
    order(author.make(i, "\u{1F99C}".repeat(500)));
    await world.clock.advance(50);
  }
  await world.clock.advance(5_000);
  assert.ok(sent.bytes > 100_000 && sent.bytes <= 2_500_000, `${sent.bytes} bytes`);
  await world.stop();
});

Deno.test("Attack: an author lists and names users who do not follow, and they say so once", async () => {
  const { world, author, relay, others, sent } = await ordering(5, { following: false });
  for (let i = 1; i <= 10; i++) {
    const post = author.make(i);
    give(
      author,
      relay,
      orderOf(author, [post], [{ ...everywhere, relays: [relay.self] }], {
        index: 0,
      }),
    );
    give(
      author,
      relay,
      orderOf(
        author,
        [post],
        others.map((other) => {
          return { ...everywhere, relays: [other.self] };
        }),
      ),
    );
    await world.clock.advance(4_000);
  }
  // Each is told once, as is the one who follows ten times, and is given one order.
  assert.ok(sent.told <= others.length + 10, `${sent.told} told`);
  assert.ok(sent.handed <= others.length, `${sent.handed} handed on`);
  await world.stop();
});

Deno.test("Attack: a branch over too many pages is refused, and few pages are read for an author", async () => {
  const { world, author, relay, sent } = await ordering(3);
  const wide = 2_048;
  const signed = (post: Post, from: number) => {
    const branch: Branch = { from, to: wide * 2 ** 32, relays: [relay.self] };
    const warrant = signWarrant({
      author: author.self,
      posts: postsDigest([post.signed]),
      generation: 27,
      pages: wide,
      depth: 0,
      root: branchDigest(branch),
    }, author.identity);
    const body = { author: author.self, posts: [post.signed], heads: [], warrant };
    give(author, relay, { ...body, at: 0, path: [], branches: [branch] });
  };
  const before = world.lookUps.lists;
  signed(author.make(1), (wide - 17) * 2 ** 32);
  await world.clock.advance(5_000);
  assert.equal(world.lookUps.lists, before);
  for (let i = 2; i <= 40; i++) {
    signed(author.make(i), (wide - 16) * 2 ** 32);
    await world.clock.advance(20);
  }
  await world.clock.advance(2_000);
  const read = world.lookUps.lists - before;
  assert.ok(read > 16 && read <= 300, `${read} pages`);
  assert.equal(sent.handed, 0);
  await world.stop();
});

/** An author with followers of whom every tenth lies: acknowledges orders, and carries none out. */
async function liarsIn(
  count: number,
  levels: { readonly first: boolean; readonly second: boolean },
) {
  const world = new MessageWorld(5);
  const honest: TestUser[] = [];
  world.treeLimits = {
    followersMin: 20,
    forwardsMax: 64,
    branchFollowers: 15,
    limbBranches: 4,
    limbCandidates: 3,
    messagesMax: 80,
  };
  const author = await world.add("author");
  for (let i = 0; i < count; i++) {
    const user = await world.add(`user${i}`);
    world.follow(user, author);
    if (i % 10 !== 0) {
      honest.push(user);
      continue;
    }
    const { delivery, messenger } = user;
    const ordered = delivery.ordered.bind(delivery);
    delivery.ordered = (message) => {
      const isFirst = message.from.username === "author";
      if (isFirst ? !levels.first : !levels.second) return ordered(message);
      const { id, from } = message;
      messenger.send(
        { kind: "ack", to: from as UserRef, body: { id } },
        new AbortController().signal,
      )
        .catch(() => {});
    };
  }
  const having = (posts: number) =>
    honest.filter(({ events }) => {
      return events.filter(({ event }) => event === "post").length >= posts;
    }).length;
  return { world, author, honest, having };
}

/** The least share of the honest followers who have one of five posts after six seconds. */
async function leastShare(levels: { readonly first: boolean; readonly second: boolean }) {
  const { world, author, honest, having } = await liarsIn(150, levels);
  const shares: number[] = [];
  for (let post = 1; post <= 5; post++) {
    await author.post();
    await world.clock.advance(6_000);
    shares.push(having(post) / honest.length);
  }
  await world.stop();
  return Math.min(...shares);
}

Deno.test("Attack: every tenth relay of a tree's first level lies, and nearly all others have each post", async () => {
  const share = await leastShare({ first: true, second: false });
  assert.ok(share >= 0.95, `${share}`);
});

Deno.test("Attack: every tenth relay of a tree's second level lies, and nearly all others have each post", async () => {
  const share = await leastShare({ first: false, second: true });
  assert.ok(share >= 0.95, `${share}`);
});
