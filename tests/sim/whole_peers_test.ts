import assert from "node:assert/strict";
import { runWholePeers } from "./whole_peers.ts";

/** Thousands more run in the `soak` task. */
const seeds = 50;

Deno.test("The same seed tells the same story", async () => {
  const [one, other] = [await runWholePeers({ seed: 1 }), await runWholePeers({ seed: 1 })];
  assert.equal(one.fingerprint, other.fingerprint);
});

for (let seed = 1; seed <= seeds; seed++) {
  Deno.test(`Whole peers agree after the faults of seed ${seed}`, async () => {
    await runWholePeers({ seed });
  });
}
