/**
 * What counts at the end of a soak with homes: posts, lines of logs, memory.
 *
 * @module
 */

/** What one peer has seen. */
export interface Seen {
  readonly name: string;
  /** Authors whom it follows. */
  readonly follows: readonly string[];
  /** Texts of events of the kind `post`, as often as they came, from all processes. */
  readonly events: readonly string[];
  /** Texts of its timeline. */
  readonly timeline: readonly string[];
  /** Whether a process of it was killed: a post may have been stored and not told then. */
  readonly wasKilled: boolean;
}

/** A post as it was made. */
export interface Made {
  readonly author: string;
  readonly text: string;
  /** Whether the author's peer said that it is committed; if not, it may or may not exist. */
  readonly isCommitted: boolean;
}

/** A post that a peer has not once. */
export interface Wrong {
  readonly reader: string;
  readonly text: string;
  /** Where: on the timeline or among the events. */
  readonly where: "timeline" | "events";
  /** How often it is there. */
  readonly times: number;
}

function counts(texts: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1);
  return times;
}

/** The posts of followed users that a peer does not have exactly once. */
export function wrongPosts(seen: Seen, posts: readonly Made[]): Wrong[] {
  const wrong: Wrong[] = [];
  const followed = new Set(seen.follows);
  const [stored, told] = [counts(seen.timeline), counts(seen.events)];
  for (const { author, text, isCommitted } of posts) {
    if (!followed.has(author)) continue;
    const times = stored.get(text) ?? 0;
    const heard = told.get(text) ?? 0;
    const add = (where: Wrong["where"], n: number) =>
      void wrong.push({ reader: seen.name, text, where, times: n });
    if (times > 1 || (times === 0 && isCommitted)) add("timeline", times);
    if (heard > 1 || (heard === 0 && times > 0 && !seen.wasKilled)) add("events", heard);
  }
  return wrong;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The means of the first, the second and the last third; NaN where there are fewer than three values. */
export function thirds(values: readonly number[]): [number, number, number] {
  const third = Math.floor(values.length / 3);
  if (third === 0) return [NaN, NaN, NaN];
  const [first, last] = [values.slice(0, third), values.slice(-third)];
  return [mean(first), mean(values.slice(third, -third)), mean(last)];
}

/** By how many percent the mean of the last third is above that of the first. */
export function growthPercent(values: readonly number[]): number {
  const [first, , last] = thirds(values);
  return (last / first - 1) * 100;
}

/** Lines that no healthy peer prints. */
export function isError(line: string): boolean {
  return /error|uncaught|panic|not dealt with/i.test(line);
}

/** When a peer could not be reached by anyone, in Unix milliseconds; `toMs` is Infinity while it lasts. */
export interface Absence {
  readonly fromMs: number;
  toMs: number;
}

/** A post that a peer was told of. */
export interface Delivery {
  readonly author: string;
  readonly reader: string;
  /** The post's own date, and when the reader's peer told of it, in Unix milliseconds. */
  readonly postedMs: number;
  readonly toldMs: number;
}

/** Those of which neither side was away while they were on their way: what relays and lines made of them. */
export function undisturbed(
  deliveries: readonly Delivery[],
  absences: ReadonlyMap<string, readonly Absence[]>,
): Delivery[] {
  return deliveries.filter(({ author, reader, postedMs, toldMs }) =>
    ![author, reader].some((name) =>
      absences.get(name)?.some(({ fromMs, toMs }) => fromMs <= toldMs && toMs >= postedMs)
    )
  );
}

/** How often each kind of line came, the frequent ones first; numbers, names and addresses do not count. */
export function kindsOf(lines: readonly string[]): { kind: string; times: number }[] {
  const kinds = lines.filter((line) => line.trim() !== "").map((line) =>
    line.replaceAll(/[0-9a-f]{8,}/g, "#").replaceAll(/\d+(?:[.:]\d+)*/g, "#")
  );
  return [...counts(kinds)].map(([kind, times]) => ({ kind, times }))
    .toSorted((a, b) => b.times - a.times);
}

/** The value below which such a share of them lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? NaN;
}
