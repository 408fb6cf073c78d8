/**
 * Medians.
 *
 * @module
 */

/**
 * The lower median: at least half of the numbers are at or above it, so that a minority of liars cannot
 * move it beyond what an honest voter said. Undefined where there are no numbers.
 */
export function lowerMedian(numbers: readonly number[]): number | undefined {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1];
}
