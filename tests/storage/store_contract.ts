/**
 * What holds for every `Store`: run on the one on disk and on the one of the simulation.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Post } from "../../core/model/post.ts";
import type { ListEntry } from "../../core/model/record_body.ts";
import type { PendingFollow, Store } from "../../core/ports.ts";
import { testConversations } from "./conversations_contract.ts";
import { idAt, names, postAt, postsOf } from "./posts.ts";
import { testSearch } from "./search_contract.ts";

/** One disk under test. */
export interface DiskUnderTest {
  /** Opens the database of alice. */
  open(): Promise<Store>;
  /** Throws the disk away. */
  dispose(): Promise<void>;
}

/** Declares the suite's tests. */
export function testStoreContract(kind: string, disk: () => Promise<DiskUnderTest>): void {
  const test = (sentence: string, run: (store: Store, disk: DiskUnderTest) => Promise<void>) => {
    Deno.test(`${kind} ${sentence}`, async () => {
      const fresh = await disk();
      const store = await fresh.open();
      try {
        await run(store, fresh);
      } finally {
        await store.close();
        await fresh.dispose();
      }
    });
  };
  testPosts(test);
  testFeeds(test);
  testRemoval(test);
  testDeletes(test);
  testMutes(test);
  testLists(test);
  testConversations(test);
  testSearch(test);
}

type Declare = (
  sentence: string,
  run: (store: Store, disk: DiskUnderTest) => Promise<void>,
) => void;

function testPosts(test: Declare): void {
  test("store gives back a post exactly as it was signed", async (store) => {
    const post = postAt({
      author: "bob",
      number: 1,
      text: "Grüße 🐫",
      replyTo: { author: "carol", id: idAt(3) },
    });
    await store.addPosts("bob", [post]);
    assert.deepEqual(await store.timeline({ limit: 5 }), [post]);
    assert.deepEqual(await store.timeline({ author: "bob", limit: 5 }), [post]);
    assert.deepEqual(await store.timeline({ author: "bob", before: post.id, limit: 5 }), []);
    assert.deepEqual(await store.timeline({ author: "carol", limit: 5 }), []);
  });

  test("store shows the timeline of all authors newest first, a page at a time", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 4));
    await store.addPosts("carol", postsOf("carol", 1, 3, 2));
    await store.addOwnPost(postAt({ author: "alice", number: 1, second: 9 }));
    const first = await store.timeline({ limit: 3 });
    assert.deepEqual(names(first), ["alice 1", "bob 4", "carol 3"]);
    const before = first.at(-1)?.id ?? 0n;
    assert.deepEqual(names(await store.timeline({ limit: 3, before })), [
      "bob 3",
      "carol 2",
      "bob 2",
    ]);
    assert.deepEqual(names(await store.timeline({ limit: 9, author: "carol" })), [
      "carol 3",
      "carol 2",
      "carol 1",
    ]);
    assert.deepEqual(names(await store.timeline({ limit: 1, before: idAt(4), author: "bob" })), [
      "bob 3",
    ]);
    assert.deepEqual(await store.timeline({ limit: 9, author: "nobody" }), []);
    assert.deepEqual(names(await store.timeline({ limit: 2, after: idAt(2) })), [
      "bob 3",
      "carol 2",
    ]);
    assert.deepEqual(names(await store.timeline({ limit: 9, after: idAt(2), author: "bob" })), [
      "bob 4",
      "bob 3",
    ]);
    assert.deepEqual(await store.timeline({ limit: 9, after: first[0]?.id ?? 0n }), []);
  });

  test("store orders posts of one id by their authors' names", async (store) => {
    for (const author of ["carol", "bob", "dave"]) {
      await store.addPosts(author, [postAt({ author, number: 1 })]);
    }
    assert.deepEqual(names(await store.timeline({ limit: 5 })), ["dave 1", "carol 1", "bob 1"]);
    assert.deepEqual(await store.timeline({ limit: 5, before: idAt(1) }), []);
  });

  test("store reads pages longer than it reads at once", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 450));
    const page = await store.timeline({ limit: 1000 });
    assert.deepEqual(
      page.map((post) => post.number),
      Array.from({ length: 450 }, (_, i) => 450 - i),
    );
    const above = await store.timeline({ limit: 430, after: page.at(-11)?.id ?? 0n });
    assert.deepEqual(
      above.map((post) => post.number),
      Array.from({ length: 430 }, (_, i) => 441 - i),
    );
  });

  test("store adds posts once, in whatever order and however often they come", async (store) => {
    const posts = postsOf("bob", 1, 5);
    const [one, two, three, four, five] = posts;
    assert(one && two && three && four && five);
    const first = await store.addPosts("bob", [four, two, four]);
    assert.deepEqual(first, { added: [four, two], forks: [] });
    const second = await store.addPosts("bob", [five, one, two, three]);
    assert.deepEqual(second, { added: [five, one, three], forks: [] });
    assert.deepEqual(await store.addPosts("bob", posts), { added: [], forks: [] });
    assert.equal(await store.countPosts(), 5);
    assert.equal(await store.countPosts("bob"), 5);
    assert.equal(await store.countPosts("carol"), 0);
  });

  test("store keeps the first of two posts of one number and tells of the other", async (store) => {
    const kept = postAt({ author: "bob", number: 1 });
    const other = postAt({ author: "bob", number: 1, text: "I never said that" });
    const later = postAt({ author: "bob", number: 1, second: 8 });
    await store.addPosts("bob", [kept]);
    assert.deepEqual(await store.addPosts("bob", [other, later]), {
      added: [],
      forks: [other, later],
    });
    assert.deepEqual(await store.timeline({ limit: 5 }), [kept]);
    const two = postAt({ author: "bob", number: 2 });
    const rival = postAt({ author: "bob", number: 2, text: "neither that" });
    assert.deepEqual(await store.addPosts("bob", [two, rival]), { added: [two], forks: [rival] });
  });

  test("store takes a post whose id does not rise with its number for a fork", async (store) => {
    const [one, three] = [1, 3].map((number) => postAt({ author: "bob", number }));
    assert(one && three);
    await store.addPosts("bob", [one, three]);
    const early = postAt({ author: "bob", number: 2, second: 0 });
    assert.deepEqual(await store.addPosts("bob", [early]), { added: [], forks: [early] });
    // Its number is settled, or it would be asked for again and again.
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 3, ranges: [] }]);
    const same = postAt({ author: "bob", number: 4, second: 3, text: "of the same id" });
    assert.deepEqual(await store.addPosts("bob", [same]), { added: [], forks: [same] });
    assert.deepEqual(names(await store.timeline({ limit: 5 })), ["bob 3", "bob 1"]);
  });

  test("store takes a post whose id is above a later number's for a fork, in every gap", async (store) => {
    await store.addPosts("bob", [2, 4, 6].map((number) => postAt({ author: "bob", number })));
    // Numbers below the first, between two, and before the last: each would come after the next one.
    const late = [1, 3, 5].map((number) => postAt({ author: "bob", number, second: number + 1 }));
    for (const post of late) {
      assert.deepEqual(await store.addPosts("bob", [post]), { added: [], forks: [post] });
    }
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 6, ranges: [] }]);
  });

  test("store tells a fork before the end of a feed from a post behind the end", async (store) => {
    await store.addPosts("bob", [2, 4, 6].map((number) => postAt({ author: "bob", number })));
    const late = postAt({ author: "bob", number: 5, second: 7 });
    const next = postAt({ author: "bob", number: 8 });
    const report = await store.addPosts("bob", [late, next]);
    assert.deepEqual(report, { added: [next], forks: [late] });
  });

  test("store refuses posts of another author than it was told", async (store) => {
    await assert.rejects(store.addPosts("bob", postsOf("carol", 1, 1)), TypeError);
    assert.equal(await store.countPosts(), 0);
  });

  test("store takes own posts in the order of their numbers only", async (store) => {
    await store.addOwnPost(postAt({ author: "alice", number: 1 }));
    const wrong = [
      postAt({ author: "alice", number: 1, second: 5 }),
      postAt({ author: "alice", number: 3 }),
      postAt({ author: "alice", number: 2, second: 1 }),
    ];
    for (const post of wrong) await assert.rejects(store.addOwnPost(post), TypeError);
    await store.addOwnPost(postAt({ author: "alice", number: 2 }));
    await store.addOwnPost(postAt({ author: "alice", number: 1, second: 2, device: 5 }));
    assert.deepEqual(await store.feeds("alice"), [
      { device: 1, floor: 2, ranges: [] },
      { device: 5, floor: 1, ranges: [] },
    ]);
    assert.equal(await store.countPosts("alice"), 3);
  });

  test("store loses nothing when many write at once", async (store) => {
    const own = postsOf("alice", 1, 20);
    const authors = ["bob", "carol", "dave"];
    const addAll = authors.flatMap((author) => {
      const posts = postsOf(author, 1, 60);
      return [posts.slice(0, 25), posts.slice(20, 45), posts.slice(40), posts.slice(10, 50)]
        .map((part) => store.addPosts(author, part));
    });
    const addOwn = (async () => {
      for (const post of own) await store.addOwnPost(post);
    })();
    const reports = await Promise.all(addAll);
    await addOwn;
    assert.equal(reports.reduce((sum, report) => sum + report.added.length, 0), 180);
    for (const author of authors) {
      assert.deepEqual(await store.feeds(author), [{ device: 1, floor: 60, ranges: [] }]);
    }
    assert.equal(await store.countPosts(), 200);
    assert.equal((await store.timeline({ limit: 500 })).length, 200);
  });

  test("store keeps everything when it is closed and opened again", async (store, disk) => {
    await store.addPosts("bob", postsOf("bob", 1, 3));
    await store.addOwnPost(postAt({ author: "alice", number: 1 }));
    await store.setFloor(postAt({ author: "carol", number: 9 }));
    await store.putNote("cursor", new Uint8Array([1, 2]));
    await store.close();
    const again = await disk.open();
    assert.equal((await again.timeline({ limit: 9 })).length, 4);
    assert.deepEqual(await again.feeds("bob"), [{ device: 1, floor: 3, ranges: [] }]);
    assert.equal((await again.floorProof("carol", 1))?.number, 9);
    assert.deepEqual(await again.getNote("cursor"), new Uint8Array([1, 2]));
    await again.close();
  });

  test("store refuses work once it is closed", async (store) => {
    await store.close();
    await assert.rejects(store.countPosts(), { code: "interrupted" });
    await assert.rejects(store.putNote("a", new Uint8Array(1)), { code: "interrupted" });
    await store.close();
  });

  test("store knows its size", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 3));
    const { posts, bytes } = await store.size();
    assert.equal(posts, 3);
    assert(bytes > 3 * 300);
  });
}

function testFeeds(test: Declare): void {
  test("store tells what it has of each feed", async (store) => {
    await store.addPosts("bob", [...postsOf("bob", 1, 3), ...postsOf("bob", 6, 7)]);
    await store.addPosts("bob", postsOf("bob", 2, 2, 4));
    assert.deepEqual(await store.feeds("bob"), [
      { device: 1, floor: 3, ranges: [[6, 7]] },
      { device: 4, floor: 0, ranges: [[2, 2]] },
    ]);
    assert.deepEqual(await store.feeds("nobody"), []);
  });

  test("store reads a feed by its numbers", async (store) => {
    await store.addPosts("bob", [...postsOf("bob", 1, 20), ...postsOf("bob", 30, 35)]);
    await store.addPosts("bob", postsOf("bob", 1, 20, 2));
    const query = { author: "bob", device: 1, from: 4, to: 7, limit: 100 };
    const numbers = async (changes: Partial<typeof query>): Promise<number[]> =>
      (await store.feedPosts({ ...query, ...changes })).map((post) => post.number);
    assert.deepEqual(await numbers({}), [4, 5, 6, 7]);
    assert.deepEqual(await numbers({ limit: 2 }), [4, 5]);
    assert.deepEqual(await numbers({ from: 19, to: 31 }), [19, 20, 30, 31]);
    assert.deepEqual(await numbers({ from: 33, to: Number.MAX_SAFE_INTEGER }), [33, 34, 35]);
    assert.deepEqual(await numbers({ from: 9, to: 8 }), []);
    assert.deepEqual(await numbers({ device: 3 }), []);
    assert.deepEqual(await numbers({ author: "carol" }), []);
    assert.deepEqual(await numbers({ limit: 0 }), []);
  });

  test("store takes numbers up to the highest there is", async (store) => {
    const highest = Number.MAX_SAFE_INTEGER;
    const post = postAt({ author: "bob", number: highest, second: 5 });
    await store.addPosts("bob", [post]);
    assert.deepEqual(await store.feeds("bob"), [{
      device: 1,
      floor: 0,
      ranges: [[highest, highest]],
    }]);
    const query = { author: "bob", device: 1, from: 1, to: highest, limit: 5 };
    assert.deepEqual(await store.feedPosts(query), [post]);
  });

  test("store keeps no more gaps of a feed than its bound", async (store) => {
    const odd = Array.from(
      { length: 1100 },
      (_, i) => postAt({ author: "bob", number: 2 * i + 3 }),
    );
    const { added } = await store.addPosts("bob", odd);
    assert.equal(added.length, 1024);
    assert.equal((await store.feeds("bob"))[0]?.ranges.length, 1024);
    // A post that closes a gap is taken, and makes room for another.
    const even = await store.addPosts("bob", [postAt({ author: "bob", number: 4 })]);
    assert.equal(even.added.length, 1);
    assert.equal((await store.addPosts("bob", odd)).added.length, 1);
  });

  test("store settles numbers below a floor and keeps the proof", async (store) => {
    await store.addPosts("bob", postsOf("bob", 3, 4));
    const proof = postAt({ author: "bob", number: 6 });
    await store.setFloor(proof);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 6, ranges: [] }]);
    assert.deepEqual(await store.floorProof("bob", 1), proof);
    assert.deepEqual(await store.addPosts("bob", postsOf("bob", 1, 7)), {
      added: [postAt({ author: "bob", number: 7 })],
      forks: [],
    });
    // Lower proofs change nothing, and posts below the floor stay.
    await store.setFloor(postAt({ author: "bob", number: 5 }));
    assert.equal((await store.floorProof("bob", 1))?.number, 6);
    assert.deepEqual(names(await store.timeline({ limit: 9 })), ["bob 7", "bob 4", "bob 3"]);
    assert.equal(await store.floorProof("bob", 2), undefined);
  });
}

function testMutes(test: Declare): void {
  test("store keeps mutes and blocks, the newer in place of the older", async (store, disk) => {
    const key = new Uint8Array(32).fill(7);
    await store.unwanted.putMute({ kind: "word", what: "Lärm 🐫" });
    await store.unwanted.putMute({ kind: "user", what: "bob", until: 1_000 });
    await store.unwanted.putMute({ kind: "user", what: "bob", until: 2_000 });
    await store.unwanted.putMute({ kind: "thread", what: "bob/5" });
    await store.unwanted.putBlock({ username: "carol" });
    await store.unwanted.putBlock({ username: "carol", key });
    await store.unwanted.putBlock({ username: "dave" });
    await store.unwanted.dropMute({ kind: "thread", what: "bob/5" });
    await store.unwanted.dropMute({ kind: "thread", what: "never" });
    await store.unwanted.dropBlock("dave");
    await store.unwanted.dropBlock("erin");
    await store.close();
    const again = await disk.open();
    assert.deepEqual(await again.unwanted.mutes(), [
      { kind: "user", what: "bob", until: 2_000 },
      { kind: "word", what: "Lärm 🐫" },
    ]);
    assert.deepEqual(await again.unwanted.blocks(), [{ username: "carol", key }]);
    await again.close();
  });
}

function testDeletes(test: Declare): void {
  const [one, two, three] = postsOf("bob", 1, 3);
  assert(one && two && three);
  const gone = postAt({ author: "bob", number: 4, deletes: { device: 1, number: 2 } });

  test("store removes what a delete names, and does not take it back", async (store) => {
    await store.addPosts("bob", [one, two, three]);
    assert.deepEqual(await store.addPosts("bob", [gone]), {
      added: [gone],
      forks: [],
      deleted: [two],
    });
    assert.deepEqual(await store.timeline({ limit: 9 }), [three, one]);
    assert.deepEqual(await store.addPosts("bob", [two]), { added: [], forks: [] });
    assert.equal(await store.findPost(two), undefined);
    assert.deepEqual(await store.findPost(three), three);
    assert.equal(await store.findPost(gone), undefined);
    // The delete is served on in the feed.
    const query = { author: "bob", device: 1, from: 1, to: 9, limit: 9 };
    assert.deepEqual(await store.feedPosts(query), [one, three, gone]);
    assert.equal(await store.countPosts("bob"), 3);
  });

  test("store keeps out what was taken back before it came, and settles its number", async (store) => {
    await store.addPosts("bob", [one, gone]);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 2, ranges: [[4, 4]] }]);
    assert.deepEqual(await store.addPosts("bob", [two, three]), { added: [three], forks: [] });
    assert.deepEqual(await store.timeline({ limit: 9 }), [three, one]);
  });

  test("store takes back posts that come together with their delete, in another feed too", async (store) => {
    const other = postAt({ author: "bob", number: 1, device: 2, second: 9, deletes: one });
    const report = await store.addPosts("bob", [gone, other, two, three, one]);
    assert.deepEqual(report, { added: [gone, other, three], forks: [] });
    assert.deepEqual(await store.timeline({ limit: 9 }), [three]);
    assert.deepEqual(await store.feeds("bob"), [
      { device: 1, floor: 4, ranges: [] },
      { device: 2, floor: 1, ranges: [] },
    ]);
  });

  test("store settles nothing in a feed of which a delete alone speaks, and keeps its posts out", async (store) => {
    const other = postAt({ author: "bob", number: 1, device: 2, second: 9, deletes: two });
    await store.addPosts("bob", [other]);
    assert.deepEqual(await store.feeds("bob"), [{ device: 2, floor: 1, ranges: [] }]);
    assert.deepEqual(await store.addPosts("bob", [one, two, three]), {
      added: [one, three],
      forks: [],
    });
    assert.equal((await store.feeds("bob"))[0]?.floor, 3);
  });

  test("store does not let a delete take back another author's post, or a delete", async (store) => {
    await store.addPosts("carol", postsOf("carol", 2, 2));
    await store.addPosts("bob", [one, two, three, gone]);
    assert.deepEqual(names(await store.timeline({ limit: 9, author: "carol" })), ["carol 2"]);
    const again = postAt({ author: "bob", number: 5, deletes: gone });
    assert.deepEqual(await store.addPosts("bob", [again]), { added: [again], forks: [] });
    assert.deepEqual(await store.addPosts("bob", [two]), { added: [], forks: [] });
    assert.equal(await store.countPosts("bob"), 4);
  });

  test("store takes back own posts in the commit of the delete", async (store) => {
    await store.addOwnPost(postAt({ author: "alice", number: 1 }));
    await store.addOwnPost(
      postAt({ author: "alice", number: 2, deletes: { device: 1, number: 1 } }),
    );
    await store.addOwnPost(postAt({ author: "alice", number: 3 }));
    assert.deepEqual(names(await store.timeline({ limit: 9 })), ["alice 3"]);
    assert.equal(await store.countPosts("alice"), 2);
    assert.equal(await store.countTakenBack("alice"), 1);
    assert.equal(await store.countTakenBack("bob"), 0);
  });

  test("store knows the own reposts of a post, until they are taken back", async (store) => {
    const repost = (author: string, number: number, repostOf: Post) =>
      postAt({ author, number, second: 20 + number, repostOf });
    const mine = [repost("alice", 1, one), repost("alice", 2, two)] as const;
    for (const post of mine) await store.addOwnPost(post);
    const elsewhere = postAt({ author: "alice", number: 1, device: 2, second: 30, repostOf: two });
    await store.addPosts("alice", [elsewhere]);
    await store.addPosts("carol", [repost("carol", 1, two)]);
    const of = { author: "bob", device: 1, number: 2 };
    assert.deepEqual(await store.ownReposts({ of, limit: 9 }), [mine[1], elsewhere]);
    assert.deepEqual(await store.ownReposts({ of, limit: 1 }), [mine[1]]);
    assert.deepEqual(await store.ownReposts({ of: { ...of, device: 2 }, limit: 9 }), []);
    await store.addPosts("bob", [one, gone]);
    assert.deepEqual(await store.ownReposts({ of, limit: 9 }), [mine[1], elsewhere]);
    await store.addOwnPost(
      postAt({ author: "alice", number: 3, second: 40, deletes: { device: 1, number: 2 } }),
    );
    assert.deepEqual(await store.ownReposts({ of, limit: 9 }), [elsewhere]);
    assert.deepEqual(await store.ownReposts({ limit: 9 }), [mine[0], elsewhere]);
  });

  test("store shows no repost of what its author has taken back", async (store) => {
    const repost = postAt({ author: "carol", number: 1, second: 20, repostOf: two });
    await store.addPosts("carol", [repost]);
    assert.deepEqual(await store.timeline({ limit: 9 }), [repost]);
    await store.addPosts("bob", [one, gone]);
    assert.deepEqual(await store.timeline({ limit: 9 }), [one]);
    assert.deepEqual(await store.timeline({ limit: 1 }), [one]);
  });

  test("store keeps the mark of a post that two deletes name until both are collected", async (store) => {
    const again = postAt({ author: "bob", number: 5, deletes: { device: 1, number: 2 } });
    const repost = postAt({ author: "carol", number: 1, second: 20, repostOf: two });
    await store.addPosts("carol", [repost]);
    await store.addPosts("bob", [one, two, three, gone, again]);
    assert.equal(await store.collect({ before: idAt(5, 0), keep: "alice", limit: 9 }), 3);
    assert.deepEqual(await store.timeline({ limit: 9 }), []);
    assert.equal(await store.collect({ before: idAt(6, 0), keep: "alice", limit: 9 }), 1);
    assert.deepEqual(await store.timeline({ limit: 9 }), [repost]);
  });

  test("store collects a delete with its mark, and keeps its number settled", async (store) => {
    await store.addPosts("bob", [one, two, three, gone, postAt({ author: "bob", number: 5 })]);
    assert.equal(await store.collect({ before: idAt(5, 0), keep: "alice", limit: 9 }), 3);
    assert.deepEqual(await store.addPosts("bob", [two]), { added: [], forks: [] });
    assert.deepEqual(names(await store.timeline({ limit: 9 })), ["bob 5"]);
    assert.equal(await store.removeAuthor("bob"), 1);
    // After a removal nothing is remembered, marks included.
    assert.equal((await store.addPosts("bob", [one, two])).added.length, 2);
  });
}

function testRemoval(test: Declare): void {
  test("store collects old posts of others and never one's own", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 10));
    await store.addPosts("carol", postsOf("carol", 1, 10, 2));
    for (const post of postsOf("alice", 1, 10, 3)) await store.addOwnPost(post);
    assert.equal(await store.collect({ before: idAt(6, 0), keep: "alice", limit: 1000 }), 10);
    assert.equal(await store.countPosts(), 20);
    assert.equal(await store.countPosts("bob"), 5);
    assert.equal(await store.countPosts("alice"), 10);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 10, ranges: [] }]);
    assert.equal((await store.floorProof("bob", 1))?.number, 5);
    assert.equal((await store.floorProof("carol", 2))?.number, 5);
    assert.equal(await store.floorProof("alice", 3), undefined);
    assert.equal(await store.collect({ before: idAt(6, 0), keep: "alice", limit: 1000 }), 0);
  });

  test("store collects oldest first and no more than it was told", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 600));
    assert.equal(await store.collect({ before: idAt(601, 0), keep: "alice", limit: 450 }), 450);
    const left = await store.timeline({ limit: 1000 });
    assert.deepEqual([left.length, left.at(-1)?.number], [150, 451]);
    assert.equal((await store.floorProof("bob", 1))?.number, 450);
  });

  test("store collects posts of one id a few at a time", async (store) => {
    for (const author of ["bob", "carol", "dave", "erin"]) {
      await store.addPosts(author, postsOf(author, 1, 2));
    }
    for (let i = 0; i < 8; i++) {
      assert.equal(
        await store.collect({ before: idAt(3, 0), keep: "carol", limit: 1 }),
        i < 6 ? 1 : 0,
      );
    }
    assert.deepEqual(names(await store.timeline({ limit: 9 })), ["carol 2", "carol 1"]);
  });

  test("store does not take back what was collected", async (store) => {
    await store.addPosts("bob", [...postsOf("bob", 2, 3), ...postsOf("bob", 8, 9)]);
    await store.collect({ before: idAt(9, 0), keep: "alice", limit: 1000 });
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 9, ranges: [] }]);
    assert.deepEqual(await store.addPosts("bob", postsOf("bob", 1, 9)), { added: [], forks: [] });
    assert.deepEqual(names(await store.timeline({ limit: 9 })), ["bob 9"]);
  });

  test("store collects posts that arrive older than those collected before", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 200));
    assert.equal(await store.collect({ before: idAt(150, 0), keep: "alice", limit: 1000 }), 149);
    await store.addPosts("carol", postsOf("carol", 1, 40));
    assert.equal(await store.collect({ before: idAt(150, 0), keep: "alice", limit: 1000 }), 40);
    // Another user to keep, and the collector looks at everything anew.
    for (const post of postsOf("alice", 1, 3)) await store.addOwnPost(post);
    assert.equal(await store.collect({ before: idAt(150, 0), keep: "alice", limit: 1000 }), 0);
    assert.equal(await store.collect({ before: idAt(150, 0), keep: "zoe", limit: 1000 }), 3);
  });

  test("store passes over many own posts to collect those behind", async (store) => {
    await store.addPosts("alice", postsOf("alice", 1, 1200));
    await store.addPosts("bob", [postAt({ author: "bob", number: 1, second: 1100 })]);
    assert.equal(await store.collect({ before: idAt(1150), keep: "alice", limit: 10 }), 1);
    assert.equal(await store.countPosts(), 1200);
  });

  test("store keeps the newer proof when it collects below a floor", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 4));
    await store.setFloor(postAt({ author: "bob", number: 9 }));
    assert.equal(await store.collect({ before: idAt(4, 0), keep: "alice", limit: 10 }), 3);
    assert.equal((await store.floorProof("bob", 1))?.number, 9);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 9, ranges: [] }]);
  });

  test("store removes everything of an author but noted forks", async (store) => {
    const fork = postAt({ author: "bob", number: 1, text: "a fork" });
    await store.addPosts("bob", [...postsOf("bob", 1, 350), ...postsOf("bob", 1, 5, 2)]);
    await store.addPosts("carol", postsOf("carol", 1, 4));
    await store.setFloor(postAt({ author: "bob", number: 2, device: 3 }));
    await store.noteFork(fork);
    assert.equal(await store.removeAuthor("bob"), 355);
    assert.deepEqual(await store.feeds("bob"), []);
    assert.equal(await store.floorProof("bob", 3), undefined);
    assert.equal(await store.countPosts("bob"), 0);
    assert.equal(await store.countPosts(), 4);
    assert.deepEqual(names(await store.timeline({ limit: 3 })), ["carol 4", "carol 3", "carol 2"]);
    assert.deepEqual(await store.forks("bob"), [fork]);
    assert.equal(await store.removeAuthor("bob"), 0);
    const again = await store.addPosts("bob", postsOf("bob", 1, 3));
    assert.equal(again.added.length, 3);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 3, ranges: [] }]);
  });

  test("store adds what comes during a removal after it", async (store) => {
    await store.addPosts("bob", postsOf("bob", 1, 400));
    const removals = [store.removeAuthor("bob"), store.removeAuthor("bob")];
    const adding = store.addPosts("bob", postsOf("bob", 1, 7));
    const floor = store.setFloor(postAt({ author: "bob", number: 2 }));
    const counts = await Promise.all(removals);
    await Promise.all([adding, floor]);
    assert.equal(Math.max(...counts), 400);
    assert.deepEqual(await store.feeds("bob"), [{ device: 1, floor: 7, ranges: [] }]);
    const left = (await store.timeline({ limit: 1000 })).length;
    assert.equal(left, await store.countPosts());
    assert(left === 7 || left === 5, `${left} posts`);
  });

  test("store notes forks once and a few a feed", async (store) => {
    const forks = Array.from(
      { length: 9 },
      (_, i) => postAt({ author: "bob", number: 1, text: `fork ${i}` }),
    );
    for (const fork of [...forks, ...forks]) await store.noteFork(fork);
    const other = postAt({ author: "bob", number: 1, device: 2 });
    await store.noteFork(other);
    assert.deepEqual(await store.forks("bob"), [...forks.slice(0, 4), other]);
    assert.deepEqual(await store.forks("carol"), []);
    for (let device = 3; device < 90; device++) {
      await store.noteFork(postAt({ author: "bob", number: 1, device }));
    }
    assert.equal((await store.forks("bob")).length, 64);
  });
}

function testLists(test: Declare): void {
  const key = new Uint8Array(32).fill(3);
  const entry = (username: string, changes: Partial<ListEntry> = {}): ListEntry => ({
    list: "following",
    username,
    key,
    updatedAt: 1_700_000_000_000,
    present: true,
    ...changes,
  });

  test("store keeps list entries by list and name", async (store) => {
    const gone = entry("bob", { list: "followers", present: false });
    await store.putListEntries([entry("carol"), entry("bob"), gone]);
    assert.deepEqual(await store.listEntries("following"), [entry("bob"), entry("carol")]);
    assert.deepEqual(await store.listEntries("followers"), [gone]);
    await store.putListEntries([entry("bob", { updatedAt: 5 })]);
    assert.deepEqual(await store.listEntries("following"), [
      entry("bob", { updatedAt: 5 }),
      entry("carol"),
    ]);
    assert.deepEqual(await store.listEntries("followers"), [gone]);
    await store.dropListEntries([entry("bob"), entry("nobody")]);
    assert.deepEqual(await store.listEntries("following"), [entry("carol")]);
  });

  test("store keeps five thousand entries in each list", async (store) => {
    const username = (i: number): string => `user_${String(i).padStart(5, "0")}`;
    const following = Array.from({ length: 5000 }, (_, i) => entry(username(i)));
    const followers = following.map((item): ListEntry => ({ ...item, list: "followers" }));
    await store.putListEntries([...following, ...followers]);
    assert.deepEqual(await store.listEntries("following"), following);
    assert.equal((await store.listEntries("followers")).length, 5000);
  });

  test("store keeps the newest notice to each user until it is dropped", async (store) => {
    const notice = (updatedAt: number, kind: PendingFollow["kind"]): PendingFollow => ({
      username: "bob",
      key,
      kind,
      updatedAt,
    });
    await store.putPendingFollow(notice(10, "follow"));
    await store.putPendingFollow({ ...notice(11, "follow"), username: "alan" });
    await store.putPendingFollow(notice(12, "unfollow"));
    await store.putPendingFollow(notice(11, "follow"));
    await store.dropPendingFollow("bob", 10);
    await store.dropPendingFollow("nobody", 10);
    assert.deepEqual(await store.pendingFollows(), [
      { ...notice(11, "follow"), username: "alan" },
      notice(12, "unfollow"),
    ]);
    await store.dropPendingFollow("bob", 12);
    assert.equal((await store.pendingFollows()).length, 1);
  });

  test("store keeps notes of up to 60,000 bytes", async (store) => {
    assert.equal(await store.getNote("a"), undefined);
    const large = new Uint8Array(60_000).fill(9);
    await store.putNote("a", large);
    await store.putNote("b", new Uint8Array());
    assert.deepEqual(await store.getNote("a"), large);
    assert.deepEqual(await store.getNote("b"), new Uint8Array());
    await assert.rejects(store.putNote("a", new Uint8Array(60_001)), RangeError);
    await store.putNote("a", undefined);
    await store.putNote("a", undefined);
    assert.equal(await store.getNote("a"), undefined);
  });
}
