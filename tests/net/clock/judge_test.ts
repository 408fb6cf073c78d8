import assert from "node:assert/strict";
import fc from "fast-check";
import {
  agreeOnOffset,
  judgeSample,
  judgeServer,
  type NtpSample,
} from "../../../net/clock/judge.ts";

const now = Date.UTC(2026, 5, 1);
const year = 365.25 * 86_400_000;

/** What an honest server's answer looks like: 10 ms each way. */
function sample(offsetMs: number, change: Partial<NtpSample> = {}): NtpSample {
  return {
    askedAt: now,
    originAt: now,
    receivedAt: now + 10 + offsetMs,
    transmittedAt: now + 11 + offsetMs,
    answeredAt: now + 21,
    leap: 0,
    mode: 4,
    version: 4,
    stratum: 2,
    rootDistanceMs: 5,
    ...change,
  };
}

Deno.test("An honest NTP answer gives offset and delay", () => {
  for (const offsetMs of [0, 37_000, -37_000, 3 * year, -4 * year]) {
    assert.deepEqual(judgeSample(sample(offsetMs)), { offsetMs, delayMs: 20 });
  }
});

Deno.test("An NTP answer that doesn't hold up is not believed", () => {
  const zero = Date.UTC(1900, 0, 1);
  const refused: Record<string, NtpSample> = {
    "unsynchronised": sample(0, { leap: 3 }),
    "kiss-o'-death": sample(0, { stratum: 0 }),
    "stratum 16": sample(0, { stratum: 16 }),
    "a client's packet": sample(0, { mode: 3 }),
    "version 7": sample(0, { version: 7 }),
    "timestamps of zero": sample(0, { receivedAt: zero, transmittedAt: zero }),
    "the year 1900": sample(0, { receivedAt: zero + 60_000, transmittedAt: zero + 60_001 }),
    "six years ahead": sample(6 * year),
    "six years behind": sample(-6 * year),
    "before the Snowflake epoch": sample(-4.9 * year),
    "another request's answer": sample(0, { originAt: now - 3_600_000 }),
    "an answer to the future": sample(0, { originAt: now + 60_000 }),
    "a slow answer": sample(0, { answeredAt: now + 2_500 }),
    "sent before it was received": sample(0, { transmittedAt: now }),
    "far from its reference": sample(0, { rootDistanceMs: 1_500 }),
    "no number": sample(0, { transmittedAt: NaN }),
  };
  for (const [what, bad] of Object.entries(refused)) {
    assert.equal(judgeSample(bad), undefined, what);
  }
});

Deno.test("NTP timestamps after the overflow of 2036 are read in their era", () => {
  const later = Date.UTC(2037, 0, 1);
  const eraMs = 2 ** 32 * 1000;
  const shifted = sample(0, {
    askedAt: later,
    originAt: later,
    receivedAt: later + 10 + 500 - eraMs,
    transmittedAt: later + 11 + 500 - eraMs,
    answeredAt: later + 21,
  });
  assert.deepEqual(judgeSample(shifted), { offsetMs: 500, delayMs: 20 });
});

Deno.test("Of a server's samples the one with the shortest round trip counts", () => {
  const slow = sample(100, { answeredAt: now + 400 });
  assert.equal(judgeServer([slow, sample(7), sample(0, { stratum: 0 })])?.offsetMs, 7);
  assert.equal(judgeServer([]), undefined);
});

Deno.test("The median of the servers that agree is taken, and none without a majority", () => {
  const agree = (...offsets: number[]) =>
    agreeOnOffset(offsets.map((offsetMs) => ({ offsetMs, delayMs: 1 })));
  assert.equal(agree(), undefined);
  assert.equal(agree(37_000.4), 37_000);
  assert.equal(agree(-0.2), 0);
  assert.equal(agree(10, 30), 10);
  assert.equal(agree(0, 5_000), undefined);
  assert.equal(agree(9_000_000, 10, 30), 10);
  assert.equal(agree(-9_000_000, 9_000_000, 10, 30, 20), 20);
  assert.equal(agree(0, 10_000, 20_000), undefined);
});

Deno.test("A minority of lying NTP servers never moves the offset beyond honest ones", () => {
  const honest = fc.array(fc.double({ min: 400, max: 600, noNaN: true }), {
    minLength: 3,
    maxLength: 5,
  });
  const lies = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { maxLength: 2 });
  fc.assert(
    fc.property(honest, lies, (truths, lying) => {
      const offset = agreeOnOffset(
        [...truths, ...lying].map((offsetMs) => ({ offsetMs, delayMs: 1 })),
      );
      // Liars within the tolerance may shift it by no more than that.
      assert.ok(offset !== undefined && Math.abs(offset - 500) <= 1_200, `${offset}`);
    }),
    { seed: 4, numRuns: 300 },
  );
});
