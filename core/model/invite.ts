/**
 * Invites: one string that says how to join the network, and whom to follow there.
 *
 *     camellia:<base64url of: version 1, MessagePack [username, key, nodes, token, expires], checksum>
 *
 * A node is 4 or 16 bytes of its address and 2 of its UDP port; the checksum is the first 4 bytes of
 * SHA-256 over all that comes before it. An invite is not signed: it travels from hand to hand, and a
 * person who could change it could as well make another.
 *
 * @module
 */

import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import { type Endpoint, isPort, unicastAddress } from "../../lib/ip_address.ts";
import {
  asArray,
  asBytes,
  asBytesUpTo,
  asInteger,
  attempt,
  decode,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";
import { concat, equalBytes } from "./bytes.ts";
import { CamelliaError } from "./errors.ts";
import { isAcceptableKey } from "./identity.ts";
import type { UserRef } from "./user.ts";
import { asUsername } from "./username.ts";

/** What every invite begins with. */
export const invitePrefix = "camellia:";

/** Nodes in an invite: with eight in different places, some are still there when it is used. */
export const inviteNodesMax = 8;

/** Random bytes of a one-time token. */
export const inviteTokenBytes = 16;

/** The longest invite, in characters: name, key, token, expiry and eight IPv6 nodes take 341. */
export const inviteLengthMax = 500;

/** White space that a mail program or a terminal put into an invite is dropped; of so much text at most. */
const pastedLengthMax = 4 * inviteLengthMax;

/** The one version there is. */
const version = 1;

const checksumBytes = 4;

/** The last millisecond that a date can say (ECMA-262, section 21.4.1.1). */
const timeMax = 8_640_000_000_000_000;

/** What an invite says. */
export interface Invite {
  /** The inviter's name and whole key. */
  readonly inviter: UserRef;
  /** Addresses and UDP ports of nodes to join through, the likeliest first; at most eight. */
  readonly nodes: readonly Endpoint[];
  /** A one-time token, 16 bytes: the inviter follows back the first user who presents it. */
  readonly token?: Uint8Array;
  /** Unix time in milliseconds from which on it is of no use. */
  readonly expires?: number;
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest().subarray(0, checksumBytes);
}

function writeNode({ ip, port }: Endpoint): Uint8Array {
  if (unicastAddress(ip) === undefined || !isPort(port)) {
    throw new TypeError(`Cannot invite: ${ip} and ${port} are no place of a node`);
  }
  return Uint8Array.from([...ipaddr.process(ip).toByteArray(), port >> 8, port & 0xff]);
}

function readNode(value: unknown): Endpoint {
  const bytes = asBytesUpTo(value, "node", 18);
  if (bytes.length !== 6 && bytes.length !== 18) throw new DecodeError("node has a wrong length");
  const port = new DataView(bytes.buffer).getUint16(bytes.length - 2);
  const text = ipaddr.fromByteArray([...bytes.subarray(0, -2)]).toString();
  const address = unicastAddress(text);
  if (address === undefined || address.kind === "linkLocal" || !isPort(port)) {
    throw new DecodeError("node is no place of one");
  }
  return { ip: address.ip, port };
}

/**
 * The string of an invite.
 *
 * @throws {TypeError} if it names more than eight nodes, or a place where there can be none.
 */
export function writeInvite({ inviter, nodes, token, expires }: Invite): string {
  if (nodes.length > inviteNodesMax) {
    throw new TypeError(`Cannot invite: ${nodes.length} nodes are more than ${inviteNodesMax}`);
  }
  const { username, key } = inviter;
  const body = encode([username, key, nodes.map(writeNode), token ?? null, expires ?? null]);
  const said = concat(Uint8Array.of(version), body);
  const bytes = concat(said, checksumOf(said));
  return invitePrefix + toBase64url(bytes);
}

function readBody(bytes: Uint8Array): Invite {
  const limits = { maxBytes: inviteLengthMax, maxArrayLength: inviteNodesMax, maxDepth: 2 };
  const [username, key, nodes, token, expires] = asArray(decode(bytes, limits), "invite", 5);
  const inviter = { username: asUsername(username, "inviter"), key: asBytes(key, "key", 32) };
  if (!isAcceptableKey(inviter.key)) throw new DecodeError("key is none");
  return {
    inviter,
    nodes: asArray(nodes, "nodes", 0, inviteNodesMax).map(readNode),
    ...(token === null ? {} : { token: asBytes(token, "token", inviteTokenBytes) }),
    ...(expires === null ? {} : { expires: asInteger(expires, "expiry", 0, timeMax) }),
  };
}

function refuse(why: string): CamelliaError {
  return new CamelliaError("invalid_invite", `Cannot use the invite: ${why}`);
}

/**
 * The invite that a person pasted: white space in and around it is dropped.
 *
 * @throws {CamelliaError} `invalid_invite`, saying whether it is none, was cut or altered, or needs a newer
 * program.
 */
export function readInvite(pasted: string): Invite {
  if (pasted.length > pastedLengthMax) throw refuse("it is far longer than any invite");
  const text = pasted.replace(/\s+/g, "");
  if (!text.startsWith(invitePrefix)) {
    throw refuse(`it does not begin with ${invitePrefix}. \`camellia invite\` makes one`);
  }
  const changed = "it was cut or altered on the way. Copy the whole string again";
  if (text.length > inviteLengthMax) throw refuse(changed);
  const digits = text.slice(invitePrefix.length);
  const bytes = fromBase64url(digits);
  if (bytes === undefined || bytes.length <= checksumBytes) throw refuse(changed);
  const said = bytes.subarray(0, -checksumBytes);
  if (!equalBytes(checksumOf(said), bytes.subarray(-checksumBytes))) throw refuse(changed);
  if (said[0] !== version) {
    throw refuse(
      `it has the format ${said[0]}, and this program knows ${version}. Get a newer one`,
    );
  }
  const invite = attempt(() => readBody(said.subarray(1)));
  if (invite === undefined) throw refuse("what it says makes no sense. Ask for another one");
  return invite;
}

/** The bytes; undefined for what {@linkcode toBase64url} would not have written. */
function fromBase64url(digits: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(digits, { alphabet: "base64url" });
    return toBase64url(bytes) === digits ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Refuses an invite whose time is over by the clock of the user who wants to use it.
 *
 * @throws {CamelliaError} `invite_expired`.
 */
export function refuseExpired({ inviter, expires }: Invite, now: number): void {
  if (expires === undefined || now < expires) return;
  const when = new Date(expires).toISOString();
  throw new CamelliaError(
    "invite_expired",
    `Cannot use the invite: it was good until ${when}. Ask ${inviter.username} for another one`,
  );
}

/**
 * The nodes of an invite that a peer at the given addresses may knock at. A stranger's invite must not
 * make a peer knock on doors of its own machine or home: loopback and private addresses count only where
 * the peer's own address, as others know it or as it is configured, is of that kind. Where an invite names
 * no public node at all, its network is a local one: then the peer's home addresses count as well.
 */
export function usableNodes(
  { nodes }: Pick<Invite, "nodes">,
  own: { readonly addresses: readonly string[]; readonly home: readonly string[] },
): Endpoint[] {
  const kindOf = (ip: string) => unicastAddress(ip)?.kind;
  const isLocal = nodes.every(({ ip }) => kindOf(ip) !== "public");
  const places = isLocal ? [...own.addresses, ...own.home] : own.addresses;
  const kinds = new Set(["public", ...places.map(kindOf)]);
  return nodes.filter(({ ip }) => kinds.has(kindOf(ip)));
}
