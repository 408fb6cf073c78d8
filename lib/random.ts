/**
 * Random bytes, and what is drawn from them.
 *
 * @module
 */

/** A source of random bytes that strangers cannot predict: fit for keys. */
export interface Random {
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** A number from 0, included, to 1, excluded, with 32 bits. */
export function fraction(random: Random): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}

/** The items in random order (Fisher and Yates); the argument is left alone. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  if (result.length < 2) return result;
  const bytes = random.bytes(4 * result.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor((view.getUint32(4 * i) / 2 ** 32) * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
