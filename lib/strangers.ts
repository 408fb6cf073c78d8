/**
 * Connections that have not shown yet that they may be here: a bounded number of them, so that other users of a machine
 * can neither keep its owner out nor use up the descriptors.
 *
 * @module
 */

/** What a connection is for {@linkcode Strangers}: `net.Socket` of Node.js is one. */
export interface Closable {
  /** Closes it at once. */
  destroy(): unknown;
  /** Calls back when it has closed. */
  once(event: "close", fn: () => void): unknown;
}

/** Connections of strangers, the oldest first. */
export class Strangers<Connection extends Closable> {
  readonly #countMax: number;
  readonly #waiting = new Set<Connection>();

  /** None yet, and `countMax` at a time. */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** A connection has come: beyond the bound the oldest is closed. */
  greet(connection: Connection): void {
    this.#waiting.add(connection);
    connection.once("close", () => this.know(connection));
    if (this.#waiting.size <= this.#countMax) return;
    const [oldest = connection] = this.#waiting;
    this.know(oldest);
    oldest.destroy();
  }

  /** It has shown that it may be here, or has closed. */
  know(connection: Connection): void {
    this.#waiting.delete(connection);
  }

  /** Closes all of them. */
  close(): void {
    for (const connection of this.#waiting) connection.destroy();
  }
}
