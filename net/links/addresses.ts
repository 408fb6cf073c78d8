/**
 * Which of a device's addresses may be dialled.
 *
 * Addresses come out of records that strangers wrote: a peer must not become a tool that knocks on
 * doors of its own machine or local network. So loopback and private addresses are dialled only from
 * a peer whose own address is of that kind (design, section 6), or in the own home network where the
 * device has the same outer address (section 10); multicast, broadcast, link-local and reserved ones never.
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

/** What a peer knows of its own place. */
export interface OwnPlace {
  /** Its own addresses, as others know it. */
  readonly addresses: readonly string[];
  /** The home networks that this machine is in, as address and length of the prefix. */
  readonly homeNetworks: readonly string[];
}

/** The addresses of a device that a peer at the given place may dial, in the order given. */
export function dialable(target: LinkTarget, own: OwnPlace): IpAddress[] {
  const ownAddresses = own.addresses.flatMap((text) => readAddress(text) ?? []);
  const ownKinds = new Set(ownAddresses.map(({ kind }) => kind));
  const named = target.addresses.slice(0, addressesMax).flatMap((text) => readAddress(text) ?? []);
  const isSameHome = named.some(({ ip, kind }) =>
    kind === "public" && ownAddresses.some((one) => one.ip === ip)
  );
  const may = (address: IpAddress) =>
    address.kind === "public" || ownKinds.has(address.kind) ||
    (isSameHome && isIn(own.homeNetworks, address));
  return [...new Map(named.filter(may).map((address) => [address.ip, address])).values()];
}

/** Whether the address is in one of the networks. */
function isIn(networks: readonly string[], { ip }: IpAddress): boolean {
  const address = ipaddr.parse(ip);
  return networks.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === address.kind() && address.match([network, bits]);
  });
}

/** The address as zeromq takes it. */
export function zmqAddress(address: Pick<IpAddress, "ip" | "isIPv6">, port: number): string {
  return `tcp://${address.isIPv6 ? `[${address.ip}]` : address.ip}:${port}`;
}
