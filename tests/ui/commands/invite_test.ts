/** `invite` and `join`, with a peer in memory. */

import assert from "node:assert/strict";
import type { InviteView } from "../../../core/api.ts";
import { readInvite, writeInvite } from "../../../core/model/invite.ts";
import { CamelliaError } from "../../../core/model/errors.ts";
import { userNamed } from "../../sim/users.ts";
import { parseDuration } from "../../../ui/commands/values.ts";
import { parseConfig } from "../../../ui/settings/config.ts";
import { FakePeer } from "../fake_peer.ts";
import { Machine } from "../fake_io.ts";

const node = { ip: "192.0.2.7", port: 8000 };
const invite = writeInvite({ inviter: userNamed("alice"), nodes: [node] });
const once = writeInvite({
  inviter: userNamed("alice"),
  nodes: [node],
  token: new Uint8Array(16),
  expires: 4_000_000_000_000,
});
const bob = FakePeer.view("bob");
const joined = { ...bob, inviter: "alice", following: true };

/** A machine whose clock runs ten times as fast: a join waits a moment for posts. */
function machine(): Machine {
  const m = new Machine();
  const { io } = m;
  const { after, monotonic } = io;
  io.after = (ms, fn) => after.call(io, ms / 10, fn);
  io.monotonic = () => monotonic.call(io) * 10;
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  return m;
}

function configOf(m: Machine): string[] {
  const bytes = m.io.files.get("/data/config.ini");
  if (bytes === undefined) return [];
  return (parseConfig(bytes, "config.ini").bootstrap ?? []).map(({ host, port }) =>
    `${host}:${port}`
  );
}

Deno.test("invite prints the string, until when it is good, and how the friend reaches the peer", async () => {
  const m = await Machine.withAlice();
  const plain = await m.json("invite") as InviteView;
  assert.deepEqual(Object.keys(plain), ["invite", "expires", "reach"]);
  assert.equal(plain.expires, null);
  assert.equal(plain.reach, "direct");
  assert.deepEqual(readInvite(plain.invite), { inviter: userNamed("alice"), nodes: [node] });
  const good = await m.json("invite", "--once", "--expires", "12h") as InviteView;
  assert.equal(good.expires, "2026-01-01T12:00:00.000Z");
  assert.equal(readInvite(good.invite).token?.length, 16);
  assert.equal(
    (await m.json("invite", "--once") as InviteView).expires,
    "2026-01-08T00:00:00.000Z",
  );
  for (const wrong of ["0d", "7", "59s", "367d", "53w", "-1d", "1.5h", ""]) {
    assert.match((await m.failure("invite", "--expires", wrong)).message, /30m, 12h, 7d or 2w/);
  }
  assert.equal(parseDuration("366d"), 366 * 86_400_000);
  assert.equal(parseDuration("1m"), 60_000);
});

Deno.test("The text of an invite says first whether the friend reaches this peer", async () => {
  const m = await Machine.withAlice();
  const reaches = {
    direct: /^Others connect to this peer: /,
    mapped: /^Others connect to this peer, because your router/,
    relayed: /^Others reach this peer through relays/,
    unreachable: /^No other peer has reached this one/,
    unknown: /^No other peer has reached this one/,
  } as const;
  for (const [state, says] of Object.entries(reaches)) {
    m.host.prepare = (peer) => peer.reach = { ...peer.reach, state: state as "direct" };
    const { out, err } = await m.run("invite");
    assert.match(out, says);
    assert.match(out, /\ncamellia:[\w-]+\n\nYour friend types: camellia join/);
    assert.match(out, /Any number of friends/);
    assert.match(err, /camellia up/);
  }
  m.host.prepare = (peer) => peer.inviteNodes = [];
  const { out } = await m.run("invite", "--once");
  assert.match(out, /names no node to join through/);
  assert.match(out, /good for one friend, whom you follow back/);
  assert.match(out.replaceAll("\n", " "), /It is good until 2026-01-08T00:00:00.000Z/);
});

Deno.test("A QR code is shown on a terminal wide enough, always with --qr and never with --no-qr", async () => {
  const m = await Machine.withAlice();
  const shows = async (...args: string[]) => (await m.run("invite", ...args)).out.includes("█▄▄▄█");
  assert(!await shows());
  const { out } = await m.run("invite", "--qr");
  const lines = out.trimEnd().split("\n").filter((line) => /^[█▀▄ ]+$/.test(line));
  // Version 6 or so: 41 modules and the border, two rows a line.
  const width = lines[0]?.length ?? 0;
  assert(width > 30 && width < 60, `${width} columns`);
  assert(lines.every((line) => line.length === width));
  assert.equal(lines.length, Math.ceil(width / 2));
  m.io.terminal.output = true;
  assert(await shows());
  assert(!await shows("--no-qr"));
  m.io.size = () => ({ columns: width - 1, rows: 24 });
  assert(!await shows());
  assert(await shows("--qr"));
  assert.doesNotMatch((await m.run("--json", "invite", "--qr")).out, /█/);
});

Deno.test("join registers, follows the inviter and keeps the nodes for the next start", async () => {
  const m = machine();
  assert.deepEqual(await m.json("join", invite, "Bob"), joined);
  assert.deepEqual(configOf(m), ["192.0.2.7:8000"]);
  const [peer] = m.host.started;
  assert.deepEqual(
    peer?.peer.calls.filter((call) => !["status", "subscribe", "follow"].includes(call)),
    ["enter", "checkName", "register", "accept", "timeline"],
  );
  // What a registration takes long for begins while the rest of the program is loaded.
  const password = m.io.variables["CAMELLIA_PASSWORD"];
  assert.deepEqual(m.host.expected, [{ username: "bob", password, isNew: true }]);
  // Once more: the account is there, and is logged in; the name may be left out.
  assert.deepEqual(await m.json("join", invite, "bob"), joined);
  assert.deepEqual(await m.json("join", once), joined);
  assert.deepEqual(configOf(m), ["192.0.2.7:8000"]);
});

Deno.test("The text of join says who one is, how many posts are there, and no more of the token than is true", async () => {
  const m = machine();
  m.host.prepare = (peer) => peer.arrive("alice", "hello");
  const first = await m.run("join", once, "bob");
  assert.match(first.out, /^You are bob \(.*\)\nYou follow alice\. 1 of alice's posts is here\./);
  assert.match(first.out, /unless another used it before you, alice follows you back\.\n$/);
  assert.match(first.err, /Registered and logged in: bob/);
  m.host.prepare = () => {};
  const second = await m.run("join", invite);
  assert.match(second.out, /None of alice's posts is here yet\.\n$/);
  assert.doesNotMatch(second.err, /Registered/);
});

Deno.test("A running peer is joined with: who is logged in there stays, or gets an account", async () => {
  const m = machine();
  const { io, ended } = m.start("node");
  await io.until(() => io.stdout.includes("ready"));
  assert.deepEqual(await m.json("join", invite, "bob"), joined);
  assert.deepEqual(configOf(m), ["192.0.2.7:8000"]);
  assert.deepEqual(await m.json("join", invite), joined);
  const other = await m.failure("join", invite, "carol");
  assert.equal(other.error, "already_logged_in");
  io.interrupt();
  await ended;
  assert.equal(m.host.started.length, 1);
});

Deno.test("A taken name is asked for again before anything more is typed", async () => {
  const m = machine();
  delete m.io.variables["CAMELLIA_PASSWORD"];
  m.host.accounts.set("bob", "another's");
  const refused = await m.failure("join", invite, "bob");
  assert.equal(refused.error, "no_password");
  m.io.terminal.input = true;
  m.answers.push("carol", "secret", "secret");
  const { code, out, err } = await m.run("join", invite, "bob");
  assert.equal(code, 0, err);
  assert.match(out, /^You are carol/);
  assert.match(err, /the name is taken/);
  assert.match(m.asked.join("\n"), /^Another username:\nNew password of carol/);
  m.io.terminal.input = false;
  m.io.variables["CAMELLIA_PASSWORD"] = "secret";
  m.host.accounts.set("dave", "another's");
  assert.equal((await m.failure("join", invite, "dave")).error, "name_taken");
});

Deno.test("Without a name a person is asked for one, and a script told to give one", async () => {
  const m = machine();
  const refused = await m.failure("join", invite);
  assert.equal(refused.error, "invalid_argument");
  assert.match(refused.message, /Give one after the invite/);
  assert.equal(m.host.started.length, 0);
  m.io.terminal.input = true;
  m.answers.push("bob");
  assert.match((await m.run("join", invite)).out, /^You are bob/);
});

Deno.test("An invite that is cut, expired or one's own is refused before anything starts", async () => {
  const m = await Machine.withAlice();
  const started = m.host.started.length;
  const cut = await m.failure("join", invite.slice(0, -3), "bob");
  assert.deepEqual([cut.error, /cut or altered/.test(cut.message)], ["invalid_invite", true]);
  const old = writeInvite({ inviter: userNamed("alice"), nodes: [], expires: 1 });
  assert.equal((await m.failure("join", old, "bob")).error, "invite_expired");
  assert.equal((await m.failure("join", "hello", "bob")).error, "invalid_invite");
  assert.equal((await m.failure("join", "x".repeat(100_000), "bob")).error, "invalid_invite");
  assert.equal((await m.failure("join", invite, "b")).error, "invalid_username");
  const own = await m.failure("join", invite);
  assert.deepEqual([own.error, /your own/.test(own.message)], ["follow_self", true]);
  assert.equal(m.host.started.length, started);
  assert.deepEqual(configOf(m), []);
});

Deno.test("An invite into a network that does not answer changes nothing", async () => {
  const m = machine();
  m.host.prepare = (peer) => peer.joined = false;
  const refused = await m.failure("join", invite, "bob");
  assert.equal(refused.error, "not_joined");
  assert.deepEqual(configOf(m), []);
  assert.equal(m.host.accounts.size, 0);
});

Deno.test("A joiner whom the network does not answer about the inviter is told to try again", async () => {
  const m = machine();
  m.host.prepare = (peer) => {
    peer.accept = () => Promise.reject(new CamelliaError("no_answer", "Nobody knows."));
  };
  assert.deepEqual(await m.json("join", invite, "bob"), { ...joined, following: false });
  assert.match((await m.run("join", invite)).out, /Nobody knows\. Use the invite again later/);
  m.host.prepare = (peer) => {
    peer.accept = () => Promise.reject(new CamelliaError("pin_clash", "That is another."));
  };
  assert.equal((await m.failure("join", invite)).error, "pin_clash");
});

Deno.test("A config.ini that cannot be changed is left alone, and the nodes are named", async () => {
  const m = machine();
  m.writeFile("/my.ini", "[BOOTSTRAP]\nNODES = 192.0.2.1:1\n");
  const { code, err } = await m.run("join", invite, "bob", "--config", "/my.ini");
  assert.equal(code, 0);
  assert.match(err, /not written .*\/my\.ini is in use.*--bootstrap with one of 192\.0\.2\.7:8000/);
  assert.deepEqual(configOf(m), []);
  m.host.writePrivate = () => Promise.reject(new Error("the disk is full"));
  assert.match((await m.run("join", invite)).err, /not written .*the disk is full/);
});

Deno.test("A join waits some seconds until the inviter knows, and says so where that takes longer", async () => {
  const m = machine();
  let pending = 1;
  m.host.prepare = (peer) => {
    const { status } = peer;
    peer.status = async () => ({ ...await status(), pending: pending-- > 0 ? 1 : 0 });
    peer.accept = () =>
      Promise.resolve({ username: "alice", following: true, acknowledged: false });
  };
  pending = 3;
  assert.doesNotMatch((await m.run("join", invite, "bob")).out, /does not know yet/);
  pending = 1e9;
  assert.match((await m.run("join", invite)).out, /alice does not know yet/);
});

Deno.test("An invite is read from standard input, where no user of the machine sees it", async () => {
  const m = machine();
  m.io.stdin = new TextEncoder().encode(` ${invite}\n`);
  assert.deepEqual(await m.json("join", "-", "bob"), joined);
  m.io.stdin = new Uint8Array(5_000);
  const long = await m.failure("join", "-");
  assert.deepEqual([long.error, /more than 4096/.test(long.message)], ["invalid_invite", true]);
  m.io.stdin = new Uint8Array();
  assert.match((await m.failure("join", "-")).message, /does not begin with/);
});
