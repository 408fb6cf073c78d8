import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { Push } from "zeromq";
import type { Links, LinkTarget } from "../../../core/ports.ts";
import { ZmqLinks } from "../../../net/links/zmq_links.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { z85Encode } from "../../../net/links/z85.ts";
import { linkKeys, pause, until, zmqWorld } from "./links_world.ts";

/** A peer that listens, and another that talks to it while strangers misbehave. */
async function withPeers(
  attack: (target: LinkTarget, honest: () => Promise<void>, receiver: Links) => Promise<void>,
): Promise<void> {
  const world = zmqWorld();
  const keys = world.keys();
  const frames: Uint8Array[] = [];
  try {
    const receiver = world.make();
    const { port } = await receiver.open(keys.secretKey, (frame) => frames.push(frame));
    const target = { linkKey: keys.publicKey, addresses: ["127.0.0.1"], port };
    const sender = world.make();
    await sender.open(world.keys().secretKey, () => {});
    let sent = 0;
    const honest = async () => {
      for (let i = 0; i < 20; i++) {
        assert.equal(sender.send(target, Uint8Array.of(7, sent++)), "queued");
      }
      await until(() => frames.length >= sent, "honest frames");
    };
    await honest();
    await attack(target, honest, receiver);
    await honest();
    // Nothing of what strangers sent has come through.
    assert.deepEqual(
      frames.map((frame) => [...frame]),
      Array.from({ length: sent }, (_, i) => [7, i]),
    );
  } finally {
    await world.close();
  }
}

function rawConnect(port: number, bytes?: Uint8Array): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port }, () => {
      socket.removeAllListeners("error");
      // The other side may close at any moment.
      socket.on("error", () => {});
      if (bytes) socket.write(bytes);
      resolve(socket);
    });
    socket.on("error", reject);
    socket.resume();
  });
}

async function hangUp(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map((socket) =>
    new Promise<void>((resolve) => {
      if (socket.closed) return resolve();
      socket.once("close", () => resolve());
      socket.destroy();
    })
  ));
}

/** ZMTP greetings (RFC 23, RFC 37): signature, version, mechanism, as-server, filler. */
function greeting(major: number, minor: number, mechanism: string): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes[0] = 0xff;
  bytes[8] = 1;
  bytes[9] = 0x7f;
  bytes[10] = major;
  bytes[11] = minor;
  bytes.set(new TextEncoder().encode(mechanism), 12);
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const text = (value: string) => new TextEncoder().encode(value);
const noise = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** A NULL handshake's READY command as a PUSH socket sends it. */
const nullReady = join(
  Uint8Array.of(0x04, 26, 5),
  text("READY"),
  Uint8Array.of(11),
  text("Socket-Type"),
  Uint8Array.of(0, 0, 0, 4),
  text("PUSH"),
);

/** A CURVE HELLO of the right size (RFC 26) with a key and a box that are noise, or zero. */
function hello(fill: (length: number) => Uint8Array): Uint8Array {
  return join(Uint8Array.of(0x04, 200, 5), text("HELLO"), Uint8Array.of(1, 0), fill(192));
}

const openings: Readonly<Record<string, () => Uint8Array>> = {
  "noise": () => noise(2_000),
  "zeros": () => new Uint8Array(2_000),
  "a web browser": () => text("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
  "half a greeting": () => greeting(3, 1, "CURVE").subarray(0, 20),
  "a greeting and no more": () => greeting(3, 1, "CURVE"),
  "ZMTP 1.0 with a message": () => join(Uint8Array.of(1, 0), Uint8Array.of(6, 0), text("hello")),
  "ZMTP 2.0 with a message": () =>
    join(greeting(1, 8, "").subarray(0, 12), Uint8Array.of(0, 0, 0, 5), text("hello")),
  "the NULL mechanism with a message": () =>
    join(greeting(3, 0, "NULL"), nullReady, Uint8Array.of(0, 5), text("hello")),
  "the PLAIN mechanism": () => join(greeting(3, 0, "PLAIN"), text("\x04\x07\x05HELLO\x00")),
  "a CURVE HELLO of noise": () => join(greeting(3, 1, "CURVE"), hello(noise)),
  "a CURVE HELLO with a key of zero": () =>
    join(greeting(3, 1, "CURVE"), hello((length) => new Uint8Array(length))),
  "a CURVE MESSAGE before the handshake": () =>
    join(greeting(3, 1, "CURVE"), Uint8Array.of(0x04, 60, 7), text("MESSAGE"), noise(52)),
  "a command of 2^62 bytes": () =>
    join(greeting(3, 1, "CURVE"), Uint8Array.of(0x06, 0x40, 0, 0, 0, 0, 0, 0, 0), noise(100)),
};

Deno.test("Strangers' bytes on the PULL port harm nobody and arrive nowhere", async () => {
  await withPeers(async ({ port }, honest) => {
    const sockets: Socket[] = [];
    for (const bytes of Object.values(openings)) {
      for (let i = 0; i < 3; i++) sockets.push(await rawConnect(port, bytes()));
    }
    await honest();
    await hangUp(sockets);
  });
});

Deno.test("Two hundred silent connections on the PULL port hold nobody up", async () => {
  await withPeers(async ({ port }, honest) => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => rawConnect(port)));
    await honest();
    // zeromq ends handshakes that take longer than 5 s.
    await until(() => sockets.every((socket) => socket.closed), "the silent to be thrown out");
    await hangUp(sockets);
  });
});

/** A PUSH socket set up by hand, as a stranger's program may have it. */
function stranger(target: LinkTarget, curve: boolean): Push {
  const push = new Push();
  push.sendTimeout = 0;
  push.linger = 0;
  if (curve) {
    const keys = linkKeys();
    push.curveServerKey = z85Encode(target.linkKey);
    push.curvePublicKey = z85Encode(keys.publicKey);
    push.curveSecretKey = z85Encode(keys.secretKey);
  }
  push.connect(`tcp://127.0.0.1:${target.port}`);
  return push;
}

Deno.test("A client without CURVE, messages in parts and messages too large are dropped", async () => {
  await withPeers(async (target, honest) => {
    const plain = stranger(target, false);
    const inParts = stranger(target, true);
    const large = stranger(target, true);
    await plain.send("plain");
    await inParts.send(["one", "two"]);
    await inParts.send(Array.from({ length: 5_000 }, () => "part"));
    await large.send(new Uint8Array(1_048_576 + 500));
    await large.send(new Uint8Array(5_000_000));
    await honest();
    await pause(50);
    await honest();
    for (const push of [plain, inParts, large]) push.close();
  });
});

Deno.test("A sender that floods leaves timers their turn and other senders theirs", async () => {
  const world = zmqWorld();
  try {
    const keys = world.keys();
    let flood = 0;
    let honest = 0;
    const receiver = world.make();
    const { port } = await receiver.open(keys.secretKey, (frame) => {
      if (frame[0] === 1) flood++;
      else honest++;
    });
    const target = { linkKey: keys.publicKey, addresses: ["127.0.0.1"], port };
    const [flooder, sender] = [world.make(), world.make()];
    await flooder.open(world.keys().secretKey, () => {});
    await sender.open(world.keys().secretKey, () => {});
    let flooding = true;
    const refill = async () => {
      while (flooding) {
        while (flooder.send(target, Uint8Array.of(1)) === "queued");
        await pause(1);
      }
    };
    const refilled = refill();
    await until(() => flood > 5_000, "the flood");
    const before = flood;
    for (let i = 0; i < 20; i++) sender.send(target, Uint8Array.of(2));
    await until(() => honest === 20, "the honest frames");
    await until(() => flood > before, "the flood, which goes on");
    flooding = false;
    await refilled;
  } finally {
    await world.close();
  }
});

Deno.test("Messages that never end cost their senders the connection, not the peer its memory", async () => {
  const megabyte = 1_048_576;
  const faults: unknown[] = [];
  const frames: number[] = [];
  let looks = 0;
  let usedBytes = 100 * megabyte;
  const clock = new SystemClock();
  const options = {
    clock,
    listen: { ip: "127.0.0.1", port: 0 },
    ownAddresses: () => ["127.0.0.1"],
  };
  const receiver = new ZmqLinks({
    ...options,
    usedBytes: () => (looks++, usedBytes),
    onFault: (error) => faults.push(error),
  });
  const sender = new ZmqLinks(options);
  const keys = linkKeys();
  try {
    const { port } = await receiver.open(keys.secretKey, (frame) => frames.push(frame[0] ?? -1));
    await sender.open(linkKeys().secretKey, () => {});
    const target = { linkKey: keys.publicKey, addresses: ["127.0.0.1"], port };
    sender.send(target, Uint8Array.of(1));
    await until(() => frames.length === 1, "the first frame");
    await until(() => looks > 0, "the first look");
    usedBytes += 300 * megabyte;
    await until(() => faults.length === 1, "the growth to be noticed");
    assert.match(String(faults[0]), /took 300 MB/);
    assert.deepEqual(receiver.status().listening, { ip: "127.0.0.1", port });
    // What was under way when the socket was closed may be lost; links redial.
    let sent = 1;
    await until(() => {
      if (sent < 200) sender.send(target, Uint8Array.of(++sent));
      return frames.length > 1;
    }, "a frame on the new socket");
    assert.equal(faults.length, 1, "what stays in use is not counted again");
  } finally {
    await sender.close();
    await receiver.close();
  }
});
