import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import { utf8 } from "../../../core/model/bytes.ts";
import { configBytesMax, parseConfig } from "../../../ui/settings/config.ts";

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
    ip: "0.0.0.0",
    port: 8000,
    listeningIp: "0.0.0.0",
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
