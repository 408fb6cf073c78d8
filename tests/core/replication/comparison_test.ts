import assert from "node:assert/strict";
import {
  emptyFeed,
  hasMissing,
  headsHad,
  withNumbers,
  withRanges,
} from "../../../core/model/feed.ts";
import { readFrame, readFrameBody } from "../../../core/messages/frame.ts";
import { MessageWorld, type TestUser } from "../message_world.ts";

/** Virtual time in which everybody has compared heads so many times. */
const round = 5.6 * 60_000;

/** Bob and carol follow alice, who is gone; only bob has her posts. */
async function scene(): Promise<
  { world: MessageWorld; alice: TestUser; bob: TestUser; carol: TestUser }
> {
  const world = new MessageWorld(5);
  const [alice, bob, carol] = await world.addAll("alice", "bob", "carol");
  for (const user of [bob, carol]) world.follow(user, alice);
  const posts = await alice.write(7);
  await bob.store.addPosts("alice", posts);
  await alice.stop();
  // Nothing promises these posts but the one who has them.
  alice.publicHeads = [];
  return { world, alice, bob, carol };
}

Deno.test("Heads compared with a fellow follower bring what the author cannot", async () => {
  const { world, alice, carol } = await scene();
  await world.clock.advance(round);
  assert.equal((await carol.numbers(alice)).length, 7);
  await world.stop();
});

Deno.test("Whoever is asked by somebody who has more asks back", async () => {
  const { world, alice, bob, carol } = await scene();
  const body = {
    author: alice.self,
    feeds: await bob.store.feeds("alice"),
    since: 0,
    device: bob.device,
  };
  bob.throw(carol, bob.frame(carol.self, { kind: "want", body }));
  await world.clock.advance(2_000);
  assert.equal((await carol.numbers(alice)).length, 7);
  await world.stop();
});

Deno.test("Claims to have more cause few questions", async () => {
  const { world, alice, bob, carol } = await scene();
  let wants = 0;
  world.network.onFrame = ({ to, frame }) => {
    if (to.ip === bob.ip && readFrame(frame).kind === "want") wants++;
    return frame;
  };
  const claim = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const feeds = [withNumbers(emptyFeed(1), [1_000 + i])];
      const body = { author: alice.self, feeds, since: 0, device: bob.device };
      bob.throw(carol, bob.frame(carol.self, { kind: "want", body }));
    }
    await world.clock.advance(5_000);
  };
  await claim(100);
  assert.equal(wants, 1);
  await world.clock.advance(50_000);
  await claim(1);
  assert.equal(wants, 1, "one asker is asked back once a minute");
  await world.clock.advance(1_000);
  await claim(1);
  assert.equal(wants, 2);
  await world.stop();
});

Deno.test("Heads are compared every five minutes, a tenth sooner or later", async () => {
  const { world, carol } = await scene();
  const times: number[] = [];
  const probe = carol.links.probe.bind(carol.links);
  carol.links.probe = (...asked) => {
    const now = world.clock.monotonic();
    // One round looks for one partner, among a few users.
    if (now - (times.at(-1) ?? -Infinity) > 10_000) times.push(now);
    return probe(...asked);
  };
  await world.clock.advance(3_600_000);
  const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  assert.ok(waits.length >= 10, `${waits}`);
  assert.ok(waits.every((ms) => ms >= 270_000 && ms < 332_000), `${waits}`);
  assert.ok(new Set(waits.map((ms) => Math.round(ms / 1_000))).size > 5, "they are drawn");
  await world.stop();
});

Deno.test("One's own other devices are compared with as well", async () => {
  const world = new MessageWorld(8);
  const [alice, bob] = await world.addAll("alice", "bob");
  const second = await world.add("alice", { device: 2 });
  world.follow(alice, bob);
  const posts = await bob.write(3);
  await bob.stop();
  bob.publicHeads = [];
  await second.store.addPosts("bob", posts);
  await world.clock.advance(4 * round);
  assert.deepEqual(await alice.numbers(bob), [1, 2, 3]);
  await world.stop();
});

Deno.test("What an author's public record promises is looked at, too", async () => {
  const world = new MessageWorld(6);
  const alice = await world.add("alice");
  const second = await world.add("alice", { device: 2 });
  const carol = await world.add("carol");
  world.follow(carol, alice);
  await second.write(3);
  // The first device, which is the one that is asked, knows nothing of the second's posts.
  second.enlist("followers", carol);
  await world.clock.advance(2 * round);
  assert.equal((await carol.numbers(second)).length, 3);
  await world.stop();
});

Deno.test("Posts of authors that only one of two follows are not asked for", async () => {
  const world = new MessageWorld(7);
  const [alice, bob, carol, dave] = await world.addAll("alice", "bob", "carol", "dave");
  world.follow(bob, alice, dave);
  world.follow(carol, alice);
  const asked = new Set<string>();
  world.network.onFrame = ({ frame }) => {
    const message = readFrameBody(readFrame(frame));
    if (message.kind === "want") {
      asked.add(`${message.from.username} ${message.to.username} ${message.body.author.username}`);
    }
    return frame;
  };
  await world.clock.advance(8 * round);
  for (const want of asked) {
    const [from, to, author] = want.split(" ");
    const follows: Record<string, string[]> = { bob: ["alice", "dave"], carol: ["alice"] };
    assert.ok(follows[from ?? ""]?.includes(author ?? ""), want);
    assert.ok(to === author || follows[to ?? ""]?.includes(author ?? ""), want);
  }
  assert.ok(asked.has("bob carol alice") || asked.has("carol bob alice"));
  await world.stop();
});

Deno.test("Having more means having a number that the other misses", () => {
  const feed = (...numbers: number[]) => withNumbers(emptyFeed(1), numbers);
  assert.equal(hasMissing(feed(1, 2, 3), feed(1, 2, 3)), false);
  assert.equal(hasMissing(feed(1, 2, 3), feed(1, 2)), true);
  assert.equal(hasMissing(feed(1, 3), feed(1, 3, 5)), false);
  assert.equal(hasMissing(feed(2), feed(3)), true);
  assert.equal(hasMissing(feed(1, 4), feed(1, 2, 4)), false);
  const future = withRanges(feed(1), [[2, Number.MAX_SAFE_INTEGER]]);
  assert.equal(hasMissing(future, feed()), false, "what touches the future is not told apart");
  assert.deepEqual(headsHad([withRanges(feed(1), [[3, Number.MAX_SAFE_INTEGER]])]), [
    { device: 1, head: 1 },
  ]);
  assert.deepEqual(headsHad([emptyFeed(3)]), []);
});
