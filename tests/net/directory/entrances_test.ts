import assert from "node:assert/strict";
import { Exemption } from "../../../lib/networks.ts";
import { inOrderOfUse } from "../../../net/directory/entrances.ts";

Deno.test("Newcomers are told of one node of each network first, and of both families in turns", () => {
  const ips = ["192.0.2.1", "192.0.2.2", "198.51.100.1", "203.0.113.1", "2001:db8::1", "192.0.2.3"];
  const ordered = inOrderOfUse(ips.map((ip) => ({ ip, port: 8000 })), new Exemption(false));
  assert.deepEqual(ordered.map(({ ip }) => ip), [
    "192.0.2.1",
    "2001:db8::1",
    "198.51.100.1",
    "203.0.113.1",
    "192.0.2.2",
    "192.0.2.3",
  ]);
  assert.deepEqual(ordered[0], { ip: "192.0.2.1", port: 8000 });
});

Deno.test("Nodes of one machine are no network, as long as such addresses are exempt", () => {
  const nodes = [1, 2, 3].map((port) => ({ ip: "127.0.0.1", port }));
  assert.deepEqual(inOrderOfUse(nodes, new Exemption(true)), nodes);
});
