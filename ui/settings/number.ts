/**
 * Numbers as people write them.
 *
 * @module
 */

/** A whole number in decimal digits from `min` to `max`. */
export function parseNumber(text: string, min: number, max: number): number | undefined {
  if (!/^[0-9]{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}
