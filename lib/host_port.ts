/**
 * Hosts with ports, as people write them.
 *
 * @module
 */

import type { Endpoint } from "./ip_address.ts";

/** A host as people write one, and a port. */
export interface HostPort {
  /** Name, IPv4 address, or IPv6 address without brackets. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
}

/** A host and port as they are written: IPv6 addresses get brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address and port as people write them. */
export function formatEndpoint({ ip, port }: Endpoint): string {
  return formatHostPort(ip, port);
}

/** Hosts and ports as a message lists them. */
export function formatHostPorts(nodes: readonly HostPort[]): string {
  return nodes.map(({ host, port }) => formatHostPort(host, port)).join(", ");
}
