import { runWholePeers } from "./whole_peers.ts";

/** Thousands more run in the `soak` task. */
const seeds = 50;

for (let seed = 1; seed <= seeds; seed++) {
  Deno.test(`Whole peers agree after the faults of seed ${seed}`, async () => {
    await runWholePeers({ seed });
  });
}
