/**
 * This machine's addresses: those in its home network, and which families it has.
 *
 * @module
 */

import { families, type Family, familyOf, unicastAddress } from "../../lib/ip_address.ts";

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

/** Addresses told of: a machine with two families, containers and addresses that change has many. */
const leadingAddressesMax = 6;

/** The addresses of this machine that lead out of it, public ones first; none where the system does not tell. */
export function leadingAddresses(
  interfaces: () => Interfaces = Deno.networkInterfaces,
): string[] {
  try {
    const found = interfaces().flatMap(({ address }) => unicastAddress(address) ?? [])
      .filter(({ kind }) => leadingOut.has(kind))
      .toSorted((a, b) => Number(b.kind === "public") - Number(a.kind === "public"));
    return [...new Set(found.map(({ ip }) => ip))].slice(0, leadingAddressesMax);
  } catch {
    return [];
  }
}

/** Kinds of addresses that lead out of this machine and its cable. */
const leadingOut: ReadonlySet<string> = new Set(["public", "private"]);

/** The families of addresses by which this machine reaches others; both where it does not tell. */
export function ownFamilies(
  interfaces: () => Interfaces = Deno.networkInterfaces,
): readonly Family[] {
  try {
    const found = new Set(
      interfaces().flatMap(({ address }) => {
        const one = unicastAddress(address);
        return one !== undefined && leadingOut.has(one.kind) ? [familyOf(one.ip)] : [];
      }),
    );
    return found.size === 0 ? families : [...found];
  } catch {
    return families;
  }
}
