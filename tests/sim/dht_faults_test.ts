import assert from "node:assert/strict";
import { runDhtFaults } from "./dht_faults.ts";

/** Hundreds more run with `bench/sim.ts faults`. */
const seeds = 4;

for (let seed = 1; seed <= seeds; seed++) {
  Deno.test(`Every acknowledged value is found after the faults of seed ${seed}`, async () => {
    const { acknowledged } = await runDhtFaults({ seed });
    assert(acknowledged > 0);
  });
}

Deno.test("A seed replays a network's every datagram", async () => {
  const options = { seed: 77, nodes: 30, steps: 12, quietMs: 60_000 };
  const first = await runDhtFaults(options);
  assert.deepEqual(await runDhtFaults(options), first);
  const other = await runDhtFaults({ ...options, seed: 78 });
  assert.notEqual(other.trace, first.trace);
});
