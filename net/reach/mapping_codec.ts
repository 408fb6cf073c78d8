/**
 * What is said to a home router to have it let a port in: PCP (RFC 6887) and NAT-PMP (RFC 6886).
 *
 * Both listen at the same UDP port, and both answers say which request they are for. Pure: bytes in,
 * values out; what makes no sense is undefined.
 *
 * @module
 */

import { concat, equalBytes } from "../../core/model/bytes.ts";
import { ipAddress } from "../../lib/ip_address.ts";

/** The UDP port of routers that speak either protocol (RFC 6886, section 1.1). */
export const mappingPort = 5351;

/** What a port is of. */
export type Transport = "tcp" | "udp";

/** A request to let a port in. */
export interface MappingRequest {
  /** What the port is of. */
  readonly transport: Transport;
  /** The port of this machine. */
  readonly port: number;
  /** For how long, in seconds; 0 takes a mapping back. */
  readonly lifetimeS: number;
}

/** What a router grants. */
export interface Mapping {
  /** The port that it lets in; it may be another than the one that was asked for. */
  readonly outerPort: number;
  /** For how long, in seconds. */
  readonly lifetimeS: number;
}

/** IANA's numbers (RFC 6887, section 11.1), and NAT-PMP's opcodes (RFC 6886, section 3.3). */
const protocols = { tcp: { pcp: 6, natPmp: 2 }, udp: { pcp: 17, natPmp: 1 } } as const;

const pcpVersion = 2;
const mapOpcode = 1;

/** Bytes of a nonce of PCP. */
export const nonceBytes = 12;

/** Bytes of requests and answers: PCP's header with MAP's part, NAT-PMP's request and answer. */
const lengths = { pcp: 60, natPmpRequest: 12, natPmpAnswer: 16 } as const;

/** An address in 16 bytes, IPv4 as RFC 4291, section 2.5.5.2, maps it; undefined for what is none. */
function addressBytes(ip: string): Uint8Array | undefined {
  const address = ipAddress(ip);
  if (address === undefined || address.isIPv6) return undefined;
  return concat(
    new Uint8Array(10),
    Uint8Array.of(0xff, 0xff),
    Uint8Array.from(ip.split(".").map(Number)),
  );
}

/** A request of PCP for this machine's IPv4 address; undefined where that is none. */
export function pcpRequest(
  { transport, port, lifetimeS }: MappingRequest,
  ownIp: string,
  nonce: Uint8Array,
): Uint8Array | undefined {
  const own = addressBytes(ownIp);
  if (own === undefined) return undefined;
  const bytes = new Uint8Array(lengths.pcp);
  const view = new DataView(bytes.buffer);
  bytes[0] = pcpVersion;
  bytes[1] = mapOpcode;
  view.setUint32(4, lifetimeS);
  bytes.set(own, 8);
  bytes.set(nonce, 24);
  bytes[36] = protocols[transport].pcp;
  view.setUint16(40, port);
  view.setUint16(42, lifetimeS === 0 ? 0 : port);
  // Any outer address: all zeros, as IPv4.
  bytes.set([0xff, 0xff], 54);
  return bytes;
}

/** What a router answers to {@linkcode pcpRequest}; undefined where that is no grant of it. */
export function readPcp(
  bytes: Uint8Array,
  { transport, port }: MappingRequest,
  nonce: Uint8Array,
): Mapping | undefined {
  if (bytes.length < lengths.pcp) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isAnswer = bytes[0] === pcpVersion && bytes[1] === (0x80 | mapOpcode) && bytes[3] === 0;
  const isMine = equalBytes(bytes.subarray(24, 24 + nonceBytes), nonce) &&
    bytes[36] === protocols[transport].pcp && view.getUint16(40) === port;
  const mapping = { outerPort: view.getUint16(42), lifetimeS: view.getUint32(4) };
  return isAnswer && isMine && mapping.outerPort > 0 ? mapping : undefined;
}

/** A request of NAT-PMP. */
export function natPmpRequest({ transport, port, lifetimeS }: MappingRequest): Uint8Array {
  const bytes = new Uint8Array(lengths.natPmpRequest);
  const view = new DataView(bytes.buffer);
  bytes[1] = protocols[transport].natPmp;
  view.setUint16(4, port);
  view.setUint16(6, lifetimeS === 0 ? 0 : port);
  view.setUint32(8, lifetimeS);
  return bytes;
}

/** What a router answers to {@linkcode natPmpRequest}; undefined where that is no grant of it. */
export function readNatPmp(
  bytes: Uint8Array,
  { transport, port }: MappingRequest,
): Mapping | undefined {
  if (bytes.length < lengths.natPmpAnswer) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isAnswer = bytes[0] === 0 && bytes[1] === 0x80 + protocols[transport].natPmp &&
    view.getUint16(2) === 0 && view.getUint16(8) === port;
  const mapping = { outerPort: view.getUint16(10), lifetimeS: view.getUint32(12) };
  return isAnswer && mapping.outerPort > 0 ? mapping : undefined;
}
