import assert from "node:assert/strict";
import fc from "fast-check";
import { ipAddress, type IpKind, isPort, parseIp, unicastAddress } from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";

Deno.test("One address has one text", () => {
  assert.equal(parseIp("::ffff:192.0.2.7")?.ip, "192.0.2.7");
  assert.equal(parseIp("::ffff:c000:207")?.ip, "192.0.2.7");
  assert.equal(parseIp("2001:DB8:0:0::1")?.ip, "2001:db8::1");
  assert.equal(ipAddress("::FFFF:192.0.2.7")?.ip, "192.0.2.7");
});

Deno.test("What no datagram can be sent to is no address", () => {
  const bad = [
    "",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "255.255.255.255",
    "256.1.1.1",
    "1.2.3",
    "::",
  ];
  bad.push("1.2.3.4.5", "01.2.3.4", "1..2.3", "1.2.3.4 ", "example.org", "ff02::1", "fe80::1%eth0");
  bad.push("1.2.3.-4", "0x1.2.3.4", ":::", "::ffff:0.0.0.0", "1:2:3:4:5:6:7:8:9", "9".repeat(300));
  for (const ip of bad) assert.equal(unicastAddress(ip), undefined, ip);
});

Deno.test("Addresses are counted by /24 and /64", () => {
  assert.equal(parseIp("192.0.2.7")?.net, "192.0.2");
  assert.equal(parseIp("2001:db8:1:2:3::4")?.net, parseIp("2001:db8:1:2:ffff::")?.net);
  assert.notEqual(parseIp("2001:db8:1:2::")?.net, parseIp("2001:db8:1:3::")?.net);
});

Deno.test("Loopback, private and public addresses are told apart", () => {
  const kinds = [
    "127.0.0.1",
    "::1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.1.1",
    "fd00::1",
  ];
  assert.deepEqual(
    [...kinds, "100.64.0.1", "fe80::1", "172.32.0.1", "8.8.8.8", "2001:db8::1"].map((ip) =>
      parseIp(ip)?.kind
    ),
    [
      "loopback",
      "loopback",
      "private",
      "private",
      "private",
      "linkLocal",
      "private",
      "private",
      "linkLocal",
      "public",
      "public",
      "public",
    ],
  );
});

Deno.test("Every range of special IPv4 addresses begins and ends where it should", () => {
  const ranges: readonly [first: string, last: string, kind: IpKind][] = [
    ["0.0.0.0", "0.255.255.255", "unspecified"],
    ["1.0.0.0", "9.255.255.255", "public"],
    ["10.0.0.0", "10.255.255.255", "private"],
    ["11.0.0.0", "100.63.255.255", "public"],
    ["100.64.0.0", "100.127.255.255", "private"],
    ["100.128.0.0", "126.255.255.255", "public"],
    ["127.0.0.0", "127.255.255.255", "loopback"],
    ["128.0.0.0", "169.253.255.255", "public"],
    ["169.254.0.0", "169.254.255.255", "linkLocal"],
    ["169.255.0.0", "172.15.255.255", "public"],
    ["172.16.0.0", "172.31.255.255", "private"],
    ["172.32.0.0", "192.167.255.255", "public"],
    ["192.168.0.0", "192.168.255.255", "private"],
    ["192.169.0.0", "223.255.255.255", "public"],
    ["224.0.0.0", "255.255.255.255", "multicast"],
  ];
  const numberOf = (ip: string) => ip.split(".").reduce((all, part) => all * 256 + Number(part), 0);
  const textOf = (n: number) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join(".");
  for (const [first, last, kind] of ranges) {
    const within = fc.integer({ min: numberOf(first), max: numberOf(last) }).map(textOf);
    fc.assert(
      fc.property(within, (ip) => {
        const net = ip.slice(0, ip.lastIndexOf("."));
        assert.deepEqual(parseIp(ip), { ip, isIPv6: false, kind, net });
      }),
      { seed: 4, numRuns: 40, examples: [[first], [last]] },
    );
  }
});

Deno.test("IPv6 addresses have their kind and their /64", () => {
  const kinds: readonly [ip: string, kind: IpKind, net: string][] = [
    ["::", "unspecified", "0:0:0:0"],
    ["::1", "loopback", "0:0:0:0"],
    ["fe80::1", "linkLocal", "fe80:0:0:0"],
    ["fc00::1", "private", "fc00:0:0:0"],
    ["fdff::1", "private", "fdff:0:0:0"],
    ["ff02::1", "multicast", "ff02:0:0:0"],
    ["2001:db8:1:2:3:4:5:6", "public", "2001:db8:1:2"],
    ["2a00::1", "public", "2a00:0:0:0"],
  ];
  for (const [ip, kind, net] of kinds) {
    assert.deepEqual(parseIp(ip), { ip, isIPv6: true, kind, net });
    assert.deepEqual(parseIp(ip.toUpperCase()), { ip, isIPv6: true, kind, net });
  }
});

Deno.test("Four numbers below 256 and three dots make an address, and nothing else does", () => {
  const letters = fc.constantFrom(..."0123456789.:/a-+ x%");
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 16 }), fc.nat(12), (extra, at) => {
      const good = "1.20.255.249";
      const text = good.slice(0, at) + extra.join("") + good.slice(at);
      const parts = text.split(".");
      const isQuad = parts.length === 4 &&
        parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
      if (!text.includes(":")) assert.equal(parseIp(text)?.ip, isQuad ? text : undefined);
    }),
    { seed: 4, numRuns: 2_000, examples: [[["a"], 5], [["/"], 5], [["0"], 0], [["5", "6"], 6]] },
  );
  for (const text of ["1.2.3.a", "1.2.3.4/", "1.2.3.4:", "1.2.3.256", "1.2.3.00", "1.2.3."]) {
    assert.equal(parseIp(text), undefined, text);
  }
  const longest = "0000:0000:0000:0000:0000:ffff:255.255.255.255";
  assert.equal(parseIp(longest)?.ip, "255.255.255.255");
  assert.equal(parseIp(`0${longest}`), undefined);
});

Deno.test("Ports go from 1 to 65535, and IPv6 addresses before a port stand in brackets", () => {
  assert.deepEqual([0, 1, 65_535, 65_536, 1.5, NaN, -1].map(isPort), [
    ...[false, true, true, false],
    ...[false, false, false],
  ]);
  assert.equal(formatHostPort("a.example", 8000), "a.example:8000");
  assert.equal(formatHostPort("::1", 8000), "[::1]:8000");
});
