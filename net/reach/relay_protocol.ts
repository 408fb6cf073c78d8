/**
 * What devices and relays say to one another, before and beside the bytes that a relay passes
 * (docs/PROTOCOL.md, section 5).
 *
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { utf8 } from "../../core/model/bytes.ts";
import type { Endpoint } from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";

/** The first byte of every connection that is about relaying. */
export const relayByte = 0x43;

/** The version of this protocol. */
export const relayVersion = 1;

/** What a connection is for, in its third byte. */
export const purposes = {
  /** To be reached through this relay; followed by a link key of 32 bytes. */
  reserve: 1,
  /** To take a circuit that the relay told of; followed by its name of 16 bytes. */
  take: 2,
  /** To find out whether a peer listens here. */
  knock: 3,
} as const;

/** What either side says on the connection of a reservation, by its first byte. */
export const sayings = {
  /** The relay: a key and a nonce of 32 bytes each, to prove the link key with. */
  challenge: 1,
  /** The relay: reserved. */
  reserved: 2,
  /** The relay: no; the connection ends. */
  refused: 3,
  /** The relay: a sender is here; the name of a circuit to take follows, 16 bytes. */
  call: 4,
  /** Either: still here. The relay answers each with one. */
  alive: 5,
} as const;

/** Bytes of keys, nonces and proofs. */
export const keyBytes = 32;

/** Bytes of a circuit's name: a secret that the relay tells to the device alone. */
export const circuitNameBytes = 16;

/** Bytes before what a purpose is followed by: first byte, version, purpose. */
export const headBytes = 3;

/** The beginning of a connection. */
export function relayHead(
  purpose: keyof typeof purposes,
  what: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return Uint8Array.of(relayByte, relayVersion, purposes[purpose], ...what);
}

/** The answer to a knock. */
export const knockAnswer: Uint8Array = Uint8Array.of(relayByte, relayVersion);

const proofPrefix = utf8("camellia/relay/1\0");

/** What a proof of a link key is over. */
export interface ProofContent {
  /** What both sides computed: X25519 (RFC 7748) of the one's secret and the other's public key. */
  readonly shared: Uint8Array;
  /** Where the device dialled the relay: a relay cannot use at another what a device proved to it. */
  readonly relay: Endpoint;
  /** The relay's nonce. */
  readonly nonce: Uint8Array;
  /** The link key that is proved. */
  readonly linkKey: Uint8Array;
}

/** The proof that a device has the secret of a link key: HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function proofOf({ shared, relay, nonce, linkKey }: ProofContent): Uint8Array {
  const mac = createHmac("sha256", shared);
  const where = utf8(`${formatHostPort(relay.ip, relay.port)}\0`);
  for (const part of [proofPrefix, where, nonce, linkKey]) mac.update(part);
  return new Uint8Array(mac.digest());
}

/** Whether a proof is right; compared in constant time. */
export function isProof(proof: Uint8Array, content: ProofContent): boolean {
  const right = proofOf(content);
  return proof.length === right.length && timingSafeEqual(proof, right);
}
