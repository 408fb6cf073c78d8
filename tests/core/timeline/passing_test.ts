import assert from "node:assert/strict";
import type { MessageBodyOf, MessageOf } from "../../../core/messages/kinds/mod.ts";
import type { PeerMessenger } from "../../../core/messages/messenger.ts";
import { type Post, signPost } from "../../../core/model/post.ts";
import { composeSnowflake } from "../../../core/model/snowflake.ts";
import type { UserRef } from "../../../core/model/user.ts";
import type { OwnRecords } from "../../../core/session/interfaces.ts";
import { Passing } from "../../../core/timeline/passing.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { identityOf, userNamed } from "../../sim/users.ts";
import { only, TestLists, TestMessenger, TestPeople, testSession } from "../doubles.ts";

const alice = userNamed("alice");

/** The peer of rose, who follows alice and knows bob and carol; what it passes on and acknowledges. */
function setUp() {
  const clock = new VirtualClock();
  const session = testSession({ username: "rose", clock: clock.view() });
  const lists = new TestLists();
  lists.add("following", "alice");
  const people = new TestPeople();
  for (const name of ["bob", "carol"]) people.add(name, { person: { pinned: true } });
  const finds: string[] = [];
  const find = people.find.bind(people);
  people.find = (name) => {
    finds.push(name);
    return find(name);
  };
  const messenger = new TestMessenger();
  const pushed: string[] = [];
  const passing = new Passing({
    session,
    people,
    lists,
    records: only<OwnRecords>({}),
    messenger: messenger as unknown as PeerMessenger,
    queue: {
      push: (to, { author, posts }) =>
        void pushed.push(
          `${to.username}: ${author.username} ${posts.map((post) => post.number)}`,
        ),
    },
  });
  const made = (number: number, ageMs = 0): Post => {
    const timeMs = Math.floor(clock.now() - ageMs);
    const id = composeSnowflake({ timeMs, device: 1, sequence: number });
    const content = { author: "alice", device: 1, number, id, text: `post ${number}` };
    return signPost(content, identityOf("alice"));
  };
  const took = (
    posts: readonly Post[],
    options: {
      from?: string;
      relay?: readonly UserRef[];
      added?: readonly Post[];
      inReplyTo?: Uint8Array;
    } = {},
  ) => {
    const { from = "alice", relay = [], added = posts, inReplyTo } = options;
    const body = { author: alice, relay, posts: [], heads: [], ...(inReplyTo && { inReplyTo }) };
    const message = { kind: "posts", id: new Uint8Array(16), from: userNamed(from), body };
    passing.took(message as unknown as MessageOf<"posts">, posts, added);
  };
  /** What was acknowledged, with who passed the posts on before. */
  const acks = () =>
    messenger.sent.splice(0).map(({ to, body }) =>
      `${to.username}: ${(body as MessageBodyOf["ack"]).by ?? "?"}`
    );
  return { clock, lists, people, finds, pushed, passing, made, took, acks };
}

const [bob, carol, dave] = ["bob", "carol", "dave"].map(userNamed) as [UserRef, UserRef, UserRef];

Deno.test("Posts go to each user of a share once, and the author hears of it a moment later", async () => {
  const { clock, pushed, made, took, acks } = setUp();
  const one = made(1);
  took([one], { relay: [bob, carol, bob, alice, userNamed("rose")] });
  assert.deepEqual(pushed.splice(0), ["bob: alice 1", "carol: alice 1"]);
  await clock.advance(59);
  assert.deepEqual(acks(), []);
  await clock.advance(1);
  assert.deepEqual(acks(), ["alice: "]);
  const two = made(2);
  took([one, two], { relay: [bob], added: [two] });
  assert.deepEqual(pushed.splice(0), ["bob: alice 2"]);
  took([one, two], { relay: [bob], added: [] });
  assert.deepEqual(pushed, []);
  await clock.advance(60);
  assert.deepEqual(acks(), ["alice: ", "alice: "], "what was done before is done");
});

Deno.test("An author who asks is told by whom all of the posts came, eight users at most", async () => {
  const { clock, made, took, acks } = setUp();
  const [one, two] = [made(1), made(2)];
  const ask = async () => {
    took([one, two], { relay: [userNamed("rose")], added: [] });
    await clock.advance(499);
    assert.deepEqual(acks(), []);
    await clock.advance(1);
    return acks();
  };
  took([one, two], { from: "bob" });
  took([one], { from: "carol", added: [] });
  took([two], { from: "dave", added: [] });
  assert.deepEqual(await ask(), ["alice: bob"]);
  const others = ["carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory"];
  for (const from of others) {
    took([one, two], { from, added: [] });
  }
  assert.deepEqual(await ask(), ["alice: bob,carol,dave,erin,frank,grace,heidi,ivan"]);
});

Deno.test("Only the author of a followed feed has posts passed on, and no answer does", async () => {
  const { clock, lists, pushed, made, took, acks } = setUp();
  took([made(1)], { from: "bob", relay: [carol] });
  took([made(2)], { relay: [carol], inReplyTo: new Uint8Array(16) });
  took([made(3)]);
  took([], { relay: [carol] });
  lists.merge({ list: "following", ...alice, updatedAt: 2, present: false });
  took([made(4)], { relay: [carol] });
  await clock.advance(1_000);
  assert.deepEqual([pushed, acks()], [[], []]);
});

Deno.test("Ten minutes after its date, or after it came in, a post is passed on no more", async () => {
  const { clock, pushed, made, took, acks } = setUp();
  took([made(1, 600_000)], { relay: [bob] });
  const two = made(2, 599_999);
  took([two], { relay: [bob] });
  assert.deepEqual(pushed.splice(0), ["bob: alice 2"]);
  // Dated a minute ahead: what counts then is when it came in.
  const three = made(3, -60_000);
  took([three], {});
  await clock.advance(599_000);
  took([three], { relay: [bob], added: [] });
  assert.deepEqual(pushed.splice(0), ["bob: alice 3"]);
  await clock.advance(1_001);
  took([three], { relay: [carol], added: [] });
  assert.deepEqual(pushed, []);
  await clock.advance(1_000);
  assert.equal(acks().length, 2);
});

Deno.test("A stranger is looked up once an hour, and must have an account under that key", async () => {
  const { clock, people, finds, pushed, made, took, acks } = setUp();
  people.add("dave");
  const mallory = { username: "erin", key: dave.key };
  people.add("erin");
  took([made(1)], { relay: [dave, mallory, userNamed("nobody")] });
  await clock.advance(100);
  assert.deepEqual(pushed.splice(0), ["dave: alice 1"]);
  assert.deepEqual(finds.splice(0), ["dave", "erin", "nobody"]);
  took([made(2)], { relay: [dave] });
  assert.deepEqual([pushed.splice(0), finds], [["dave: alice 2"], []]);
  await clock.advance(3_600_000);
  took([made(3)], { relay: [dave] });
  await clock.advance(100);
  assert.deepEqual([pushed.splice(0), finds.splice(0)], [["dave: alice 3"], ["dave"]]);
  // A known name under another key is looked up as well.
  took([made(4)], { relay: [{ username: "bob", key: dave.key }] });
  await clock.advance(100);
  assert.deepEqual([pushed, finds], [[], ["bob"]]);
  assert.equal(acks().length, 4);
});

Deno.test("A user who does not want an author's posts gets none for a day", async () => {
  const { clock, passing, pushed, made, took } = setUp();
  passing.refused(alice, bob);
  took([made(1)], { relay: [bob, carol] });
  assert.deepEqual(pushed.splice(0), ["carol: alice 1"]);
  await clock.advance(86_400_000 - 1);
  took([made(2)], { relay: [bob] });
  assert.deepEqual(pushed, []);
  await clock.advance(1);
  took([made(3)], { relay: [bob] });
  assert.deepEqual(pushed, ["bob: alice 3"]);
});

Deno.test("Beyond its look-ups an author has nothing passed on, and no acknowledgement", async () => {
  const { clock, people, finds, pushed, made, took, acks } = setUp();
  const users = Array.from({ length: 257 }, (_, i) => userNamed(`user${i}`));
  for (const { username } of users) people.add(username);
  took([made(1)], { relay: users.slice(0, 200) });
  await clock.advance(100);
  assert.deepEqual([pushed.length, finds.length, acks()], [200, 200, ["alice: "]]);
  took([made(2)], { relay: users.slice(200) });
  await clock.advance(100);
  assert.deepEqual([pushed.length, finds.length, acks()], [200, 200, []]);
  took([made(3)], { relay: users.slice(201) });
  await clock.advance(100);
  assert.deepEqual([pushed.length, acks()], [256, ["alice: "]]);
  took([made(4)], { relay: users.slice(200, 201) });
  await clock.advance(1_000);
  assert.equal(pushed.length, 256);
  took([made(5)], { relay: users.slice(200, 201) });
  await clock.advance(100);
  assert.equal(pushed.length, 257, "a second later there is room for one");
});
