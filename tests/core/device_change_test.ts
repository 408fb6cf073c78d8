import assert from "node:assert/strict";
import { recordOf } from "./record_of.ts";
import { simPassword, SimWorld } from "../sim/peers.ts";

for (const [when, ageMs] of [["copied a while ago", 400_000], ["copied just now", 0]] as const) {
  Deno.test(`A copy of a data folder, ${when}, that runs beside the original listens under a number of its own`, () =>
    copyBesideOriginal(ageMs));
}

async function copyBesideOriginal(ageMs: number): Promise<void> {
  const world = new SimWorld({ seed: 4 });
  const [original, follower] = await world.register("alice", "bob");
  assert.ok(original && follower);
  await world.run(follower.peer.follow({ username: "alice" }));
  await world.run(original.peer.post({ text: "first" }));

  const copy = world.machine();
  const sealed = await original.keys.read("alice");
  assert.ok(sealed);
  await copy.keys.write("alice", sealed);
  const [from, to] = [await original.stores.open("alice"), await copy.stores.open("alice")];
  for (const note of ["device", "presence", "public"]) {
    await to.putNote(note, await from.getNote(note));
  }
  for (const list of ["followers", "following"] as const) {
    await to.putListEntries(await from.listEntries(list));
  }
  for (const [post] of [await from.feedPosts(firstOf(await from.feeds("alice")))]) {
    assert.ok(post);
    await to.addOwnPost(post);
  }
  await world.clock.advance(ageMs);

  await world.run(copy.start());
  await world.run(copy.peer.login({ username: "alice", password: simPassword }));
  await world.clock.advance(10_000);
  const record = world.directories.peek("alice", "connections");
  assert.ok(record);
  const { devices } = recordOf(record, "connections").body;
  const ips = devices.filter((one) => one.present).flatMap((one) => one.addresses).sort();
  assert.deepEqual(ips, [original.ip, copy.ip].sort());
  const keys = new Set(devices.map((one) => one.linkKey.join()));
  assert.equal(keys.size, devices.length, "each listens under a link key of its own");

  await world.run(original.peer.post({ text: "from the original" }));
  await world.run(copy.peer.post({ text: "from the copy" }));
  await world.clock.advance(10_000);
  for (const machine of [original, copy, follower]) {
    assert.deepEqual((await machine.texts()).sort(), [
      "first",
      "from the copy",
      "from the original",
    ]);
  }
  await world.stop();
}

function firstOf(feeds: readonly { readonly device: number }[]) {
  const device = feeds[0]?.device ?? 0;
  return { author: "alice", device, from: 1, to: 1, limit: 1 };
}
