/**
 * Listening on IPv4 and IPv6 under one port.
 *
 * What one socket at `::` takes differs: IPv4 as well on Linux and macOS as they are delivered, IPv6 alone
 * on Windows, the BSDs, and Linux with `net.ipv6.bindv6only`. So it is tried out.
 *
 * @module
 */

import { type Endpoint, ipAddress } from "./ip_address.ts";

/** A socket that listens. */
export interface Opened {
  /** Frees its port at once. */
  close(): void;
}

/** How {@linkcode openForBoth} opens a socket. */
export interface OpenOptions<S extends Opened> {
  /** Opens one; throws an error of the name `AddrInUse` where the port is taken. */
  readonly open: (at: Endpoint) => S;
  /** The port that it got. */
  readonly portOf: (socket: S) => number;
}

/** The port that is free in one family may be taken in the other: so often another is drawn. */
const drawsMax = 3;

/** Whether an address to listen at means all of this machine, IPv6 ones included. */
export function meansBoth(ip: string): boolean {
  const address = ipAddress(ip);
  return address?.kind === "unspecified" && address.isIPv6;
}

/**
 * Listens at the address; where that is `::`, at all addresses of IPv4 and of IPv6 under one port, or of
 * IPv4 alone where the system has no IPv6.
 *
 * @returns One socket, or one for IPv4 and one for IPv6 in this order.
 * @throws What `open` throws.
 */
export function openForBoth<S extends Opened>(listen: Endpoint, options: OpenOptions<S>): S[] {
  if (!meansBoth(listen.ip)) return [options.open(listen)];
  for (let draws = listen.port === 0 ? drawsMax : 1;; draws--) {
    try {
      return openBoth(listen.port, options);
    } catch (error) {
      if (draws <= 1 || !isInUse(error)) throw error;
    }
  }
}

function openBoth<S extends Opened>(wanted: number, { open, portOf }: OpenOptions<S>): S[] {
  const four = open({ ip: "0.0.0.0", port: wanted });
  const port = portOf(four);
  try {
    return [four, open({ ip: "::", port })];
  } catch (error) {
    // Without IPv6 there is IPv4.
    if (!isInUse(error)) return [four];
  }
  // One socket takes both: it and the first one exclude each other.
  four.close();
  return [open({ ip: "::", port })];
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && error.name === "AddrInUse";
}
