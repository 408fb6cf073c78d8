import assert from "node:assert/strict";
import { SystemRandom } from "../../../net/system/system_random.ts";

Deno.test("System randomness fills any length, differently every time", () => {
  const random = new SystemRandom();
  assert.equal(random.bytes(0).length, 0);
  const large = random.bytes(200_001);
  assert.equal(large.length, 200_001);
  for (const start of [0, 65_536, 131_072, 199_000]) {
    assert.ok(large.subarray(start, start + 64).some((byte) => byte !== 0));
  }
  assert.notDeepEqual(random.bytes(32), random.bytes(32));
});
