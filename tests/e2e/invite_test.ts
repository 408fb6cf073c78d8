/** Two commands, and two friends follow each other: real processes, sockets and disks. */

import assert from "node:assert/strict";
import { join } from "node:path";
import type { InviteView, PeerEvent, ProfileView } from "../../core/api.ts";
import { checkPrinted, schemaOf } from "../cli_schemas.ts";
import { deriveCheaply, eventually, Network } from "./harness.ts";

deriveCheaply();

Deno.test("An invite on one side and a join on the other make two friends, and posts arrive", async () => {
  await using network = await Network.start();
  network.onDocument = (words, document) => checkPrinted(schemaOf(words), document);
  const alice = await network.register("alice");
  await alice.json("post", "welcome");
  await eventually(
    "alice is reached",
    () => alice.status(),
    ({ reach }) => reach.state === "direct",
  );
  const made = await alice.json<InviteView>("invite", "--once");
  assert.equal(made.reach, "direct");
  assert(made.expires !== null);

  // Bob knows no node but those of the invite.
  network.bootstrap = "";
  const bob = network.user("bob");
  const joined = await bob.json<Record<string, unknown>>("join", made.invite, "bob");
  assert.deepEqual(
    [joined.username, joined.inviter, joined.following],
    ["bob", "alice", true],
  );
  await alice.process?.line((line): line is PeerEvent & { event: "invited" } =>
    line.event === "invited"
  );
  const profiles = async () => (await alice.json<ProfileView>("profile")).following;
  assert.deepEqual(await eventually("alice follows bob", profiles, ([one]) => one === "bob"), [
    "bob",
  ]);

  // The next start finds the network by what the invite left in config.ini.
  assert.match(await Deno.readTextFile(join(bob.data, "config.ini")), /NODES = 127\.0\.0\.1:/);
  await Deno.remove(join(bob.data, "node.kv"));
  await bob.up();
  assert.deepEqual(await bob.texts(), ["welcome"]);
  await bob.json("post", "thank you");
  await alice.receives("thank you");

  assert.equal((await alice.failure("join", made.invite)).code, "follow_self");
});
