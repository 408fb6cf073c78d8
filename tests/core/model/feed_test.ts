import assert from "node:assert/strict";
import fc from "fast-check";
import {
  emptyFeed,
  feedOf,
  type FeedState,
  hasNumber,
  lastNumber,
  missingUpTo,
  rangesMax,
  rangesTotalMax,
  readFeeds,
  withFloor,
  withNumbers,
  withRanges,
  writeFeeds,
} from "../../../core/model/feed.ts";
import { decode, DecodeError, encode } from "../../../lib/msgpack.ts";

const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });

/** What a feed has of the numbers up to 70, one by one. */
function had(feed: FeedState): number[] {
  return Array.from({ length: 70 }, (_, i) => i + 1).filter((number) => hasNumber(feed, number));
}

Deno.test("A feed has the numbers it was given and those up to its floor, in whatever order they came", () => {
  fc.assert(
    fc.property(numbers, numbers, fc.integer({ min: 0, max: 60 }), (first, second, floor) => {
      const feed = withFloor(withNumbers(withNumbers(emptyFeed(3), first), second), floor);
      const expected = new Set([...first, ...second]);
      for (let number = 1; number <= floor; number++) expected.add(number);
      assert.deepEqual(had(feed), [...expected].sort((a, b) => a - b));
      const other = withNumbers(withFloor(emptyFeed(3), floor), [...second, ...first]);
      assert.deepEqual(other, feed);
      assert.equal(lastNumber(feed), Math.max(0, ...expected));
    }),
    { seed: 21, numRuns: 300 },
  );
});

Deno.test("What is missing up to a head is what is not had", () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 70 }), (list, head) => {
      const feed = withNumbers(emptyFeed(0), list);
      const missing = missingUpTo(feed, head).flatMap(([from, to]) =>
        Array.from({ length: to - from + 1 }, (_, i) => from + i)
      );
      const expected = Array.from({ length: head }, (_, i) => i + 1)
        .filter((number) => !list.includes(number));
      assert.deepEqual(missing, expected);
      const count = missingUpTo(feed, head).reduce((sum, [from, to]) => sum + to - from + 1, 0);
      assert.equal(count, expected.length);
    }),
    { seed: 22, numRuns: 300 },
  );
});

Deno.test("Numbers near 2^53 neither overflow nor take room", () => {
  const last = Number.MAX_SAFE_INTEGER;
  const feed = withNumbers(emptyFeed(1), [1, last]);
  assert.deepEqual(missingUpTo(feed, last), [[2, last - 1]]);
  assert.deepEqual(withRanges(feed, [[2, last]]), { device: 1, floor: last, ranges: [] });
  assert.deepEqual(missingUpTo(withFloor(feed, last), last), []);
  const bytes = encode(writeFeeds([feed]));
  assert.deepEqual(readFeeds(decode(bytes, { maxBytes: 100, maxArrayLength: 9 })), [feed]);
});

Deno.test("Feed states survive the wire", () => {
  const feeds = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 1023 }), numbers), {
    selector: ([device]) => device,
    maxLength: 6,
  });
  fc.assert(
    fc.property(feeds, (list) => {
      const states = list.map(([device, had]) => withNumbers(emptyFeed(device), had));
      const bytes = encode(writeFeeds(states));
      const read = readFeeds(decode(bytes, { maxBytes: 10_000, maxArrayLength: 1_024 }));
      assert.deepEqual(read, states);
    }),
    { seed: 23, numRuns: 200 },
  );
});

Deno.test("Of feeds with many gaps only so many ranges are told, the lowest first", () => {
  const gappy = (device: number) =>
    withNumbers(emptyFeed(device), Array.from({ length: 500 }, (_, i) => 2 * i + 2));
  const [one] = readFeeds(writeFeeds([gappy(1)]));
  assert.deepEqual(one?.ranges, gappy(1).ranges.slice(0, rangesMax));
  const all = Array.from({ length: 1_024 }, (_, device) => gappy(device));
  const told = readFeeds(writeFeeds(all)).reduce((sum, feed) => sum + feed.ranges.length, 0);
  assert.equal(told, rangesTotalMax);
  assert.ok(encode(writeFeeds(all)).length < 100_000);
});

Deno.test("Feed states that make no sense are refused", () => {
  const bad: unknown[] = [
    null,
    [[0, 0]],
    [[1024, 0, []]],
    [[-1, 0, []]],
    [[1, -1, []]],
    [[1, 2 ** 53, []]],
    [[1, 1.5, []]],
    [[1, 0, []], [1, 3, []]],
    [[1, 5, [[5, 6]]]],
    [[1, 0, [[4, 3]]]],
    [[1, 0, [[2, 3], [3, 4]]]],
    [[1, 0, [[2, Number.MAX_SAFE_INTEGER], [1, 1]]]],
    [[1, 0, [[2]]]],
    [[1, 0, Array.from({ length: rangesMax + 1 }, (_, i) => [2 * i + 2, 2 * i + 2])]],
    Array.from({ length: 1_025 }, (_, i) => [i, 0, []]),
  ];
  for (const value of bad) assert.throws(() => readFeeds(value), DecodeError);
});

Deno.test("The feed of a device that nothing is known of is empty", () => {
  const feed = withNumbers(emptyFeed(4), [1]);
  assert.deepEqual(feedOf([feed], 4), feed);
  assert.deepEqual(feedOf([feed], 5), { device: 5, floor: 0, ranges: [] });
});
