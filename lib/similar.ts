/**
 * Which of some known words a mistyped one was meant to be.
 *
 * @module
 */

/** More mistakes than this are another word. */
const distanceMax = 3;

/** Longer words are not compared: the work grows with the square of the length. */
const lengthMax = 64;

/**
 * How many letters must be added, left out, changed or exchanged with a neighbour to make one word of
 * the other (optimal string alignment distance).
 */
export function mistakesIn(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + changed,
        isSwap ? at(i - 2, j - 2) + 1 : Infinity,
      ));
    }
  }
  return at(a.length, b.length);
}

/**
 * The known words that are nearest to the one given, all equally near and in their order; none where
 * more than three letters, or half of the letters, are wrong.
 */
export function similar(word: string, known: readonly string[]): string[] {
  if (word.length > lengthMax) return [];
  let best = Infinity;
  let nearest: string[] = [];
  for (const candidate of known) {
    const far = mistakesIn(word, candidate);
    if (far > distanceMax || far * 2 > Math.max(word.length, candidate.length)) continue;
    if (far < best) nearest = [];
    if (far <= best) nearest.push(candidate);
    best = Math.min(best, far);
  }
  return nearest;
}
