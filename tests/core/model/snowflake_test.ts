import assert from "node:assert/strict";
import fc from "fast-check";
import {
  composeSnowflake,
  deviceMax,
  firstSnowflakeAt,
  nextSnowflake,
  parseSnowflake,
  parseSnowflakeText,
  snowflakeEpochMs,
  snowflakeMax,
  snowflakeSequenceMax,
  snowflakeTimeMs,
} from "../../../core/model/snowflake.ts";

const seed = 20261122;
const times = fc.integer({ min: 0, max: 2 ** 41 - 1 }).map((ms) => ms + snowflakeEpochMs);
const devices = fc.integer({ min: 0, max: deviceMax });
const sequences = fc.integer({ min: 0, max: snowflakeSequenceMax });

Deno.test("A Snowflake id is taken apart into what it was made of", () => {
  fc.assert(
    fc.property(times, devices, sequences, (timeMs, device, sequence) => {
      const id = composeSnowflake({ timeMs, device, sequence });
      assert.deepEqual(parseSnowflake(id), { timeMs, device, sequence });
      assert.equal(snowflakeTimeMs(id), timeMs);
      assert(id >= 0n && id <= snowflakeMax);
      assert.equal(parseSnowflakeText(String(id)), id);
    }),
    { seed },
  );
});

Deno.test("Snowflake ids sorted as numbers are sorted by time", () => {
  fc.assert(
    fc.property(times, times, devices, devices, (a, b, deviceA, deviceB) => {
      const idA = composeSnowflake({ timeMs: a, device: deviceA, sequence: 4095 });
      const idB = composeSnowflake({ timeMs: b, device: deviceB, sequence: 0 });
      if (a < b) assert(idA < idB);
      if (a > b) assert(idA > idB);
    }),
    { seed },
  );
});

Deno.test("Ids of one device strictly rise however the clock steps", () => {
  fc.assert(
    fc.property(
      devices,
      fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }),
      (device, steps) => {
        let now = snowflakeEpochMs + 1e9;
        let last: bigint | undefined;
        for (const step of steps) {
          now = Math.max(now + step, 0);
          const id = nextSnowflake(last, now, device);
          assert(last === undefined || id > last);
          assert.equal(parseSnowflake(id).device, device);
          last = id;
        }
      },
    ),
    { seed },
  );
});

Deno.test("After 4,096 ids of one millisecond comes the next millisecond", () => {
  const now = snowflakeEpochMs + 5;
  let last: bigint | undefined;
  for (let i = 0; i <= snowflakeSequenceMax; i++) {
    last = nextSnowflake(last, now, 7);
    assert.deepEqual(parseSnowflake(last), { timeMs: now, device: 7, sequence: i });
  }
  assert.deepEqual(parseSnowflake(nextSnowflake(last, now, 7)), {
    timeMs: now + 1,
    device: 7,
    sequence: 0,
  });
});

Deno.test("An id cannot be made of parts that do not fit their bits", () => {
  const good = { timeMs: snowflakeEpochMs, device: 0, sequence: 0 };
  for (
    const bad of [
      { timeMs: snowflakeEpochMs - 1 },
      { timeMs: snowflakeEpochMs + 2 ** 41 },
      { timeMs: snowflakeEpochMs + 0.5 },
      { timeMs: NaN },
      { device: 1024 },
      { device: -1 },
      { sequence: 4096 },
      { sequence: -1 },
    ]
  ) {
    assert.throws(() => composeSnowflake({ ...good, ...bad }), RangeError);
  }
});

Deno.test("The first id of a millisecond bounds ranges by time, clamped to what ids can tell", () => {
  const at = snowflakeEpochMs + 1234;
  assert.equal(firstSnowflakeAt(at), composeSnowflake({ timeMs: at, device: 0, sequence: 0 }));
  assert.equal(firstSnowflakeAt(at + 0.9), firstSnowflakeAt(at));
  assert.equal(firstSnowflakeAt(0), 0n);
  assert.equal(firstSnowflakeAt(Number.MAX_SAFE_INTEGER), BigInt(2 ** 41 - 1) << 22n);
});

Deno.test("Only decimal digits within 63 bits are read as an id", () => {
  assert.equal(parseSnowflakeText("0"), 0n);
  assert.equal(parseSnowflakeText(String(snowflakeMax)), snowflakeMax);
  for (const text of ["", "-1", "1.0", "0x10", " 1", "1e3", String(snowflakeMax + 1n), "٣"]) {
    assert.equal(parseSnowflakeText(text), undefined, text);
  }
});
