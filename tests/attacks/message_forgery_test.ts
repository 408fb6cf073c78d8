/** Attacks by messages in the names of others. */

import assert from "node:assert/strict";
import { MessageWorld } from "../core/message_world.ts";

/** The frame with another signature: it does not verify. */
function forged(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frame);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return bytes;
}

Deno.test("Attack: 2,000 forged messages a second come in a friend's name, as many in a stranger's, and every post of the friend arrives at once", async () => {
  const world = new MessageWorld();
  const [alice, bob, mallory] = await world.addAll("alice", "bob", "mallory");
  world.follow(bob, alice);
  // A disk that takes its time, and posts by others to be stored meanwhile.
  const addPosts = bob.store.addPosts.bind(bob.store);
  bob.store.addPosts = async (author, posts) => {
    await new Promise<void>((resolve) => {
      world.clock.after(30, resolve);
    });
    return await addPosts(author, posts);
  };
  const [old] = await alice.write(1);
  assert(old);
  const body = { author: alice.self, posts: [old.signed], heads: [], relay: [] };
  const stranger = forged(mallory.frame(bob.self, { kind: "posts", body }));
  const tookMs: number[] = [];
  for (let number = 2; number <= 25; number++) {
    await alice.post();
    const frame = forged(alice.frame(bob.self, { kind: "posts", body }));
    for (let ms = 0; ms < 100; ms += 0.5) {
      for (const flood of [frame, stranger]) bob.receive(flood);
      await world.clock.advance(0.5);
      if (tookMs.length === number - 1) continue;
      const isHere = bob.events.some((event) =>
        event.event === "post" && event.post.text === `alice ${number}`
      );
      if (isHere) tookMs.push(ms);
    }
  }
  assert.equal(tookMs.length, 24, `${tookMs}`);
  assert.ok(Math.max(...tookMs) < 100, `${tookMs}`);
  await world.stop();
});
