/**
 * How commands reach a running peer: what both ends of the loopback port agree on.
 *
 * - `POST /call` with `{"method","argument","user"}` is answered with `{"result"}`, or with an error status and
 *   `{"error":{"code","message"}}`. Methods and arguments are those of the table in `core/api.ts`. A
 *   call that names a user is refused unless that user is logged in.
 * - `GET /events` is answered with one JSON event a line, for as long as the client stays. The first
 *   line is empty: from then on nothing is missed.
 * - `GET /page` turns the page on, for as long as a client stays; it is answered with one line of JSON,
 *   `{"port","code"}`: where the page is, and a fresh one-time code. `POST /page/stop` turns it off.
 *
 * All need `Authorization: Bearer <token>`. Before a client shows the token it sends a nonce, in the header
 * `Camellia-Nonce`; an answer to such a request has the {@linkcode proofOf proof} that the server knows the
 * token, in `Camellia-Proof`. A client may send `Expect: 100-continue` (RFC 9110, section
 * 10.1.1): then it learns that the token was seen before it says what is to be done.
 *
 * @module
 */

import { concat, toHex, utf8 } from "../../core/model/bytes.ts";
import { parseNumber } from "../settings/number.ts";

/** The file in the data folder that says where the running peer listens. */
export const portFileName = "peer.json";

/** Bytes of that file at most. */
export const portFileBytesMax = 1024;

/** Bytes of the token. */
export const tokenBytes = 32;

/** A request's body at most: a post of 2,000 bytes, or a sealed account of 8,000 in base64. */
export const bodyBytesMax = 65_536;

/** A response's body at most: 1,000 posts of 2,000 bytes, escaped; profiles of 10,000 names are smaller. */
export const responseBytesMax: number = 16 * 1024 * 1024;

/** The content of the port file. */
export interface PortFile {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** 64 hexadecimal digits. */
  readonly token: string;
}

/** Where the page is. */
export interface PagePlace {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** A fresh one-time code. */
  readonly code: string;
}

/** The address of the page. What stands behind # no browser sends anywhere by itself. */
export function pageUrl({ port, code }: PagePlace): string {
  return `http://127.0.0.1:${port}/#${code}`;
}

/** Reads a port file; undefined when it is not one. */
export function parsePortFile(text: string): PortFile | undefined {
  try {
    const { port, token } = JSON.parse(text) as Record<string, unknown>;
    if (typeof token !== "string" || !/^[0-9a-f]{64}$/.test(token)) return undefined;
    const number = parseNumber(String(port), 1, 65_535);
    return number === undefined ? undefined : { port: number, token };
  } catch {
    return undefined;
  }
}

/** Of what the proof is the HMAC: the port and the client's nonce. */
export function provenText({ port }: Pick<PortFile, "port">, nonce: string): string {
  return `${port} ${nonce}`;
}

/**
 * What only a server that knows the token can say to a nonce, at this port: HMAC-SHA-256 in 64 hexadecimal
 * digits.
 */
export async function proofOf(port: PortFile, nonce: string): Promise<string> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(port.token), hmac, false, ["sign"]);
  const proof = await crypto.subtle.sign(hmac, key, utf8(provenText(port, nonce)));
  return toHex(new Uint8Array(proof));
}

/**
 * The body of a request or response as JSON.
 *
 * @throws {RangeError} For more than `bytesMax` bytes.
 * @throws {TypeError} For bytes that are not UTF-8.
 * @throws {SyntaxError} For text that is not JSON.
 */
export async function readJson(
  message: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of message) {
    length += part.length;
    if (length > bytesMax) throw new RangeError(`it has more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(concat(...parts)));
}
