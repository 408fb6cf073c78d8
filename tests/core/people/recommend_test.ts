import assert from "node:assert/strict";
import type { Directory, PopularUser } from "../../../core/ports.ts";
import { Recommender } from "../../../core/people/recommend.ts";
import type { Person } from "../../../core/session/interfaces.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { only, TestLists, TestPeople, testSession } from "../doubles.ts";
import { userNamed } from "../../sim/users.ts";

function setUp(popular: PopularUser[] = []) {
  const base = new VirtualClock();
  const people = new TestPeople();
  const lists = new TestLists();
  const session = testSession({
    clock: base.view(),
    ports: { directory: only<Directory>({ sample: () => Promise.resolve(popular) }) },
  });
  const recommender = new Recommender({ session, people, lists });
  return { base, people, lists, session, recommender };
}

Deno.test("Suggested are followers of the users one follows, the most connected first", async () => {
  const { people, lists, recommender } = setUp();
  for (const name of ["bob", "carol", "dave"]) lists.add("following", name);
  people.add("bob", { followers: ["alice", "eve", "frank", "carol"] });
  people.add("carol", { followers: ["frank", "alice"] });
  people.add("dave", { followers: ["frank"] });
  assert.deepEqual(await recommender.suggest(), [
    { username: "frank", kind: "know", reason: "follows bob, carol and 1 more, whom you follow" },
    { username: "eve", kind: "know", reason: "follows bob, whom you follow" },
  ]);
});

Deno.test("One followed user is enough for suggestions of people one may know", async () => {
  const { people, lists, recommender } = setUp([{ ...userNamed("grace"), followers: 9 }]);
  lists.add("following", "bob");
  people.add("bob", { followers: ["eve"] });
  assert.deepEqual(await recommender.suggest(), [
    { username: "eve", kind: "know", reason: "follows bob, whom you follow" },
  ]);
});

Deno.test("Suggested is whom those with the same taste follow, ranked by overlap", async () => {
  const { people, lists, recommender } = setUp();
  for (const name of ["bob", "carol"]) lists.add("following", name);
  people.add("bob", { followers: ["eve", "frank", "alice"] });
  people.add("carol", { followers: ["eve"] });
  people.add("eve", { following: ["bob", "carol", "grace", "alice"] });
  people.add("frank", { following: ["bob", "heidi", "grace", "ivan"] });
  const interest = (await recommender.suggest()).filter(({ kind }) => kind === "interest");
  assert.deepEqual(interest, [
    {
      username: "grace",
      kind: "interest",
      reason: "followed by eve and frank, the first of whom shares 2 of the users you follow",
    },
    {
      username: "heidi",
      kind: "interest",
      reason: "followed by frank, who shares 1 of the users you follow",
    },
    {
      username: "ivan",
      kind: "interest",
      reason: "followed by frank, who shares 1 of the users you follow",
    },
  ]);
});

Deno.test("A newcomer is suggested the most followed users nearby, never oneself", async () => {
  const { recommender } = setUp([
    { ...userNamed("carol"), followers: 1 },
    { ...userNamed("alice"), followers: 9 },
    { ...userNamed("bob"), followers: 5 },
    { ...userNamed("bob"), followers: 4 },
    { username: "\u001b[2J", key: new Uint8Array(32), followers: 99 },
  ]);
  assert.deepEqual(await recommender.suggest(), [
    { username: "bob", kind: "popular", reason: "followed by 5 users nearby" },
    { username: "carol", kind: "popular", reason: "followed by 1 user nearby" },
  ]);
});

Deno.test("A user who has closed the account is not suggested, in any way", async () => {
  const none = {
    since: 1,
    posts: 0,
    followers: 0,
    following: 0,
    heads: [],
    generation: 0,
    pages: 0,
  };
  const closed: { person: Partial<Person> } = { person: { public: { ...none, isClosed: true } } };
  const popular = setUp([{ ...userNamed("gone"), followers: 9 }, {
    ...userNamed("bob"),
    followers: 5,
  }]);
  popular.people.add("gone", closed);
  const names = async ({ recommender }: typeof popular) =>
    (await recommender.suggest()).map(({ username }) => username);
  assert.deepEqual(await names(popular), ["bob"]);

  const known = setUp();
  known.people.add("gone", closed);
  known.people.add("left", closed);
  known.lists.add("following", "carol");
  known.people.add("carol", { followers: ["gone", "eve"] });
  known.people.add("eve", { following: ["carol", "left", "grace"] });
  assert.deepEqual(await names(known), ["eve", "grace"]);
});

Deno.test("Users whose records are not found in time are suggested all the same", async () => {
  const { base, people, lists, recommender } = setUp();
  lists.add("following", "bob");
  people.add("bob", { followers: ["eve"] });
  const find = people.find.bind(people);
  people.find = (username, signal?: AbortSignal) =>
    username === "bob" ? find(username) : new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const found = await base.drive(recommender.suggest(), 5_500);
  assert.deepEqual(found.map(({ username }) => username), ["eve"]);
});

Deno.test("Of a great many followed users a bounded sample is read", async () => {
  const { people, lists, recommender } = setUp();
  for (let i = 0; i < 500; i++) {
    lists.add("following", `user_${i}`);
    people.add(`user_${i}`, { followers: ["eve"] });
  }
  people.add("eve", { following: ["user_1"] });
  let found = 0;
  let reading = 0;
  let most = 0;
  const find = people.find.bind(people);
  people.find = async (username) => {
    found++;
    most = Math.max(most, ++reading);
    await null;
    reading--;
    return await find(username);
  };
  const [first] = await recommender.suggest();
  assert.equal(first?.username, "eve");
  // The sample, and the one who is suggested.
  assert.equal(found, 34);
  assert(most <= 8, String(most));
});

Deno.test("Lists under another key than the one followed do not count", async () => {
  const { people, lists, recommender } = setUp();
  lists.add("following", "bob");
  people.add("bob", { followers: ["eve"], person: { key: userNamed("mallory").key } });
  assert.deepEqual(await recommender.suggest(), []);
});

Deno.test("What has been found after a few seconds is shown; an abort is an abort", async () => {
  const { base, people, lists, recommender } = setUp();
  for (const name of ["bob", "carol"]) lists.add("following", name);
  people.add("bob", { followers: ["eve"] });
  const find = people.find.bind(people);
  people.find = (username, signal?: AbortSignal) =>
    username === "bob" ? find(username) : new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const found = await base.drive(recommender.suggest(), 5_000);
  assert.deepEqual(found.map(({ username }) => username), ["eve"]);
  assert.equal(base.monotonic(), 4_000);
  const controller = new AbortController();
  const aborted = recommender.suggest(controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  assert.equal(base.pending, 0);
});
