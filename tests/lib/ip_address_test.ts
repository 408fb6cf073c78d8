import assert from "node:assert/strict";
import { ipAddress, parseIp, unicastAddress } from "../../lib/ip_address.ts";

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
