import assert from "node:assert/strict";
import { withIPv6 } from "../../ipv6.ts";
import fc from "fast-check";
import { ipAddress } from "../../../lib/ip_address.ts";
import { networkLimits } from "../../../lib/networks.ts";
import {
  type Caller,
  type DoorBounds,
  FrontDoor,
  type FrontDoorOptions,
} from "../../../net/links/front_door.ts";
import { doorBounds, doorLookMs, linksWithin } from "../../../net/links/link_limits.ts";
import { ZmtpFrames } from "../../../net/links/zmtp_frames.ts";
import { realTime } from "../kademlia/support.ts";

const roomy: DoorBounds = {
  connectionsMax: 100,
  perAddressMax: 50,
  perNetwork: networkLimits(50, 60, 70),
  bytes: { perSecond: 1e9, burst: 1e9 },
  frames: { perSecond: 1e6, burst: 1e6 },
};

/** A socket on loopback that sends back what it gets, and counts it, as a stand-in for the PULL socket. */
class Inside {
  readonly listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly conns: Deno.TcpConn[] = [];
  bytes = 0;
  readonly #running = this.#run();

  async #run(): Promise<void> {
    for await (const conn of this.listener) {
      this.conns.push(conn);
      this.#echo(conn);
    }
  }

  async #echo(conn: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const read = await conn.read(buffer);
        if (read === null) return;
        this.bytes += read;
        for (let at = 0; at < read;) at += await conn.write(buffer.subarray(at, read));
      }
    } catch {
      // The door has closed it.
    } finally {
      try {
        conn.close();
      } catch { /* closed already */ }
    }
  }

  async close(): Promise<void> {
    this.listener.close();
    await this.#running;
  }
}

interface World extends AsyncDisposable {
  /** What is added to the clock, in milliseconds. */
  laterMs: number;
  readonly door: FrontDoor;
  readonly inside: Inside;
  readonly callers: Deno.TcpConn[];
  call(): Promise<Deno.TcpConn>;
}

function world(bounds: Partial<DoorBounds> = {}, options: Partial<FrontDoorOptions> = {}): World {
  const inside = new Inside();
  const door = new FrontDoor({
    listen: { ip: "127.0.0.1", port: 0 },
    bounds: { ...roomy, ...bounds },
    isExempt: () => false,
    inside: () => ({
      transport: "tcp",
      hostname: "127.0.0.1",
      port: inside.listener.addr.port,
    }),
    ...options,
    time: { ...realTime, ...options.time, monotonic: () => made.laterMs },
  });
  const callers: Deno.TcpConn[] = [];
  const made: World = {
    laterMs: 0,
    door,
    inside,
    callers,
    async call() {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: door.port });
      callers.push(conn);
      return conn;
    },
    async [Symbol.asyncDispose]() {
      await door.close();
      for (const conn of callers) {
        try {
          conn.close();
        } catch { /* closed already */ }
      }
      await inside.close();
    },
  };
  return made;
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function readAll(conn: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await conn.read(bytes.subarray(at));
    if (read === null) return bytes.subarray(0, at);
    at += read;
  }
  return bytes;
}

async function write(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Connections that are not there, on which the other side says what a test says. */
function silentConns() {
  const conns: { isClosed: boolean; say(bytes: Uint8Array): void; end(): void }[] = [];
  const conn = (): Deno.TcpConn => {
    const said = Promise.withResolvers<Uint8Array | null>();
    const made = { isClosed: false, say: said.resolve, end: () => said.resolve(null) };
    conns.push(made);
    const fake: Pick<Deno.TcpConn, "read" | "close" | "setNoDelay"> = {
      async read(into) {
        const bytes = await said.promise;
        if (bytes !== null) into.set(bytes);
        return bytes?.length ?? null;
      },
      close: () => void (made.isClosed = true),
      setNoDelay() {},
    };
    return fake as Deno.TcpConn;
  };
  return { conns, conn, [Symbol.dispose]: () => conns.forEach(({ end }) => end()) };
}

/** Whether the door ends the connection without a byte. */
async function isEnded(conn: Deno.TcpConn): Promise<boolean> {
  return await conn.read(new Uint8Array(1)).catch(() => null) === null;
}

Deno.test("The front door joins a ZMTP connection to the socket inside, byte for byte both ways", async () => {
  await using here = world();
  const conn = await here.call();
  const bytes = new Uint8Array(300_000).map((_, i) => i === 0 ? 0xff : (i * 7) & 0xff);
  const [back] = await Promise.all([readAll(conn, bytes.length), write(conn, bytes)]);
  assert.deepEqual(back, bytes);
  assert.equal(here.door.open, 1);
  conn.close();
  await until(() => here.door.open === 0);
});

Deno.test("The front door closes what does not speak ZMTP, and reaches nobody inside for it", async () => {
  await using here = world();
  for (const first of ["GET / HTTP/1.1\r\n", "\x00", "\x05\x01\x00", "\x16\x03\x01"]) {
    const conn = await here.call();
    await write(conn, new TextEncoder().encode(first));
    assert.ok(await isEnded(conn), JSON.stringify(first));
  }
  assert.equal(here.inside.conns.length, 0);
  assert.equal(here.door.refused, 4);
});

Deno.test("One address has so many connections, and room again when some have gone", async () => {
  await using here = world({ perAddressMax: 3 });
  const held = [await here.call(), await here.call(), await here.call()];
  for (const conn of held) await write(conn, Uint8Array.of(0xff));
  await until(() => here.inside.conns.length === 3);
  assert.ok(await isEnded(await here.call()));
  held[0]?.close();
  await until(() => here.door.open === 2);
  const again = await here.call();
  await write(again, Uint8Array.of(0xff));
  await until(() => here.inside.conns.length === 4);
});

Deno.test("One network has so many connections, whatever its addresses", async () => {
  await using here = world({ perNetwork: networkLimits(2, 60, 70) });
  const held = [await here.call(), await here.call()];
  for (const conn of held) await write(conn, Uint8Array.of(0xff));
  await until(() => here.inside.conns.length === 2);
  assert.ok(await isEnded(await here.call()));
});

/** What may be a message. */
const speech = new Uint8Array(200).fill(0xff);

async function speak(conn: Deno.TcpConn): Promise<void> {
  await write(conn, speech);
  await readAll(conn, speech.length);
}

Deno.test("With all connections taken the one that is silent for the longest time makes room", async () => {
  await using here = world({ connectionsMax: 2 }, { isExempt: () => true });
  const [silent, busy] = [await here.call(), await here.call()];
  await speak(silent);
  await speak(busy);
  here.laterMs = 2_000;
  await speak(busy);
  const third = await here.call();
  await speak(third);
  assert.ok(await isEnded(silent));
  await speak(busy);
  assert.equal(here.door.open, 2);
  assert.ok(await isEnded(await here.call()), "no other is silent for a second");
});

Deno.test("A network with many connections makes room for one with few, silent or not", async () => {
  const addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "198.51.100.1"];
  const addressOf = () => ipAddress(addresses.shift() ?? "192.0.2.3");
  await using here = world({ connectionsMax: 3 }, { addressOf });
  for (let i = 0; i < 3; i++) await speak(await here.call());
  const few = await here.call();
  await speak(few);
  assert.equal(here.door.open, 3);
  assert.ok(await isEnded(await here.call()), "the network with more gets no more");
  await speak(few);
});

Deno.test("Through one relay 64 senders come in, to send messages and nothing else", async () => {
  let served = 0;
  await using peer = world({}, {
    services: new Map([[0x43, () => Promise.resolve(void served++)]]),
  });
  const relay = ipAddress("80.0.0.1") ?? assert.fail();
  using callers = silentConns();
  const { conns, conn } = callers;
  for (let i = 0; i < 70; i++) peer.door.receive(conn(), relay);
  assert.equal(peer.door.open, 64);
  assert.equal(conns.filter(({ isClosed }) => isClosed).length, 6);
  peer.door.receive(conn(), ipAddress("81.0.0.1") ?? assert.fail());
  assert.equal(peer.door.open, 65, "another relay has its own share");
  conns[0]?.say(Uint8Array.of(0x43, 1, 3));
  await until(() => conns[0]?.isClosed === true);
  assert.equal(served, 0);
});

Deno.test("A connection that says nothing for ten minutes is closed", async () => {
  let look = () => {};
  const time = {
    ...realTime,
    after: (ms: number, fn: () => void) => {
      if (ms !== doorLookMs) return realTime.after(ms, fn);
      look = fn;
      return { cancel() {} };
    },
  };
  await using here = world({}, { time });
  const [silent, busy] = [await here.call(), await here.call()];
  await speak(silent);
  await speak(busy);
  here.laterMs = 599_000;
  look();
  await speak(busy);
  assert.equal(here.door.open, 2);
  here.laterMs = 601_000;
  look();
  assert.ok(await isEnded(silent));
  await speak(busy);
});

Deno.test("A sender beyond its network's budget is read as slowly as the budget says", async () => {
  await using here = world({ bytes: { perSecond: 1, burst: 1_000_000 } });
  const conn = await here.call();
  const bytes = new Uint8Array(8_000_000).fill(0xff);
  const writing = write(conn, bytes).catch(() => {});
  await until(() => here.inside.bytes >= 500_000);
  // What the door read when the budget was used up is the last that it passes on.
  const passed = here.inside.bytes;
  const other = await here.call();
  await write(other, Uint8Array.of(0xff));
  await until(() => here.door.open === 2);
  assert.ok(here.inside.bytes <= 1_000_000, `${passed}, ${here.inside.bytes}`);
  conn.close();
  await writing;
});

Deno.test("The front door tells of what it passes inside: of one whole message, or of anything", async () => {
  const told: boolean[] = [];
  await using it = world({}, { onNews: (isOne) => told.push(isOne) });
  const caller = await it.call();
  const say = async (bytes: Uint8Array, expected: boolean[]) => {
    const before = it.inside.bytes;
    await caller.write(bytes);
    await until(() => it.inside.bytes === before + bytes.length);
    assert.deepEqual(told.splice(0), expected);
  };
  const message = new Uint8Array(202);
  message[1] = 200;
  const greeting = new Uint8Array(64);
  greeting[0] = 0xff;
  await say(greeting, []);
  await say(message, [true]);
  await say(new Uint8Array([...message, ...message]), [false]);
  await say(new Uint8Array(2), []);
  await say(new Uint8Array([...message, 0]), [false]);
  await say(Uint8Array.of(0), [true]);
  // The first piece of a long one is no whole message, the last one makes it whole.
  await say(message.subarray(0, 150), [false]);
  await say(message.subarray(150), [true]);
});

Deno.test("A door that closes ends every connection, and its port is free", async () => {
  await using here = world();
  const conn = await here.call();
  await write(conn, Uint8Array.of(0xff));
  await readAll(conn, 1);
  const { port } = here.door;
  await here.door.close();
  await here.door.close();
  assert.ok(await isEnded(conn));
  Deno.listen({ hostname: "127.0.0.1", port }).close();
});

Deno.test("Frames are counted whatever pieces they come in", () => {
  const lengths = fc.array(
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 256, max: 5_000 })),
  );
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 700 }), (frames, piece) => {
      const parts = [new Uint8Array(64).fill(0xff)];
      for (const length of frames) {
        const isLong = length > 255;
        const head = new Uint8Array(isLong ? 9 : 2);
        head[0] = isLong ? 2 : 0;
        new DataView(head.buffer).setUint16(
          head.length - 2,
          isLong ? length : (head[0] << 8) | length,
        );
        parts.push(head, new Uint8Array(length).fill(0xff));
      }
      const stream = Uint8Array.from(parts.flatMap((part) => [...part]));
      const counter = new ZmtpFrames();
      let counted = 0;
      for (let at = 0; at < stream.length; at += piece) {
        counted += counter.count(stream.subarray(at, at + piece));
      }
      assert.equal(counted, frames.length);
    }),
    { seed: 5, numRuns: 100 },
  );
});

Deno.test("Connections and links leave descriptors for everything else, however few there are", () => {
  for (const descriptors of [64, 256, 1_024, 4_096, 20_000, 1_048_576]) {
    const { connectionsMax, perAddressMax, perNetwork } = doorBounds(descriptors);
    const used = 3 * connectionsMax + 4 * linksWithin(descriptors);
    assert.ok(descriptors - used >= Math.min(320, descriptors / 2), `${descriptors}: ${used}`);
    assert.ok(perAddressMax <= perNetwork["4/24"] && perNetwork["4/24"] <= perNetwork["4/16"]);
    assert.ok(perNetwork["6/32"] <= Math.ceil(connectionsMax / 2));
  }
  assert.equal(doorBounds(20_000).connectionsMax, 2_048);
  assert.equal(linksWithin(20_000), 400);
});

Deno.test(
  withIPv6("At :: callers of both families come in, under their plain addresses"),
  async () => {
    const came: string[] = [];
    const service = ({ address, end }: Caller) => {
      came.push(address.ip);
      end();
      return Promise.resolve();
    };
    await using one = world({}, {
      listen: { ip: "::", port: 0 },
      services: new Map([[7, service]]),
    });
    for (const hostname of ["127.0.0.1", "::1"]) {
      const conn = await Deno.connect({ hostname, port: one.door.port });
      one.callers.push(conn);
      await write(conn, Uint8Array.of(7));
      assert.ok(await isEnded(conn));
    }
    assert.deepEqual(came, ["127.0.0.1", "::1"]);
  },
);
