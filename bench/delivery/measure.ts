/**
 * Figures and how they are printed.
 *
 * @module
 */

/** One figure of the table. */
export interface Row {
  /** What was measured, in the table's words. */
  readonly row: string;
  /** What it should be at most, with its unit. */
  readonly target: string;
  /** What was measured, by name. */
  readonly figures: Record<string, unknown>;
  /** What of it was real, and what was not. */
  readonly setting: string;
}

/** Median, extremes and count of some values. */
export function summary(
  values: readonly number[],
): { p50: number; best: number; worst: number; n: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  return {
    p50: rounded(middle),
    best: rounded(sorted[0]),
    worst: rounded(sorted.at(-1)),
    n: sorted.length,
  };
}

/** Two digits are enough. */
export function rounded(value: number | undefined): number {
  return Number((value ?? NaN).toFixed(2));
}

/** Prints a row with the machine's load over the last minute: others may be using it. */
export async function print({ row, target, figures, setting }: Row): Promise<void> {
  const load = Deno.loadavg()[0];
  const line = JSON.stringify({ row, target, ...figures, load: rounded(load), setting });
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

/** Says on standard error what goes on. */
export function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Milliseconds since 1970, on a scale that processes share, in fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Resolves after so many milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Seconds of processor that a process has used so far. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]?.split(" ") ?? [];
  // utime and stime are fields 14 and 15 of proc(5), in ticks of 1/100 s.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Megabytes that a process has in memory. */
export async function residentMegabytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024;
}

/** A number of the command line, `--name=5`. */
export function option(name: string, fallback: number): number {
  const given = Deno.args.find((arg) => arg.startsWith(`--${name}=`));
  return given === undefined ? fallback : Number(given.slice(name.length + 3));
}

/** Runs a task for every item, so many at once. */
export async function each<T>(
  items: readonly T[],
  atOnce: number,
  task: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  const queue = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) await task(item, index);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
