/**
 * IP addresses: canonical text, kinds, and the networks that the address limits count.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { ipCharsMax } from "../constants.ts";

/** Whether an address is this machine, a private network, the open Internet, or nobody. */
export type AddressKind = "loopback" | "private" | "public";

/** What one address is, computed once. */
export interface AddressInfo {
  /** Canonical text: dotted IPv4, or RFC 5952 IPv6. */
  readonly ip: string;
  readonly kind: AddressKind;
  /** The /24 (IPv4) or /64 (IPv6) as text. */
  readonly net: string;
}

/**
 * The canonical form of `ip`, `::ffff:` taken off; undefined for what no datagram can be sent to: host
 * names, zones, unspecified, broadcast, multicast and reserved addresses.
 */
export function parseAddress(ip: string): AddressInfo | undefined {
  if (ip.length > ipCharsMax) return undefined;
  if (ip.indexOf(":") < 0) return parseV4(ip);
  if (!ipaddr.IPv6.isValid(ip) || ip.includes("%")) return undefined;
  const v6 = ipaddr.IPv6.parse(ip);
  if (v6.isIPv4MappedAddress()) return parseV4(v6.toIPv4Address().toString());
  const range = v6.range();
  if (range === "unspecified" || range === "multicast") return undefined;
  const net = v6.parts.slice(0, 4).map((part) => part.toString(16)).join(":");
  const kind = range === "loopback"
    ? "loopback"
    : range === "uniqueLocal" || range === "linkLocal"
    ? "private"
    : "public";
  return { ip: v6.toRFC5952String(), kind, net };
}

/** Strict dotted quad without leading zeros, so that one address has one text. */
function parseV4(ip: string): AddressInfo | undefined {
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
  if (parts !== 4 || a === 0 || a >= 224) return undefined;
  return { ip, kind: kindOfV4(a, b), net: ip.slice(0, lastDot) };
}

/** RFC 1122 (127/8), RFC 1918, RFC 3927 (link-local), RFC 6598 (carrier NAT). */
function kindOfV4(a: number, b: number): AddressKind {
  if (a === 127) return "loopback";
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return "private";
  if ((a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128)) return "private";
  return "public";
}

/** Addresses parsed before: the same few hundred come with every datagram. */
const cacheMax = 4_096;
let recent = new Map<string, AddressInfo | undefined>();
let older = new Map<string, AddressInfo | undefined>();

/** {@link parseAddress}, remembering the last few thousand answers; a pure function all the same. */
export function addressInfo(ip: string): AddressInfo | undefined {
  const known = recent.get(ip);
  if (known !== undefined) return known;
  const info = older.get(ip) ?? parseAddress(ip);
  if (info === undefined) return undefined;
  if (recent.size >= cacheMax) {
    older = recent;
    recent = new Map();
  }
  recent.set(ip, info);
  return info;
}

/** Whether `port` is one that a datagram can be sent to. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}
