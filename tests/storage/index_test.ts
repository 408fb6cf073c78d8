import assert from "node:assert/strict";
import { join } from "node:path";
import { parseSearch } from "../../core/model/search_query.ts";
import type { Store } from "../../core/ports.ts";
import { type IndexState, PostIndex } from "../../storage/post_index.ts";
import { reclaimSpace } from "../../storage/space.ts";
import { KvStores } from "../../storage/user_store.ts";
import { inFolder, modeOf } from "./folder.ts";
import { idAt, names, postAt, postsOf } from "./posts.ts";
import { finds } from "./search_contract.ts";
import { assertSound } from "./soundness.ts";

/** Opens the database of alice, and closes it afterwards. */
async function withStore(folder: string, run: (store: Store) => Promise<void>): Promise<void> {
  const store = await new KvStores(folder).open("alice");
  try {
    await run(store);
  } finally {
    await store.close();
  }
}

function withIndex<T>(folder: string, run: (index: PostIndex) => T): T {
  const index = new PostIndex(join(folder, "users", "alice.index"));
  try {
    return run(index);
  } finally {
    index.close();
  }
}

/** Marks an index, so that one made anew can be told from it. */
function mark(folder: string): void {
  withIndex(folder, (index) => {
    index.begin();
    index.setState({ marked: 1n } as unknown as Parameters<PostIndex["setState"]>[0]);
    index.commit();
  });
}

function isMarked(folder: string): boolean {
  return withIndex(folder, (index) => "marked" in index.state());
}

/** A database with three posts about tea, closed, its index marked. */
async function makeTea(folder: string): Promise<void> {
  await withStore(folder, async (store) => {
    const posts = [1, 2, 3].map((number) => postAt({ author: "bob", number, text: "tea" }));
    await store.addPosts("bob", posts);
    assert.equal(await finds(store, "tea"), "bob 3, bob 2, bob 1");
  });
  mark(folder);
}

/** Copies a data folder as a crash would leave it. */
async function copyUsers(from: string, to: string): Promise<void> {
  await Deno.mkdir(join(to, "users"));
  for await (const { name } of Deno.readDir(join(from, "users"))) {
    await Deno.copyFile(join(from, "users", name), join(to, "users", name));
  }
}

Deno.test("Index is a file of the owner's alone, and goes on where it was", async () => {
  await inFolder(async (folder) => {
    await makeTea(folder);
    assert.equal(await modeOf(join(folder, "users", "alice.index")), "600");
    await withStore(folder, async (store) => {
      assert.equal(await finds(store, "tea"), "bob 3, bob 2, bob 1");
      await store.addPosts("bob", [postAt({ author: "bob", number: 4, text: "tea" })]);
    });
    const files = (await Array.fromAsync(Deno.readDir(join(folder, "users"))))
      .map(({ name }) => name).filter((name) => name.startsWith("alice.index"));
    assert.deepEqual(files, ["alice.index"]);
    assert.ok(isMarked(folder));
    await withStore(folder, async (store) => {
      assert.equal(await finds(store, "tea"), "bob 4, bob 3, bob 2, bob 1");
    });
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

Deno.test("Index takes in what was committed before a crash and not yet indexed", async () => {
  await inFolder(async (folder) => {
    await makeTea(folder);
    await inFolder(async (crashed) => {
      await withStore(folder, async (store) => {
        await store.addPosts("carol", postsOf("carol", 1, 300));
        await store.collect({
          before: postAt({ author: "bob", number: 2 }).id,
          keep: "",
          limit: 9,
        });
        await store.addOwnPost(postAt({ author: "alice", number: 1, second: 500, text: "tea" }));
        await store.addOwnPost(
          postAt({ author: "alice", number: 2, second: 501, deletes: { device: 1, number: 1 } }),
        );
        await store.addPosts("bob", [postAt({ author: "bob", number: 9, text: "tea" })]);
        await copyUsers(folder, crashed);
      });
      const { change } = withIndex(crashed, (index) => index.state());
      await withStore(crashed, async (store) => {
        assert.equal(await finds(store, "tea"), "bob 9, bob 3, bob 2");
        assert.equal((await store.search(parseSearch("from:carol"), 1000)).posts.length, 299);
      });
      assert.ok(isMarked(crashed));
      assert.ok((change ?? 0n) < (withIndex(crashed, (index) => index.state().change) ?? 0n));
      await assertSound(join(crashed, "users", "alice.kv"));
    });
  });
});

Deno.test("Index is built anew where it is missing, damaged, cut, of another version, or an older copy", async () => {
  const index = (folder: string) => join(folder, "users", "alice.index");
  const harms: Record<string, (folder: string) => Promise<void> | void> = {
    missing: (folder) => Deno.remove(index(folder)),
    empty: (folder) => Deno.truncate(index(folder), 0),
    garbage: (folder) => Deno.writeTextFile(index(folder), "no database".repeat(1000)),
    cut: (folder) => Deno.truncate(index(folder), 3 * 4096),
    version: async (folder) => {
      const bytes = await Deno.readFile(index(folder));
      new DataView(bytes.buffer).setUint32(60, 77);
      await Deno.writeFile(index(folder), bytes);
    },
    ahead: (folder) =>
      withIndex(folder, (index) => {
        index.begin();
        index.setState({ change: 99n } as Required<IndexState>);
        index.commit();
      }),
    gap: async (folder) => {
      const copy = await Deno.readFile(index(folder));
      await withStore(folder, async (store) => {
        await store.addPosts("dave", postsOf("dave", 1, 2));
      });
      using kv = await Deno.openKv(join(folder, "users", "alice.kv"));
      for await (const { key } of kv.list({ prefix: ["change"] })) await kv.delete(key);
      await Deno.writeFile(index(folder), copy);
    },
    "behind a damaged log": async (folder) => {
      withIndex(folder, (index) => {
        index.begin();
        index.setState({ ...index.state(), change: 0n } as Required<IndexState>);
        index.commit();
      });
      using kv = await Deno.openKv(join(folder, "users", "alice.kv"));
      await kv.set(["change", 1], new Uint8Array([1, 2, 3]));
    },
    "changed by an older program": async (folder) => {
      using kv = await Deno.openKv(join(folder, "users", "alice.kv"));
      await kv.set(["total"], 4);
      await kv.set(["count", "bob"], 4);
      const post = postAt({ author: "bob", number: 4, text: "coffee" });
      await kv.set(["feed", "bob", 1, 4], post.signed);
      for (const key of [["timeline", post.id, "bob"], ["author", "bob", post.id]]) {
        await kv.set(key, 4);
      }
    },
  };
  for (const [harm, inflict] of Object.entries(harms)) {
    await inFolder(async (folder) => {
      await makeTea(folder);
      await inflict(folder);
      await withStore(folder, async (store) => {
        await store.addPosts("carol", [postAt({ author: "carol", number: 1, text: "tea" })]);
        assert.equal(await finds(store, "tea"), "bob 3, bob 2, carol 1, bob 1", harm);
        if (harm.startsWith("changed")) assert.equal(await finds(store, "coffee"), "bob 4");
        await store.addPosts("carol", [postAt({ author: "carol", number: 2, text: "tea" })]);
        assert.equal(await finds(store, "tea"), "bob 3, carol 2, bob 2, carol 1, bob 1", harm);
      });
      assert.equal(isMarked(folder), false, harm);
      withIndex(folder, (index) => assert.equal(index.state().builtDownTo, undefined));
    });
  }
});

Deno.test("Search tells what share is indexed while an index is built, and finds the newest first", async () => {
  await inFolder(async (folder) => {
    await withStore(folder, async (store) => {
      await store.addPosts("bob", postsOf("bob", 1, 2_500));
    });
    await Deno.remove(join(folder, "users", "alice.index"));
    const shares: number[] = [];
    await withStore(folder, async (store) => {
      const { posts, indexed = 1 } = await store.search(parseSearch("bob from:bob"), 3);
      assert.deepEqual(
        names(posts),
        posts.length === 0 ? [] : ["bob 2500", "bob 2499", "bob 2498"],
      );
      shares.push(indexed);
    });
    assert.ok(shares.every((share) => share < 1), `${shares}`);
    await withStore(folder, async (store) => {
      while ((await store.search(parseSearch("bob"), 1)).indexed !== undefined);
    });
    // As if the program had ended in the middle: that goes on, and new posts are found meanwhile.
    withIndex(folder, (index) => {
      index.begin();
      for (const post of postsOf("bob", 1, 1_499)) assert.ok(index.remove(post));
      index.setState(
        { ...index.state(), builtDownTo: postAt({ author: "bob", number: 1_500 }).id } as Required<
          IndexState
        >,
      );
      index.commit();
    });
    mark(folder);
    await withStore(folder, async (store) => {
      await store.addPosts("bob", [postAt({ author: "bob", number: 2_501, text: "fresh" })]);
      const fresh = await store.search(parseSearch("fresh"), 3);
      assert.deepEqual(names(fresh.posts), ["bob 2501"]);
      let found = await store.search(parseSearch("bob"), 5_000);
      while (found.indexed !== undefined) found = await store.search(parseSearch("bob"), 5_000);
      assert.equal(found.posts.length, 2_500);
      assert.equal((await store.size()).indexed, undefined);
    });
    assert.ok(isMarked(folder));
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

/** An index whose disk fails. */
class FailingIndex extends PostIndex {
  static fails = false;

  override commit(): void {
    if (FailingIndex.fails) throw new Error("database or disk is full");
    super.commit();
  }

  override search(...args: Parameters<PostIndex["search"]>): ReturnType<PostIndex["search"]> {
    if (FailingIndex.fails) throw new Error("database disk image is malformed");
    return super.search(...args);
  }
}

Deno.test("Error of the index fails no write and no search; it is built anew once its disk works", async () => {
  await inFolder(async (folder) => {
    const openIndex = (path: string) => new FailingIndex(path);
    FailingIndex.fails = false;
    const store = await new KvStores(folder, { openIndex }).open("alice");
    try {
      await store.addPosts("bob", [postAt({ author: "bob", number: 1, text: "tea" })]);
      assert.equal(await finds(store, "tea"), "bob 1");
      FailingIndex.fails = true;
      await store.addPosts("bob", [postAt({ author: "bob", number: 2, text: "tea" })]);
      assert.equal(await finds(store, "tea"), "bob 2, bob 1");
      const { id } = postAt({ author: "bob", number: 2 });
      const reply = { author: "carol", number: 3, text: "tea", replyTo: { author: "bob", id } };
      await store.addPosts("carol", [postAt(reply)]);
      assert.deepEqual(await store.replyCounts([{ author: "bob", id }]), [1]);
      const root = { author: "bob", id };
      assert.deepEqual(names(await store.thread({ root, limit: 9 })), ["carol 3", "bob 2"]);
      FailingIndex.fails = false;
      assert.equal(await finds(store, "tea"), "carol 3, bob 2, bob 1");
      assert.equal((await store.size()).indexed, undefined);
    } finally {
      await store.close();
    }
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

Deno.test("Index that can never be opened is tried three times, and writes and searches go on without it", async () => {
  await inFolder(async (folder) => {
    let opened = 0;
    const openIndex = () => {
      opened++;
      throw new Error("database disk image is malformed");
    };
    const store = await new KvStores(folder, { openIndex }).open("alice");
    try {
      for (let number = 1; number <= 8; number++) {
        await store.addPosts("bob", [postAt({ author: "bob", number, text: "tea" })]);
        await finds(store, "tea");
      }
      assert.equal(
        await finds(store, "tea"),
        "bob 8, bob 7, bob 6, bob 5, bob 4, bob 3, bob 2, bob 1",
      );
      // Each time the file is made anew once.
      assert.equal(opened, 6);
    } finally {
      await store.close();
    }
  });
});

Deno.test("Failed commit leaves index and posts in step, whether or not it happened", async () => {
  await inFolder(async (folder) => {
    let fault: "before" | "after" | undefined;
    const openKv = async (path: string): Promise<Deno.Kv> => {
      const kv = await Deno.openKv(path);
      const atomic = kv.atomic.bind(kv);
      kv.atomic = () => {
        const operation = atomic();
        const commit = operation.commit.bind(operation);
        operation.commit = async () => {
          const now = fault;
          fault = undefined;
          if (now === "before") throw new Error("disk I/O error");
          const result = await commit();
          if (now === "after") throw new Error("disk I/O error");
          return result;
        };
        return operation;
      };
      return kv;
    };
    const store = await new KvStores(folder, { openKv }).open("alice");
    try {
      for (const [i, when] of ([undefined, "before", "after", undefined] as const).entries()) {
        const adding = (fault = when,
          store.addPosts("bob", [
            postAt({ author: "bob", number: i + 1, text: "tea" }),
          ]));
        if (when === undefined) await adding;
        else await assert.rejects(adding, { code: "disk_failed" });
      }
      assert.equal(await finds(store, "tea"), "bob 4, bob 3, bob 1");
    } finally {
      await store.close();
    }
    mark(folder);
    await assertSound(join(folder, "users", "alice.kv"));
    await withStore(folder, async (again) => {
      assert.equal(await finds(again, "tea"), "bob 4, bob 3, bob 1");
    });
    assert.ok(isMarked(folder));
  });
});

Deno.test("Space that removed posts leave in the index goes back to the disk", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "an.index");
    await Deno.writeFile(path, new Uint8Array());
    await reclaimSpace(path);
    const sample = postAt({ author: "bob", number: 1 });
    const postOf = (i: number) => ({
      ...sample,
      id: sample.id + (BigInt(i) << 22n),
      text: Array.from({ length: 30 }, (_, j) => `word${(i * 31 + j * 17) % 5_000}`).join(" "),
    });
    let index = new PostIndex(path);
    index.begin();
    for (let i = 0; i < 6_000; i++) index.add(postOf(i));
    index.commit();
    index.close();
    const { size } = await Deno.stat(path);
    index = new PostIndex(path);
    index.begin();
    for (let i = 0; i < 5_900; i++) assert.ok(index.remove(postOf(i)));
    index.commit();
    let steps = 0;
    for (let more = true; more; steps++) more = index.tidy(steps === 0);
    assert.equal(index.search(parseSearch("word*"), 200).length, 100);
    index.close();
    assert.ok(await reclaimSpace(path) > 0);
    const left = (await Deno.stat(path)).size;
    assert.ok(left < size / 4, `${left} of ${size} bytes after ${steps} steps`);
  });
});

/** An index that tells when it has been tidied. */
class TidiedIndex extends PostIndex {
  static readonly steps: boolean[] = [];

  override tidy(isFirst: boolean): boolean {
    const isMore = super.tidy(isFirst);
    TidiedIndex.steps.push(isFirst, isMore);
    return isMore;
  }
}

Deno.test("Index is tidied in the background after many posts were removed", async () => {
  await inFolder(async (folder) => {
    const openIndex = (path: string) => new TidiedIndex(path);
    const store = await new KvStores(folder, { openIndex }).open("alice");
    try {
      await store.addPosts("bob", postsOf("bob", 1, 2_100));
      await store.addPosts("carol", postsOf("carol", 1, 3));
      assert.equal(await finds(store, "from:bob 7"), "bob 7");
      await store.removeAuthor("bob");
      // Searches go on meanwhile; until it begins, which takes some seconds, they leave the processor to others.
      while (TidiedIndex.steps.at(-1) !== false) {
        if (TidiedIndex.steps.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(await finds(store, "from:carol"), "carol 3, carol 2, carol 1");
      }
      assert.equal(TidiedIndex.steps[0], true);
    } finally {
      await store.close();
    }
    await assertSound(join(folder, "users", "alice.kv"));
  });
});

Deno.test("Search waits for what was stored before it, and not for what a long fetch goes on to store", async () => {
  await inFolder(async (folder) => {
    await withStore(folder, async (store) => {
      await store.addOwnPost(postAt({ author: "alice", number: 1, text: "tea" }));
      assert.equal(await finds(store, "tea"), "alice 1");
      const fetching = ["bob", "carol", "dave", "erin"].map((author, i) =>
        store.addPosts(author, postsOf(author, 1, 1_500, i + 2))
      );
      while (await store.countPosts() < 100);
      const first = await Promise.race([
        Promise.all(fetching).then(() => "fetched"),
        store.search(parseSearch("tea"), 5).then(({ posts }) => names(posts).join()),
      ]);
      assert.equal(first, "alice 1");
      await Promise.all(fetching);
      assert.equal((await store.search(parseSearch("from:erin"), 1_000)).posts.length, 1_000);
    });
  });
});

Deno.test("Index has a post once, however often it comes and whoever has posts of its id", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "an.index");
    await Deno.writeFile(path, new Uint8Array());
    const index = new PostIndex(path);
    try {
      const [bob, carol, dave] = ["bob", "carol", "dave"].map((author) =>
        postAt({ author, number: 2, second: 5, text: "tea" })
      );
      assert(bob && carol && dave);
      for (const post of [bob, carol, dave]) assert.equal(index.add(post), true);
      for (const post of [bob, carol, dave]) assert.equal(index.add(post), false);
      assert.equal(index.remove(bob), true);
      assert.equal(index.remove(bob), false);
      for (const post of [carol, dave]) assert.equal(index.add(post), false);
      assert.equal(index.count(), 2);
      const found = index.search(parseSearch("tea"), 9).map(({ author, id }) => ({ author, id }));
      assert.deepEqual(found, [dave, carol].map(({ author, id }) => ({ author, id })));
      assert.equal(index.add(bob), true);
      assert.equal(index.search(parseSearch("tea"), 1).length, 3, "a page ends with a millisecond");
      const answer = postAt({ author: "erin", number: 1, deletes: { device: 2, number: 1 } });
      assert.equal(index.add(answer), false, "a delete is not in the index");
    } finally {
      index.close();
    }
  });
});

Deno.test("Posts outside the timeline are indexed step by step, while others come and go", async () => {
  await inFolder(async (folder) => {
    const at = Date.UTC(2026, 0, 1);
    const keep = (store: Store, author: string, from: number, to: number) =>
      store.conversations.addContext(
        postsOf(author, from, to).map((post) => ({ post, isConfirmed: true })),
        at,
      );
    await withStore(folder, async (store) => {
      for (const author of ["bob", "carol", "dave"]) await keep(store, author, 1, 150);
    });
    await withStore(folder, async (store) => {
      const query = { ...parseSearch("from:bob from:carol from:dave from:erin"), since: idAt(1) };
      const [{ posts }] = await Promise.all([
        store.search(query, 1_000),
        keep(store, "erin", 1, 3),
        store.conversations.dropContext(postsOf("carol", 1, 50)),
      ]);
      assert.ok(posts.length >= 400 && posts.length <= 453, `${posts.length}`);
      const after = await store.search(query, 1_000);
      assert.equal(after.posts.length, 403);
      assert.equal(after.outside?.size, 403);
      assert.equal((await store.search(query, 300)).posts.length, 300);
    });
  });
});
