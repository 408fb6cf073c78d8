import assert from "node:assert/strict";
import fc from "fast-check";
import { defaultGateway, gatewayOf } from "../../../net/reach/gateway.ts";
import {
  type Mapping,
  type MappingRequest,
  natPmpRequest,
  pcpRequest,
  readNatPmp,
  readPcp,
} from "../../../net/reach/mapping_codec.ts";
import { type MapPort, routerMapper } from "../../../net/reach/port_mapper.ts";
import { PortMappings } from "../../../net/reach/port_mappings.ts";
import { delay } from "../../../lib/waiting.ts";
import type { Time, Timer } from "../../../lib/time.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { realTime } from "../kademlia/support.ts";

const request: MappingRequest = { transport: "tcp", port: 7000, lifetimeS: 7_200 };
const nonce = new Uint8Array(12).fill(7);
const bytesOf = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));

/** The answer of a PCP server to a request: granted at another port, for less time. */
function pcpAnswer(asked: Uint8Array, outerPort = 7100, lifetimeS = 3_600): Uint8Array {
  const answer = asked.slice();
  const view = new DataView(answer.buffer);
  view.setUint8(1, 0x81);
  view.setUint8(3, 0);
  view.setUint32(4, lifetimeS);
  view.setUint16(42, outerPort);
  return answer;
}

/** The answer of a NAT-PMP server to a request. */
function natPmpAnswer(asked: Uint8Array, outerPort = 7200): Uint8Array {
  const answer = new Uint8Array(16);
  const view = new DataView(answer.buffer);
  view.setUint8(1, 0x80 + (asked[1] ?? 0));
  answer.set(asked.subarray(4, 6), 8);
  view.setUint16(10, outerPort);
  view.setUint32(12, 7_200);
  return answer;
}

Deno.test("A request of NAT-PMP has the bytes of RFC 6886, section 3.3", () => {
  assert.deepEqual(natPmpRequest(request), bytesOf("00 02 0000 1b58 1b58 00001c20"));
  const back = { transport: "udp", port: 8000, lifetimeS: 0 } as const;
  assert.deepEqual(natPmpRequest(back), bytesOf("00 01 0000 1f40 0000 00000000"));
});

Deno.test("A request of PCP has the bytes of RFC 6887, sections 7.1 and 11.1", () => {
  assert.deepEqual(
    pcpRequest(request, "192.168.1.20", nonce),
    bytesOf(
      "02 01 0000 00001c20 00000000000000000000ffffc0a80114" +
        "070707070707070707070707 06 000000 1b58 1b58 00000000000000000000ffff00000000",
    ),
  );
  assert.equal(pcpRequest(request, "fd00::1", nonce), undefined);
});

Deno.test("What a router grants is read, and answers to other requests are not", () => {
  const pcp = pcpRequest(request, "192.168.1.20", nonce);
  assert.ok(pcp);
  assert.deepEqual(readPcp(pcpAnswer(pcp), request, nonce), { outerPort: 7100, lifetimeS: 3_600 });
  assert.equal(readPcp(pcp, request, nonce), undefined, "the request itself");
  assert.equal(readPcp(pcpAnswer(pcp), request, nonce.map((b) => b + 1)), undefined);
  assert.equal(readPcp(pcpAnswer(pcp), { ...request, port: 7001 }, nonce), undefined);
  assert.equal(readPcp(pcpAnswer(pcp), { ...request, transport: "udp" }, nonce), undefined);
  assert.equal(readPcp(pcpAnswer(pcp, 0), request, nonce), undefined);
  const refused = pcpAnswer(pcp);
  refused[3] = 2;
  assert.equal(readPcp(refused, request, nonce), undefined);
  const pmp = natPmpRequest(request);
  assert.deepEqual(readNatPmp(natPmpAnswer(pmp), request), { outerPort: 7200, lifetimeS: 7_200 });
  assert.equal(readNatPmp(natPmpAnswer(pmp), { ...request, transport: "udp" }), undefined);
  assert.equal(readNatPmp(natPmpAnswer(pmp), { ...request, port: 7001 }), undefined);
  const [version, code] = [natPmpAnswer(pmp), natPmpAnswer(pmp)];
  version[0] = 2;
  code[3] = 2;
  for (const wrong of [version, code, natPmpAnswer(pmp, 0), natPmpAnswer(pmp).subarray(0, 15)]) {
    assert.equal(readNatPmp(wrong, request), undefined);
  }
  const [other, request_] = [pcpAnswer(pcp), pcpAnswer(pcp)];
  other[0] = 1;
  request_[1] = 1;
  for (const wrong of [other, request_, pcpAnswer(pcp).subarray(0, 59)]) {
    assert.equal(readPcp(wrong, request, nonce), undefined);
  }
  // RFC 6887, appendix A: a router with PCP alone answers NAT-PMP with "unsupported version".
  assert.equal(readNatPmp(bytesOf("00 82 0001 00000000 0000 0000 00000000"), request), undefined);
});

Deno.test("Attack: whatever a router says is read or refused, never thrown at", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      readPcp(bytes, request, nonce);
      readNatPmp(bytes, request);
    }),
    { seed: 14, numRuns: 500 },
  );
});

Deno.test("The default route of Linux names the router", () => {
  const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";
  const local = "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
  const route = "eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\n";
  assert.equal(defaultGateway(head + local + route), "192.168.2.1");
  for (const text of ["", head, head + local, `${head}eth0\t00000000\tnonsense\n`]) {
    assert.equal(defaultGateway(text), undefined);
  }
});

Deno.test("Where no route names the router it is taken to be the first of the home network", async () => {
  const route = "Iface\tDestination\tGateway\neth0\t00000000\t0102A8C0\n";
  const home = { cidr: "192.168.7.20/24" };
  assert.equal(await gatewayOf(home, () => Promise.resolve(route)), "192.168.2.1");
  assert.equal(await gatewayOf(undefined, () => Promise.resolve(route)), "192.168.2.1");
  // A line that is dialled has a default route without a router.
  const dialled = route.replace("0102A8C0", "00000000");
  assert.equal(await gatewayOf(home, () => Promise.resolve(dialled)), "192.168.7.1");
  const none = () => Promise.reject(new Deno.errors.NotFound("no such file"));
  assert.equal(await gatewayOf(home, none), "192.168.7.1");
  assert.equal(await gatewayOf({ cidr: "fd00::7/64" }, none), undefined);
  assert.equal(await gatewayOf(undefined, none), undefined);
});

/** A router on loopback that answers what it gets as the test says. */
function router(
  answer: (bytes: Uint8Array) => Uint8Array | undefined,
  time: Pick<Time, "after"> = realTime,
) {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  const serve = async () => {
    for await (const [bytes, from] of socket) {
      const said = answer(bytes);
      if (said !== undefined) await socket.send(said, from);
    }
  };
  void serve();
  const map = routerMapper({
    time,
    random: new SeededRandom("router"),
    port,
    gateway: () => Promise.resolve("127.0.0.1"),
    home: () => [{ ip: "192.168.1.20", cidr: "192.168.1.20/24" }],
  });
  return { map, close: () => socket.close() };
}

Deno.test("A router is asked in PCP and NAT-PMP at once, and whichever it speaks is understood", async () => {
  const { signal } = new AbortController();
  const both = router((bytes) => bytes[0] === 2 ? pcpAnswer(bytes) : natPmpAnswer(bytes));
  assert.deepEqual(await both.map(request, signal), { outerPort: 7100, lifetimeS: 3_600 });
  both.close();
  const old = router((bytes) =>
    bytes[0] === 0 ? natPmpAnswer(bytes) : Uint8Array.of(0, 0x81, 0, 1)
  );
  assert.deepEqual(await old.map(request, signal), { outerPort: 7200, lifetimeS: 7_200 });
  old.close();
});

Deno.test("A router that does not answer is given up when told to, and what it may have granted is taken back", async () => {
  const ending = new AbortController();
  const { signal } = ending;
  const waits: number[] = [];
  // All but the first wait are over only once it has been given up.
  const time: Pick<Time, "after"> = {
    after: (ms, fn) => {
      waits.push(ms);
      if (ms === 0) return realTime.after(0, fn);
      const waiting = { timer: undefined as Timer | undefined };
      const over = () => waiting.timer = realTime.after(0, fn);
      if (signal.aborted) over();
      else signal.addEventListener("abort", over, { once: true });
      return {
        cancel: () => {
          signal.removeEventListener("abort", over);
          waiting.timer?.cancel();
        },
      };
    },
  };
  const heard: string[] = [];
  const back = Promise.withResolvers<void>();
  const { map, close } = router((bytes) => {
    heard.push(bytes.toHex().slice(0, bytes.length === 60 ? 16 : 24));
    if (heard.length === 4) back.resolve();
    ending.abort();
    return undefined;
  }, time);
  assert.equal(await map(request, signal), undefined);
  assert.deepEqual(waits, [0, 250]);
  // It may have granted it all the same: that is taken back, in both protocols.
  await back.promise;
  const [pcp, natPmp] = ["0201000000000000", "000200001b58000000000000"];
  assert.deepEqual(heard.slice(2), [pcp, natPmp]);
  close();
});

Deno.test("A router that does not answer is asked four times within 1.75 s, and 2.5 s later given up", async () => {
  const waits: number[] = [];
  const time: Pick<Time, "after"> = {
    after: (ms, fn) => {
      waits.push(ms);
      return realTime.after(0, fn);
    },
  };
  const { map, close } = router(() => undefined, time);
  assert.equal(await map(request, new AbortController().signal), undefined);
  assert.deepEqual(waits, [0, 250, 500, 1_000, 2_500]);
  close();
});

Deno.test("A question that got lost is asked again", async () => {
  let lost = 2;
  const { map, close } = router((bytes) => lost-- > 0 ? undefined : pcpOrNatPmp(bytes), {
    after: (_ms, fn) => realTime.after(1, fn),
  });
  assert.ok(await map(request, new AbortController().signal));
  close();
});

Deno.test("Attack: another program answers in the router's place, and is not believed", async () => {
  const other = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let to: Deno.Addr | undefined;
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const serve = async () => {
    for await (const [bytes, from] of socket) {
      to = from;
      await other.send(pcpOrNatPmp(bytes), from);
    }
  };
  void serve();
  const map = routerMapper({
    time: { after: (_ms, fn) => realTime.after(1, fn) },
    random: new SeededRandom("router"),
    port: (socket.addr as Deno.NetAddr).port,
    gateway: () => Promise.resolve("127.0.0.1"),
    home: () => [{ ip: "192.168.1.20", cidr: "192.168.1.20/24" }],
  });
  assert.equal(await map(request, new AbortController().signal), undefined);
  assert.ok(to, "it was asked");
  socket.close();
  other.close();
});

Deno.test("Without a router or a home network nothing is asked", async () => {
  const { signal } = new AbortController();
  const random = new SeededRandom("none");
  const home = () => [{ ip: "192.168.1.20", cidr: "192.168.1.20/24" }];
  const none = routerMapper({
    time: realTime,
    random,
    home,
    gateway: () => Promise.resolve(undefined),
  });
  assert.equal(await none(request, signal), undefined);
  const gateway = () => Promise.resolve("127.0.0.1");
  const away = routerMapper({ time: realTime, random, home: () => [], gateway });
  assert.equal(await away(request, signal), undefined);
});

/** What a router that speaks both says. */
function pcpOrNatPmp(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 2 ? pcpAnswer(bytes) : natPmpAnswer(bytes);
}

/** A router that notes what it was asked, in virtual time. */
function noting(grant: (request: MappingRequest) => Mapping | undefined) {
  const asked: string[] = [];
  const map: MapPort = (request) => {
    asked.push(`${request.transport} ${request.port} ${request.lifetimeS}`);
    return Promise.resolve(grant(request));
  };
  return { asked, map };
}

Deno.test("Both ports are mapped, renewed at half their life, and taken back at the end", async () => {
  const clock = new VirtualClock();
  const { asked, map } = noting(({ port }) => ({ outerPort: port + 100, lifetimeS: 3_600 }));
  const mappings = new PortMappings({ time: clock, mappers: [map] });
  assert.equal(await clock.drive(mappings.open({ tcp: 7000, udp: 8000 })), 7100);
  assert.equal(mappings.outerUdpPort, 8100);
  assert.deepEqual(asked.splice(0), ["tcp 7000 7200", "udp 8000 7200"]);
  await clock.advance(1_799_000);
  assert.deepEqual(asked, []);
  await clock.advance(2_000);
  assert.deepEqual(asked.splice(0), ["tcp 7000 7200", "udp 8000 7200"]);
  await clock.drive(mappings.close());
  assert.deepEqual(asked, ["tcp 7000 0", "udp 8000 0"]);
  assert.equal(mappings.outerUdpPort, undefined);
  assert.equal(clock.pending, 0);
});

Deno.test("The next way of asking is tried where one has not succeeded within a fifth of a second", async () => {
  const clock = new VirtualClock();
  const none = noting(() => undefined);
  const other = noting(({ port }) => ({ outerPort: port, lifetimeS: 60 }));
  const mappings = new PortMappings({ time: clock, mappers: [none.map, other.map] });
  assert.equal(await clock.drive(mappings.open({ tcp: 7000, udp: 8000 })), 7000);
  assert.equal(clock.monotonic(), 200);
  await clock.drive(mappings.close());

  const first = noting(({ port }) => ({ outerPort: port, lifetimeS: 60 }));
  const spared = noting(() => assert.fail("the first has succeeded"));
  const others = new PortMappings({ time: clock, mappers: [first.map, spared.map] });
  assert.equal(await clock.drive(others.open({ tcp: 7000, udp: 8000 })), 7000);
  await clock.advance(1_000);
  assert.deepEqual(spared.asked, []);
  await clock.drive(others.close());
});

Deno.test("Where no router lets others in, there is no port, and nothing is asked again", async () => {
  const clock = new VirtualClock();
  const { asked, map } = noting(() => undefined);
  const mappings = new PortMappings({ time: clock, mappers: [map] });
  assert.equal(await clock.drive(mappings.open({ tcp: 7000, udp: 8000 })), undefined);
  await clock.advance(10_000_000);
  assert.equal(asked.length, 2);
  await mappings.close();
});

Deno.test("A mapping of a short life is renewed after half a minute, and none once all is taken back", async () => {
  const clock = new VirtualClock();
  const { asked, map } = noting(({ port }) => ({ outerPort: port, lifetimeS: 10 }));
  const mappings = new PortMappings({ time: clock, mappers: [map] });
  await clock.drive(mappings.open({ tcp: 7000, udp: 8000 }));
  await clock.advance(29_999);
  assert.equal(asked.length, 2);
  await clock.advance(1);
  assert.equal(asked.length, 4);
  await clock.drive(mappings.release());
  await clock.advance(600_000);
  assert.deepEqual(asked.slice(4), ["tcp 7000 0", "udp 8000 0"]);
  await clock.drive(mappings.close());
});

Deno.test("A renewal asks in the way that succeeded, another port and a lost mapping in every way", async () => {
  const clock = new VirtualClock();
  const first = noting(() => undefined);
  let grants = true;
  const second = noting(({ port }) => grants ? { outerPort: port, lifetimeS: 600 } : undefined);
  const mappings = new PortMappings({ time: clock, mappers: [first.map, second.map] });
  await clock.drive(mappings.open({ tcp: 7000, udp: 8000 }));
  assert.equal(first.asked.length, 2);
  await clock.advance(310_000);
  assert.deepEqual([first.asked.length, second.asked.length], [2, 4]);
  await clock.drive(mappings.open({ tcp: 7001, udp: 8000 }));
  assert.deepEqual(first.asked.slice(2), ["tcp 7001 7200"]);
  // A mapping that was not renewed is not held any more.
  grants = false;
  assert.equal(await clock.drive(mappings.open({ tcp: 7001, udp: 8000 })), undefined);
  await clock.drive(mappings.release());
  assert.deepEqual(second.asked.filter((one) => one.endsWith(" 0")), []);
  await clock.drive(mappings.close());
});

Deno.test("What is granted while the end begins is taken back", async () => {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const map: MapPort = async ({ transport, port, lifetimeS }) => {
    asked.push(`${transport} ${lifetimeS}`);
    if (lifetimeS > 0) await delay(clock, 30);
    return { outerPort: port, lifetimeS };
  };
  const mappings = new PortMappings({ time: clock, mappers: [map] });
  const opened = mappings.open({ tcp: 7000, udp: 8000 });
  await clock.advance(10);
  await clock.drive(mappings.close());
  await opened;
  assert.deepEqual(asked, ["tcp 7200", "udp 7200", "tcp 0", "udp 0"]);
  assert.equal(clock.pending, 0);
});

Deno.test("A router that does not answer holds up the end by one second", async () => {
  const clock = new VirtualClock();
  const map: MapPort = ({ port, lifetimeS }) =>
    lifetimeS > 0 ? Promise.resolve({ outerPort: port, lifetimeS }) : new Promise(() => {});
  const mappings = new PortMappings({ time: clock, mappers: [map] });
  await clock.drive(mappings.open({ tcp: 7000, udp: 8000 }));
  const startMs = clock.monotonic();
  await clock.drive(mappings.close());
  assert.equal(clock.monotonic() - startMs, 1_000);
});
