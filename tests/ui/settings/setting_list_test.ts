import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { parseConfig } from "../../../ui/settings/config.ts";
import { withKeys } from "../../../ui/settings/config_edit.ts";
import { rules } from "../../../ui/settings/config_rules.ts";
import {
  formatLifespan,
  parseLifespan,
  settingList,
  settingNamed,
  valueProblem,
  withSetting,
} from "../../../ui/settings/setting_list.ts";
import { type SettingName, settingNames } from "../../../ui/settings/setting_names.ts";

const shipped = await readFile(new URL("../../../config.ini", import.meta.url), "utf8");
const flags = { logLevel: "warn" } as const;
const names = Object.keys(settingNames) as SettingName[];

function valueOf(own: string, name: SettingName): string | undefined {
  return settingList({ own, shipped, flags }, "own.ini").find((one) => one.name === name)?.value;
}

Deno.test("Every key of config.ini is a setting, but the parts of the lifespan, which are one", () => {
  const keys = Object.entries(rules).filter(([section]) => section !== "MESSAGE_LIFESPAN")
    .flatMap(([section, keys]) => Object.keys(keys).map((key) => `${section}.${key}`));
  const known = names.filter((name) => name !== "lifespan").map((name) => name.toUpperCase());
  assert.deepEqual(known.sort(), keys.sort());
});

Deno.test("The program's config.ini has a value for every setting, which can be set again", () => {
  for (const setting of settingList({ own: "", shipped, flags }, "own.ini")) {
    assert.equal(setting.source, "default");
    assert.equal(setting.value, setting.default);
    assert.equal(valueProblem(setting.name, setting.value), undefined, setting.name);
    assert.notEqual(setting.allowed, "");
  }
  assert.equal(valueOf("", "lifespan"), "30d");
});

Deno.test("Flags win over the person's file, and that over the program's", () => {
  const own = "[DEFAULT]\nPORT = 9000\n[NTP]\nSERVERS = time.example\n";
  const given = {
    ...flags,
    ntpServer: [],
    bootstrap: [{ host: "::1", port: 5 }],
    init: true as const,
  };
  const list = settingList({ own, shipped, flags: given }, "own.ini");
  const found = Object.fromEntries(list.map(({ name, value, source }) => [name, [value, source]]));
  assert.deepEqual(found["default.port"], ["9000", "file"]);
  assert.deepEqual(found["default.listening_port"], ["7000", "default"]);
  assert.deepEqual(found["ntp.servers"], ["none", "flag"]);
  assert.deepEqual(found["bootstrap.nodes"], ["[::1]:5", "flag"]);
  assert.deepEqual(found["bootstrap.init"], ["yes", "flag"]);
});

Deno.test("A setting is changed in its line, and all the rest stays as it was", () => {
  const changed = withSetting(shipped, { name: "reach.mode", value: "relay" }, "own.ini");
  const [before, after] = [shipped.split("\n"), changed.split("\n")];
  const other = before.flatMap((line, i) => line === after[i] ? [] : [[line, after[i]]]);
  assert.deepEqual(other, [["MODE = auto", "MODE = relay"]]);
  const own = "; mine\r\n[reach]\r\nmode='auto'   ; as I like it\r\n\r\n[NTP]\r\nSERVERS = none";
  assert.equal(
    withSetting(own, { name: "reach.mode", value: " relay " }, "own.ini"),
    "; mine\r\n[reach]\r\nMODE = relay   ; as I like it\r\n\r\n[NTP]\r\nSERVERS = none\r\n",
  );
});

Deno.test("A mistyped node is replaced, or taken back", () => {
  const own = "[BOOTSTRAP]\nNODES = nod.example:8000 ; friend's\nINIT = no\n";
  const set = withSetting(
    own,
    { name: "bootstrap.nodes", value: "node.example:8000\n 192.0.2.1:7" },
    "own.ini",
  );
  assert.equal(
    set,
    "[BOOTSTRAP]\nNODES = node.example:8000, 192.0.2.1:7 ; friend's\nINIT = no\n",
  );
  const unset = withSetting(own, { name: "bootstrap.nodes", value: undefined }, "own.ini");
  assert.equal(unset, "[BOOTSTRAP]\nINIT = no\n");
  assert.equal(withSetting(unset, { name: "bootstrap.nodes", value: undefined }, "own.ini"), unset);
});

Deno.test("A file that is not there yet, or lacks the section, gets it", () => {
  const fresh = withSetting("", { name: "default.port", value: "0" }, "own.ini");
  assert.match(fresh, /^; Written by camellia[^[]*\[DEFAULT\]\nPORT = 0\n$/);
  const more = withSetting(fresh, { name: "reach.relay", value: "no" }, "own.ini");
  assert.equal(more, `${fresh}\n[REACH]\nRELAY = no\n`);
  const both = withSetting(more, { name: "default.ip", value: "::1" }, "own.ini");
  assert.ok(both.includes("[DEFAULT]\nIP = ::1\nPORT = 0\n"), both);
});

Deno.test("The lifespan is one setting, whatever parts the file has", () => {
  const set = (own: string, value: string) =>
    withSetting(own, { name: "lifespan", value }, "own.ini");
  assert.equal(valueOf(set("", "12h"), "lifespan"), "12h");
  const changed = set(shipped, "1y 6d");
  assert.equal(valueOf(changed, "lifespan"), "1y 6d");
  assert.match(changed, /\nYEARS = 1\nMONTHS = 0\nDAYS = 6\nHOURS = 0\n/);
  const off = set(changed, "off");
  assert.equal(valueOf(off, "lifespan"), "off");
  assert.equal(valueOf(set(off, "90s"), "lifespan"), "1m 30s");
  const months = set("[MESSAGE_LIFESPAN]\nMONTHS = 2\n", "5d");
  assert.equal(valueOf(months, "lifespan"), "5d");
  const back = withSetting(off, { name: "lifespan", value: undefined }, "own.ini");
  assert.equal(valueOf(back, "lifespan"), "30d");
  assert.match(back, /\[MESSAGE_LIFESPAN\]\n; yes: posts of others/);
});

Deno.test("A lifespan is read as it is written", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 100 * 365 * 86_400 }), (seconds) => {
    assert.equal(parseLifespan(formatLifespan(1000 * seconds)), 1000 * seconds);
  }));
  assert.equal(parseLifespan("2W"), 14 * 86_400_000);
  for (const text of ["", "0s", "101y", "5", "5x", "-1d", "1.5d", "off 1d", "ever"]) {
    assert.equal(parseLifespan(text), undefined, text);
  }
});

Deno.test("What is no value is refused with what is allowed", () => {
  const refused = (name: SettingName, value: string, why: RegExp) =>
    assert.throws(() => withSetting("", { name, value }, "own.ini"), {
      code: "invalid_argument",
      message: why,
    });
  refused("default.port", "70000", /Cannot set default.port: "70000" is not a port from 0 to/);
  refused(
    "bootstrap.nodes",
    "node.example",
    /"node.example" is not a list of at most 64 HOST:PORT/,
  );
  refused("reach.mode", "direct", /is not auto or relay\.$/);
  refused("lifespan", "soon", /is not off, or a time from 1s to 100y/);
  refused("default.ip", "::1\n[REACH]\nMODE = relay", /is not an IP address/);
});

Deno.test("Another line that is wrong is told of, and the wrong line itself can be mended", () => {
  const own = "[DEFAULT]\nPORT = many\n";
  assert.throws(() => withSetting(own, { name: "reach.relay", value: "no" }, "own.ini"), {
    code: "invalid_config",
    message: /own\.ini: line 2: PORT is "many"/,
  });
  assert.equal(
    withSetting(own, { name: "default.port", value: "8001" }, "own.ini"),
    "[DEFAULT]\nPORT = 8001\n",
  );
  assert.equal(
    withSetting(own, { name: "default.port", value: undefined }, "own.ini"),
    "[DEFAULT]\n",
  );
});

Deno.test("A setting that there is not is refused with those that it may have been meant to be", () => {
  assert.equal(settingNamed(" Reach.Mode "), "reach.mode");
  assert.throws(() => settingNamed("reach.mod"), {
    code: "invalid_argument",
    message: /Did you mean reach\.mode\?/,
  });
  assert.throws(() => settingNamed("toString"), { message: /camellia config list/ });
});

Deno.test("Whatever is set again and again, the comments stay and the value is read back", () => {
  const value = fc.constantFrom("1", "42", "65535");
  const step = fc.record({
    name: fc.constantFrom<SettingName[]>(
      "default.port",
      "default.listening_port",
      "bootstrap.port",
    ),
    value: fc.option(value, { nil: undefined }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    let text = shipped;
    for (const change of steps) {
      text = withSetting(text, change, "own.ini");
      const found = settingList({ own: text, shipped, flags }, "own.ini")
        .find(({ name }) => name === change.name);
      assert.equal(found?.value, change.value ?? found?.default);
      assert.equal(found?.source, change.value === undefined ? "default" : "file");
    }
    const comments = (all: string) => all.split("\n").filter((line) => line.startsWith(";"));
    assert.deepEqual(comments(text), comments(shipped));
    parseConfig(new TextEncoder().encode(text), "own.ini");
  }));
});

Deno.test("A file with a byte order mark keeps it, and its first section is found", () => {
  const text = withKeys("\ufeff[NTP]\nSERVERS = none\n", "NTP", { SERVERS: "a.example" });
  assert.equal(text, "\ufeff[NTP]\nSERVERS = a.example\n");
});
