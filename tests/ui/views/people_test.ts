import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { FakePeer } from "../fake_peer.ts";
import { postAt, viewsWorld } from "./world.ts";

Deno.test("Who is followed stands there at once, and who is online comes later", async () => {
  const { peer, views, settle } = viewsWorld();
  for (const name of ["zoe", "bob"]) peer.following.add(name);
  const { people } = peer;
  const { promise, resolve } = Promise.withResolvers<void>();
  peer.people = async (request, signal) => {
    await promise;
    const users = await people(request, signal);
    return users.map((user) => ({ ...user, name: user.username === "bob" ? "Bob B." : null }));
  };
  views.people.open("following");
  await settle();
  const before = views.people.view("following");
  assert.deepEqual(before.rows.map(({ key, isOnline }) => [key, isOnline]), [
    ["bob", null],
    ["zoe", null],
  ]);
  assert.equal(before.isLoading, true);
  resolve();
  await settle();
  const { rows, isLoading } = views.people.view("following");
  assert.deepEqual(rows.map(({ isOnline }) => isOnline), [true, false]);
  assert.deepEqual([rows[0]?.author.shown, isLoading], ["Bob B.", false]);
  assert.equal(rows[0]?.fingerprint, FakePeer.view("bob").fingerprint);
  assert.deepEqual(rows[0]?.offers.map(({ deed }) => deed), ["unfollow", "mute", "block"]);
  views.people.filter("following", "b b");
  assert.deepEqual(views.people.view("following").rows.map(({ key }) => key), ["bob"]);
  assert.equal(views.people.view("following").total, 2);
  // One that was not looked up this time is remembered.
  peer.people = people;
  views.people.reload("following");
  await settle();
  assert.equal(views.people.view("following").rows[0]?.author.shown, "Bob B.");
  // The name stands beside the username wherever that is shown.
  peer.store(postAt(1));
  views.home.open();
  await settle();
  assert.equal(views.home.view().rows[0]?.author.shown, "Bob B.");
});

Deno.test("A new follower joins the followers, who can be removed", async () => {
  const { peer, views, settle } = viewsWorld();
  views.people.open("followers");
  await settle();
  assert.equal(views.people.view("followers").emptyText, "No user follows you yet.");
  peer.followers.add("bob");
  peer.emit({ event: "follower", username: "bob", following: true });
  await settle();
  const { rows: [row], emptyText } = views.people.view("followers");
  assert.deepEqual([row?.key, row?.relation.followsYou, emptyText], ["bob", true, ""]);
  assert.equal(row?.offers.at(-1)?.deed, "removeFollower");
  peer.emit({ event: "follower", username: "bob", following: false });
  await settle();
  assert.deepEqual(views.people.view("followers").rows, []);
});

Deno.test("A user who is followed from elsewhere is there when the list is opened again", async () => {
  const { peer, views, settle } = viewsWorld();
  views.open();
  await settle();
  assert.deepEqual(views.people.view("following").rows, []);
  peer.following.add("bob");
  views.people.open("following");
  await settle();
  assert.deepEqual(views.people.view("following").rows.map(({ isOnline }) => isOnline), [true]);
  peer.following.delete("bob");
  views.people.open("following");
  await settle();
  assert.equal(views.people.view("following").emptyText, "You follow no users yet.");
});

Deno.test("Suggestions say why", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.suggestions = [{ username: "dan", kind: "know", reason: "bob follows them" }];
  views.people.open("suggestions");
  await settle();
  const { rows: [row] } = views.people.view("suggestions");
  assert.deepEqual([row?.key, row?.reason, row?.isOnline], ["dan", "bob follows them", null]);
});

Deno.test("A profile has what its user says, what can be done, and their posts", async () => {
  const { peer, views, settle } = viewsWorld();
  peer.store(postAt(1));
  peer.store(postAt(2, { author: "carol" }));
  const { profile } = peer;
  peer.profile = async (request, signal) => ({
    ...await profile(request, signal),
    ...{ name: "Bob B.", about: "see https://a.test/", link: "https://b.test/" },
    ...{ following: ["mia"], forks: 1, clash: { pinned: "aa", other: "bb" } },
  });
  const bob = views.profile("bob");
  assert.equal(bob.view().details, null);
  await settle();
  const { author, details, relation, offers } = bob.view();
  assert.equal(author.shown, "Bob B.");
  assert.deepEqual(details?.about.map(({ kind }) => kind), ["text", "link"]);
  assert.deepEqual(details?.link, {
    kind: "link",
    text: "https://b.test/",
    url: "https://b.test/",
  });
  assert.equal(details?.warnings.length, 2);
  assert.match(
    details?.warnings[0] ?? "",
    /Another key \(bb\) claims the name bob; you trust aa\./,
  );
  assert.deepEqual([relation.followsYou, relation.isFollowed], [true, false]);
  assert.deepEqual(offers.map(({ deed }) => deed), ["follow", "mute", "block", "removeFollower"]);
  assert.deepEqual(bob.posts.view().rows.map(({ author }) => author.username), ["bob"]);
  await views.deeds.run({ deed: "follow", username: "bob" });
  await settle();
  assert.equal(bob.view().offers[0]?.deed, "unfollow");
  bob.close();
});

Deno.test("A profile that is no longer shown asks no further, and one that fails says why", async () => {
  const { peer, views, settle } = viewsWorld();
  let signal: AbortSignal | undefined;
  peer.profile = (_request, given) => {
    signal = given;
    return Promise.reject(new CamelliaError("unknown_user", "Cannot show eve: unknown"));
  };
  const eve = views.profile("eve");
  await settle();
  assert.equal(eve.view().problem, "Cannot show eve: unknown");
  peer.profile = (_request, given) => {
    signal = given;
    return new Promise(() => {});
  };
  eve.reload();
  eve.close();
  assert.equal(signal?.aborted, true);
  const own = views.profile("mia");
  await settle();
  assert.deepEqual(own.view().offers, []);
});

Deno.test("A deed is done once at a time, says how it went, and the lists show it", async () => {
  const { peer, views, settle } = viewsWorld([1, 2]);
  views.open();
  await settle();
  const { mute } = peer;
  const { promise, resolve } = Promise.withResolvers<void>();
  peer.mute = async (request) => {
    await promise;
    peer.timelinePosts.length = 0;
    return await mute(request);
  };
  const first = views.deeds.run({ deed: "mute", username: "bob" });
  assert.equal(await views.deeds.run({ deed: "mute", username: "bob" }), false);
  assert.equal(views.deeds.view().busy, "Muting @bob");
  resolve();
  assert.equal(await first, true);
  await settle();
  assert.deepEqual(views.home.view().rows, []);
  assert.deepEqual([views.deeds.view().busy, views.deeds.view().said?.text], [null, "Muted @bob"]);
  assert.equal(views.deeds.view().said?.isProblem, false);
  peer.block = () =>
    Promise.reject(new CamelliaError("disk_full", "Cannot block: the disk is full"));
  assert.equal(await views.deeds.run({ deed: "block", username: "bob" }), false);
  const { said } = views.deeds.view();
  assert.deepEqual([said?.text, said?.isProblem], ["Cannot block: the disk is full", true]);
  views.deeds.hush();
  assert.equal(views.deeds.view().said, null);
});

Deno.test("Every deed calls what it is named after", async () => {
  const { peer, views, settle } = viewsWorld();
  for (const name of ["bob"]) peer.following.add(name).add("carol");
  peer.followers.add("bob");
  const post = peer.arrive("bob", "hello");
  const own = peer.arrive("mia", "mine");
  const runs = [
    { deed: "unfollow", username: "carol" },
    { deed: "mute", username: "bob" },
    { deed: "unmute", username: "bob" },
    { deed: "removeFollower", username: "bob" },
    { deed: "block", username: "bob" },
    { deed: "unblock", username: "bob" },
    { deed: "muteWhat", request: { what: "cats", forMs: 60_000 } },
    { deed: "unmuteWhat", request: { what: "cats" } },
    { deed: "repost", name: { author: "bob", id: post.id } },
    { deed: "delete", name: { author: "mia", id: own.id } },
  ] as const;
  const said: string[] = [];
  for (const run of runs) {
    assert.equal(await views.deeds.run(run), true, views.deeds.view().said?.text);
    said.push(views.deeds.view().said?.text ?? "");
    if (run.deed === "block") {
      assert.deepEqual(views.desk.relations.offers("bob"), [{ deed: "unblock", label: "Unblock" }]);
    }
  }
  await settle();
  assert.deepEqual(said, [
    "You no longer follow carol.",
    "Muted @bob",
    "No longer muted: @bob",
    "bob no longer follows you. To keep it so, block them.",
    "Blocked bob: nothing is taken from them, and they are told so if they follow.",
    "No longer blocked: bob",
    "Muted cats until 2026-01-01 00:01 UTC",
    "No longer muted: cats",
    "Passed on to your followers: the post by bob",
    "The post is deleted. Peers that have it are asked to forget it; they cannot be made to.",
  ]);
});
