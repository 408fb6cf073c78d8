import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { utf8 } from "../../../core/model/bytes.ts";
import { configBytesMax, parseConfig } from "../../../ui/settings/config.ts";
import { parseAddress, parseHost, parseHostPort } from "../../../ui/settings/endpoint.ts";
import { formatHostPorts } from "../../../lib/host_port.ts";
import { parseNumber } from "../../../ui/settings/number.ts";

const shipped = await Deno.readFile(new URL("../../../config.ini", import.meta.url));

function parse(text: string) {
  return parseConfig(utf8(text), "test.ini");
}

function complaint(text: string | Uint8Array): string {
  try {
    parseConfig(typeof text === "string" ? utf8(text) : text, "test.ini");
  } catch (error) {
    assert.ok(error instanceof CamelliaError);
    assert.equal(error.code, "invalid_config");
    return error.message;
  }
  throw new assert.AssertionError({ message: "it was accepted" });
}

Deno.test("The shipped config.ini says what the design says", () => {
  assert.deepEqual(parseConfig(shipped, "config.ini"), {
    ip: "::",
    port: 8000,
    listeningIp: "::",
    listeningPort: 7000,
    announcedIp: null,
    bootstrap: [],
    init: false,
    lifespan: 30 * 86_400_000,
    quotaPosts: 10_000,
    quotaMegabytes: 50,
    quotaPostsAnHour: 600,
    ntpServers: [0, 1, 2, 3].map((i) => ({ host: `${i}.pool.ntp.org`, port: 123 })),
    exemptPrivate: "local",
    ntpTrustFar: false,
    publishPrivate: true,
    portMapping: true,
    relay: "auto",
  });
});

Deno.test("Every key of the shipped config.ini has a comment above it", () => {
  const lines = new TextDecoder().decode(shipped).split("\n");
  const section = (index: number) =>
    lines.slice(0, index).findLastIndex((line) => /^[[;]/.test(line));
  for (const [index, line] of lines.entries()) {
    if (!/^[A-Z_]+ =/.test(line)) continue;
    assert.match(
      lines[section(index)] ?? "",
      /^;/,
      `${line} follows its section without a comment`,
    );
  }
});

Deno.test("A file sets only what it names", () => {
  assert.deepEqual(parse(""), {});
  assert.deepEqual(parse("[DEFAULT]\nPORT = 0 ; any\n"), { port: 0 });
  assert.deepEqual(parse("[default]\r\nlistening_ip=::1\r\n"), { listeningIp: "::1" });
});

Deno.test("Bootstrap nodes come from IP and PORT first, then from NODES", () => {
  const text =
    "[BOOTSTRAP]\nIP = node.example\nPORT = 9000\nNODES = 192.0.2.7:1, [2001:db8::7]:2\n";
  assert.deepEqual(parse(text).bootstrap, [
    { host: "node.example", port: 9000 },
    { host: "192.0.2.7", port: 1 },
    { host: "2001:db8::7", port: 2 },
  ]);
  assert.deepEqual(parse("[BOOTSTRAP]\nIP=\nPORT=8000\nNODES=\n").bootstrap, []);
});

Deno.test("A lifespan is the sum of its parts, and set as a whole", () => {
  assert.equal(parse("[MESSAGE_LIFESPAN]\nMINUTES = 3\n").lifespan, 180_000);
  assert.equal(parse("[MESSAGE_LIFESPAN]\nYEARS=1\nMONTHS=1\nSECONDS=1").lifespan, 34_128_001_000);
  assert.equal(parse("[MESSAGE_LIFESPAN]\nACTIVE = no\nDAYS = 30").lifespan, "off");
  assert.equal(parse("[MESSAGE_LIFESPAN]\nACTIVE = yes").lifespan, undefined);
});

Deno.test("NTP servers have port 123 unless they name another; none turns it off", () => {
  assert.deepEqual(parse("[NTP]\nSERVERS = a.example b.example:1123").ntpServers, [
    { host: "a.example", port: 123 },
    { host: "b.example", port: 1123 },
  ]);
  assert.deepEqual(parse("[NTP]\nSERVERS = none").ntpServers, []);
  for (const bad of [":123", "host:0", "host:65536", "host:x", "[::1]:123", "-a", "a/b"]) {
    assert.throws(() => parse(`[NTP]\nSERVERS = ${bad}`), { code: "invalid_config" }, bad);
  }
});

Deno.test("Every complaint names the line, the value and what is allowed", () => {
  const cases: readonly [text: string, expected: RegExp][] = [
    ["[DEFAULT]\n\nPORT = 65536", /test\.ini: line 3: PORT is "65536", .* a port from 0 to 65535/],
    ["[DEFAULT]\nPORT = 80a", /line 2: PORT is "80a"/],
    ["[DEFAULT]\nIP = 1.2.3", /line 2: IP is "1.2.3", .* an IP address/],
    ["[DEFAULT]\nIPP = 1.2.3.4", /line 2: IPP is no key of \[DEFAULT\]: it has IP, PORT,/],
    ["\n[NPT]\n", /line 2: "NPT" is no section: there are \[DEFAULT\]/],
    ["[__proto__]\nX = 1", /line 1: "__PROTO__" is no section/],
    ["[DEFAULT]\n__proto__ = 1", /line 2: __PROTO__ is no key/],
    ["[DEFAULT]\nconstructor = 1", /line 2: CONSTRUCTOR is no key/],
    ["PORT = 1", /line 1: PORT stands before the first \[SECTION\]/],
    ["[DEFAULT]\nPORT", /line 2: "PORT" is neither \[SECTION\] nor KEY = value/],
    ["[DEFAULT\nPORT = 1", /line 1: "\[DEFAULT" is neither/],
    ["[DEFAULT]\n= 1", /line 2: "= 1" is neither/],
    ["[DEFAULT]\nPORT = 1\nPORT = 2", /line 3: PORT is set already, in line 2/],
    ["[BOOTSTRAP]\nNODES = a.example", /line 2: NODES is "a.example", .* HOST:PORT/],
    ["[BOOTSTRAP]\nNODES = a.example:0", /line 2: NODES/],
    ["[BOOTSTRAP]\nIP = 300.1.1.1", /line 2: IP is "300.1.1.1"/],
    ["[BOOTSTRAP]\nINIT = perhaps", /line 2: INIT is "perhaps", which is not yes or no/],
    ["[MESSAGE_LIFESPAN]\nDAYS = -1", /line 2: DAYS is "-1", .* a whole number/],
    ["[MESSAGE_LIFESPAN]\nDAYS = 1.5", /line 2: DAYS is "1.5"/],
    ["[MESSAGE_LIFESPAN]\nDAYS = 0", /line 2: the lifespan is not between one second and 100/],
    ["[MESSAGE_LIFESPAN]\nYEARS = 101", /line 2: the lifespan is not between/],
    ["[NTP]\nSERVERS = [::1]:123", /line 2: SERVERS is "\[::1\]:123"/],
    ["[NTP]\nSERVERS = a..b", /line 2: SERVERS is "a..b", .* none/],
    [`[DEFAULT]\nIP = ${"1".repeat(5000)}`, /line 2: it has more than 4096 characters/],
  ];
  for (const [text, expected] of cases) assert.match(complaint(text), expected);
});

Deno.test("Bytes that are not UTF-8, and files beyond bounds, are refused with their line", () => {
  assert.match(complaint(new Uint8Array([0x5b, 0x0a, 0x0a, 0xff])), /line 3: it is not UTF-8/);
  assert.match(complaint(new Uint8Array(configBytesMax + 1)), /more than 65536 bytes/);
  const many = Array.from({ length: 65 }, (_, i) => `n${i}:1`).join(",");
  assert.match(complaint(`[BOOTSTRAP]\nNODES = ${many}`), /line 2: NODES is .* at most 64/);
});

Deno.test("Every number may be the least and the most that is allowed, and nothing beyond", () => {
  const ranges: readonly [section: string, key: string, min: number, max: number][] = [
    ["DEFAULT", "PORT", 0, 65_535],
    ["DEFAULT", "LISTENING_PORT", 0, 65_535],
    ["BOOTSTRAP", "PORT", 1, 65_535],
    ["QUOTA", "POSTS", 1, 100_000_000],
    ["QUOTA", "POSTS_AN_HOUR", 1, 100_000_000],
    ["QUOTA", "MEGABYTES", 1, 1_000_000],
    ["MESSAGE_LIFESPAN", "YEARS", 1, 100],
    ["MESSAGE_LIFESPAN", "MONTHS", 1, 1_216],
    ["MESSAGE_LIFESPAN", "DAYS", 1, 36_500],
    ["MESSAGE_LIFESPAN", "HOURS", 1, 876_000],
    ["MESSAGE_LIFESPAN", "MINUTES", 1, 52_560_000],
    ["MESSAGE_LIFESPAN", "SECONDS", 1, 3_153_600_000],
  ];
  for (const [section, key, min, max] of ranges) {
    const text = (value: number) => `[${section}]\n${key} = ${value}`;
    for (const good of [min, max]) parse(text(good));
    for (const bad of [min - 1, max + 1]) assert.match(complaint(text(bad)), /line 2: /);
  }
  assert.deepEqual(parse("[QUOTA]\nPOSTS = 7\nPOSTS_AN_HOUR = 8\nMEGABYTES = 9"), {
    quotaPosts: 7,
    quotaPostsAnHour: 8,
    quotaMegabytes: 9,
  });
  assert.equal(parse("[MESSAGE_LIFESPAN]\nHOURS = 0\nSECONDS = 1").lifespan, 1_000);
  const words = { yes: true, TRUE: true, on: true, 1: true, no: false, False: false, off: false };
  for (const [word, init] of Object.entries({ ...words, 0: false })) {
    assert.deepEqual(parse(`[BOOTSTRAP]\nINIT = ${word}`), { init });
    assert.deepEqual(parse(`[PRIVACY]\nPUBLISH_PRIVATE = ${word}`), { publishPrivate: init });
  }
  const nodes = Array.from({ length: 64 }, (_, i) => `n${i}:1`).join(" ");
  assert.equal(parse(`[BOOTSTRAP]\nNODES = ${nodes}`).bootstrap?.length, 64);
  const full = new Uint8Array(configBytesMax).fill(0x0a);
  assert.deepEqual(parseConfig(full, "test.ini"), {});
  assert.deepEqual(parse("[BOOTSTRAP]\nIP = a.example").bootstrap, [
    { host: "a.example", port: 8000 },
  ]);
});

Deno.test("Host names, addresses and ports are taken as RFC 1123 and the flags have them", () => {
  const label = "a".repeat(63);
  const long = `${label}.${label}.${label}.${"a".repeat(61)}`;
  for (const host of ["a", "a.", "x_1.example", "1.2.3.4", "::1", label, long, "4.example"]) {
    assert.ok(parseHost(host), host);
  }
  for (const host of ["", ".", `${label}a`, `${long}a`, "-a", "a-", "a..b", "1.2.3", "a b", "é"]) {
    assert.equal(parseHost(host), undefined, host);
  }
  assert.equal(parseAddress("[::1]"), "::1");
  for (const address of ["[::1", "::1]", "[1.2.3]", ""]) {
    assert.equal(parseAddress(address), undefined);
  }
  assert.deepEqual(parseHostPort("[::1]:65535"), { host: "::1", port: 65_535 });
  assert.deepEqual(parseHostPort("a.example:1"), { host: "a.example", port: 1 });
  assert.deepEqual(parseHostPort("::1", 7), { host: "::1", port: 7 });
  assert.deepEqual(parseHostPort("a", 7), { host: "a", port: 7 });
  for (const text of ["a", "::1", "a:0", "a:65536", ":1", "a:", "a:1:2", "[a]:1:"]) {
    assert.equal(parseHostPort(text), undefined, text);
  }
  assert.equal(parseNumber("0".repeat(15), 0, 1), 0);
  for (const text of ["0".repeat(16), "", "1.0", "+1", " 1", "1e1"]) {
    assert.equal(parseNumber(text, 0, 100), undefined, text);
  }
  const listed = [{ host: "::1", port: 2 }, { host: "a", port: 1 }];
  assert.equal(formatHostPorts(listed), "[::1]:2, a:1");
});
