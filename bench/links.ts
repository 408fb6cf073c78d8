/**
 * Measures links on loopback: `deno run -A bench/links.ts`, one line of JSON, in about 100 s.
 *
 * Frames a second to one peer; the time until the last of five peers has a frame, in use and after
 * 6 s of silence (the pace of an idle peer is reached after 5); then, with 50 peers in a process of
 * their own, memory and CPU of a peer with 50 links that nobody uses.
 *
 * @module
 */
import process from "node:process";
import type { LinkTarget } from "../core/ports.ts";
import { x25519PublicKey } from "../lib/x25519.ts";
import { ZmqLinks } from "../net/links/zmq_links.ts";
import { SystemRandom } from "../net/system/system_random.ts";
import { SystemClock } from "../net/system/system_time.ts";

const clock = new SystemClock();
const random = new SystemRandom();
const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));

interface Peer {
  readonly links: ZmqLinks;
  target: LinkTarget;
  frames: number;
  onFrame: () => void;
}

async function openPeer(): Promise<Peer> {
  const listen = { ip: "127.0.0.1", port: 0 };
  const links = new ZmqLinks({ listen, clock, ownAddresses: () => [listen.ip] });
  const secretKey = random.bytes(32);
  const peer: Peer = {
    links,
    target: { linkKey: x25519PublicKey(secretKey), addresses: [listen.ip], port: 0 },
    frames: 0,
    onFrame: () => {},
  };
  const { port } = await links.open(secretKey, () => {
    peer.frames++;
    peer.onFrame();
  });
  peer.target = { ...peer.target, port };
  return peer;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Number((sorted[Math.floor((sorted.length - 1) * q)] ?? NaN).toFixed(2));
}

async function throughput(from: Peer, to: Peer, bytes: number, count: number): Promise<number> {
  const frame = random.bytes(bytes);
  const wanted = to.frames + count;
  const startMs = clock.monotonic();
  for (let sent = 0; sent < count;) {
    if (from.links.send(to.target, frame) === "queued") sent++;
    else await pause(0);
  }
  while (to.frames < wanted) await pause(1);
  return Math.round(count / (clock.monotonic() - startMs) * 1000);
}

/** Milliseconds until the last of the peers has a frame, each time after a pause. */
async function untilLast(from: Peer, to: Peer[], pauseMs: number, rounds: number) {
  const times: number[] = [];
  const frame = random.bytes(300);
  for (let round = 0; round < rounds; round++) {
    // Spread over the receivers' pace, or one would always meet the same moment of it.
    await pause(pauseMs + (round * 7) % 25);
    const startMs = clock.monotonic();
    let left = to.length;
    await new Promise<void>((resolve) => {
      for (const peer of to) {
        peer.onFrame = () => --left === 0 && resolve();
        from.links.send(peer.target, frame);
      }
    });
    times.push(clock.monotonic() - startMs);
  }
  return { p50: quantile(times, 0.5), worst: quantile(times, 1) };
}

/** The other process: opens peers, says where, and waits to be ended. */
async function servePeers(count: number): Promise<void> {
  const peers = await Promise.all(Array.from({ length: count }, openPeer));
  const targets = peers.map(({ target }) => ({
    ...target,
    linkKey: Array.from(target.linkKey),
  }));
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(targets)}\n`));
  await new Promise(() => {});
}

async function idleWith(count: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", import.meta.filename ?? "", `--serve=${count}`],
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.endsWith("\n")) break;
  }
  const targets = (JSON.parse(text) as (Omit<LinkTarget, "linkKey"> & { linkKey: number[] })[])
    .map((target) => ({ ...target, linkKey: Uint8Array.from(target.linkKey) }));
  const peer = await openPeer();
  for (const target of targets) peer.links.send(target, random.bytes(300));
  await peer.links.flush(10_000);
  await pause(8_000);
  const before = process.cpuUsage();
  const measureMs = 20_000;
  await pause(measureMs);
  const used = process.cpuUsage(before);
  const { open } = peer.links.status();
  const rssMB = Math.round(Deno.memoryUsage().rss / 1e6);
  child.kill("SIGKILL");
  await child.status;
  await peer.links.close();
  const cpuPercent = Number(((used.user + used.system) / 1000 / measureMs * 100).toFixed(2));
  return { open, cpuPercent, rssMB };
}

async function main(): Promise<void> {
  const serve = Deno.args.find((arg) => arg.startsWith("--serve="));
  if (serve) return await servePeers(Number(serve.slice(8)));
  const idle = await idleWith(50);
  const [from, ...to] = await Promise.all(Array.from({ length: 6 }, openPeer));
  const [first] = to;
  if (!from || !first) throw new Error("unreachable");
  const framesASecond = {
    bytes300: await throughput(from, first, 300, 50_000),
    bytes10k: await throughput(from, first, 10_000, 10_000),
    bytes1M: await throughput(from, first, 1_000_000, 200),
  };
  await untilLast(from, to, 0, 20);
  const inUseMs = {
    one: await untilLast(from, [first], 10, 100),
    lastOf5: await untilLast(from, to, 10, 100),
  };
  const idleMs = { lastOf5: await untilLast(from, to, 6_000, 9) };
  const rssMB = Math.round(Deno.memoryUsage().rss / 1e6);
  await Promise.all([from, ...to].map((peer) => peer.links.close()));
  const line = JSON.stringify({ idle, framesASecond, inUseMs, idleMs, rssMB });
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

await main();
Deno.exit();
