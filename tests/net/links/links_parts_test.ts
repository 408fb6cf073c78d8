import assert from "node:assert/strict";
import fc from "fast-check";
import { curveKeyPair } from "zeromq";
import {
  readAddress,
  readRoute,
  relayAddress,
  type Route,
  routesTo,
  zmqAddress,
} from "../../../net/links/addresses.ts";
import { ByteReader, firstBytes } from "../../../net/links/byte_reader.ts";
import { Dialler } from "../../../net/links/dialler.ts";
import { ByteBudget, FrameQueue } from "../../../net/links/frame_queue.ts";
import type { Family } from "../../../lib/ip_address.ts";
import {
  addressesMax,
  doubtMs,
  frameAgeMsMax,
  nativeGrowthBytesMax,
  queuedBytesMax,
} from "../../../net/links/link_limits.ts";
import { MemoryGuard } from "../../../net/links/memory_guard.ts";
import { receivePauseMs } from "../../../net/links/receiver.ts";
import { linkKeyIn, nameOf, socksAnswer, socksRequest } from "../../../net/links/socks.ts";
import { z85Encode } from "../../../net/links/z85.ts";
import { VirtualClock } from "../../sim/clock.ts";

Deno.test("Z85 encodes the example of RFC 32 and refuses odd lengths", () => {
  const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
  assert.equal(z85Encode(bytes), "HelloWorld");
  assert.equal(z85Encode(new Uint8Array(32).fill(0xff)).length, 40);
  assert.throws(() => z85Encode(bytes.subarray(1)), RangeError);
  assert.equal(curveKeyPair().publicKey.length, 40);
});

Deno.test("Addresses are told apart by the sort of network they belong to", () => {
  const kinds: Record<string, string | undefined> = {
    "203.0.113.7": undefined, // documentation, reserved
    "8.8.8.8": "public",
    "2a00:1450::1": "public",
    "[2a00:1450::1]": "public",
    "10.1.2.3": "private",
    "192.168.1.1": "private",
    "172.16.0.1": "private",
    "100.64.0.1": "private",
    "fd00::1": "private",
    "127.0.0.1": "loopback",
    "127.9.9.9": "loopback",
    "::1": "loopback",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "0.0.0.0": undefined,
    "::": undefined,
    "255.255.255.255": undefined,
    "224.0.0.1": undefined,
    "ff02::1": undefined,
    "169.254.169.254": undefined,
    "fe80::1": undefined,
    "fe80::1%eth0": undefined,
    "::1%lo": undefined,
    "127.1": undefined,
    "2130706433": undefined,
    "0x7f000001": undefined,
    "0177.0.0.1": undefined,
    "localhost": undefined,
    "8.8.8.8;ipc:///tmp/x": undefined,
    "8.8.8.8:53": undefined,
    "": undefined,
  };
  for (const [text, kind] of Object.entries(kinds)) {
    assert.equal(readAddress(text)?.kind, kind, text);
  }
  assert.equal(zmqAddress({ ip: "::1", isIPv6: true }, 7), "tcp://[::1]:7");
  assert.equal(readAddress("::ffff:10.0.0.1")?.ip, "10.0.0.1");
});

Deno.test("Any text as address is read or refused, never thrown at", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
      const address = readAddress(text);
      if (address) assert.deepEqual(readAddress(address.ip), address);
    }),
    { seed: 5, numRuns: 500 },
  );
});

Deno.test("Only addresses of one's own kind are dialled, each once, and no more than a few", () => {
  const linkKey = new Uint8Array(32);
  const addresses = ["10.0.0.1", "8.8.8.8", "127.0.0.1", "::ffff:8.8.8.8"];
  const dial = (own: string[], all = addresses) =>
    routesTo({ linkKey, addresses: all, port: 1 }, { addresses: own, homeNetworks: [] })
      .map(({ address }) => address.ip);
  assert.deepEqual(dial(["1.1.1.1"]), ["8.8.8.8"]);
  assert.deepEqual(dial(["192.168.7.7"]), ["10.0.0.1", "8.8.8.8"]);
  assert.deepEqual(dial(["::1", "1.1.1.1"]), ["8.8.8.8", "127.0.0.1"]);
  assert.deepEqual(dial(["nonsense"]), ["8.8.8.8"]);
  const many = Array.from({ length: 100 }, (_, i) => `8.8.4.${i}`);
  assert.equal(dial(["1.1.1.1"], many).length, addressesMax);
});

Deno.test("No address of a family that the machine lacks is dialled, but its own", () => {
  const addresses = ["8.8.8.8", "2a01:1::2", "relay/9.9.9.9:7", "relay/[2a01:9::9]:7", "::1"];
  const dial = (families?: readonly Family[]) =>
    routesTo({ linkKey: new Uint8Array(32), addresses, port: 1 }, {
      addresses: ["1.1.1.1", "::1"],
      homeNetworks: [],
      ...(families === undefined ? {} : { families }),
    }).map(({ address }) => address.ip);
  assert.deepEqual(dial([4]), ["8.8.8.8", "9.9.9.9", "::1"]);
  assert.deepEqual(dial([6]), ["2a01:1::2", "2a01:9::9", "::1"]);
  assert.equal(dial([4, 6]).length, 5);
  assert.equal(dial().length, 5);
});

Deno.test("Attack: a stranger's record makes a peer dial its home network only from that home, and only there", () => {
  const linkKey = new Uint8Array(32);
  const own = {
    addresses: ["80.1.2.3", "0.0.0.0"],
    homeNetworks: ["192.168.1.20/24", "fd00:1::20/64"],
  };
  const dial = (...addresses: string[]) =>
    routesTo({ linkKey, addresses, port: 1 }, own).map(({ address }) => address.ip);
  const inside = ["192.168.1.7", "fd00:1::7"];
  assert.deepEqual(dial("81.1.2.3", ...inside), ["81.1.2.3"], "another home");
  assert.deepEqual(dial(...inside), [], "a home that is not told");
  assert.deepEqual(dial("80.1.2.3", ...inside), ["80.1.2.3", ...inside], "the same home");
  const outside = ["127.0.0.1", "::1", "192.168.2.7", "10.0.0.1", "fd00:2::7", "169.254.1.1"];
  assert.deepEqual(dial("80.1.2.3", ...outside), ["80.1.2.3"]);
});

Deno.test("A peer that is itself the relay dials its front door on this machine, under the relay's name", () => {
  const addresses = [
    "relay/80.1.2.3:7100",
    "relay/80.1.2.3:7001",
    "relay/9.9.9.9:7100",
    "80.1.2.3",
  ];
  const dial = (at?: string) =>
    routesTo({ linkKey: new Uint8Array(32), addresses, port: 7100 }, {
      addresses: ["80.1.2.3"],
      homeNetworks: [],
      ...(at === undefined ? {} : {
        door: { at: { ip: at, port: 7000 }, places: [{ ip: "80.1.2.3", port: 7100 }] },
      }),
    });
  const told = (at?: string) => dial(at).map(({ address, port }) => `${address.ip} ${port}`);
  const others = ["80.1.2.3 7001", "9.9.9.9 7100", "80.1.2.3 7100"];
  assert.deepEqual(told(), ["80.1.2.3 7100", ...others]);
  assert.deepEqual(told("0.0.0.0"), ["127.0.0.1 7000", ...others]);
  assert.deepEqual(told("::"), ["127.0.0.1 7000", ...others]);
  assert.deepEqual(told("192.168.1.7"), ["192.168.1.7 7000", ...others]);
  assert.deepEqual(dial("::").map(({ name }) => name), dial().map(({ name }) => name));
});

Deno.test("A relay's address is written and read with its port; what is none is no route", () => {
  const ways = ["8.8.8.8", relayAddress({ ip: "1.1.1.1", port: 7001 }), "relay/[2a00::1]:9"];
  const own = { addresses: ["80.1.2.3"], homeNetworks: ["10.0.0.0/8"] };
  const routes = (...addresses: string[]) =>
    routesTo({ linkKey: new Uint8Array(32), addresses, port: 7 }, own)
      .map(({ address, port, isRelay }) => [address.ip, port, isRelay]);
  assert.deepEqual(routes(...ways), [
    ["8.8.8.8", 7, false],
    ["1.1.1.1", 7001, true],
    ["2a00::1", 9, true],
  ]);
  for (const text of ["relay/", "relay/1.1.1.1", "relay/1.1.1.1:0", "relay/1.1.1.1:65536"]) {
    assert.deepEqual(routes(text), [], text);
  }
  assert.deepEqual(routes("relay/10.0.0.1:7", "relay/127.0.0.1:7", "relay/host:7"), []);
  // The same outer address makes no relay of the home network dialled.
  assert.deepEqual(routes("80.1.2.3", "relay/10.0.0.1:7"), [["80.1.2.3", 7, false]]);
});

Deno.test("A frame queue keeps order, its bounds and its share of the budget", () => {
  const budget = new ByteBudget(queuedBytesMax + 1_000);
  const queue = new FrameQueue(budget);
  const frame = (index: number) => new Uint8Array(100).fill(index);
  for (let i = 0; i < 5; i++) assert.equal(queue.push(frame(i), 5, 0), true);
  assert.equal(queue.push(frame(5), 5, 0), false, "too many");
  assert.equal(budget.usedBytes, 500);
  assert.equal(queue.shift(0)?.[0], 0);
  assert.equal(queue.shift(0)?.[0], 1);
  assert.equal(queue.length, 3);
  assert.equal(queue.push(new Uint8Array(queuedBytesMax), 5, 0), false, "too many bytes");
  const other = new FrameQueue(budget);
  assert.equal(other.push(new Uint8Array(queuedBytesMax), 5, 0), true);
  assert.equal(queue.push(new Uint8Array(800), 5, 0), false, "the others' bytes count");
  assert.equal(queue.shift(frameAgeMsMax)?.[0], 2, "just young enough");
  assert.equal(queue.shift(frameAgeMsMax + 1), undefined, "stale");
  assert.equal(queue.length, 0);
  assert.equal(queue.push(new Uint8Array(1_000), 5, 0), true, "all that is left");
  assert.equal(queue.push(new Uint8Array(1), 5, 0), false);
  other.clear();
  assert.equal(budget.usedBytes, 1_000);
});

Deno.test("Frames that have waited too long make room for others", () => {
  const queue = new FrameQueue(new ByteBudget(1_000));
  for (let i = 0; i < 3; i++) assert.equal(queue.push(new Uint8Array(10), 3, 100 * i), true);
  assert.equal(queue.push(new Uint8Array(10), 3, frameAgeMsMax), false);
  assert.equal(queue.push(new Uint8Array(10), 3, frameAgeMsMax + 101), true);
  assert.equal(queue.length, 2);
});

Deno.test("Bytes are taken so many at a time, those that were read before first", async () => {
  const parts = [[4, 5, 6], [7], [8, 9]].map((part) => Uint8Array.from(part));
  const reader = new ByteReader({
    read: (into) => {
      const [part] = parts;
      if (part === undefined) return Promise.resolve(null);
      const taken = part.subarray(0, into.length);
      into.set(taken);
      if (taken.length < part.length) parts[0] = part.subarray(taken.length);
      else parts.shift();
      return Promise.resolve(taken.length);
    },
  }, Uint8Array.of(1, 2, 3));
  assert.deepEqual([...await reader.take(2)], [1, 2]);
  assert.deepEqual([...await reader.take(3)], [3, 4, 5]);
  assert.deepEqual([...await reader.take(0)], []);
  assert.deepEqual([...reader.takeRest()], []);
  assert.deepEqual([...await reader.take(3)], [6, 7, 8]);
  await assert.rejects(reader.take(2), /the connection ended/);
  const had = new ByteReader({ read: () => Promise.resolve(null) }, Uint8Array.of(1, 2));
  assert.deepEqual([...await had.take(1)], [1]);
  assert.deepEqual([...had.takeRest()], [2]);
  assert.deepEqual([...had.takeRest()], []);
});

Deno.test("The first bytes of a connection take no more space than they need; one that ends has none", async () => {
  const first = await firstBytes({
    read(into) {
      into.set([5, 1, 0]);
      return Promise.resolve(3);
    },
  }, 4_096);
  assert.deepEqual(first, Uint8Array.of(5, 1, 0));
  assert.equal(first?.buffer.byteLength, 3);
  assert.equal(await firstBytes({ read: () => Promise.resolve(null) }, 4_096), undefined);
});

Deno.test("A relay is asked in SOCKS5 for a link key of 32 bytes, by a name that no resolver knows", () => {
  const linkKey = new Uint8Array(32).fill(0xab);
  const name = `${"ab".repeat(32)}.camellia`;
  assert.equal(nameOf(linkKey), name);
  assert.deepEqual(linkKeyIn(name), linkKey);
  for (const other of ["ab".repeat(32), `${"ab".repeat(31)}.camellia`, `${name}.`, ".camellia"]) {
    assert.equal(linkKeyIn(other), undefined, other);
  }
  const [version, command, reserved, kind, length, ...rest] = socksRequest(linkKey);
  assert.deepEqual([version, command, reserved, kind, length], [5, 1, 0, 3, name.length]);
  assert.deepEqual(rest, [...new TextEncoder().encode(name), 0, 1]);
  assert.deepEqual([...socksAnswer("refused")], [5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
});

Deno.test("A frame queue behaves as a list does", () => {
  const steps = fc.array(fc.oneof(fc.constant(-1), fc.nat(1_000)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (sizes) => {
      const queue = new FrameQueue(new ByteBudget(1e9));
      const model: number[] = [];
      for (const size of sizes) {
        if (size < 0) assert.equal(queue.shift(0)?.length, model.shift());
        else if (queue.push(new Uint8Array(size), 50, 0)) model.push(size);
        assert.equal(queue.length, model.length);
      }
    }),
    { seed: 6, numRuns: 200 },
  );
});

Deno.test("The PULL socket is looked at every 5 ms in use and every 25 ms when idle", () => {
  assert.equal(receivePauseMs(0), 5);
  assert.equal(receivePauseMs(999), 5);
  assert.equal(receivePauseMs(2_000), 10);
  assert.equal(receivePauseMs(60_000), 25);
});

const routeA = readRoute("10.0.0.1", 7) as Route;
const routeB = readRoute("10.0.0.2", 7) as Route;
const routeC = readRoute("10.0.0.3", 7) as Route;

/** Addresses that answer after some time, refuse after some time (negative), or hang. */
function simDialler(answersMs: Record<string, number | undefined>) {
  const clock = new VirtualClock();
  const dialled: string[] = [];
  const dialler = new Dialler(clock, (ip, _port, signal) => {
    dialled.push(`${ip}@${clock.monotonic()}`);
    const ms = answersMs[ip];
    return new Promise((resolve, reject) => {
      if (ms === undefined) return;
      const timer = clock.after(
        Math.abs(ms),
        ms > 0 ? resolve : () => reject(new Error("refused")),
      );
      signal.addEventListener("abort", () => timer.cancel());
    });
  });
  const reach = (routes: Route[], signal?: AbortSignal, key = "device") =>
    clock.drive(dialler.reach({ key, routes, timeoutMs: 2_000 }, signal));
  /** How many dials there are when so many other devices are to be reached on a route. */
  const dialsOf = async (count: number, routeOf: (i: number) => Route) => {
    dialled.length = 0;
    for (let i = 0; i < count; i++) await reach([routeOf(i)], undefined, `other${i}`);
    return dialled.length;
  };
  return { clock, dialler, dialled, reach, dialsOf };
}

Deno.test("Others may dial one place four times, but for the device that was met there last", async () => {
  const { clock, dialler, dialled, reach, dialsOf } = simDialler({ "10.0.0.1": -0.001 });
  assert.equal(await dialsOf(10, () => routeA), 4);
  await clock.advance(9_000);
  assert.equal(await dialsOf(10, () => routeA), 0);
  await clock.advance(1_000);
  assert.equal(await dialsOf(10, () => routeA), 1);
  dialler.met("device", routeA, 1);
  dialled.length = 0;
  for (let i = 0; i < 10; i++) await reach([routeA]);
  assert.equal(dialled.length, 10);
  // A device that was not met there takes one more.
  await clock.advance(20_000);
  dialler.failed("other", routeA);
  assert.equal(await dialsOf(10, () => routeA), 1);
});

Deno.test("At one place four links are up, at a relay sixty-four, and then no other device is dialled for", async () => {
  const { clock, dialler, dialsOf } = simDialler({ "10.0.0.1": -0.001, "1.1.1.1": -0.001 });
  const relay = readRoute("relay/1.1.1.1:7", 7) ?? assert.fail();
  for (const [route, most] of [[routeA, 4], [relay, 64]] as const) {
    for (let i = 1; i < most; i++) dialler.met(`met${i}`, route, 1);
    assert.equal(await dialsOf(1, () => route), 1);
    dialler.met("last", route, 1);
    assert.equal(await dialsOf(5, () => route), 0);
    dialler.met("last", route, -1);
    assert.equal(await dialsOf(1, () => route), 1);
  }
  // Many are met at a relay, and so none of them is dialled for without being counted.
  await clock.advance(64_000);
  for (let i = 1; i < 64; i++) dialler.met(`met${i}`, relay, -1);
  dialler.met("other0", relay, 1);
  assert.equal(await dialsOf(70, () => relay), 64);
});

Deno.test("Others may dial a relay 64 times, and then once a second", async () => {
  const { clock, dialsOf } = simDialler({ "10.0.0.1": -0.001 });
  const relay = readRoute("relay/10.0.0.1:7", 7) ?? assert.fail();
  assert.equal(await dialsOf(80, () => relay), 64);
  await clock.advance(10_000);
  assert.equal(await dialsOf(80, () => relay), 10);
});

Deno.test("At one public address 64 ports are dialled, at a private one all", async () => {
  const { dialsOf } = simDialler({ "8.8.8.8": -0.001, "10.0.0.1": -0.001 });
  const port = (ip: string) => (i: number) => readRoute(ip, 1_000 + i) ?? assert.fail();
  assert.equal(await dialsOf(80, port("8.8.8.8")), 64);
  assert.equal(await dialsOf(80, port("10.0.0.1")), 80);
});

Deno.test("Dialling tries the next address at once on a refusal, and beside one that hangs", async () => {
  const answers: Record<string, number | undefined> = { "10.0.0.1": -5, "10.0.0.3": 40 };
  const { dialled, reach, clock } = simDialler(answers);
  assert.equal(await reach([routeA, routeB, routeC]), routeC);
  assert.deepEqual(dialled, ["10.0.0.1@0", "10.0.0.2@5", "10.0.0.3@255"]);
  assert.equal(clock.pending, 0);
});

Deno.test("Dialling remembers the good address until told to forget it", async () => {
  const { dialled, dialler, reach } = simDialler({ "10.0.0.1": -5, "10.0.0.2": 5 });
  await reach([routeA, routeB]);
  dialled.length = 0;
  assert.equal(await reach([routeA, routeB]), routeB);
  assert.deepEqual(dialled.map((one) => one.split("@")[0]), ["10.0.0.2"]);
  dialler.failed("device", routeB);
  dialled.length = 0;
  await reach([routeA, routeB]);
  assert.equal(dialled[0]?.split("@")[0], "10.0.0.1");
});

Deno.test("A relay that failed for one device comes last for all others, for a minute", async () => {
  const routes = [1, 2].map((n) => readRoute(`relay/10.0.0.${n}:7`, 7) ?? assert.fail());
  const { clock, dialled, dialler, reach } = simDialler({ "10.0.0.1": 5, "10.0.0.2": 5 });
  const firstDialled = async (key: string, of: readonly Route[]) => {
    dialled.length = 0;
    await reach([...of], undefined, key);
    return dialled[0]?.split("@")[0];
  };
  dialler.failed("one", routes[0] ?? assert.fail());
  assert.equal(await firstDialled("two", routes), "10.0.0.2");
  dialler.failed("one", routeA);
  assert.equal(
    await firstDialled("three", [routeA, routeB]),
    "10.0.0.1",
    "it is the device itself",
  );
  await clock.advance(10);
  dialler.failed("one", routes[1] ?? assert.fail());
  assert.equal(await firstDialled("five", routes), "10.0.0.1", "the other one failed later");
  await clock.advance(10);
  dialler.failed("one", routes[0] ?? assert.fail());
  assert.equal(await firstDialled("six", routes), "10.0.0.2");
  await clock.advance(doubtMs);
  assert.equal(await firstDialled("four", routes), "10.0.0.1");
});

Deno.test("Dialling gives up in time, when all refuse, and when told to", async () => {
  const { clock, reach } = simDialler({ "10.0.0.2": -5 });
  assert.equal(await reach([routeB]), undefined);
  assert.equal(clock.monotonic(), 5);
  assert.equal(await reach([routeA, routeB]), undefined);
  assert.equal(clock.monotonic(), 2_005);
  assert.equal(await reach([]), undefined);
  assert.equal(await reach([routeA], AbortSignal.abort()), undefined);
  const abort = new AbortController();
  clock.after(100, () => abort.abort());
  assert.equal(await reach([routeA], abort.signal), undefined);
  assert.equal(clock.monotonic(), 2_105);
  assert.equal(clock.pending, 0);
});

Deno.test("Memory that grows beyond its bound is told once, and measured from anew", async () => {
  const clock = new VirtualClock();
  const grown: number[] = [];
  let usedBytes = 500_000_000;
  const guard = new MemoryGuard({
    clock,
    usedBytes: () => usedBytes,
    onExcess: (bytes) => grown.push(bytes),
  });
  const after = async (bytes: number) => {
    usedBytes += bytes;
    await clock.advance(1_000);
    return grown.length;
  };
  assert.equal(await after(0), 0);
  assert.equal(await after(nativeGrowthBytesMax), 0);
  assert.equal(await after(1), 1);
  assert.deepEqual(grown, [nativeGrowthBytesMax + 1]);
  assert.equal(await after(nativeGrowthBytesMax), 1);
  assert.equal(await after(-400_000_000), 1);
  assert.equal(await after(nativeGrowthBytesMax + 1), 2);
  guard.close();
  assert.equal(await after(2 * nativeGrowthBytesMax), 2);
});
