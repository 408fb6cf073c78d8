/**
 * This machine's addresses in its home network.
 *
 * @module
 */

import { unicastAddress } from "../../lib/ip_address.ts";

/** The part of the operating system's answer that is used. */
export type Interfaces = readonly Pick<Deno.NetworkInterfaceInfo, "address" | "cidr">[];

/** An address of this machine that only its home network reaches. */
export interface HomeAddress {
  /** The address, canonical. */
  readonly ip: string;
  /** The network that it is in, as address and length of the prefix. */
  readonly cidr: string;
}

/** Addresses announced besides the outer one: a machine with containers has many. */
const homeAddressesMax = 4;

/** The private addresses of this machine, in the system's order; none where it does not tell. */
export function homeAddresses(
  interfaces: () => Interfaces = Deno.networkInterfaces,
): HomeAddress[] {
  try {
    return interfaces().flatMap(({ address, cidr }) => {
      const found = unicastAddress(address);
      return found?.kind === "private" ? [{ ip: found.ip, cidr }] : [];
    }).slice(0, homeAddressesMax);
  } catch {
    return [];
  }
}
