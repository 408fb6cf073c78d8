import assert from "node:assert/strict";
import { readFrame, readFrameBody } from "../../../core/messages/frame.ts";
import type { MessageOf } from "../../../core/messages/kinds/mod.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** Bob follows alice, who has so many posts; collects the steps that go to bob. */
async function scene(
  posts: number,
): Promise<{ world: MessageWorld; alice: TestUser; bob: TestUser; steps: MessageOf<"posts">[] }> {
  const world = new MessageWorld();
  const [alice, bob] = await world.addAll("alice", "bob");
  await alice.write(posts);
  world.follow(bob, alice);
  const steps: MessageOf<"posts">[] = [];
  world.network.onFrame = ({ to, frame }) => {
    const message = readFrameBody(readFrame(frame));
    if (to.ip === bob.ip && message.kind === "posts") steps.push(message);
    return frame;
  };
  return { world, alice, bob, steps };
}

Deno.test("Four steps of an answer are here at once, and the next is asked for when one has been dealt with", async () => {
  const { world, alice, bob, steps } = await scene(4_000);
  const addPosts = bob.store.addPosts.bind(bob.store);
  const ahead: number[] = [];
  let done = 0;
  bob.store.addPosts = async (author, posts) => {
    await new Promise<void>((resolve) => {
      world.clock.after(200, resolve);
    });
    ahead.push(steps.length - done);
    const report = await addPosts(author, posts);
    done++;
    return report;
  };
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.equal((await bob.numbers(alice)).length, 4_000);
  assert.ok(ahead.length >= 9, `${ahead}`);
  assert.deepEqual([...new Set(ahead.slice(1, -3))], [4], `${ahead}`);
  await world.stop();
});

Deno.test("A device that has asked for a step is answered in large steps at once, for half an hour", async () => {
  const { world, alice, bob, steps } = await scene(300);
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.equal(steps.length, 2);
  assert.ok((steps[0]?.body.posts.length ?? 0) < 10);
  await alice.write(300);
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.deepEqual(steps.slice(2).map(({ body }) => [body.posts.length, body.more]), [
    [300, undefined],
  ]);
  // What bob asks of alice in comparisons meanwhile is answered in one step, without a token.
  await world.clock.advance(1_801_000);
  await alice.write(300);
  const before = steps.length;
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.equal(steps.length - before, 2);
  assert.equal((await bob.numbers(alice)).length, 900);
  await world.stop();
});

Deno.test("A peer that goes on and on and brings nothing new is not asked for ever", async () => {
  const { world, alice, bob } = await scene(20);
  let wants = 0;
  world.network.onFrame = ({ to, frame }) => {
    const message = readFrameBody(readFrame(frame));
    if (to.ip === alice.ip && message.kind === "want") wants++;
    if (to.ip !== bob.ip || message.kind !== "posts") return frame;
    const body = { ...message.body, posts: [], more: world.random.bytes(16) };
    return alice.frame(bob.self, { kind: "posts", body });
  };
  await world.clock.drive(bob.sync.fetch(alice.self));
  assert.ok(wants > 1 && wants <= 8, `${wants} questions`);
  await world.stop();
});
