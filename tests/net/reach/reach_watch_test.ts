import assert from "node:assert/strict";
import type { Links, ReachStatus } from "../../../core/ports.ts";
import { Exemption } from "../../../lib/networks.ts";
import { delay } from "../../../lib/waiting.ts";
import { homeAddresses, leadingAddresses, ownFamilies } from "../../../net/reach/interfaces.ts";
import { createReach, type ReachSettings } from "../../../net/reach/reach.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SimDirectoryNetwork } from "../../sim/directory.ts";
import { SeededRandom } from "../../sim/random.ts";
import { simReach } from "../../sim/reach.ts";
import type { RelayNeed } from "../../../net/reach/relay_client.ts";
import type { ReachWatchOptions } from "../../../net/reach/reach_watch.ts";

/** A watch over a directory that the test steers. */
function world(options: Partial<ReachWatchOptions> = {}) {
  const clock = new VirtualClock();
  const directory = new SimDirectoryNetwork(clock).directory();
  directory.address = "80.1.2.3";
  const at = {
    listening: { ip: "0.0.0.0", port: 7000 } as { ip: string; port: number } | undefined,
  };
  const links: Pick<Links, "status"> = {
    status: () =>
      at.listening === undefined
        ? { open: 0 }
        : { open: 0, listening: at.listening, door: at.listening },
  };
  const watch = simReach({ clock, directory, links: links as Links }, options);
  const heard: ReachStatus[] = [];
  watch.onChange((status) => heard.push(status));
  return { clock, directory, at, watch, heard };
}

/** Relays that the test steers, and what they were told. */
function fakeRelays(...passing: string[]) {
  const calls: string[] = [];
  const told = ({ lacking, isOnlyWay }: RelayNeed) => `${isOnlyWay ? "all" : "but"} ${lacking}`;
  const relays = {
    start: (need: RelayNeed) => void (calls.at(-1) === told(need) || calls.push(told(need))),
    stop: () => void calls.push("stop"),
    addresses: () => passing,
    get count() {
      return passing.length;
    },
    reserved: () => Promise.resolve(),
  };
  return { calls, passing, relays };
}

Deno.test("What others find out is known within seconds, and looked at again every 15 minutes", async () => {
  const { clock, directory, watch, heard } = world();
  watch.start();
  await clock.advance(100);
  assert.deepEqual(watch.status(), {
    state: "direct",
    relays: 0,
    places: [{ ip: "80.1.2.3", isReached: true }],
  });
  await clock.advance(10 * 60_000);
  assert.equal(directory.dialBackCalls, 1);
  directory.dialBack = false;
  await clock.advance(6 * 60_000);
  assert.deepEqual(watch.status(), {
    state: "unreachable",
    relays: 0,
    places: [{ ip: "80.1.2.3", isReached: false }],
  });
  assert.deepEqual(heard.map(({ state }) => state), ["unknown", "direct", "unreachable"]);
  watch.close();
});

Deno.test("Another outer address, or another port, is noticed within 30 s and checked anew", async () => {
  let moves = 0;
  const { clock, directory, at, watch, heard } = world({ onMoved: () => void moves++ });
  watch.start();
  await clock.advance(100);
  // That no node answers for a while is no move.
  const { address } = directory;
  directory.address = undefined;
  await clock.advance(31_000);
  directory.address = address;
  await clock.advance(31_000);
  assert.equal(moves, 0);
  directory.address = "81.1.2.3";
  directory.dialBack = false;
  await clock.advance(31_000);
  assert.equal(moves, 1, "what was connected from the old address is dead");
  assert.deepEqual(heard.slice(-2), [
    { state: "unknown", relays: 0, places: [{ ip: "81.1.2.3" }] },
    { state: "unreachable", relays: 0, places: [{ ip: "81.1.2.3", isReached: false }] },
  ]);
  at.listening = { ip: "0.0.0.0", port: 7001 };
  directory.dialBack = true;
  await clock.advance(31_000);
  assert.equal(watch.status().state, "direct");
  watch.close();
});

Deno.test("That others do not connect is asked once more where nothing stands in the way, and again later", async () => {
  for (const [own, asks] of [["192.168.1.20", 1], ["80.1.2.3", 2]] as const) {
    const { clock, directory, watch } = world({ leadingAddresses: () => [own] });
    directory.dialBack = false;
    watch.start();
    await clock.advance(1_000);
    assert.equal(watch.status().state, asks === 1 ? "unreachable" : "unknown");
    await clock.advance(2_000);
    assert.equal(watch.status().state, "unreachable");
    assert.equal(directory.dialBackCalls, asks);
    // After half a minute, then after twice as long each time: in an hour as often as others allow.
    await clock.advance(40_000);
    assert.equal(directory.dialBackCalls, asks + 1);
    await clock.advance(3_600_000);
    const { dialBackCalls } = directory;
    assert.ok(dialBackCalls >= asks + 7 && dialBackCalls <= asks + 9, `${dialBackCalls}`);
    directory.dialBack = true;
    await clock.advance(16 * 60_000);
    assert.equal(watch.status().state, "direct");
    // One bad connection does not undo it.
    directory.dialBack = false;
    const before = directory.dialBackCalls;
    while (directory.dialBackCalls === before) await clock.advance(1_000);
    directory.dialBack = true;
    await clock.advance(60_000);
    assert.equal(watch.status().state, "direct");
    watch.close();
  }
});

Deno.test("Without a network, a login or an answer nothing is claimed, and it is asked again soon", async () => {
  const { clock, directory, at, watch } = world();
  const state = () => watch.status().state;
  directory.reachable = false;
  watch.start();
  await clock.advance(10_000);
  assert.equal(state(), "unknown");
  directory.reachable = true;
  directory.dialBack = undefined;
  await clock.advance(10_000);
  assert.equal(state(), "unknown", "no node tells");
  assert.ok(directory.dialBackCalls > 2);
  directory.dialBack = true;
  const { address } = directory;
  const calls = directory.dialBackCalls;
  directory.address = undefined;
  await clock.advance(10_000);
  assert.equal(state(), "unknown", "no node tells at which address");
  assert.ok(directory.dialBackCalls <= calls + 1);
  directory.address = address;
  await clock.advance(2_100);
  assert.equal(state(), "direct");
  at.listening = undefined;
  await clock.advance(31_000);
  assert.equal(state(), "unknown", "no user is logged in");
  watch.close();
  const asked = directory.dialBackCalls;
  await clock.advance(3_600_000);
  assert.equal(directory.dialBackCalls, asked, "closed");
});

Deno.test("Addresses of the home network are announced behind the outer one, where links are taken there", async () => {
  const { at, watch } = world({ homeAddresses: () => [{ ip: "192.168.1.20" }] });
  assert.deepEqual(await watch.addresses(), ["80.1.2.3", "192.168.1.20"]);
  at.listening = { ip: "10.0.0.5", port: 7000 };
  assert.deepEqual(await watch.addresses(), ["80.1.2.3", "10.0.0.5"]);
  const configured = world({ announcedAddress: "82.1.2.3" });
  assert.deepEqual(await configured.watch.addresses(), ["82.1.2.3"]);
});

Deno.test("Of this machine's addresses four private ones are taken, and none where it does not tell", () => {
  const of = (...ips: string[]) =>
    homeAddresses(() => ips.map((address) => ({ address, cidr: `${address}/24` })));
  assert.deepEqual(of("127.0.0.1", "192.168.1.20", "fe80::1", "80.1.2.3", "fd00::1"), [
    { ip: "192.168.1.20", cidr: "192.168.1.20/24" },
    { ip: "fd00::1", cidr: "fd00::1/24" },
  ]);
  assert.equal(of(...Array.from({ length: 9 }, (_, i) => `10.0.0.${i}`)).length, 4);
  const refused = () => {
    throw new Deno.errors.NotCapable("sys");
  };
  assert.deepEqual(homeAddresses(refused), []);
});

Deno.test("A machine has the families of the addresses that lead out of it", () => {
  const of = (...ips: string[]) =>
    ownFamilies(() => ips.map((address) => ({ address, cidr: `${address}/24` })));
  assert.deepEqual(of("127.0.0.1", "::1", "192.168.1.20", "fe80::1"), [4]);
  assert.deepEqual(of("127.0.0.1", "169.254.1.1", "::1", "fe80::1", "2a01:1::1"), [6]);
  assert.deepEqual(of("10.0.0.1", "fd00::1"), [4, 6]);
  assert.deepEqual(of("127.0.0.1", "::1"), [4, 6], "there is no network");
  const refused = () => {
    throw new Deno.errors.NotCapable("sys");
  };
  assert.deepEqual(ownFamilies(refused), [4, 6]);
});

Deno.test("A peer with both families announces each once it is proven, and the other's relays", async () => {
  const { calls, passing, relays } = fakeRelays();
  const { clock, directory, watch } = world({ relays });
  directory.otherAddress = "2a01:1::2";
  const verdicts: Record<number, boolean> = { 4: false, 6: false };
  directory.isReachable = (_port, family) => Promise.resolve(verdicts[family]);
  watch.start();
  await clock.advance(100);
  assert.deepEqual(calls, ["all 4,6"]);
  passing.push("relay/85.0.0.1:7000", "relay/[2a01:85::1]:7000");
  assert.deepEqual(await watch.addresses(), [...passing, "80.1.2.3"], "the other is not proven");

  verdicts[6] = true;
  await clock.advance(16 * 60_000);
  assert.equal(calls.at(-1), "but 4");
  const { state, places } = watch.status();
  assert.equal(state, "direct");
  assert.deepEqual(places, [
    { ip: "80.1.2.3", isReached: false },
    { ip: "2a01:1::2", isReached: true },
  ]);
  passing.pop();
  assert.deepEqual(await watch.addresses(), ["2a01:1::2", ...passing, "80.1.2.3"]);

  verdicts[4] = true;
  await clock.advance(16 * 60_000);
  assert.equal(calls.at(-1), "stop");
  passing.pop();
  assert.deepEqual(await watch.addresses(), ["80.1.2.3", "2a01:1::2"]);
  watch.close();
});

Deno.test("An IPv6 address that is not proven is announced only where nothing else is known", async () => {
  const { clock, directory, watch } = world();
  directory.otherAddress = "2a01:1::2";
  directory.dialBack = undefined;
  watch.start();
  await clock.advance(100);
  assert.deepEqual(await watch.addresses(), ["80.1.2.3"]);
  directory.address = undefined;
  await clock.advance(31_000);
  assert.deepEqual(await watch.addresses(), ["2a01:1::2"]);
  watch.close();
});

Deno.test("A family of which no node tells is asked about again soon, and rarely after a while", async () => {
  const { clock, directory, watch } = world();
  directory.otherAddress = "2a01:1::2";
  const asked = { 4: 0, 6: 0 };
  directory.isReachable = (_port, family) => {
    asked[family]++;
    return Promise.resolve(family === 4 ? true : undefined);
  };
  watch.start();
  await clock.advance(20_000);
  assert.deepEqual(asked, { 4: 1, 6: 6 });
  await clock.advance(300_000);
  assert.equal(asked[4], 1);
  assert.ok(asked[6] >= 15 && asked[6] <= 17, `${asked[6]}`);
  watch.close();
});

Deno.test("An address that others reach stays announced while no node tells it for a minute", async () => {
  const { clock, directory, watch, heard } = world();
  directory.otherAddress = "2a01:1::2";
  watch.start();
  await clock.advance(100);
  const both = ["80.1.2.3", "2a01:1::2"];
  assert.deepEqual(await watch.addresses(), both);
  const told = heard.length;
  const { address } = directory;
  for (let times = 0; times < 3; times++) {
    directory.otherAddress = undefined;
    await clock.advance(65_000);
    assert.deepEqual(await watch.addresses(), both);
    directory.otherAddress = "2a01:1::2";
    await clock.advance(31_000);
  }
  assert.equal(heard.length, told, "nothing has changed");
  directory.address = undefined;
  await clock.advance(140_000);
  assert.deepEqual(await watch.addresses(), ["2a01:1::2"], "by then it is no accident");
  directory.address = address;
  await clock.advance(31_000);
  assert.deepEqual(await watch.addresses(), both);
  directory.reachable = false;
  await clock.advance(31_000);
  assert.equal(watch.status().state, "unknown", "the network is gone");
  watch.close();
});

Deno.test("A configured address is the only one that is announced", async () => {
  const { clock, directory, watch } = world({ announcedAddress: "82.1.2.3" });
  directory.otherAddress = "2a01:1::2";
  watch.start();
  await clock.advance(100);
  assert.deepEqual(watch.status().places, [{ ip: "82.1.2.3", isReached: true }]);
  assert.deepEqual(await watch.addresses(), ["82.1.2.3"]);
  watch.close();
});

Deno.test("A router that lets others in when it is asked makes a peer reachable, at the router's port", async () => {
  const asked: unknown[] = [];
  const mappings = {
    open: (ports: unknown) => {
      asked.push(ports);
      return Promise.resolve(7100);
    },
    release: () => Promise.resolve(void asked.push("release")),
  };
  const { clock, directory, watch } = world({ mappings });
  directory.isReachable = (port) => Promise.resolve(port === 7100);
  watch.start();
  await clock.advance(100);
  assert.deepEqual(watch.status(), {
    state: "mapped",
    relays: 0,
    places: [{ ip: "80.1.2.3", isReached: true, port: 7100 }],
  });
  assert.deepEqual(await watch.addresses(), ["80.1.2.3:7100"]);
  assert.deepEqual(asked.splice(0), [{ tcp: 7000, udp: 8000 }]);
  // Behind a carrier's router the mapping is of no use, and taken back.
  directory.isReachable = () => Promise.resolve(false);
  await clock.advance(16 * 60_000);
  assert.equal(watch.status().state, "unreachable");
  assert.deepEqual(asked.slice(0, 2), [{ tcp: 7000, udp: 8000 }, "release"]);
  watch.close();
});

/** A router that grants a port once the test says so, and lets others in from then on. */
function grantingRouter(port = 7000) {
  const answer = Promise.withResolvers<void>();
  const calls: string[] = [];
  const mappings = {
    outerTcpPort: undefined as number | undefined,
    open: async () => {
      calls.push("open");
      await answer.promise;
      return mappings.outerTcpPort = port;
    },
    release: () => Promise.resolve(void calls.push("release")),
  };
  return { mappings, calls, grant: () => answer.resolve() };
}

Deno.test("A mapped peer stays mapped when it is checked again, though its own port is the router's", async () => {
  for (const [port, announced] of [[7000, ""], [7100, ":7100"]] as const) {
    const { mappings, calls, grant } = grantingRouter(port);
    const { clock, directory, watch, heard } = world({ mappings });
    const asked: number[] = [];
    directory.isReachable = (port) => {
      asked.push(port);
      return Promise.resolve(port === mappings.outerTcpPort);
    };
    grant();
    watch.start();
    await clock.advance(60_000);
    asked.splice(0);
    await clock.advance(60 * 60_000);
    assert.equal(watch.status().state, "mapped");
    assert.ok(!heard.some(({ state }) => state === "direct"));
    assert.deepEqual(new Set(asked), new Set([port]), "nothing else is in doubt");
    assert.deepEqual(calls, ["open"]);
    assert.deepEqual(await watch.addresses(), [`80.1.2.3${announced}`]);
    // A router that gets another address may have been off, and have forgotten.
    directory.address = "81.1.2.3";
    await clock.advance(31_000);
    assert.deepEqual(calls, ["open", "open"]);
    assert.equal(watch.status().state, "mapped");
    watch.close();
  }
});

Deno.test("Behind a router that translates addresses it is asked at once, not once others were kept out", async () => {
  for (const isLeft of [false, true]) {
    const { mappings, calls, grant } = grantingRouter();
    const { clock, directory, watch, heard } = world({
      mappings,
      leadingAddresses: () => ["192.168.1.20"],
    });
    // Others find out after a while; they come in at once through what an earlier run has left at the router.
    directory.isReachable = async () => {
      await delay(clock, isLeft ? 100 : 1_500);
      return isLeft || mappings.outerTcpPort !== undefined;
    };
    watch.start();
    await clock.advance(isLeft ? 300 : 1_000);
    assert.deepEqual(calls, ["open"]);
    assert.equal(watch.status().state, isLeft ? "direct" : "unknown");
    grant();
    await clock.advance(1_000);
    assert.equal(watch.status().state, "mapped");
    assert.ok(!heard.some(({ state }) => state === "unreachable"));
    assert.deepEqual(calls, ["open"]);
    watch.close();
  }
});

Deno.test("A node that stays asks the router at once without a user; a command that leaves never asks it", async () => {
  for (const stays of [true, false]) {
    const { mappings, calls, grant } = grantingRouter();
    const door = { ip: "0.0.0.0", port: 7000 };
    const { clock, directory, watch } = world({
      mappings,
      stays,
      leadingAddresses: () => ["192.168.1.20"],
      links: { status: () => ({ open: 0, door }) },
    });
    directory.isReachable = async () => {
      await delay(clock, 1_500);
      return mappings.outerTcpPort !== undefined;
    };
    watch.start();
    await clock.advance(1_000);
    assert.deepEqual(calls, stays ? ["open"] : []);
    grant();
    await clock.advance(2_000);
    assert.equal(watch.status().state, stays ? "mapped" : "unreachable");
    await clock.advance(10_000);
    assert.deepEqual(calls, stays ? ["open"] : []);
    watch.close();
  }
});

Deno.test("A peer whose user logs in once others have come in renews what an earlier run left at the router", async () => {
  const { mappings, calls, grant } = grantingRouter();
  const door = { ip: "0.0.0.0", port: 7000 };
  let isLoggedIn = false;
  const status = () => ({ open: 0, door, ...(isLoggedIn ? { listening: door } : {}) });
  const { clock, watch } = world({
    mappings,
    leadingAddresses: () => ["192.168.1.20"],
    links: { status },
  });
  watch.start();
  await clock.advance(1_000);
  assert.equal(watch.status().state, "direct");
  isLoggedIn = true;
  grant();
  await watch.addresses();
  await clock.advance(1_000);
  assert.equal(watch.status().state, "mapped");
  await watch.addresses();
  await clock.advance(60 * 60_000);
  assert.deepEqual(calls, ["open"], "the mapping is renewed elsewhere");
  watch.close();

  // Ports that were forwarded by hand need nothing more: a router that grants nothing is not asked again and again.
  let asked = 0;
  const none = { open: () => Promise.resolve(void asked++), release: () => Promise.resolve() };
  const other = world({ mappings: none, leadingAddresses: () => ["192.168.1.20"] });
  other.watch.start();
  for (let i = 0; i < 8; i++) {
    await other.clock.advance(10 * 60_000);
    await other.watch.addresses();
  }
  assert.equal(other.watch.status().state, "direct");
  assert.equal(asked, 1);
  // Once others are kept out it is asked anew.
  other.directory.dialBack = false;
  while (other.watch.status().state === "direct") await other.clock.advance(100);
  assert.equal(other.watch.status().state, "unreachable");
  assert.equal(asked, 2);
  other.watch.close();
});

Deno.test("A router is not asked for a command that takes no messages, nor where it is not known to be there", async () => {
  for (
    const [address, own, listens] of [
      ["80.1.2.3", "192.168.1.20", false],
      ["80.1.2.3", "80.1.2.3", true],
      ["127.0.0.1", "192.168.1.20", true],
      ["192.168.1.20", "10.0.0.5", true],
    ] as const
  ) {
    const { mappings, calls } = grantingRouter();
    const { clock, directory, at, watch } = world({
      mappings,
      leadingAddresses: () => [own],
      ...(listens
        ? {}
        : { links: { status: () => ({ open: 0, door: at.listening ?? assert.fail() }) } }),
    });
    directory.address = address;
    directory.isReachable = () => new Promise(() => {});
    watch.start();
    await clock.advance(1_000);
    void watch.addresses();
    await clock.advance(1_000);
    assert.deepEqual(calls, [], address);
    watch.close();
  }
});

Deno.test("Where no node tells whether the router lets others in, its port is kept until one does", async () => {
  const { mappings, calls, grant } = grantingRouter();
  const { clock, directory, watch } = world({ mappings });
  const verdicts: (boolean | undefined)[] = [false, undefined, undefined, true];
  directory.isReachable = () =>
    Promise.resolve(verdicts.length > 1 ? verdicts.shift() : verdicts[0]);
  grant();
  watch.start();
  await clock.advance(10_000);
  assert.equal(watch.status().state, "mapped");
  assert.deepEqual(calls, ["open"]);
  watch.close();
});

Deno.test("The UDP port that the router granted in the place of the own one is told", async () => {
  for (const [granted, told] of [[8_200, { udpPort: 8_200 }], [8_000, {}]] as const) {
    const mappings = {
      open: () => Promise.resolve(7_100),
      release: () => Promise.resolve(),
      outerUdpPort: granted,
    };
    const { clock, directory, watch } = world({ mappings });
    const { status } = directory;
    directory.status = () => ({ ...status.call(directory), udp: { ip: "0.0.0.0", port: 8_000 } });
    directory.isReachable = (port) => Promise.resolve(port === 7_100);
    watch.start();
    await clock.advance(100);
    const place = { ip: "80.1.2.3", isReached: true, port: 7_100, ...told };
    assert.deepEqual(watch.status().places, [place]);
    watch.close();
  }
});

Deno.test("Relays are kept while others do not reach a peer directly, and given up when they do", async () => {
  const { calls, passing, relays } = fakeRelays();
  const { clock, directory, watch, heard } = world({ relays });
  directory.dialBack = false;
  watch.start();
  await clock.advance(100);
  assert.deepEqual(calls, ["all 4,6"]);
  passing.push("relay/85.0.0.1:7000");
  watch.relaysChanged();
  assert.deepEqual(heard.at(-1), {
    state: "relayed",
    relays: 1,
    places: [{ ip: "80.1.2.3", isReached: false }],
  });
  assert.deepEqual(await watch.addresses(), ["relay/85.0.0.1:7000", "80.1.2.3"]);
  directory.dialBack = true;
  await clock.advance(16 * 60_000);
  assert.equal(calls.at(-1), "but 6", "those remain that senders with IPv6 alone need");
  assert.equal(watch.status().state, "direct");
  watch.close();
});

Deno.test("Relays are looked for while the home router is still being asked", async () => {
  const { calls, relays } = fakeRelays();
  const answer = Promise.withResolvers<number | undefined>();
  const mappings = { open: () => answer.promise, release: () => Promise.resolve() };
  const { clock, directory, watch } = world({ relays, mappings });
  directory.isReachable = (port) => Promise.resolve(port === 7100);
  watch.start();
  await clock.advance(100);
  assert.deepEqual(calls, ["all 4,6"]);
  assert.equal(watch.status().state, "unreachable");
  answer.resolve(7100);
  await clock.advance(100);
  assert.deepEqual(calls, ["all 4,6", "but 6"]);
  assert.equal(watch.status().state, "mapped");
  watch.close();
});

Deno.test("Behind a router that translates addresses relays are kept until it is known that others get in", async () => {
  const verdict = Promise.withResolvers<boolean>();
  const begun = (options: Partial<ReachWatchOptions>) => {
    const { calls, relays } = fakeRelays();
    const one = world({ relays, leadingAddresses: () => ["192.168.1.20"], ...options });
    one.directory.isReachable = () => verdict.promise;
    one.watch.start();
    return { ...one, calls };
  };
  const home = begun({});
  const others = [
    begun({ leadingAddresses: () => ["80.1.2.3", "10.0.0.1"] }),
    begun({ leadingAddresses: () => [] }),
    begun({ announcedAddress: "80.1.2.3" }),
  ];
  for (const { clock } of [home, ...others]) await clock.advance(100);
  assert.deepEqual(home.calls, ["all 4,6"]);
  for (const { calls } of others) assert.deepEqual(calls, [], "no router is seen");
  verdict.resolve(true);
  await home.clock.advance(100);
  assert.deepEqual(home.calls, ["all 4,6", "but 6"], "its ports are forwarded");
  for (const { watch } of [home, ...others]) watch.close();
});

Deno.test("No router stands before a machine whose nodes are on it: no relay is kept, and one no decides nothing", async () => {
  const { calls, relays } = fakeRelays();
  const { clock, directory, watch } = world({ relays, leadingAddresses: () => ["192.168.1.20"] });
  directory.address = "127.0.0.1";
  directory.dialBack = undefined;
  watch.start();
  await clock.advance(3_000);
  assert.deepEqual(calls, []);
  directory.dialBack = false;
  const { dialBackCalls } = directory;
  while (directory.dialBackCalls === dialBackCalls) await clock.advance(100);
  directory.dialBack = true;
  await clock.advance(2_100);
  assert.equal(watch.status().state, "direct");
  assert.deepEqual(calls, ["but 6"], "no relay is the only way at any time");
  watch.close();
});

Deno.test("A peer looks at its reach as soon as it has joined", async () => {
  const { clock, directory, watch } = world();
  directory.reachable = false;
  watch.start();
  await clock.advance(100);
  assert.equal(watch.status().state, "unknown");
  directory.reachable = true;
  await clock.advance(100);
  assert.equal(watch.status().state, "direct");
  watch.close();
  directory.reachable = false;
  const asked = directory.dialBackCalls;
  directory.reachable = true;
  await clock.advance(60_000);
  assert.equal(directory.dialBackCalls, asked, "closed");
});

Deno.test("A look at one family that fails is made again, and the other family's goes on", async () => {
  const failures: string[] = [];
  const { clock, directory, watch } = world({ onError: ({ message }) => failures.push(message) });
  directory.otherAddress = "2a01:1::2";
  let isBroken = true;
  directory.isReachable = (_port, family) =>
    family === 6 && isBroken ? Promise.reject(new Error("broken")) : Promise.resolve(true);
  watch.start();
  await clock.advance(100);
  assert.equal(watch.status().state, "direct");
  assert.deepEqual(failures, ["broken"]);
  isBroken = false;
  await clock.advance(2_100);
  assert.deepEqual(watch.status().places.map(({ isReached }) => isReached), [true, true]);
  watch.close();
});

Deno.test("With relays alone the own address is not announced", async () => {
  const { relays } = fakeRelays("relay/85.0.0.1:7000");
  const { clock, watch } = world({ relays, relaysOnly: true });
  watch.start();
  await clock.advance(100);
  assert.equal(watch.status().state, "relayed", "though others could reach it directly");
  assert.deepEqual(await watch.addresses(), ["relay/85.0.0.1:7000"]);
  watch.close();
});

/** Nodes that ask for a relay. */
const four = { ip: "90.0.0.1", port: 4000 };
const six = { ip: "2a01:90::1", port: 4000 };

/** All parts of the room together, over a directory that the test steers. */
function together(settings: Partial<ReachSettings>, leading: string[] = []) {
  const clock = new VirtualClock();
  const directory = new SimDirectoryNetwork(clock).directory();
  directory.address = "80.1.2.3";
  const door = { ip: "10.0.0.5", port: 7000 };
  const reach = createReach({
    clock,
    random: new SeededRandom("reach"),
    exemption: new Exemption(true),
    settings: { relay: "auto", relaysOnly: false, portMapping: false, ...settings },
    leading: () => leading,
    onError: (error) => assert.fail(error),
  });
  const begin = () =>
    reach.start({
      directory: Object.assign(directory, { relays: () => Promise.resolve([]) }),
      links: {
        status: () => ({ open: 0, listening: door, door }),
        secretKey: undefined,
        receive: () => assert.fail("no relay passes anything on"),
        redial() {},
      },
    });
  return { clock, directory, reach, begin };
}

Deno.test("A peer that others reach offers to relay at its outer port, unless the settings say otherwise", async () => {
  const { clock, directory, reach, begin } = together({});
  assert.equal(reach.offerRelay(four), undefined, "nothing is known before the start");
  begin();
  await clock.advance(100);
  assert.deepEqual(reach.offerRelay(four), { port: 7000, room: 128 });
  directory.dialBack = false;
  await clock.advance(16 * 60_000);
  assert.equal(reach.offerRelay(four), undefined, "others do not reach it any more");
  await reach.close();
  for (const [relay, room] of [["yes", 128], ["no", undefined]] as const) {
    const other = together({ relay });
    other.directory.dialBack = relay === "no";
    other.begin();
    await other.clock.advance(100);
    assert.equal(other.reach.offerRelay(four)?.room, room, relay);
    await other.reach.close();
  }
});

Deno.test("A machine with a public address offers to relay before any other node could try it", async () => {
  const own = ["10.0.0.5", "80.1.2.3", "2a01:1::2"];
  const offers = async (settings: Partial<ReachSettings>, leading = own) => {
    const { clock, directory, reach, begin } = together(settings, leading);
    directory.address = undefined;
    directory.dialBack = undefined;
    begin();
    await clock.advance(100);
    const found = [four, six].map((asker) => reach.offerRelay(asker));
    return { clock, directory, reach, found };
  };
  const first = await offers({});
  const offer = { port: 7000, room: 128 };
  assert.deepEqual(first.found, [offer, offer], "what no node has tried is not named to others");
  const { clock, directory, reach } = first;
  directory.address = "80.1.2.3";
  await clock.advance(3_000);
  assert.deepEqual(reach.offerRelay(four), offer, "others see it there");
  directory.isReachable = (_port, family) => Promise.resolve(family === 4 ? false : undefined);
  await clock.advance(5_000);
  assert.equal(reach.offerRelay(four), undefined, "and do not reach it");
  assert.deepEqual(reach.offerRelay(six), offer);
  directory.isReachable = () => Promise.resolve(undefined);
  directory.address = "81.1.2.3";
  await clock.advance(31_000);
  assert.equal(reach.offerRelay(four), undefined, "others see it elsewhere: a router translates");
  await reach.close();
  for (
    const [settings, leading, expected] of [
      [{}, ["10.0.0.5"], [undefined, undefined]],
      [{ relay: "no" }, own, [undefined, undefined]],
      [{ relaysOnly: true }, own, [undefined, undefined]],
      [{ announcedIp: "82.1.2.3" }, ["10.0.0.5"], [offer, undefined]],
    ] as const
  ) {
    const other = await offers(settings, [...leading]);
    assert.deepEqual(other.found, expected, JSON.stringify(settings));
    await other.reach.close();
  }
});

Deno.test("A relay is offered by each family at the address that others reach, and names the other one", async () => {
  const { clock, directory, reach, begin } = together({});
  directory.otherAddress = "2a01:1::2";
  const verdicts: Record<number, boolean> = { 4: true, 6: false };
  directory.isReachable = (_port, family) => Promise.resolve(verdicts[family]);
  begin();
  await clock.advance(100);
  assert.deepEqual(reach.offerRelay(four), { port: 7000, room: 128 });
  assert.equal(reach.offerRelay(six), undefined, "there it would be of no use");
  verdicts[6] = true;
  await clock.advance(16 * 60_000);
  const [atFour, atSix] = [{ ip: "80.1.2.3", port: 7000 }, { ip: "2a01:1::2", port: 7000 }];
  assert.deepEqual(reach.offerRelay(four), { port: 7000, room: 128, other: atSix });
  assert.deepEqual(reach.offerRelay(six), { port: 7000, room: 128, other: atFour });
  await reach.close();
});

Deno.test("The configured outer address is announced in the place of what others see", async () => {
  const { clock, reach, begin } = together({ announcedIp: "82.1.2.3" });
  const watch = begin();
  assert.deepEqual(await clock.drive(watch.addresses()), ["82.1.2.3", "10.0.0.5"]);
  await reach.close();
  const seen = together({});
  assert.deepEqual(await seen.clock.drive(seen.begin().addresses()), ["80.1.2.3", "10.0.0.5"]);
  await seen.reach.close();
  const alone = together({ relaysOnly: true });
  assert.deepEqual(await alone.clock.drive(alone.begin().addresses()), []);
  await alone.reach.close();
});

Deno.test("A machine's own addresses are told as they are: bound to one, that; with relays alone, none", () => {
  const leading = () => ["192.0.2.7", "192.168.1.5"];
  const local = (ip: string, options: Partial<ReachWatchOptions> = {}) => {
    const { directory, watch } = world({ leadingAddresses: leading, ...options });
    const { status } = directory;
    directory.status = () => ({ ...status.call(directory), udp: { ip, port: 8000 } });
    return watch.local();
  };
  assert.deepEqual(local("::"), leading());
  assert.deepEqual(local("0.0.0.0"), leading());
  assert.deepEqual(local("127.0.0.1"), ["127.0.0.1"]);
  assert.deepEqual(local("::", { relaysOnly: true }), []);
  const interfaces = ["127.0.0.1", "192.168.1.5", "fe80::1", "2001:db8::7", "192.168.1.5"];
  const cidr = "";
  assert.deepEqual(leadingAddresses(() => interfaces.map((address) => ({ address, cidr }))), [
    "2001:db8::7",
    "192.168.1.5",
  ]);
  const many = Array.from({ length: 9 }, (_, i) => ({ address: `10.0.0.${i}`, cidr }));
  assert.equal(leadingAddresses(() => many).length, 6);
  assert.deepEqual(
    leadingAddresses(() => {
      throw new Error("not allowed");
    }),
    [],
  );
});
