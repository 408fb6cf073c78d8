import assert from "node:assert/strict";
import { FuturePosts } from "../../../core/replication/future_posts.ts";
import type { Post } from "../../../core/model/post.ts";
import { composeSnowflake } from "../../../core/model/snowflake.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { userNamed } from "../../sim/users.ts";
import { testSession } from "../doubles.ts";

/** Posts that are kept back, and what was let go of. */
function setUp() {
  const clock = new VirtualClock();
  const session = testSession({ clock: clock.view() });
  const future = new FuturePosts(session);
  const due: string[] = [];
  future.onDue = (author, posts) =>
    due.push(`${author.username} ${posts.map((post) => `${post.device}/${post.number}`)}`);
  return { clock, session, future, due };
}

/** A post dated so many milliseconds ahead of a clock. */
function ahead(
  clock: VirtualClock,
  ms: number,
  number: number,
  { author = "bob", device = 1, text = "soon" } = {},
): Post {
  const { key: authorKey } = userNamed(author);
  const id = composeSnowflake({ timeMs: clock.now() + ms, device, sequence: 0 });
  return { author, authorKey, device, number, id, text, signed: new Uint8Array() };
}

Deno.test("Two minutes ahead is no future, a millisecond more is", () => {
  const { clock, future } = setUp();
  assert.equal(future.isFuture(ahead(clock, 120_000, 1)), false);
  assert.equal(future.isFuture(ahead(clock, 120_001, 1)), true);
});

Deno.test("A feed is let go of as a whole and in order when its first post is due", async () => {
  const { clock, future, due } = setUp();
  for (const number of [5, 3, 4]) future.add(ahead(clock, 120_000 + 1_000 * number, number));
  future.add(ahead(clock, 125_000, 1, { device: 2 }));
  future.add(ahead(clock, 720_000, 1, { author: "carol" }));
  await clock.advance(2_999);
  assert.deepEqual(due, []);
  await clock.advance(1);
  assert.deepEqual(due.splice(0), ["bob 1/3,1/4,1/5"]);
  await clock.advance(2_000);
  assert.deepEqual(due.splice(0), ["bob 2/1"]);
  await clock.advance(595_000);
  assert.deepEqual(due, ["carol 1/1"]);
  assert.equal(clock.pending, 0);
});

Deno.test("What lies in the future counts as had, from the lowest number on", () => {
  const { clock, future } = setUp();
  const last = Number.MAX_SAFE_INTEGER;
  future.add(ahead(clock, 300_000, 7));
  future.add(ahead(clock, 200_000, 5));
  future.add(ahead(clock, 400_000, 9));
  future.add(ahead(clock, 300_000, 2, { device: 4 }));
  future.add(ahead(clock, 300_000, 1, { author: "carol" }));
  const feeds = [{ device: 1, floor: 2, ranges: [] }, { device: 3, floor: 8, ranges: [] }];
  assert.deepEqual(future.countedAsHad("bob", feeds), [
    { device: 1, floor: 2, ranges: [[5, last]] },
    { device: 3, floor: 8, ranges: [] },
    { device: 4, floor: 0, ranges: [[2, last]] },
  ]);
  future.forget("bob");
  assert.deepEqual(future.countedAsHad("bob", feeds), feeds);
  assert.deepEqual(future.countedAsHad("carol", []), [
    { device: 1, floor: last, ranges: [] },
  ]);
});

Deno.test("Of two posts of one number the first is kept back", async () => {
  const { clock, future } = setUp();
  const texts: string[] = [];
  future.onDue = (_author, posts) => void texts.push(...posts.map((post) => post.text));
  future.add(ahead(clock, 130_000, 1, { text: "first" }));
  future.add(ahead(clock, 140_000, 1, { text: "second" }));
  await clock.advance(20_000);
  assert.deepEqual(texts, ["first"]);
});

Deno.test("64 posts of an author are kept back and 1,024 of all; the feeds beyond count as had as well", async () => {
  const { clock, future, due } = setUp();
  let kept = 0;
  const largest: number[] = [];
  future.onDue = (author, posts) => {
    due.push(author.username);
    kept += posts.length;
    largest.push(posts.length);
  };
  for (let i = 0; i < 20; i++) {
    for (let number = 1; number <= 40; number++) {
      for (const device of [1, 2]) {
        future.add(ahead(clock, 130_000, number, { author: `author${i}`, device }));
      }
    }
  }
  assert.equal(future.countedAsHad("author19", []).length, 2);
  await clock.advance(20_000);
  assert.equal(kept, 1_024);
  assert.equal(Math.max(...largest), 32);
  assert.equal(due.length, 40, "of the feeds without room it is told as well that they are due");
});

Deno.test("A clock that is set forward lets go within a minute", async () => {
  const { clock, session, future, due } = setUp();
  future.add(ahead(clock, 86_400_000, 1));
  const now = session.ports.clock.now.bind(session.ports.clock);
  session.ports.clock.now = () => now() + 86_400_000;
  await clock.advance(60_000);
  assert.deepEqual(due, ["bob 1/1"]);
  session.end();
});
