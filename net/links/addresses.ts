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
import type { LinkTarget } from "../../core/ports.ts";
import { addressesMax } from "./link_limits.ts";

/** What sort of network an address belongs to. */
export type AddressKind = "public" | "private" | "loopback";

/** An address in its one normal form. */
export interface KnownAddress {
  /** Textual, without brackets. */
  readonly ip: string;
  /** IPv6 needs brackets and an option of its own. */
  readonly isIPv6: boolean;
  /** The sort of network. */
  readonly kind: AddressKind;
}

const kindOfRange: Readonly<Record<string, AddressKind>> = {
  unicast: "public",
  private: "private",
  uniqueLocal: "private",
  carrierGradeNat: "private",
  loopback: "loopback",
};

/**
 * Parses an IPv4 address in four decimal parts or an IPv6 address, in brackets or not. IPv4 addresses
 * mapped into IPv6 count as what they are.
 *
 * @returns Nothing for names, other notations and zones.
 */
function parse(text: string): { ip: string; isIPv6: boolean; range: string } | undefined {
  // The longest textual IPv6 address has 45 characters; two more are brackets.
  if (text.length > 47) return undefined;
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  const isIPv4 = ipaddr.IPv4.isValidFourPartDecimal(bare);
  if (!isIPv4 && (bare.includes("%") || !ipaddr.IPv6.isValid(bare))) return undefined;
  const address = ipaddr.process(bare);
  return { ip: address.toString(), isIPv6: address.kind() === "ipv6", range: address.range() };
}

/** Reads an address that can be dialled by somebody; nothing for all others. */
export function readAddress(text: string): KnownAddress | undefined {
  const parsed = parse(text);
  const kind = parsed && kindOfRange[parsed.range];
  return kind && { ip: parsed.ip, isIPv6: parsed.isIPv6, kind };
}

/** Reads an address to listen on, such as 0.0.0.0 or ::, into its normal form. */
export function readListeningAddress(text: string): Omit<KnownAddress, "kind"> | undefined {
  return parse(text);
}

/** The addresses of a device that a peer with the given own addresses may dial, in the order given. */
export function dialable(target: LinkTarget, own: readonly string[]): KnownAddress[] {
  const ownKinds = new Set(own.map((text) => readAddress(text)?.kind));
  const found = new Map<string, KnownAddress>();
  for (const text of target.addresses.slice(0, addressesMax)) {
    const address = readAddress(text);
    if (!address || (address.kind !== "public" && !ownKinds.has(address.kind))) continue;
    found.set(address.ip, address);
  }
  return [...found.values()];
}

/** Whether a port can be dialled. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** The address as zeromq takes it. */
export function zmqAddress(address: Omit<KnownAddress, "kind">, port: number): string {
  return `tcp://${address.isIPv6 ? `[${address.ip}]` : address.ip}:${port}`;
}
