/** Connections without end, on the port for posts and on the loopback port, against one process's descriptors. */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "../../core/model/bytes.ts";
import type { LinkTarget } from "../../core/ports.ts";
import { ZmqLinks } from "../../net/links/zmq_links.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import type { PortFile } from "../../ui/peer/loopback_protocol.ts";
import { linkKeys, until } from "../net/links/links_world.ts";
import { persistently } from "../ui/peer/persistently.ts";

const ip = "127.0.0.1";

/** Descriptors of the process that is attacked, and connections that the attacker opens. */
const descriptors = 256;
const connections = 400;

/** What works has to work within this time. */
const patienceMs = 2_000;

const clock = new SystemClock();

interface Victim extends AsyncDisposable {
  readonly links: LinkTarget;
  readonly peer: PortFile;
}

async function victim(): Promise<Victim> {
  const path = fileURLToPath(new URL("./descriptors_child.ts", import.meta.url));
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n ${descriptors}; exec "$0" run -q -A --no-prompt "$1"`,
      Deno.execPath(),
      path,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the victim has not started");
    text += value;
  }
  const { port, key, peer } = JSON.parse(text);
  return {
    links: { linkKey: fromHex(key) ?? new Uint8Array(0), addresses: [ip], port },
    peer,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

/** Opens so many connections that say so much; those that are closed by the other side stay closed. */
async function burst(port: number, bytes?: Uint8Array): Promise<Burst> {
  const sockets = await Promise.all(
    Array.from({ length: connections }, () =>
      new Promise<Socket>((resolve) => {
        const socket = connect({ host: ip, port });
        const done = () => resolve(socket);
        socket.on("connect", () => {
          if (bytes !== undefined) socket.write(bytes);
          done();
        });
        socket.on("error", done);
        socket.resume();
      })),
  );
  return {
    open: () => sockets.filter((socket) => !socket.closed && !socket.destroyed).length,
    async [Symbol.asyncDispose]() {
      const closed = sockets.map((socket) =>
        socket.closed ? undefined : new Promise((resolve) => socket.once("close", resolve))
      );
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

interface Burst extends AsyncDisposable {
  /** Connections that the victim has not closed. */
  open(): number;
}

/** A greeting as libzmq begins it (ZMTP 3.1, section 2.2), and no more. */
const greeting = Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f);

/** Whether the work is done in time. */
async function inTime(work: Promise<unknown>, ms = patienceMs): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = clock.after(ms, () => resolve(false));
  const done = await Promise.race([work.then(() => true, () => false), late]);
  timer.cancel();
  return done;
}

/** A device that counts what it gets, and sends over links that it opens anew. */
async function device() {
  const keys = linkKeys();
  const links = new ZmqLinks({ listen: { ip, port: 0 }, clock, ownAddresses: () => [ip] });
  let frames = 0;
  const { port } = await links.open(keys.secretKey, () => frames++);
  return {
    name: `${toHex(keys.publicKey)} ${port}`,
    links,
    frames: () => frames,
    [Symbol.asyncDispose]: () => links.close(),
  };
}

/** A command on the running peer: the frames that it got, and its processor time in milliseconds. */
async function command(peer: PortFile): Promise<{ frames: number; cpuMs: number }> {
  const [frames, cpuMs] = await persistently(peer, (api) => api.users());
  return { frames: Number(frames), cpuMs: Number(cpuMs) };
}

/** The share of one processor that the peer uses, over half a second. */
async function load(peer: PortFile): Promise<number> {
  const startMs = clock.monotonic();
  const { cpuMs } = await command(peer);
  await new Promise<void>((resolve) => void clock.after(500, resolve));
  return ((await command(peer)).cpuMs - cpuMs) / (clock.monotonic() - startMs);
}

/** The victim sends to a device that it has not met; then the device sends to the victim. */
async function newLinks(at: Victim): Promise<void> {
  await using other = await device();
  await persistently(at.peer, (api) => api.checkName(other.name));
  await until(() => other.frames() > 0, "the victim's frame");
  const { frames } = await command(at.peer);
  // The victim's libzmq may be busy with the end of the burst: a link that is closed is dialled again.
  other.links.send(at.links, Uint8Array.of(2));
  while ((await command(at.peer)).frames === frames) {
    await new Promise<void>((resolve) => void clock.after(5, resolve));
  }
}

const isLinux = Deno.build.os === "linux";

Deno.test("Attack: as many connections as descriptors leave commands and own links working", {
  ignore: !isLinux,
}, async () => {
  await using at = await victim();
  assert.ok(await inTime(newLinks(at), 10_000), "before the burst");
  const bursts = [[at.links.port], [at.links.port, greeting], [at.peer.port]] as const;
  for (const [port, bytes] of bursts) {
    await using flood = await burst(port, bytes);
    assert.ok(await inTime(command(at.peer)), "a command during the burst");
    const busy = await load(at.peer);
    assert.ok(busy < 0.5, `during the burst it uses ${busy} of a processor`);
    assert.ok(flood.open() < descriptors / 2, `${flood.open()} connections stay open`);
    await flood[Symbol.asyncDispose]();
    assert.ok(await inTime(command(at.peer)), "a command after the burst");
    assert.ok(await inTime(newLinks(at)), "new links both ways after the burst");
  }
});

Deno.test(
  "Attack: another user of the machine connects behind the front door, and is closed at once",
  { ignore: !isLinux || Deno.uid() !== 0 },
  async () => {
    const path = fileURLToPath(new URL("./local_user_child.ts", import.meta.url));
    const args = ["run", "-q", "-A", "--no-prompt", path];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" })
      .output();
    const answered = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(answered, { own: true, other: false });
  },
);
