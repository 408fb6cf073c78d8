import assert from "node:assert/strict";
import fc from "fast-check";
import { DecodeError } from "../../lib/msgpack.ts";
import { ChangeLog, readChange, writeChange } from "../../storage/change_log.ts";
import { withKv } from "./folder.ts";
import { postAt, postsOf } from "./posts.ts";

Deno.test("Entry of a change has ranges of what was added, and the names of what was removed", () => {
  const added = [...postsOf("bob", 3, 5), ...postsOf("bob", 7, 7), ...postsOf("bob", 8, 8, 2)];
  const { author, id } = postAt({ author: "carol", number: 1 });
  const bytes = writeChange({ added, removed: [{ author, id }] });
  assert.deepEqual(readChange(bytes), {
    added: [
      { author: "bob", device: 1, from: 3, to: 5 },
      { author: "bob", device: 1, from: 7, to: 7 },
      { author: "bob", device: 2, from: 8, to: 8 },
    ],
    removed: [{ author, id }],
  });
  assert.ok(writeChange({ added: postsOf("bob", 1, 120) }).length < 30);
});

Deno.test("Damaged entry of a change is refused", () => {
  const sound = writeChange({
    added: postsOf("bob", 3, 5),
    removed: [{ author: "carol", id: 9n }],
  });
  fc.assert(
    fc.property(fc.nat(sound.length - 1), fc.nat(255), (at, value) => {
      const bytes = sound.with(at, value);
      try {
        readChange(bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError);
      }
    }),
    { seed: 20261127 },
  );
  for (const value of [undefined, 7, new Uint8Array(), sound.subarray(0, 9)]) {
    assert.throws(() => readChange(value), DecodeError);
  }
});

Deno.test("Log keeps entries until an index has them, and drops them with later commits", async () => {
  await withKv(async (kv) => {
    const log = new ChangeLog();
    const changed: number[] = [];
    log.listener = { changed: (number) => changed.push(number), doubted: () => {} };
    const [post] = postsOf("bob", 1, 1);
    const change = async () => await log.commit(kv, kv.atomic(), { added: post ? [post] : [] });
    await change();
    assert.deepEqual([await log.last(kv), await log.entries(kv)], [1, []]);
    log.isRead = true;
    for (let i = 0; i < 60; i++) await change();
    assert.equal((await log.entries(kv)).length, 60);
    await log.commit(kv, kv.atomic(), { added: [] });
    assert.equal(await log.last(kv), 61, "a commit that changes no post has no number");
    log.settle(Array.from({ length: 60 }, (_, i) => i + 2));
    await change();
    assert.deepEqual(await log.entries(kv), [...Array.from({ length: 10 }, (_, i) => i + 52), 62]);
    await change();
    assert.deepEqual(await log.entries(kv), [62, 63]);
    assert.equal(await new ChangeLog().last(kv), 63, "the newest entry has the number");
    log.isRead = false;
    log.settle([62, 63]);
    await change();
    assert.deepEqual([await new ChangeLog().last(kv), await log.entries(kv)], [64, []]);
    assert.deepEqual(changed, Array.from({ length: 64 }, (_, i) => i + 1));
  });
});
