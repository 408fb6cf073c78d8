/**
 * What a peer has of a feed: which numbers are settled, and which are still wanted.
 *
 * A feed's numbers and its ids rise together, so a post that is too old settles every number below it.
 *
 * @module
 */

import { asArray, asInteger, DecodeError } from "../../lib/msgpack.ts";
import type { Head } from "./record_body.ts";
import { deviceMax } from "./snowflake.ts";

/** An inclusive range of numbers. */
export type NumberRange = readonly [from: number, to: number];

/** What a peer has of one device's feed. */
export interface FeedState {
  /** Device number. */
  readonly device: number;
  /** Every number up to and including this one is settled: had, or too old to be wanted. 0 at first. */
  readonly floor: number;
  /** What is had above the floor: ascending, apart from one another by at least one missing number. */
  readonly ranges: readonly NumberRange[];
}

/** Ranges that one feed's state carries at most; a peer with more gaps than that asks again later. */
export const rangesMax = 64;

/**
 * Ranges that one message carries at most, over all feeds: 4,096 take 80 KB of its 1 MiB, and are
 * beyond what any feed but a hostile one has.
 */
export const rangesTotalMax = 4096;

/** A feed of which nothing is had. */
export function emptyFeed(device: number): FeedState {
  return { device, floor: 0, ranges: [] };
}

/** The last number had or settled; 0 for an empty feed. */
export function lastNumber(feed: FeedState): number {
  return feed.ranges.at(-1)?.[1] ?? feed.floor;
}

/** How far the feeds reach; 0 for an empty one. */
export function headsOf(feeds: readonly FeedState[]): Head[] {
  return feeds.map((feed) => ({ device: feed.device, head: lastNumber(feed) }));
}

/** Whether a number is settled. */
export function hasNumber(feed: FeedState, number: number): boolean {
  return number <= feed.floor || feed.ranges.some(([from, to]) => number >= from && number <= to);
}

/** Joins ranges that touch and lets the floor swallow those that reach it. */
function normalised(device: number, floor: number, ranges: readonly NumberRange[]): FeedState {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  let bottom = floor;
  for (const [from, to] of sorted) {
    if (to <= bottom) continue;
    const last = joined.at(-1);
    if (last === undefined && from <= bottom + 1) bottom = to;
    else if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return { device, floor: bottom, ranges: joined };
}

/** The feed with these numbers had as well. */
export function withNumbers(feed: FeedState, numbers: readonly number[]): FeedState {
  const added = numbers.map((number): NumberRange => [number, number]);
  return normalised(feed.device, feed.floor, [...feed.ranges, ...added]);
}

/** The feed with these ranges had as well. */
export function withRanges(feed: FeedState, ranges: readonly NumberRange[]): FeedState {
  return normalised(feed.device, feed.floor, [...feed.ranges, ...ranges]);
}

/** The feed with everything up to `floor` settled. */
export function withFloor(feed: FeedState, floor: number): FeedState {
  return normalised(feed.device, Math.max(feed.floor, floor), feed.ranges);
}

/** The ranges missing up to a head, ascending. */
export function missingUpTo(feed: FeedState, head: number): NumberRange[] {
  const missing: NumberRange[] = [];
  let next = feed.floor + 1;
  for (const [from, to] of feed.ranges) {
    if (next > head) return missing;
    if (from > next) missing.push([next, Math.min(from - 1, head)]);
    next = to + 1;
  }
  if (next <= head) missing.push([next, head]);
  return missing;
}

/**
 * The ranges that a user tells of having. A range without end says that what lies in the future is not
 * wanted now, not that it is had.
 */
function rangesHad(feed: FeedState): NumberRange[] {
  const had = feed.ranges.filter(([, to]) => to < Number.MAX_SAFE_INTEGER);
  return feed.floor > 0 && feed.floor < Number.MAX_SAFE_INTEGER ? [[1, feed.floor], ...had] : had;
}

/** How far a user tells of having the feeds. */
export function headsHad(feeds: readonly FeedState[]): Head[] {
  return feeds.flatMap((feed) => {
    const head = rangesHad(feed).at(-1)?.[1];
    return head === undefined ? [] : [{ device: feed.device, head }];
  });
}

/** Whether one feed state has a number that the other misses. */
export function hasMissing(theirs: FeedState, mine: FeedState): boolean {
  const had = rangesHad(theirs);
  const head = had.at(-1)?.[1] ?? 0;
  return missingUpTo(mine, head)
    .some(([from, to]) => had.some((range) => range[0] <= to && range[1] >= from));
}

/** The feed of a device among an author's, an empty one where nothing is had of it. */
export function feedOf(feeds: readonly FeedState[], device: number): FeedState {
  return feeds.find((feed) => feed.device === device) ?? emptyFeed(device);
}

/**
 * The MessagePack form of feed states. Of each only the first {@linkcode rangesMax} ranges are told,
 * fewer where there are many feeds: the peer that answers sends what lies beyond them once more.
 */
export function writeFeeds(feeds: readonly FeedState[]): unknown {
  const told = Math.min(rangesMax, Math.floor(rangesTotalMax / Math.max(feeds.length, 1)));
  return feeds.map((feed) => [feed.device, feed.floor, feed.ranges.slice(0, told)]);
}

/** Reads feed states: at most one a device, ranges ascending. */
export function readFeeds(value: unknown): FeedState[] {
  const seen = new Set<number>();
  return asArray(value, "feeds", 0, deviceMax + 1).map((entry) => {
    const [deviceValue, floorValue, rangesValue] = asArray(entry, "feed", 3);
    const device = asInteger(deviceValue, "device", 0, deviceMax);
    if (seen.has(device)) throw new DecodeError("a device has two feeds");
    seen.add(device);
    const floor = asInteger(floorValue, "floor");
    let last = floor;
    const ranges = asArray(rangesValue, "ranges", 0, rangesMax).map((range): NumberRange => {
      const [fromValue, toValue] = asArray(range, "range", 2);
      const from = asInteger(fromValue, "range start", last + 1);
      last = asInteger(toValue, "range end", from);
      return [from, last];
    });
    return normalised(device, floor, ranges);
  });
}
