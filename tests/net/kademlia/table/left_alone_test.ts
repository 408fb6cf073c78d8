import assert from "node:assert/strict";
import { LeftAlone } from "../../../../net/kademlia/table/left_alone.ts";

Deno.test("An address is left alone twice as long each time, a minute at most, and anew once it has answered", () => {
  const addresses = new LeftAlone();
  let nowMs = 0;
  const pauseMs = (): number => {
    addresses.failed("a", nowMs);
    const begun = nowMs;
    while (addresses.has("a", nowMs)) nowMs += 1_000;
    return nowMs - begun;
  };
  assert.equal(addresses.has("a", nowMs), false);
  assert.deepEqual(
    Array.from({ length: 6 }, pauseMs),
    [4, 8, 16, 32, 60, 60].map((s) => 1_000 * s),
  );
  addresses.failed("a", nowMs);
  addresses.answered("a");
  assert.equal(addresses.has("a", nowMs), false);
  assert.equal(pauseMs(), 4_000);
  assert.equal(addresses.has("b", nowMs), false);
});
