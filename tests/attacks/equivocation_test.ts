/** Attacks by an author who tells different followers different things. */

import assert from "node:assert/strict";
import { type Post, signPost } from "../../core/model/post.ts";
import { MessageWorld, type TestUser } from "../core/message_world.ts";

/** Virtual time in which everybody has compared heads. */
const round = 5.6 * 60_000;

/** Bob and carol follow mallory, who gives each another post under one number, and then so many more. */
async function scene(more: number): Promise<
  { world: MessageWorld; mallory: TestUser; bob: TestUser; carol: TestUser; posts: Post[] }
> {
  const world = new MessageWorld(9);
  const [mallory, bob, carol] = await world.addAll("mallory", "bob", "carol");
  for (const user of [bob, carol]) world.follow(user, mallory);
  const posts = await mallory.write(40 + more);
  const original = posts[39];
  assert(original);
  const other = signPost({ ...original, text: "something else" }, mallory.identity);
  await bob.store.addPosts("mallory", posts);
  await carol.store.addPosts("mallory", posts.map((post) => post === original ? other : post));
  await mallory.stop();
  return { world, mallory, bob, carol, posts };
}

/** The numbers of forks that a user was told of. */
function told(user: TestUser): number[] {
  return user.events.flatMap((event) => event.event === "fork" ? [event.number] : []);
}

Deno.test("Attack: an author shows two followers different last posts, and both are shown the proof", async () => {
  const { world, bob, carol } = await scene(0);
  await world.until(() => told(bob).length + told(carol).length === 2, 2 * round);
  for (const user of [bob, carol]) {
    assert.deepEqual(told(user), [40]);
    const [fork] = await user.store.forks("mallory");
    assert.equal(fork?.number, 40);
  }
  // What is proven is not sent again and again.
  let bytes = 0;
  world.network.onFrame = ({ frame }) => {
    bytes += frame.length;
    return frame;
  };
  await world.clock.advance(6 * round);
  assert.deepEqual([told(bob), told(carol)], [[40], [40]]);
  assert.ok(bytes < 30_000, `${bytes} bytes`);
  await world.stop();
});

Deno.test("Attack: an author hides a fork under a thousand later posts, and it is found all the same", async () => {
  const { world, bob, carol } = await scene(1_000);
  await world.until(() => told(bob).length + told(carol).length === 2, 120 * round);
  assert.deepEqual([told(bob), told(carol)], [[40], [40]]);
  await world.stop();
});
