/**
 * What a relay pays: `deno task bench relay`, one line of JSON, in about two minutes.
 *
 * The relay is a process of its own on loopback, with its front door and nothing else. 128 devices reserve,
 * 512 circuits are opened to them, and each says what an idle link says: 30 bytes every 10 s, both ways.
 * Then 10,000 messages of 300 bytes pass, 1,000 a second over 100 circuits.
 *
 * @module
 */

import { Exemption } from "../lib/networks.ts";
import { x25519PublicKey } from "../lib/x25519.ts";
import { writeAll } from "../net/links/byte_reader.ts";
import { connectTwice } from "../net/links/connect.ts";
import { connectThrough } from "../net/links/tunnels.ts";
import { ZmqLinks } from "../net/links/zmq_links.ts";
import { localPlace, Relay, senderByte } from "../net/reach/relay.ts";
import { RelayClient } from "../net/reach/relay_client.ts";
import { relayByte } from "../net/reach/relay_protocol.ts";
import { descriptorLimit } from "../net/system/descriptor_limit.ts";
import { SystemRandom } from "../net/system/system_random.ts";
import { SystemClock } from "../net/system/system_time.ts";
import { quantile } from "./homes/verdict.ts";
import {
  cpuSeconds,
  each,
  option,
  print,
  residentMegabytes,
  rounded,
  sleep,
} from "./delivery/measure.ts";

const time = new SystemClock();
const random = new SystemRandom();
const exemption = new Exemption(true);

/** What is measured. */
const [devices, circuits, idleS] = [128, 512, option("seconds", 30)];
const messages = { count: 10_000, bytes: 300, perSecond: 1_000, circuits: 100 } as const;

/** What a heartbeat of zeromq and its answer take, encrypted. */
const beat = { bytes: 30, everyMs: 10_000 } as const;

/** The relay's process: says its port, and relays until it is killed. */
async function serve(): Promise<void> {
  const relay = new Relay({
    time,
    random,
    isWilling: () => true,
    ownPlaces: ({ conn }) => [localPlace(conn)].filter((place) => place !== undefined),
    exemption,
  });
  const links = new ZmqLinks({
    listen: { ip: "127.0.0.1", port: 0 },
    clock: time,
    ownAddresses: () => ["127.0.0.1"],
    descriptors: descriptorLimit(),
    services: new Map([
      [relayByte, (caller) => relay.serve(caller)],
      [senderByte, (caller) => relay.serveSender(caller)],
    ]),
  });
  await Deno.stdout.write(new TextEncoder().encode(`${links.listen().port}\n`));
  await new Promise(() => {});
}

/** Both ends of one circuit. */
interface Ends {
  readonly sender: Deno.TcpConn;
  readonly device: Deno.TcpConn;
}

/** Reads and forgets; tells of each piece. */
async function drain(conn: Deno.Conn, onBytes: (bytes: Uint8Array) => void): Promise<void> {
  const space = new Uint8Array(16_384);
  for (;;) {
    const read = await conn.read(space).catch(() => null);
    if (read === null) return;
    onBytes(space.subarray(0, read));
  }
}

async function main(): Promise<void> {
  if (Deno.args.includes("--serve")) return await serve();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "-A",
      "--v8-flags=--memory-saver-mode",
      import.meta.filename ?? "",
      "--serve",
    ],
    stdout: "piped",
  }).spawn();
  const { value } = await child.stdout.getReader().read();
  const relay = { ip: "127.0.0.1", port: Number(new TextDecoder().decode(value)) };
  await sleep(3_000);
  const emptyMb = await residentMegabytes(child.pid);

  const keys: Uint8Array[] = [];
  const clients: RelayClient[] = [];
  const received: ((conn: Deno.TcpConn) => void)[] = [];
  for (let i = 0; i < devices; i++) {
    const secretKey = random.bytes(32);
    keys.push(x25519PublicKey(secretKey));
    const client = new RelayClient({
      time,
      find: () => Promise.resolve([relay]),
      secretKey: () => secretKey,
      receive: (conn) => received[i]?.(conn),
      exemption,
      onChange: () => {},
    });
    client.start();
    clients.push(client);
  }
  while (clients.some(({ count }) => count === 0)) await sleep(50);
  const open: Ends[] = [];
  // One circuit of each device at a time: so it is known whose the connection is that comes.
  await each(keys, 8, async (key, i) => {
    for (let n = 0; n < circuits / devices; n++) {
      const taken = Promise.withResolvers<Deno.TcpConn>();
      received[i] = taken.resolve;
      const sender = await connectTwice(time, relay, AbortSignal.timeout(10_000));
      await connectThrough(sender, key);
      open.push({ sender, device: await taken.promise });
    }
  });

  const arrivals: ((bytes: Uint8Array) => void)[] = open.map(() => () => {});
  open.forEach(({ sender, device }, i) => {
    void drain(device, (bytes) => arrivals[i]?.(bytes));
    void drain(sender, () => {});
  });
  const pulse = setInterval(() => {
    for (const { sender, device } of open) {
      setTimeout(() => {
        void writeAll(sender, new Uint8Array(beat.bytes)).catch(() => {});
        void writeAll(device, new Uint8Array(beat.bytes)).catch(() => {});
      }, Math.random() * beat.everyMs);
    }
  }, beat.everyMs);
  await sleep(beat.everyMs);
  const before = await cpuSeconds(child.pid);
  await sleep(idleS * 1_000);
  const idlePercent = (await cpuSeconds(child.pid) - before) / idleS * 100;
  const idleMb = await residentMegabytes(child.pid);
  clearInterval(pulse);
  await sleep(beat.everyMs);

  // A message is dated with its number; pieces of several messages in one read count as they end.
  const sentMs: number[][] = open.map(() => []);
  const delays: number[] = [];
  arrivals.forEach((_, i) => {
    let bytes = 0;
    let taken = 0;
    arrivals[i] = (piece) => {
      bytes += piece.length;
      for (; bytes >= (taken + 1) * messages.bytes; taken++) {
        delays.push(performance.now() - (sentMs[i]?.[taken] ?? NaN));
      }
    };
  });
  const cpuBefore = await cpuSeconds(child.pid);
  const message = random.bytes(messages.bytes);
  const startMs = performance.now();
  for (let n = 0; n < messages.count; n++) {
    const at = n % messages.circuits;
    sentMs[at]?.push(performance.now());
    const { sender } = open[at] ?? {};
    if (sender !== undefined) void writeAll(sender, message);
    const aheadMs = n / messages.perSecond * 1_000 - (performance.now() - startMs);
    if (aheadMs > 5) await sleep(aheadMs);
  }
  while (delays.length < messages.count) await sleep(20);
  const forwardS = await cpuSeconds(child.pid) - cpuBefore;
  child.kill("SIGKILL");
  await child.status;
  await print({
    row: `a relay with ${devices} reservations and ${circuits} circuits`,
    target: "idle: +30 MB, 2 % of a core; 10,000 messages: 1 s of a core, p99 of 50 ms",
    figures: {
      mb: { empty: rounded(emptyMb), idle: rounded(idleMb), more: rounded(idleMb - emptyMb) },
      idle_percent: rounded(idlePercent),
      forward_cpu_s: rounded(forwardS),
      delay_ms: [0.5, 0.99, 1].map((share) => rounded(quantile(delays, share))),
    },
    setting: "the relay in a process of its own, all others in one; loopback",
  });
}

await main();
Deno.exit();
