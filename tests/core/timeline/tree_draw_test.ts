import assert from "node:assert/strict";
import { mix } from "../../../core/timeline/draw.ts";
import {
  type Branch,
  type BranchProof,
  branchProof,
  covers,
  pathOf,
  type Warrant,
} from "../../../core/model/warrant.ts";
import {
  drawCovers,
  limbCopies,
  pagesOf,
  type Placed,
  type PostTree,
  treeCopies,
  treeLimits,
  treeOf,
} from "../../../core/timeline/tree_draw.ts";
import type { UserRef } from "../../../core/model/user.ts";
import { SeededRandom } from "../../sim/random.ts";

const key = new Uint8Array(32);

/** Followers by place, with a key that all share: it changes nothing here. The hash of names is a cheap one. */
function crowd(count: number, pages: number): Placed[] {
  return Array.from({ length: count }, (_, i) => {
    const place = Math.floor(mix(i, 1) / 2 ** 32 * pages * 2 ** 32);
    return { user: { username: `user${i}`, key }, place };
  }).sort((a, b) => a.place - b.place);
}

const seedOf = (seed: number) => new SeededRandom(seed).bytes(32);

function draw(followers: readonly Placed[], pages: number, seed: number, isLikely = () => false) {
  const isOut = () => false;
  return drawCovers({ followers, pages, seed: seedOf(seed), isLikely, isOut, limits: treeLimits });
}

function tree(followers: readonly Placed[], pages: number, seed = 1, postSeed = 2): PostTree {
  return treeOf(draw(followers, pages, seed), seedOf(postSeed));
}

/** How often each follower is told, and how many messages each relay sends, where these users are dead. */
function told(
  { limbs }: PostTree,
  followers: readonly Placed[],
  isDead: (name: string, role: "limb" | "branch") => boolean = () => false,
) {
  const copies = new Map<UserRef, number>();
  const sent = new Map<string, number>();
  const send = (name: string, count = 1) => sent.set(name, (sent.get(name) ?? 0) + count);
  let authors = 0;
  for (const limb of limbs) {
    const alive = limb.relays.filter(({ username }) => !isDead(username, "limb"))
      .slice(0, limbCopies);
    authors += limbCopies;
    for (const { username } of alive) send(username, limb.branches.length);
    if (alive.length === 0) continue;
    for (const { from, to, relays } of limb.branches) {
      const relay = relays.find(({ username }) => !isDead(username, "branch"));
      if (relay === undefined) continue;
      const first = lowerBound(followers, from);
      const users = followers.slice(first, lowerBound(followers, to));
      send(relay.username, users.length);
      for (const { user } of users) copies.set(user, (copies.get(user) ?? 0) + 1);
    }
  }
  return { copies, authors, most: Math.max(...sent.values()) };
}

function lowerBound(followers: readonly Placed[], place: number): number {
  let low = 0;
  for (let high = followers.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((followers[middle]?.place ?? Infinity) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

Deno.test("Each follower is on two branches, no relay sends more than 64 messages, the author 120", () => {
  const sizes = [[8_193, 128, 1], [8_193, 128, 2], [20_011, 256, 3], [100_000, 2_048, 4]] as const;
  for (const [count, pages, seed] of sizes) {
    const followers = crowd(count, pages);
    const { copies, authors, most } = told(tree(followers, pages, seed), followers);
    assert.equal(copies.size, count);
    assert.ok([...copies.values()].every((times) => times === treeCopies), `${count}`);
    assert.ok(most <= treeLimits.forwardsMax, `one sends ${most}`);
    assert.ok(authors <= 120, `the author sends ${authors}`);
  }
});

Deno.test("A limb whose first relay is dead is told by its second, a branch by its next relay", () => {
  const pages = 128;
  const followers = crowd(8_193, pages);
  const post = tree(followers, pages);
  const firstRelays = new Set(post.limbs.map(({ relays }) => relays[0]?.username));
  const firstTellers = new Set(
    post.limbs.flatMap(({ branches }) => branches.map(({ relays }) => relays[0]?.username)),
  );
  for (const role of ["limb", "branch"] as const) {
    const dead = role === "limb" ? firstRelays : firstTellers;
    const { copies, most } = told(post, followers, (name, as) => as === role && dead.has(name));
    assert.equal(copies.size, followers.length);
    assert.ok([...copies.values()].every((times) => times === treeCopies));
    assert.ok(most <= treeLimits.forwardsMax);
  }
});

Deno.test("No follower has two roles, and those likely to be online are drawn first", () => {
  const pages = 128;
  const followers = crowd(9_000, pages);
  const isLikely = ({ username }: { username: string }) => Number(username.slice(4)) % 10 === 0;
  const covers = drawCovers({
    ...{ followers, pages, seed: seedOf(1), limits: treeLimits, isLikely },
    isOut: ({ username }) => username === "user10",
  });
  const limbs = covers.flatMap((cover) => cover.limbs);
  const relays = limbs.flatMap((limb) => limb.relays);
  const tellers = limbs.flatMap(({ branches }) => branches.flatMap((branch) => branch.relays));
  const names = [...relays, ...tellers].map(({ username }) => username);
  assert.equal(new Set(names).size, names.length);
  assert.ok(!names.includes("user10"));
  const firsts = limbs.flatMap(({ branches }) => branches.map((branch) => branch.relays[0]));
  const likely = firsts.filter((user) => user !== undefined && isLikely(user)).length;
  assert.ok(relays.every(isLikely));
  assert.ok(likely >= firsts.length - 1, `${likely} of ${firsts.length}`);
});

Deno.test("Another seed draws other relays and other neighbours, another post other divisions", () => {
  const pages = 128;
  const followers = crowd(9_000, pages);
  const shape = ({ limbs }: PostTree) => {
    return limbs.map(({ root, relays }) => `${root} ${relays.map(({ username }) => username)}`);
  };
  const one = shape(tree(followers, pages));
  assert.deepEqual(shape(tree(followers, pages)), one);
  const other = new Set(shape(tree(followers, pages, 3)));
  assert.equal(one.filter((limb) => other.has(limb)).length, 0);
  const covers = draw(followers, pages, 1);
  const posts = Array.from({ length: 12 }, (_, i) => shape(treeOf(covers, seedOf(i))).join());
  assert.ok(new Set(posts).size > 6);
});

Deno.test("A few followers take turns as relays", () => {
  const followers = crowd(30, 4);
  const limits = { ...treeLimits, branchFollowers: 4, limbBranches: 3 };
  const no = () => false;
  const all = drawCovers({
    ...{ followers, pages: 4, seed: seedOf(1), limits, isLikely: no, isOut: no },
  });
  const { copies } = told(treeOf(all, seedOf(2)), followers);
  assert.equal(copies.size, 30);
  assert.ok([...copies.values()].every((times) => times === 2));
  assert.deepEqual(
    drawCovers({
      ...{ followers: [], pages: 4, seed: seedOf(1), limits, isLikely: no, isOut: no },
    }).flatMap((cover) => cover.limbs.flatMap(({ relays }) => relays)),
    [],
  );
});

Deno.test("A branch is on the pages of its first and last place, and on those between", () => {
  const page = 2 ** 32;
  assert.deepEqual(pagesOf({ from: 0, to: page }), [0]);
  assert.deepEqual(pagesOf({ from: page - 1, to: page + 1 }), [0, 1]);
  assert.deepEqual(pagesOf({ from: 2 * page + 5, to: 5 * page }), [2, 3, 4]);
});

Deno.test("The author's root proves each limb and each branch, and nothing else", () => {
  const { limbs, depth, root } = tree(crowd(9_000, 128), 128);
  const author = { username: "author", key };
  const warrant: Warrant = { author, posts: key, generation: 17, pages: 128, depth, root };
  const roots = limbs.map((limb) => limb.root);
  const proofs = limbs.map(({ branches }, i): BranchProof => {
    return { branches, at: 64 * i, path: pathOf(roots, depth - 6, i) };
  });
  for (const proof of proofs) {
    assert.ok(covers(warrant, proof));
    for (const index of [0, proof.branches.length - 1]) {
      const one = branchProof(proof, depth, index);
      assert.ok(covers(warrant, one));
      assert.ok(!covers(warrant, { ...one, at: one.at ^ 1 }));
      assert.ok(!covers(warrant, { ...one, path: one.path.slice(2) }));
      assert.ok(!covers(warrant, { ...one, path: [...one.path, key.subarray(16)] }));
      const [branch] = one.branches as [Branch];
      for (
        const forged of [
          { ...branch, to: branch.to + 1 },
          { ...branch, from: branch.from + 1 },
          { ...branch, relays: [author] },
          { ...branch, relays: branch.relays.slice(1) },
        ]
      ) assert.ok(!covers(warrant, { ...one, branches: [forged] }));
    }
    assert.ok(!covers(warrant, { ...proof, branches: proof.branches.slice(1) }));
    assert.ok(!covers(warrant, { ...proof, at: proof.at + 1 }));
    assert.ok(!covers(warrant, { ...proof, at: proof.at + 2 ** depth }));
  }
  assert.ok(!covers({ ...warrant, depth: depth + 1 }, proofs[0] as BranchProof));
});
