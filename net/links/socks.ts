/**
 * What of SOCKS5 (RFC 1928) a relay understands: no authentication, CONNECT to a name.
 *
 * The name is `<link key>.camellia`, which no resolver knows.
 *
 * @module
 */

import { fromHex, toHex, utf8 } from "../../core/model/bytes.ts";

/** The first byte that a client of SOCKS5 sends. */
export const socksByte = 5;

/** What follows a link key in the name that is asked for. */
const suffix = ".camellia";

/** Reply codes of section 6 that a relay gives. */
export const socksReplies = { granted: 0, refused: 2, unreachable: 4, unsupported: 7 } as const;

/** Why a connection through a relay is, or is not, to be had. */
export type SocksReply = keyof typeof socksReplies;

/** The client's first message: no authentication is all it offers. */
export const socksGreeting: Uint8Array = Uint8Array.of(socksByte, 1, 0);

/** The answer to {@linkcode socksGreeting}: no authentication is chosen. */
export const socksChoice: Uint8Array = Uint8Array.of(socksByte, 0);

/** The name under which a relay is asked for a device. */
export function nameOf(linkKey: Uint8Array): string {
  return toHex(linkKey) + suffix;
}

/** The link key that a name asks for; undefined if it asks for something else. */
export function linkKeyIn(name: string): Uint8Array | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const key = fromHex(name.slice(0, -suffix.length));
  return key?.length === 32 ? key : undefined;
}

/** The request to be connected to a device. */
export function socksRequest(linkKey: Uint8Array): Uint8Array {
  const name = utf8(nameOf(linkKey));
  return Uint8Array.of(socksByte, 1, 0, 3, name.length, ...name, 0, 1);
}

/** The answer to a request; the address that it names means nothing here. */
export function socksAnswer(reply: SocksReply): Uint8Array {
  return Uint8Array.of(socksByte, socksReplies[reply], 0, 1, 0, 0, 0, 0, 0, 0);
}
