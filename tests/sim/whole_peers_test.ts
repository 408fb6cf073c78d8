import assert from "node:assert/strict";
import { runWholePeers, type WholePeersOptions, type WholePeersReport } from "./whole_peers.ts";

/** Thousands more run in the `soak` task. */
const seeds = { open: 25, homes: 34, talk: 5 } as const;

/** Relays and the bytes through them take time: fewer users, more seeds. */
const small = { homes: true, users: 3, steps: 40 } as const;

/** The first run of each set of options: that of a seed's test is one of the two of the comparison. */
const first = new Map<string, Promise<WholePeersReport>>();

function run(options: WholePeersOptions): Promise<WholePeersReport> {
  return first.getOrInsertComputed(JSON.stringify(options), () => runWholePeers(options));
}

Deno.test("The same seed tells the same story", async () => {
  for (const options of [{ seed: 1 }, { seed: 1, ...small }, { seed: 1, users: 4, talk: true }]) {
    const [one, other] = [await run(options), await runWholePeers(options)];
    assert.equal(one.fingerprint, other.fingerprint);
  }
});

for (let seed = 1; seed <= seeds.open; seed++) {
  Deno.test(`Whole peers agree after the faults of seed ${seed}`, async () => {
    await run({ seed });
  });
}

for (let seed = 1; seed <= seeds.homes; seed++) {
  Deno.test(`Peers at home agree after the faults of seed ${seed}, those of relays among them`, async () => {
    await run({ seed, ...small });
  });
}

for (let seed = 1; seed <= seeds.talk; seed++) {
  Deno.test(`Conversations of whole peers agree after the faults of seed ${seed}`, async () => {
    await run({ seed, users: 4, talk: true });
  });
}
