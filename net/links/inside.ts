/**
 * The way from the front door to the PULL socket, which listens on this machine alone.
 *
 * @module
 */

/** Where a PULL socket listens: a port of 127.0.0.1, or a Unix socket. */
export type InsideAddress =
  | { readonly transport: "tcp"; readonly hostname: "127.0.0.1"; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** Bytes read at once from a PULL socket, which says little. */
const pieceBytes = 512;

/** Connects to a PULL socket. */
export async function connectInside(address: InsideAddress): Promise<Deno.Conn> {
  if (address.transport === "unix") return await Deno.connect(address);
  const conn = await Deno.connect(address);
  conn.setNoDelay(true);
  return conn;
}

/** Passes on what a PULL socket says until it has no more: its part of the handshake, and signs of life. */
export async function passOut(
  inside: Deno.Conn,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const buffer = new Uint8Array(pieceBytes);
  for (;;) {
    const read = await inside.read(buffer);
    if (read === null) return;
    await write(buffer.subarray(0, read));
  }
}
