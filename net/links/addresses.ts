/**
 * Which of a device's addresses may be dialled.
 *
 * Addresses come out of records that strangers wrote: a peer must not become a tool that knocks on
 * doors of its own machine or local network. So loopback and private addresses are dialled only from
 * a peer whose own address is of that kind (design, section 6), and multicast, broadcast, link-local
 * and reserved ones never.
 *
 * @module
 */

import ipaddr from "ipaddr.js";
import { type IpAddress, parseIp } from "../../lib/ip_address.ts";
import type { LinkTarget } from "../../core/ports.ts";
import { addressesMax } from "./link_limits.ts";

/** Ranges of unicast addresses that a device can have; not those for documentation, translation and the like. */
const dialledRanges: ReadonlySet<string> = new Set([
  "unicast",
  "private",
  "uniqueLocal",
  "carrierGradeNat",
  "loopback",
]);

/** Reads an address to listen on, such as 0.0.0.0 or ::, in brackets or not. */
export function readListeningAddress(text: string): IpAddress | undefined {
  return parseIp(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text);
}

/** Reads an address that can be dialled by some peer; nothing for all others. */
export function readAddress(text: string): IpAddress | undefined {
  const address = readListeningAddress(text);
  if (address === undefined || !dialledRanges.has(ipaddr.parse(address.ip).range())) {
    return undefined;
  }
  return address;
}

/** The addresses of a device that a peer with the given own addresses may dial, in the order given. */
export function dialable(target: LinkTarget, own: readonly string[]): IpAddress[] {
  const ownKinds = new Set(own.map((text) => readAddress(text)?.kind));
  const found = new Map<string, IpAddress>();
  for (const text of target.addresses.slice(0, addressesMax)) {
    const address = readAddress(text);
    if (!address || (address.kind !== "public" && !ownKinds.has(address.kind))) continue;
    found.set(address.ip, address);
  }
  return [...found.values()];
}

/** The address as zeromq takes it. */
export function zmqAddress(address: Pick<IpAddress, "ip" | "isIPv6">, port: number): string {
  return `tcp://${address.isIPv6 ? `[${address.ip}]` : address.ip}:${port}`;
}
