/**
 * IP addresses: canonical text, kinds, the networks that limits count, and endpoints made of them.
 *
 * @module
 */

import ipaddr from "ipaddr.js";
import { BoundedMap } from "./bounded_map.ts";

/** An IP address and a port, UDP or TCP. */
export interface Endpoint {
  /** IPv4 or IPv6 address, textual, without brackets. */
  readonly ip: string;
  /** 1 to 65,535; 0 where a free one is to be chosen. */
  readonly port: number;
}

/**
 * What an address is for: this machine, a local network (RFC 1918, RFC 4193, RFC 6598), one cable
 * (RFC 3927), the open Internet, "any" (0.0.0.0/8, ::), or many receivers (multicast and beyond).
 */
export type IpKind = "loopback" | "private" | "linkLocal" | "public" | "unspecified" | "multicast";

/** The version of the Internet Protocol that an address belongs to. */
export type Family = 4 | 6;

/** Both of them, in the order of their age. */
export const families: readonly Family[] = [4, 6];

/** What one address is, computed once. */
export interface IpAddress {
  /** Canonical text: dotted IPv4, or RFC 5952 IPv6; IPv4 addresses mapped into IPv6 as what they are. */
  readonly ip: string;
  /** Whether it is an IPv6 address. */
  readonly isIPv6: boolean;
  /** What it is for. */
  readonly kind: IpKind;
  /** The /24 (IPv4) or /64 (IPv6) as text. */
  readonly net: string;
}

/** The longest textual IPv6 address, an IPv4 tail included. */
const charsMax = 45;

/** The address in its one canonical form; undefined for names, zones, brackets and other notations. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > charsMax) return undefined;
  if (text.indexOf(":") < 0) return parseV4(text);
  if (!ipaddr.IPv6.isValid(text) || text.includes("%")) return undefined;
  const v6 = ipaddr.IPv6.parse(text);
  if (v6.isIPv4MappedAddress()) return parseV4(v6.toIPv4Address().toString());
  const net = v6.parts.slice(0, 4).map((part) => part.toString(16)).join(":");
  return { ip: v6.toRFC5952String(), isIPv6: true, kind: kindOfV6(v6.range()), net };
}

function kindOfV6(range: string): IpKind {
  if (range === "uniqueLocal") return "private";
  return range === "loopback" || range === "unspecified" || range === "multicast" ||
      range === "linkLocal"
    ? range
    : "public";
}

/** Strict dotted quad without leading zeros, so that one address has one text. */
function parseV4(ip: string): IpAddress | undefined {
  let part = -1;
  let parts = 0;
  let lastDot = 0;
  let a = 0;
  let b = 0;
  for (let i = 0; i <= ip.length; i++) {
    const c = i === ip.length ? 46 : ip.charCodeAt(i);
    if (c === 46) {
      if (part < 0 || part > 255 || parts === 4) return undefined;
      if (parts === 0) a = part;
      else if (parts === 1) b = part;
      parts++;
      if (parts === 3) lastDot = i;
      part = -1;
    } else if (c < 48 || c > 57 || part === 0) return undefined;
    else part = (part < 0 ? 0 : part) * 10 + c - 48;
  }
  if (parts !== 4) return undefined;
  return { ip, isIPv6: false, kind: kindOfV4(a, b), net: ip.slice(0, lastDot) };
}

function kindOfV4(a: number, b: number): IpKind {
  if (a === 0) return "unspecified";
  if (a === 127) return "loopback";
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return "private";
  if (a === 100 && b >= 64 && b < 128) return "private";
  if (a === 169 && b === 254) return "linkLocal";
  return a >= 224 ? "multicast" : "public";
}

/** Addresses parsed before: the same few hundred come with every datagram. */
const known = new BoundedMap<string, IpAddress>(8_192);

/** {@linkcode parseIp}, remembering the last few thousand answers; a pure function all the same. */
export function ipAddress(text: string): IpAddress | undefined {
  const found = known.get(text);
  if (found !== undefined) return found;
  const address = parseIp(text);
  if (address !== undefined) known.set(text, address);
  return address;
}

/**
 * {@linkcode ipAddress}, but undefined also for addresses that name no single machine: "any", multicast,
 * broadcast and reserved ones. Nothing can be sent to those.
 */
export function unicastAddress(text: string): IpAddress | undefined {
  const address = ipAddress(text);
  return address?.kind === "unspecified" || address?.kind === "multicast" ? undefined : address;
}

/** The family of an address in its canonical form. */
export function familyOf(ip: string): Family {
  return ip.includes(":") ? 6 : 4;
}

/** Whether a datagram or connection can be sent to the port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}
