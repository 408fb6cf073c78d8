import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBucket } from "../../lib/token_bucket.ts";

Deno.test("A bucket gives its burst at once, and after that its rate", () => {
  const time = { now: 5_000, monotonic: () => time.now };
  const bucket = new TokenBucket(time, { perSecond: 4, burst: 10 });
  assert.ok(bucket.take(9) && bucket.has(1) && !bucket.has(2) && bucket.take(1));
  assert.ok(!bucket.take(1));
  assert.equal(bucket.waitMs(1), 250);
  assert.equal(bucket.waitMs(10), 2_500);
  time.now += 249;
  assert.ok(!bucket.has(1));
  assert.ok(bucket.waitMs(1) > 0);
  time.now += 1;
  assert.equal(bucket.waitMs(1), 0);
  assert.ok(bucket.take(1) && !bucket.has(0.5));
  time.now += 3_600_000;
  assert.ok(bucket.take(10) && !bucket.take(1), "no more than the burst is saved");
});

Deno.test("More than the burst is taken as the burst, and a debt has to be paid first", () => {
  const time = { now: 0, monotonic: () => time.now };
  const bucket = new TokenBucket(time, { perSecond: 2, burst: 10 });
  assert.ok(bucket.has(1_000) && bucket.take(1_000) && !bucket.take(1));
  assert.equal(bucket.waitMs(1_000), 5_000);
  bucket.spend(4);
  assert.equal(bucket.waitMs(0), 2_000);
  assert.equal(bucket.waitMs(1), 2_500);
  time.now = 2_499;
  assert.ok(!bucket.take(1));
  time.now = 2_500;
  assert.ok(bucket.take(1) && !bucket.take(1));
});

Deno.test("In no stretch of time does a bucket give more than burst and rate", () => {
  const steps = fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 12 })));
  fc.assert(
    fc.property(steps, (list) => {
      const time = { now: 0, monotonic: () => time.now };
      const bucket = new TokenBucket(time, { perSecond: 5, burst: 12 });
      let taken = 0;
      for (const [ms, units] of list) {
        time.now += ms;
        const waitMs = bucket.waitMs(units);
        assert.equal(bucket.has(units), waitMs === 0);
        assert.equal(bucket.take(units), waitMs === 0);
        if (waitMs === 0) taken += units;
        else {
          time.now += waitMs;
          assert.ok(bucket.take(units), "the wait that was told is enough");
          taken += units;
        }
        assert.ok(taken <= 12 + 5 * time.now / 1_000 + 1e-6);
      }
    }),
    { seed: 6, numRuns: 100 },
  );
});
