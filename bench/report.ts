/**
 * How benches of one process print their figures.
 *
 * @module
 */

/** Prints a line of figures, numbers with two digits after the point. */
export function report(bench: string, figures: Record<string, number | string>): void {
  const rounded = Object.entries(figures).map((
    [key, value],
  ) => [key, typeof value === "number" ? Math.round(100 * value) / 100 : value]);
  const line = JSON.stringify({ bench, ...Object.fromEntries(rounded) });
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Percentiles of some times. */
export function summary(times: readonly number[]): Record<string, number> {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] ?? NaN;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), worst: at(1) };
}
