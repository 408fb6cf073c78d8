/**
 * How the simulations count and print.
 *
 * @module
 */

/** One table. */
export interface Table {
  readonly name: string;
  /** What was simulated, in a sentence or two. */
  readonly about: string;
  readonly rows: readonly Row[];
}

/** Cells by column. */
export type Row = Readonly<Record<string, number | string>>;

/** What a table is made with. */
export interface Settings {
  readonly seed: string;
  /** `--sizes=100,1000`, `--hours=24` and the like; a table names its own. */
  readonly numbers: (name: string, defaults: readonly number[]) => readonly number[];
  /** Tells whoever waits. */
  readonly tell: (line: string) => void;
  /** Told of each row when it is made. */
  readonly row: (row: Row) => void;
}

/** The value at share `q` of `values`, which need not be sorted; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

/** `value` with so many digits after the point. */
export function rounded(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

/** A share as percent, two digits. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "none" : `${rounded(100 * part / whole, 2)} %`;
}

/** The rows as Markdown. */
export function markdown({ rows }: Table): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly unknown[]): string => `| ${cells.join(" | ")} |`;
  const body = rows.map((row) => line(columns.map((column) => row[column] ?? "")));
  return [line(columns), line(columns.map(() => "---")), ...body].join("\n");
}
