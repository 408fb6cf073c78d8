import assert from "node:assert/strict";
import { FakePeer } from "../fake_peer.ts";
import { type FakeIo, Machine } from "../fake_io.ts";

/** The address that a command has told. */
async function addressOf(io: FakeIo): Promise<URL> {
  await io.until(() => io.stdout.includes("http://"));
  const [url = ""] = /http:\S+#[\w-]+/.exec(io.stdout) ?? [];
  return new URL(url);
}

/** Redeems the code of an address as the page's script does; the status. */
async function redeem({ origin, hash }: URL): Promise<number> {
  const answer = await fetch(`${origin}/session`, {
    method: "POST",
    headers: { origin, "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ code: hash.slice(1) }),
  });
  await answer.body?.cancel();
  return answer.status;
}

/** Whether anything listens there. */
async function isOn({ hostname, port }: URL): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port: Number(port) })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("web runs a peer where none runs, prints the address of its page, and ends both when interrupted", async () => {
  const m = await Machine.withAlice();
  const { io, ended } = m.start("--json", "web", "--no-open");
  const url = await addressOf(io);
  assert.deepEqual(JSON.parse(io.stdout), { event: "ready", url: url.href });
  assert.match(url.href, /^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{22}$/);
  assert.equal(await redeem(url), 200);
  assert.equal(await redeem(url), 403);
  io.interrupt();
  assert.equal(await ended, 0);
  assert.equal(await isOn(url), false);
  assert.equal(m.host.started.at(-1)?.peer.stopped, true);
  assert.deepEqual(m.host.called, []);
});

Deno.test("web shows its page in the browser, unless it is for a script or is told not to", async () => {
  const m = await Machine.withAlice();
  m.host.tool = () => ({ code: 0, printed: "" });
  const { io, ended } = m.start("web");
  const url = await addressOf(io);
  while (m.host.called.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(m.host.called, [`open ${url.href}`]);
  io.interrupt();
  assert.equal(await ended, 0);
});

Deno.test("Where no program opens a browser, web says so", async () => {
  const m = await Machine.withAlice();
  const { io, ended } = m.start("web");
  await io.until(() => io.stderr.includes("open the address yourself"));
  io.interrupt();
  assert.equal(await ended, 0);
});

Deno.test("With a running peer web has it serve the page, until the command ends", async () => {
  const m = await Machine.withAlice();
  const up = m.start("--json", "up");
  await up.io.until(() => up.io.stdout.includes("ready"));
  const one = m.start("--json", "web", "--no-open");
  const two = m.start("--json", "web", "--no-open");
  const [first, second] = [await addressOf(one.io), await addressOf(two.io)];
  assert.equal(first.port, second.port);
  assert.notEqual(first.hash, second.hash);
  one.io.interrupt();
  assert.equal(await one.ended, 0);
  assert.equal(await redeem(second), 200);
  two.io.interrupt();
  assert.equal(await two.ended, 0);
  while (await isOn(second)) await new Promise((resolve) => setTimeout(resolve, 5));
  up.io.interrupt();
  assert.equal(await up.ended, 0);
});

Deno.test("web --stop turns the page off, and the command that held it ends", async () => {
  const m = await Machine.withAlice();
  const off = m.start("--json", "web", "--stop");
  assert.equal(await off.ended, 0);
  assert.deepEqual(JSON.parse(off.io.stdout), { stopped: false });
  const { io, ended } = m.start("--json", "web", "--no-open");
  const url = await addressOf(io);
  const stop = m.start("web", "--stop");
  assert.equal(await stop.ended, 0);
  assert.equal(stop.io.stdout, "The page is off.\n");
  assert.equal(await ended, 0);
  assert.equal(await isOn(url), false);
});

Deno.test("The page ends with the peer that serves it", async () => {
  const m = await Machine.withAlice();
  const up = m.start("--json", "up");
  await up.io.until(() => up.io.stdout.includes("ready"));
  const { io, ended } = m.start("--json", "web", "--no-open");
  const url = await addressOf(io);
  up.io.interrupt();
  assert.equal(await up.ended, 0);
  assert.equal(await ended, 0);
  assert.equal(await isOn(url), false);
});

Deno.test("Without a user there is no page", async () => {
  const m = new Machine();
  const { io, ended } = m.start("--json", "web", "--no-open");
  assert.equal(await ended, 1);
  assert.equal(JSON.parse(io.stderr).error.code, "not_logged_in");
  const node = m.start("--json", "node");
  await node.io.until(() => node.io.stdout.includes("ready"));
  const late = m.start("--json", "web", "--no-open");
  assert.equal(await late.ended, 1);
  assert.equal(JSON.parse(late.io.stderr).error.code, "not_logged_in");
  node.io.interrupt();
  await node.ended;
  assert.ok(m.host.started.at(-1)?.peer instanceof FakePeer);
});
