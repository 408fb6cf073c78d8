import assert from "node:assert/strict";
import fc from "fast-check";
import { formatHostPort } from "../../../lib/host_port.ts";
import { parseConfig } from "../../../ui/settings/config.ts";
import { withNodes } from "../../../ui/settings/config_edit.ts";

const a = { host: "192.0.2.1", port: 8000 };
const b = { host: "2001:db8::1", port: 9 };

function nodesOf(text: string): string[] {
  const { bootstrap = [] } = parseConfig(new TextEncoder().encode(text), "test");
  return bootstrap.map(({ host, port }) => formatHostPort(host, port));
}

Deno.test("Nodes are written into a config.ini that is not there yet", () => {
  const text = withNodes("", [a, b]);
  assert.deepEqual(nodesOf(text), ["192.0.2.1:8000", "[2001:db8::1]:9"]);
  assert.match(text, /^; Written by camellia/);
});

Deno.test("Nodes come beside those there, and nothing else of the file changes", () => {
  const kept = "; mine\n[DEFAULT]\nPORT = 9000 ; my port\n\n[bootstrap]\nIP = old.example\n";
  const cases: readonly (readonly [string, string])[] = [
    ["", "NODES = 192.0.2.1:8000\n"],
    ["NODES =\n", "NODES = 192.0.2.1:8000\n"],
    [
      "nodes = x.example:1 # why\nINIT = no\n",
      "NODES = 192.0.2.1:8000, x.example:1 # why\nINIT = no\n",
    ],
    ["NODES = 'x.example:1'\n", "NODES = 192.0.2.1:8000, x.example:1\n"],
    ["NODES = ;none yet\n", "NODES = 192.0.2.1:8000 ;none yet\n"],
    [
      "[NTP]\nSERVERS = none\n[BOOTSTRAP]\nNODES=x.example:1",
      "[NTP]\nSERVERS = none\n[BOOTSTRAP]\nNODES = 192.0.2.1:8000, x.example:1\n",
    ],
  ];
  for (const [more, changed] of cases) {
    const text = withNodes(kept + more, [a]);
    if (more === "") assert.equal(text, kept.replace("[bootstrap]\n", `[bootstrap]\n${changed}`));
    else assert.equal(text, kept + changed);
    assert(nodesOf(text).includes("192.0.2.1:8000"));
    assert(nodesOf(text).includes("old.example:8000"));
  }
  assert.equal(
    withNodes("[NTP]\nSERVERS = none", [a]),
    "[NTP]\nSERVERS = none\n\n[BOOTSTRAP]\nNODES = 192.0.2.1:8000\n",
  );
});

Deno.test("Nodes that are there already change nothing, and the last go where there are too many", () => {
  const text = "[BOOTSTRAP]\r\nIP = 192.0.2.1\r\nNODES = [2001:db8::1]:9\r\n";
  assert.equal(withNodes(text, [a, b]), text);
  const many = Array.from({ length: 64 }, (_, i) => ({ host: `192.0.2.${i}`, port: 1 }));
  const full = withNodes("", many);
  assert.equal(nodesOf(full).length, 64);
  assert.deepEqual(nodesOf(withNodes(full, [b])).slice(0, 2), ["[2001:db8::1]:9", "192.0.2.0:1"]);
  assert.equal(nodesOf(withNodes(full, [b])).length, 64);
});

Deno.test("What is no config.ini is refused", () => {
  assert.throws(() => withNodes("[WHAT]\n", [a]), { code: "invalid_config" });
});

Deno.test("Any section and any order of lines stay readable", () => {
  const line = fc.constantFrom(
    "[BOOTSTRAP]",
    "[NTP]",
    "; NODES = x",
    "",
    "[ Bootstrap ] ; here",
    "[DEFAULT]",
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), (lines, ends) => {
      const text = withNodes(lines.join("\n") + (ends ? "\n" : ""), [b, a]);
      assert.deepEqual(nodesOf(text), ["[2001:db8::1]:9", "192.0.2.1:8000"]);
      assert.equal(withNodes(text, [a]), text);
    }),
    { seed: 20261127, numRuns: 200 },
  );
});
