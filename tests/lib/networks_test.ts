import assert from "node:assert/strict";
import fc from "fast-check";
import { type IpAddress, parseIp } from "../../lib/ip_address.ts";
import {
  Exemption,
  limitedNetworks,
  NetworkBudget,
  NetworkCounts,
  type NetworkLimits,
  networkLimits,
  networksOf,
  NetworkWindow,
  siteOf,
} from "../../lib/networks.ts";
import { VirtualClock } from "../sim/clock.ts";

function address(text: string): IpAddress {
  const parsed = parseIp(text);
  assert.ok(parsed, text);
  return parsed;
}

const names = (text: string) => networksOf(address(text)).map(({ name }) => name);

Deno.test("An address belongs to a network at each depth, the narrowest first", () => {
  assert.deepEqual(names("192.0.2.7"), ["4/24 192.0.2", "4/16 192.0"]);
  assert.deepEqual(names("2001:db8:a:bcde::1"), [
    "6/64 2001:db8:a:bcde",
    "6/56 2001:db8:a:bc",
    "6/48 2001:db8:a",
    "6/32 2001:db8",
  ]);
  assert.deepEqual(names("::ffff:192.0.2.7"), names("192.0.2.9"));
});

Deno.test("Addresses share a network exactly where their prefixes agree", () => {
  const lengths = [64, 56, 48, 32];
  const part = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(fc.array(part, { minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 63 }), (
      parts,
      bit,
    ) => {
      const other = [...parts];
      const at = bit >> 4;
      other[at] = (other[at] ?? 0) ^ (0x8000 >> (bit & 15));
      const [a, b] = [parts, other].map((list) =>
        names(`${list.map((one) => one.toString(16)).join(":")}:1:2:3:4`)
      );
      for (const [i, length] of lengths.entries()) {
        assert.equal(a?.[i] === b?.[i], bit >= length, `bit ${bit} of /${length}`);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

/** How many of these addresses are counted. */
function counted(limits: NetworkLimits, addresses: readonly string[]): number {
  const counts = new NetworkCounts(limits);
  return addresses.filter((text) => counts.add(networksOf(address(text)))).length;
}

Deno.test("Counts keep to the limit of each depth", () => {
  const limits = networkLimits(2, 5, 7);
  const of = (make: (i: number) => string) => Array.from({ length: 300 }, (_, i) => make(i));
  assert.equal(counted(limits, of((i) => `203.0.113.${i % 250}`)), 2);
  assert.equal(counted(limits, of((i) => `203.0.${i % 250}.1`)), 5);
  assert.equal(counted(limits, of((i) => `203.${i % 250}.1.1`)), 300);
  assert.equal(counted(limits, of((i) => `2001:db8::${i.toString(16)}`)), 2, "one /64");
  assert.equal(counted(limits, of((i) => `2001:db8:0:${(i & 255).toString(16)}::`)), 2, "one /56");
  assert.equal(
    counted(limits, of((i) => `2001:db8:0:${((i & 255) << 8).toString(16)}::`)),
    5,
    "one /48",
  );
  assert.equal(counted(limits, of((i) => `2001:db8:${i.toString(16)}::`)), 7, "one /32");
});

Deno.test("What has gone makes room, and an address refused at one depth counts at none", () => {
  const counts = new NetworkCounts(networkLimits(1, 2, 3));
  const [a, b, c] = ["203.0.1.1", "203.0.2.1", "203.0.3.1"].map((ip) => networksOf(address(ip)));
  assert.ok(a && b && c);
  assert.ok(counts.add(a) && counts.add(b));
  assert.ok(!counts.add(c));
  assert.equal(counts.size, 3);
  counts.remove(a);
  assert.equal(counts.size, 2);
  assert.ok(counts.add(c));
  assert.ok(!counts.has(a));
  for (const networks of [b, c]) counts.remove(networks);
  assert.ok(counts.has(a));
  assert.equal(counts.size, 0);
});

Deno.test("A budget comes back evenly, at each depth, and is bounded in memory", async () => {
  const clock = new VirtualClock();
  const budget = new NetworkBudget({
    time: clock,
    limits: networkLimits(20, 60, 100),
    periodMs: 3_600_000,
    networksMax: 2_000,
  });
  const take = (text: string) => budget.take(networksOf(address(text)));
  const taken = (make: (i: number) => string) =>
    Array.from({ length: 500 }, (_, i) => make(i)).filter(take).length;
  assert.equal(taken((i) => `2001:db8:0:${(i & 255).toString(16)}::`), 20, "one /56");
  assert.equal(taken((i) => `2001:db8:0:${((i & 255) << 8).toString(16)}::`), 40, "its /48");
  assert.equal(taken((i) => `2001:db8:${(i + 1).toString(16)}::`), 40, "its /32");
  await clock.advance(1_800_000);
  assert.equal(taken((i) => `2001:db8:0:${(i & 255).toString(16)}::`), 10, "half a period later");
  for (let i = 0; i < 3_000; i++) take(`${1 + (i >> 8)}.${i & 255}.0.1`);
  assert.equal(budget.size, 2_000);
});

Deno.test("A window lets so many events through in any period, at each depth", async () => {
  const clock = new VirtualClock();
  const window = new NetworkWindow({
    time: clock,
    limits: networkLimits(20, 60, 100),
    periodMs: 3_600_000,
    networksMax: 2_000,
  });
  const take = (text: string) => window.take(networksOf(address(text)));
  let most = 0;
  const times: number[] = [];
  for (let minute = 0; minute < 300; minute++) {
    for (let i = 0; i < 3; i++) if (take(`2001:db8:0:${i}::`)) times.push(clock.monotonic());
    const since = clock.monotonic() - 3_600_000;
    most = Math.max(most, times.filter((at) => at > since).length);
    await clock.advance(60_000);
  }
  assert.equal(most, 20);
  assert.equal(times.length, 100);
  const wide = Array.from(
    { length: 300 },
    (_, i) => `2001:db8:1:${((i & 255) << 8).toString(16)}::`,
  );
  assert.equal(wide.filter(take).length, 60);
});

Deno.test("NetworkWindow grants so many an hour to a network, whatever its addresses", () => {
  const time = { now: 0, monotonic: () => time.now };
  const options = { time, periodMs: 3_600_000, networksMax: 100 };
  const take = (window: NetworkWindow, ip: string, exemptPrivate = false) => {
    const networks = limitedNetworks(ip, exemptPrivate);
    return networks !== undefined && window.take(networks);
  };
  const strict = new NetworkWindow({ ...options, limits: networkLimits(3, 9, 9) });
  const three = [true, true, true, false];
  assert.deepEqual([1, 2, 3, 4].map((i) => take(strict, `203.0.113.${i}`)), three);
  assert.ok(take(strict, "203.0.112.1"));
  assert.deepEqual([1, 2, 3, 4].map((i) => take(strict, `2001:db8:1:2::${i}`)), three);
  time.now = 3_599_999;
  assert.ok(!take(strict, "203.0.113.1"));
  time.now = 3_600_000;
  assert.ok(take(strict, "203.0.113.1"));
  assert.ok(!take(strict, "not an address"));
  for (let i = 0; i < 5; i++) take(strict, "127.0.0.1");
  assert.ok(!take(strict, "127.0.0.1"));
  for (let i = 0; i < 5; i++) assert.ok(take(strict, "127.0.0.1", true), "exempt");
  const coarse = new NetworkWindow({ ...options, limits: networkLimits(2, 9, 9), perSlot: 3 });
  assert.equal([1, 2, 3, 4, 5, 6, 7].filter(() => take(coarse, "203.0.113.1")).length, 6);
  const site = (ip: string) => siteOf(limitedNetworks(ip, true) ?? []);
  assert.equal(site("2001:db8:1:2::1"), site("2001:db8:1:ff00::1"));
  assert.notEqual(site("2001:db8:1::1"), site("2001:db8:2::1"));
  assert.equal(site("127.0.0.1"), undefined);
});

Deno.test("One event a period is one event a period, and a budget is asked for one unit by default", () => {
  const time = { now: 0, monotonic: () => time.now };
  const options = { time, periodMs: 1_000, networksMax: 10, limits: networkLimits(1, 9, 9) };
  const networks = networksOf(address("203.0.113.1"));
  const window = new NetworkWindow(options);
  const budget = new NetworkBudget(options);
  for (let i = 0; i < 3; i++) {
    time.now = 1_000 * i;
    assert.ok(window.take(networks));
    assert.ok(!window.take(networks));
    assert.ok(budget.has(networks) && !budget.has(networks, 2));
    assert.ok(budget.take(networks));
    assert.ok(!budget.has(networks) && !budget.take(networks));
  }
});

Deno.test("An exemption follows its setting, and tells when it ends", () => {
  const exemption = new Exemption("local");
  let ended = 0;
  exemption.onEnd(() => ended++);
  exemption.use(false);
  exemption.use(false);
  assert.deepEqual([exemption.holds, ended], [false, 1]);
  exemption.use("local");
  assert.equal(exemption.holds, true);
  exemption.met("5.0.0.1");
  assert.deepEqual([exemption.holds, ended], [false, 2]);
});

Deno.test("An exemption that is local ends for good once something public is met, the others never change", () => {
  const exemption = new Exemption();
  let ended = 0;
  exemption.onEnd(() => ended++);
  for (const ip of ["127.0.0.1", "10.0.0.1", "fd00::1", "192.168.1.1", "nonsense"]) {
    exemption.met(ip);
  }
  assert.deepEqual(exemption.networksOf("10.0.0.1"), []);
  exemption.met("5.0.0.1");
  exemption.met("5.0.0.1");
  exemption.met("10.0.0.1");
  assert.equal(ended, 1);
  assert.deepEqual(exemption.networksOf("10.0.0.1"), limitedNetworks("10.0.0.1", false));
  assert.equal(exemption.networksOf("0.0.0.0"), undefined);
  for (const setting of [true, false]) {
    const fixed = new Exemption(setting);
    fixed.met("5.0.0.1");
    assert.equal(fixed.holds, setting);
  }
});
