/** Mentions between real processes: of a stranger, and of a user who comes when the author has gone. */

import assert from "node:assert/strict";
import type { NotificationsView, ProfileView, RequestsView } from "../../core/api.ts";
import { deriveCheaply, eventually, Network } from "./harness.ts";

deriveCheaply();

Deno.test("A mention reaches a stranger, and a user who was away when its author has gone", async () => {
  await using network = await Network.start();
  const [alice, bob] = [await network.register("alice"), await network.register("bob")];
  const carol = network.user("carol");
  await carol.json("register", "carol");
  await carol.up("--log-level", "debug");
  await carol.json("follow", "bob");
  // On a slow machine the command leaves before bob has heard of it.
  await bob.process?.line((line) => line.event === "follower" && line.username === "carol");
  // Of strangers: bob does not know alice.
  await alice.json("post", "@bob hello");
  const line = await bob.process?.line(({ event }) => event === "request");
  assert.ok(line?.event === "request");
  assert.equal(line.request.post?.text, "@bob hello");
  const { requests, unread } = await bob.json<RequestsView>("requests", "--unread", "--read");
  assert.deepEqual([requests.map(({ from, kind }) => `${kind} ${from}`), unread], [[
    "mention alice",
  ], 1]);
  assert.equal((await bob.status()).unread.requests, 0);
  // Bob goes; carol, who follows him, keeps what alice says.
  await bob.down();
  await eventually(
    "alice knows that carol follows bob",
    () => alice.json<ProfileView>("profile", "bob"),
    ({ followers }) => followers.includes("carol"),
  );
  await alice.json("post", "@bob later");
  await eventually(
    "carol keeps the post",
    () => Promise.resolve(carol.process?.err ?? ""),
    (err) => err.includes("A post by alice is kept for bob"),
  );
  await alice.down("SIGKILL");
  await bob.up();
  await bob.process?.line((line) =>
    line.event === "request" && line.request.post?.text === "@bob later"
  );
  const all = await bob.json<RequestsView>("requests");
  assert.equal(all.requests.length, 2);
  // A command with a peer of its own does not leave before it has told him.
  await alice.json("post", "@bob by a command alone");
  await bob.process?.line((line) =>
    line.event === "request" && line.request.post?.text === "@bob by a command alone"
  );
  const told = await bob.json<NotificationsView>("notifications");
  assert.deepEqual(told.notifications.map(({ kind, from }) => `${kind} ${from}`), ["follow carol"]);
});
