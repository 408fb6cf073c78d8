/** Bad input to real processes: a clear error each, and nothing lost. */

import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import type { FollowView, PostView, ProfileView } from "../../core/api.ts";
import { parsePortFile } from "../../ui/peer/loopback_protocol.ts";
import { deriveCheaply, eventually, Network, runProgram, type User } from "./harness.ts";

deriveCheaply();

interface Place {
  readonly network: Network;
  readonly alice: User;
  readonly bob: User;
}

/** The error of a command has this code, exit code 1, and a message that says what was wrong. */
async function refuses(
  user: User,
  args: readonly string[],
  code: string,
  message: RegExp,
): Promise<void> {
  const failure = await user.failure(...args);
  assert.deepEqual([failure.exit, failure.code], [1, code], failure.message);
  assert.match(failure.message, message);
  assert.doesNotMatch(failure.message, /\n {4}at /);
}

async function names({ network, alice }: Place): Promise<void> {
  const nobody = network.user("nobody");
  await Promise.all([
    refuses(nobody, ["register", "alice"], "name_taken", /alice/),
    refuses(nobody, ["register", "al"], "invalid_username", /"al": it is shorter than 3/),
    refuses(nobody, ["register", "a".repeat(21)], "invalid_username", /longer than 20/),
    refuses(nobody, ["register", "al ice"], "invalid_username", /other characters/),
    refuses(nobody, ["register", "al\u001b[31m"], "invalid_username", /"al\\u001b\[31m"/),
    refuses(nobody, ["register", "1alice"], "invalid_username", /begin with a letter/),
    refuses(alice, ["register", "alice"], "already_logged_in", /alice/),
  ]);
  await refuses(nobody, ["login", "unheardof"], "unknown_user", /unheardof/);
}

async function passwords({ network, bob }: Place): Promise<void> {
  const args = [...network.flags(bob.data), "--json"];
  const wrong = { env: { CAMELLIA_PASSWORD: "not the password" } };
  const elsewhere = [...network.flags(join(network.folder, "elsewhere")), "--json"];
  for (const flags of [[...args, "post", "x"], [...args, "up"], [...elsewhere, "login", "bob"]]) {
    const { code, out, err } = await runProgram(flags, wrong);
    assert.deepEqual([code, out], [1, ""]);
    assert.equal(JSON.parse(err).error.code, "wrong_password");
    assert.ok(!err.includes("not the password"));
  }
  const weak = [...elsewhere, "register", "newcomer"];
  const { err } = await runProgram(weak, { env: { CAMELLIA_PASSWORD: "12345678" } });
  assert.equal(JSON.parse(err).error.code, "weak_password");
  const none = await runProgram([...args, "post", "x"], { env: { CAMELLIA_PASSWORD: "" } });
  assert.equal(none.code, 1);
  assert.equal(JSON.parse(none.err).error.code, "no_password");
}

async function posts({ alice }: Place): Promise<void> {
  const before = await alice.texts();
  await refuses(alice, ["post", ""], "empty_post", /empty/);
  await refuses(alice, ["post", "é".repeat(501)], "post_too_long", /501.*500/);
  const json = ["--json", "post", "-"];
  const invalid = await alice.run(json, { input: new Uint8Array([0x61, 0xff, 0x62]) });
  assert.equal(invalid.code, 1);
  assert.equal(JSON.parse(invalid.err).error.code, "invalid_text");
  const huge = await alice.run(json, { input: new Uint8Array(1_000_000).fill(0x61) });
  assert.equal(JSON.parse(huge.err).error.code, "post_too_long");
  await refuses(alice, ["post", "a\ufffdb"], "invalid_text", /not UTF-8/);
  await refuses(alice, ["post", "--reply-to", "alice/1", ""], "empty_post", /empty/);
  assert.deepEqual(await alice.texts(), before);
  const longest = "é".repeat(500);
  const { post } = await alice.json<{ post: PostView }>("post", longest);
  assert.equal(post.text, longest);
}

/** Nothing in it that a terminal would act on. */
function assertHarmless(out: string): void {
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(out, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
}

async function escapes({ alice }: Place): Promise<void> {
  const text = "\x1b[2J\x1b]0;owned\x07 hi \u202e\x9b31mred \x1b[?1049h";
  const input = new TextEncoder().encode(text);
  const posted = await alice.run(["post", "-"], { input });
  assert.equal(posted.code, 0);
  assertHarmless(posted.out);
  const [shown, raw] = await Promise.all([
    alice.run(["timeline", "--limit", "1"]),
    alice.run(["--json", "timeline", "--limit", "1"]),
  ]);
  assertHarmless(shown.out);
  assert.match(shown.out, /\n {2}hi red\n/);
  assertHarmless(raw.out);
  assert.equal(JSON.parse(raw.out).posts[0].text, text);
}

async function following({ alice }: Place): Promise<void> {
  await refuses(alice, ["follow", "alice"], "follow_self", /yourself/i);
  await refuses(alice, ["follow", "unheardof"], "unknown_user", /unheardof/);
  await refuses(alice, ["profile", "unheardof"], "unknown_user", /unheardof/);
  await refuses(alice, ["unfollow", "unheardof"], "not_following", /unheardof/);
  await alice.json("follow", "bob");
  assert.equal((await alice.json<FollowView>("follow", "bob")).already, true);
  assert.deepEqual((await alice.json<ProfileView>("profile")).following, ["bob"]);
}

async function configuration({ network, bob }: Place): Promise<void> {
  const config = join(network.folder, "wrong.ini");
  const cases: readonly (readonly [text: string, message: RegExp])[] = [
    ["[DEFAULT]\nPORT = 1\nPROT = 2\n", /wrong\.ini: line 3: PROT is no key of \[DEFAULT\]/],
    ["[DEFALT]\n", /wrong\.ini: line 1: "DEFALT" is no section/],
    ["\n[MESSAGE_LIFESPAN]\nDAYS = soon\n", /line 3: DAYS is "soon", .*a whole number/],
  ];
  for (const [text, message] of cases) {
    await Deno.writeTextFile(config, text);
    await refuses(bob, ["node", "--config", config], "invalid_config", message);
  }
  await refuses(bob, ["node", "--config", `${config}.not`], "invalid_config", /no such file/);
}

async function ports({ network, alice, bob }: Place): Promise<void> {
  const { node } = await alice.status();
  const udp = String(node.udp.port);
  await refuses(bob, ["node", "--port", udp], "udp_port_in_use", new RegExp(`:${udp} \\(UDP\\)`));
  const { links } = await alice.status();
  const tcp = String(links.listening?.port);
  await refuses(bob, ["up", "--listening-port", tcp], "tcp_port_in_use", new RegExp(tcp));
  await refuses(bob, ["node", "--ip", "192.0.2.1"], "address_unavailable", /192\.0\.2\.1/);
  assert.equal((await network.user("bob").json<{ username: string }>("whoami")).username, "bob");
}

async function folders({ network, alice, bob }: Place): Promise<void> {
  for (const command of ["up", "node"]) {
    await refuses(alice, [command], "folder_in_use", new RegExp(`process ${alice.process?.pid}`));
  }
  // Root may write anywhere but where the kernel itself says no.
  const readOnly = join(network.folder, "read-only");
  if (Deno.uid() !== 0) await Deno.mkdir(readOnly, { mode: 0o500 });
  const locked = Deno.uid() === 0 ? "/sys/camellia" : readOnly;
  await refuses(network.user("nobody"), ["node", "--data", locked], "folder_read_only", /--data/);

  const damaged = network.user("bob", "damaged");
  await damaged.json("login", "bob");
  await Deno.writeFile(join(damaged.data, "users", "bob.kv"), new Uint8Array(9000).fill(7));
  await refuses(damaged, ["up"], "database_damaged", /bob\.kv is damaged/);
  // The node's database is made anew, so that the user's is met, and named, again.
  const nodeFile = join(damaged.data, "node.kv");
  await Deno.writeFile(nodeFile, new Uint8Array(9000).fill(7));
  await refuses(damaged, ["up"], "database_damaged", /bob\.kv is damaged/);
  assert.match(new TextDecoder().decode(await Deno.readFile(nodeFile)), /^SQLite format 3/);
  assert.equal((await bob.json<{ username: string }>("whoami")).username, "bob");
}

async function terminals({ network, bob }: Place): Promise<void> {
  await refuses(bob, [], "not_a_terminal", /--json/);
  const { code, err } = await runProgram(network.flags(bob.data));
  assert.equal(code, 1);
  assert.match(err, /^error: Cannot show the menu: standard input is not a terminal/);
}

function ask(port: number, headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify({ method: "whoami" });
  return new Promise((resolve, reject) => {
    const length = { "content-length": String(body.length) };
    const options = {
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/call",
      agent: false as const,
    };
    const sent = request({ ...options, headers: { ...length, ...headers } }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function loopback({ alice }: Place): Promise<void> {
  const path = join(alice.data, "peer.json");
  const file = parsePortFile(await Deno.readTextFile(path));
  assert.ok(file !== undefined);
  const { mode } = await Deno.stat(path);
  if (Deno.build.os !== "windows") assert.equal((mode ?? 0) & 0o777, 0o600);
  const host = `127.0.0.1:${file.port}`;
  const authorization = `Bearer ${file.token}`;
  assert.equal(await ask(file.port, { host, authorization }), 200);
  assert.equal(await ask(file.port, { host }), 401);
  assert.equal(await ask(file.port, { host, authorization: `Bearer ${"0".repeat(64)}` }), 401);
  assert.equal(await ask(file.port, { host, authorization, origin: "http://evil.example" }), 403);
  assert.equal(await ask(file.port, { host: "evil.example", authorization }), 403);
}

async function noNetwork({ network }: Place): Promise<void> {
  const lonely = network.user("lonely");
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const address = silent.addr as Deno.NetAddr;
  const flags = ["--data", lonely.data, "--ip", "127.0.0.1", "--port", "0", "--ntp-server", "none"];
  const bootstrap = ["--bootstrap", `127.0.0.1:${address.port}`, "--json"];
  const node = network.start([...flags, ...bootstrap, "node"]);
  await node.ready();
  await node.line((line) => line.event === "network" && !line.joined);
  await refuses(lonely, ["register", "lonely"], "not_joined", /no other node|network/i);
  silent.close();
  const late = network.start([
    ...["--data", join(network.folder, "late"), "--ip", "127.0.0.1"],
    ...["--port", String(address.port), "--ntp-server", "none", "--json", "node", "--init"],
  ]);
  await late.ready();
  await node.line((line) => line.event === "network" && line.joined);
  await Promise.all([node.stop(), late.stop()]);
}

async function noTime({ network }: Place): Promise<void> {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  try {
    const timeless = network.start([
      ...["--data", join(network.folder, "timeless"), "--ip", "127.0.0.1", "--port", "0", "--init"],
      ...["--ntp-server", `127.0.0.1:${port}`, "--json", "node"],
    ]);
    await timeless.ready();
    const line = await timeless.line((line) => line.event === "clock");
    assert.deepEqual(line, { event: "clock", source: "system", offset_ms: 0 });
    assert.equal(await timeless.stop(), 0);
  } finally {
    silent.close();
  }
}

async function interruption({ network, alice, bob }: Place): Promise<void> {
  const before = await alice.texts();
  // One that works through the running peer, one with a peer of its own.
  const watching = network.start([...network.flags(alice.data), "--json", "timeline", "--watch"]);
  await watching.line((line) => line.event === "post");
  assert.equal(await watching.stop("SIGINT"), 0);
  const login = network.start([...network.flags(bob.data), "--json", "login", "bob"]);
  await eventually("the lock of bob's folder", () => {
    return Deno.readTextFile(join(bob.data, "lock")).catch(() => "");
  }, (pid) => pid.trim() === String(login.pid));
  const code = await login.stop("SIGINT");
  assert.ok(code === 1 || code === 0);
  if (code === 1) assert.equal(JSON.parse(login.err).error.code, "interrupted");
  assert.equal((await bob.json<{ username: string }>("login", "bob")).username, "bob");
  assert.deepEqual(await alice.texts(), before);
}

async function nothingIsLost({ alice }: Place): Promise<void> {
  const before = await alice.texts();
  const who = await alice.json("whoami");
  // With --json a peer prints nothing but JSON, to standard error as well, whatever was asked of it.
  const said = alice.process?.err.split("\n").filter((line) => line !== "") ?? [];
  for (const line of said) assert.doesNotThrow(() => JSON.parse(line), line);
  assert.equal(await alice.down("SIGKILL"), 137);
  await alice.up();
  assert.deepEqual(await alice.texts(), before);
  assert.deepEqual(await alice.json("whoami"), who);
}

Deno.test("Bad input gets a clear error, and nothing is lost", async (t) => {
  await using network = await Network.start();
  const [alice, bob] = await Promise.all([
    network.register("alice"),
    network.user("bob").json("register", "bob").then(() => network.user("bob")),
  ]);
  const place: Place = { network, alice, bob };
  await t.step("Names", () => names(place));
  await t.step("Passwords", () => passwords(place));
  await t.step("Posts", () => posts(place));
  await t.step("Escape sequences", () => escapes(place));
  await t.step("Following", () => following(place));
  await t.step("config.ini", () => configuration(place));
  await t.step("Ports in use", () => ports(place));
  await t.step("Data folders", () => folders(place));
  await t.step("No terminal", () => terminals(place));
  await t.step("The loopback port", () => loopback(place));
  await t.step("No bootstrap node answers, until one appears", () => noNetwork(place));
  await t.step("No NTP server answers", () => noTime(place));
  await t.step("Ctrl+C in the middle of a command", () => interruption(place));
  await t.step("SIGKILL", () => nothingIsLost(place));
});
