/**
 * The UDP socket of the DHT.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { openForBoth } from "../../lib/dual_stack.ts";
import { type Endpoint, ipAddress } from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import type { Datagrams } from "../kademlia/ports.ts";

/** Fits the longest message (8,213 bytes) twice; the default would cost 78 KB a socket. */
const receiveBufferBytes = 16_384;

/** Receive errors in a row (an unreachable network reports some) after which the socket is given up. */
const errorsMax = 100;

/**
 * Opens a UDP socket.
 *
 * @param listen Where it listens: at `::` datagrams of IPv4 and IPv6 arrive, of IPv4 alone where the
 * system has no IPv6; port 0 takes a free one.
 * @param onError Called when the socket fails for good.
 * @throws {CamelliaError} `udp_port_in_use`, `address_unavailable`.
 *
 * @example
 * ```ts
 * import { openDatagrams } from "./datagrams.ts";
 *
 * const a = openDatagrams({ ip: "127.0.0.1", port: 0 });
 * const b = openDatagrams({ ip: "127.0.0.1", port: 0 });
 * const received = new Promise((resolve) => b.onReceive((data) => resolve(data.length)));
 * a.send(new Uint8Array(3), b.address);
 * console.assert(await received === 3);
 * a.close();
 * b.close();
 * ```
 */
export function openDatagrams(
  { ip, port }: Endpoint,
  onError: (error: Error) => void = () => {},
): Datagrams {
  try {
    const [first, six] = openForBoth({ ip, port }, {
      open: (at) => Deno.listenDatagram({ hostname: at.ip, port: at.port, transport: "udp" }),
      portOf: ({ addr }) => (addr as Deno.NetAddr).port,
    }).map((socket) => new UdpDatagrams(socket, onError));
    if (first === undefined) throw new Error("no socket was opened");
    return six === undefined ? first : new BothDatagrams(first, six);
  } catch (cause) {
    const doing = `Cannot listen on ${formatHostPort(ip, port)} (UDP)`;
    if (cause instanceof Deno.errors.AddrInUse) {
      const message = `${doing}: the port is in use. Choose another with --port, or 0 for any`;
      throw new CamelliaError("udp_port_in_use", message, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `${doing}: ${why}. Choose another with --ip and --port`;
    throw new CamelliaError("address_unavailable", message, { cause });
  }
}

function ignore(): void {}

class UdpDatagrams implements Datagrams {
  readonly address: Endpoint;
  readonly #socket: Deno.DatagramConn;
  readonly #onError: (error: Error) => void;
  readonly #v6: boolean;
  #closed = false;
  #listening = false;

  constructor(socket: Deno.DatagramConn, onError: (error: Error) => void) {
    this.#socket = socket;
    this.#onError = onError;
    const { hostname, port } = socket.addr as Deno.NetAddr;
    this.address = { ip: hostname, port };
    this.#v6 = hostname.includes(":");
  }

  send(data: Uint8Array, to: Endpoint): void {
    // The operating system takes other ports silently and asks DNS for anything that looks like a name.
    if (this.#closed || to.port < 1 || to.port > 65_535) return;
    const address = ipAddress(to.ip);
    if (address === undefined) return;
    const isV6 = address.isIPv6;
    if (isV6 && !this.#v6) return;
    const hostname = this.#v6 && !isV6 ? `::ffff:${to.ip}` : to.ip;
    // What the network refuses (no route, a full queue) is lost like any other datagram.
    this.#socket.send(data, { transport: "udp", hostname, port: to.port }).catch(ignore);
  }

  onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void {
    if (this.#listening) throw new Error("Cannot listen twice: the socket has one receiver");
    this.#listening = true;
    this.#receive(fn);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #receive(fn: (data: Uint8Array, from: Endpoint) => void): Promise<void> {
    const buffer = new Uint8Array(receiveBufferBytes);
    let errors = 0;
    while (!this.#closed) {
      try {
        const [data, from] = await this.#socket.receive(buffer);
        errors = 0;
        const { hostname, port } = from as Deno.NetAddr;
        // One text for each address, and not a new one for each datagram: it is looked up several times.
        // An IPv4 peer of a dual-stack socket appears as `::ffff:a.b.c.d`.
        fn(data, { ip: ipAddress(hostname)?.ip ?? hostname, port });
      } catch (error) {
        if (this.#closed) return;
        if (++errors < errorsMax) continue;
        this.#onError(error as Error);
        return;
      }
    }
  }
}

/** A socket for each family, under one port. */
class BothDatagrams implements Datagrams {
  readonly address: Endpoint;
  readonly #four: Datagrams;
  readonly #six: Datagrams;

  constructor(four: Datagrams, six: Datagrams) {
    this.#four = four;
    this.#six = six;
    this.address = six.address;
  }

  send(data: Uint8Array, to: Endpoint): void {
    (to.ip.includes(":") ? this.#six : this.#four).send(data, to);
  }

  onReceive(fn: (data: Uint8Array, from: Endpoint) => void): void {
    this.#four.onReceive(fn);
    this.#six.onReceive(fn);
  }

  close(): void {
    this.#four.close();
    this.#six.close();
  }
}
