/**
 * Reading exact numbers of bytes from a connection.
 *
 * @module
 */

/** What is read from. */
export type ByteSource = Pick<Deno.Conn, "read">;

/** Reads from a connection of which the first bytes are there already. */
export class ByteReader {
  readonly #source: ByteSource;
  #rest: Uint8Array;

  /** `first` was read before. */
  constructor(source: ByteSource, first: Uint8Array = new Uint8Array(0)) {
    this.#source = source;
    this.#rest = first;
  }

  /** What was read and not taken yet; it counts as taken then. */
  takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest;
  }

  /** The next bytes, so many exactly. Rejects when the connection ends before. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    const had = this.#rest.subarray(0, count);
    bytes.set(had);
    this.#rest = this.#rest.subarray(had.length);
    for (let at = had.length; at < count;) {
      const read = await this.#source.read(bytes.subarray(at));
      if (read === null) throw new Error("Cannot read on: the connection ended");
      at += read;
    }
    return bytes;
  }
}

/**
 * The first bytes that come, at most so many; undefined where the connection ends before. They take no more space than
 * they need: a thousand connections of a relay that kept a buffer each would take 4 MB.
 */
export async function firstBytes(
  source: ByteSource,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const space = new Uint8Array(bytesMax);
  const read = await source.read(space);
  return read === null ? undefined : space.slice(0, read);
}

/** Writes all bytes. */
export async function writeAll(conn: Pick<Deno.Conn, "write">, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
