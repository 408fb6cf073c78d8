import assert from "node:assert/strict";
import { Machine } from "../fake_io.ts";
import type { FakePeer } from "../fake_peer.ts";

/** A machine whose peers remember what was muted and blocked for the next command. */
async function machine(): Promise<Machine> {
  const m = await Machine.withAlice();
  let last: FakePeer | undefined;
  m.host.prepare = (peer) => {
    peer.muted.push(...last?.muted ?? []);
    for (const name of last?.blocked ?? []) peer.blocked.add(name);
    for (const name of ["bob", "zoe"]) peer.followers.add(name);
    peer.following.add("bob");
    last = peer;
  };
  return m;
}

Deno.test("What is muted is printed, listed and shown again", async () => {
  const m = await machine();
  const bob = { kind: "user", what: "bob", until: "2026-01-08T00:00:00.000Z" };
  assert.deepEqual(await m.json("mute", "@bob", "--for", "7d"), bob);
  const word = { kind: "word", what: "world cup", until: null };
  assert.deepEqual(await m.json("mute", "world cup"), word);
  assert.equal((await m.run("mute", "bob/5")).out, "Muted the thread of bob/5\n");
  const thread = { kind: "thread", what: "bob/5", until: null };
  assert.deepEqual(await m.json("mutes"), { mutes: [bob, word, thread] });
  assert.equal(
    (await m.run("mutes")).out,
    "user bob until 2026-01-08 00:00 UTC\nword world cup\nthe thread of bob/5\n",
  );
  assert.deepEqual(await m.json("unmute", "world cup"), word);
  assert.equal((await m.run("unmute", "@bob")).out, "No longer muted: user bob\n");
  assert.equal((await m.failure("unmute", "@bob")).error, "invalid_argument");
  await m.run("unmute", "bob/5");
  assert.equal((await m.run("mutes")).out, "Nothing is muted.\n");
  const named = await m.json("mute", "bob", "--as", "word") as { kind: string };
  assert.equal(named.kind, "word");
});

Deno.test("Users are blocked, listed and unblocked", async () => {
  const m = await machine();
  assert.deepEqual(await m.json("block", "Eve"), { username: "eve", blocked: true });
  assert.deepEqual(await m.json("blocks"), { blocks: ["eve"] });
  assert.equal((await m.run("blocks")).out, "eve\n");
  assert.deepEqual(await m.json("unblock", "eve"), { username: "eve", blocked: false });
  assert.equal((await m.run("blocks")).out, "No user is blocked.\n");
  assert.equal((await m.failure("unblock", "eve")).error, "invalid_argument");
});

Deno.test("Followers are listed, with who is online, and removed", async () => {
  const m = await machine();
  const { users } = await m.json("followers") as { users: Record<string, unknown>[] };
  assert.deepEqual(users.map(({ username, online, name }) => [username, online, name]), [
    ["bob", true, null],
    ["zoe", false, null],
  ]);
  assert.match(String(users[0]?.["fingerprint"]), /^[0-9a-f]{16}$/);
  assert.match((await m.run("followers")).out, /^bob {18}online {3}[^]*\nzoe {18}offline/);
  assert.deepEqual(await m.json("followers", "remove", "zoe"), { username: "zoe" });
  assert.equal((await m.failure("followers", "remove", "eve")).error, "not_following");
  const following = await m.json("following") as { users: { username: string }[] };
  assert.deepEqual(following.users.map(({ username }) => username), ["bob"]);
});

Deno.test("Times that make no sense are wrong usage", async () => {
  const m = new Machine();
  for (const time of ["7", "d", "0d", "7s", "-7d", "53w", "1.5h", "99999999m"]) {
    const { code, message } = await m.failure("mute", "x", "--for", time);
    assert.equal(code, 2, time);
    assert.match(message, /is not a time from 1m to 366d/);
  }
  assert.match((await m.failure("mute", "x", "--as", "tag")).message, /one of user, word, thread/);
});

Deno.test("The profile says what the user wants it to, and shows it as harmless text", async () => {
  const m = await machine();
  assert.equal((await m.run("about")).out, "Your profile says nothing yet.\n");
  const said = await m.json(
    "about",
    "--name",
    "Alice",
    "--about",
    "a\x1b[31mb",
    "--link",
    "https://x.org",
  );
  assert.deepEqual(said, { name: "Alice", about: "a\x1b[31mb", link: "https://x.org" });
  const { out } = await m.run("about", "--about", "a\x1b[31mb");
  assert.equal(out, "about           ab\n");
});
