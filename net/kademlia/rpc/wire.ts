/**
 * The datagrams of the protocol, byte for byte those of bmuller/kademlia (rpcudp framing): one byte for
 * the kind, 20 bytes of message id, a MessagePack body.
 *
 * @module
 */
import { isPort, unicastAddress } from "../../../lib/ip_address.ts";
import {
  contactsPerAnswerMax,
  datagramBytesMax,
  idBytes,
  ipCharsMax,
  nestingMax,
  requestBytesMax,
  sampleBytesMax,
  valueBytesMax,
} from "../constants.ts";
import { NodeContact } from "../space/contact.ts";
import { Id } from "../space/id.ts";
import { Reader } from "../../../lib/msgpack_reader.ts";
import { Writer } from "../../../lib/msgpack_writer.ts";
import type { Address } from "../ports.ts";

/** The methods of bmuller/kademlia, and `sample`, which is ours. */
export type Method = "ping" | "stun" | "find_node" | "find_value" | "store" | "sample";

/** First byte of a datagram. */
export const requestKind = 0;
export const responseKind = 1;
/** Kind and message id. */
export const headerBytes = 1 + idBytes;

/** A value on the wire: the content of a `bin`, or a scalar's whole encoding. */
export interface WireValue {
  /** A view of the datagram: copy what is kept. */
  readonly value: Uint8Array;
  readonly scalar: boolean;
}

/** A request as received. */
export interface WireRequest {
  readonly method: Method;
  /** The caller's id; absent in `stun`. */
  readonly sender?: Id;
  /** The id or key in question, in `find_node`, `find_value` and `store`. */
  readonly target?: Id;
  /** In `store`. */
  readonly value?: WireValue;
}

/** A holder's value, and since when it has accepted the owner (Unix ms, where it says so). */
export interface WireFound extends WireValue {
  readonly since?: number;
}

/** What `find_value` found: a value, or nearer nodes. */
export interface FoundValue {
  readonly found?: WireFound;
  readonly contacts: NodeContact[];
}

/** One message at a time is written here and copied out. */
const scratch = new Writer(datagramBytesMax);

/** The whole datagram of a request. `messageId` has 20 bytes. */
export function encodeRequest(messageId: Id, request: WireRequest): Uint8Array {
  const { method, sender, target, value } = request;
  const w = scratch;
  w.at = 0;
  w.byte(requestKind);
  messageId.write(w.bytes, 1);
  w.at = headerBytes;
  w.array(2);
  w.string(method);
  w.array((sender ? 1 : 0) + (target ? 1 : 0) + (value ? 1 : 0));
  if (sender) writeId(w, sender);
  if (target) writeId(w, target);
  if (value) writeValue(w, value);
  return w.take();
}

function writeId(w: Writer, id: Id): void {
  w.byte(0xc4);
  w.byte(idBytes);
  id.write(w.bytes, w.at);
  w.at += idBytes;
}

function writeValue(w: Writer, value: WireValue): void {
  if (value.scalar) w.raw(value.value);
  else w.bin(value.value);
}

/** Starts the answer to the request datagram `request`. */
function startResponse(request: Uint8Array): Writer {
  const w = scratch;
  w.at = 0;
  w.raw(request.subarray(0, headerBytes));
  w.bytes[0] = responseKind;
  return w;
}

/** The answer to `ping`: the own id. */
export function encodePong(request: Uint8Array, own: Id): Uint8Array {
  const w = startResponse(request);
  writeId(w, own);
  return w.take();
}

/** The answer to `stun`: whom the datagram came from. */
export function encodeStun(request: Uint8Array, from: Address): Uint8Array {
  const w = startResponse(request);
  w.array(2);
  w.string(from.ip);
  w.integer(from.port);
  return w.take();
}

/** The answer to `find_node`, and to `find_value` where the value is not held. */
export function encodeContacts(request: Uint8Array, contacts: readonly NodeContact[]): Uint8Array {
  const w = startResponse(request);
  w.array(contacts.length);
  for (const contact of contacts) {
    w.array(3);
    writeId(w, contact.nodeId);
    w.string(contact.ip);
    w.integer(contact.port);
  }
  return w.take();
}

/** The answer to `find_value` from a holder. */
export function encodeFound(request: Uint8Array, value: WireValue, since?: number): Uint8Array {
  const w = startResponse(request);
  w.byte(since === undefined ? 0x81 : 0x82);
  w.string("value");
  writeValue(w, value);
  if (since !== undefined) {
    w.string("since");
    w.integer(since);
  }
  return w.take();
}

/** The answer to `store`. */
export function encodeStored(request: Uint8Array, accepted: boolean): Uint8Array {
  const w = startResponse(request);
  w.bool(accepted);
  return w.take();
}

/** The answer to `sample`: `body` is its MessagePack encoding. */
export function encodeSample(request: Uint8Array, body: Uint8Array): Uint8Array {
  const w = startResponse(request);
  w.raw(body);
  return w.take();
}

/** The request in a datagram, or undefined where anything about it is wrong or its method unknown. */
export function decodeRequest(data: Uint8Array): WireRequest | undefined {
  if (data.length <= headerBytes || data.length > headerBytes + requestBytesMax) return undefined;
  const r = new Reader(data, headerBytes);
  if (r.array(2) !== 2) return undefined;
  const method = r.string(16);
  const args = r.array(3);
  const request = readArguments(r, method, args);
  return r.finished() ? request : undefined;
}

function readArguments(r: Reader, method: string, args: number): WireRequest | undefined {
  if (method === "stun") {
    if (args !== 0) r.fail();
    return { method };
  }
  if (method === "ping" || method === "sample") {
    if (args !== 1) r.fail();
    return { method, sender: readId(r) };
  }
  if (method === "find_node" || method === "find_value") {
    if (args !== 2) r.fail();
    return { method, sender: readId(r), target: readId(r) };
  }
  if (method === "store") {
    if (args !== 3) r.fail();
    return { method, sender: readId(r), target: readId(r), value: readValue(r) };
  }
  return undefined;
}

const zero = new Id(0, 0, 0, 0, 0);

function readId(r: Reader): Id {
  const at = r.fixedBin(idBytes);
  return r.failed ? zero : Id.from(r.bytes, at);
}

function readValue(r: Reader): WireValue {
  if (r.peek() === "bin") return { value: r.bin(valueBytesMax), scalar: false };
  return { value: r.scalar(valueBytesMax), scalar: true };
}

function body(data: Uint8Array): Reader {
  return new Reader(data, headerBytes);
}

/** The id in the answer to `ping`. */
export function decodePong(data: Uint8Array): Id | undefined {
  const r = body(data);
  const id = readId(r);
  return r.finished() ? id : undefined;
}

/** The address in the answer to `stun`. */
export function decodeStun(data: Uint8Array): Address | undefined {
  const r = body(data);
  if (r.array(2) !== 2) return undefined;
  const info = unicastAddress(r.string(ipCharsMax));
  const port = r.uint();
  return r.finished() && info && isPort(port) ? { ip: info.ip, port } : undefined;
}

/**
 * The contacts in the answer to `find_node`. Contacts to which nothing can be sent are left out; a list
 * of another shape, or one longer than any honest node sends, is no answer.
 */
export function decodeContacts(data: Uint8Array): NodeContact[] | undefined {
  const r = body(data);
  const contacts = readContacts(r);
  return r.finished() ? contacts : undefined;
}

function readContacts(r: Reader): NodeContact[] {
  const contacts: NodeContact[] = [];
  for (let n = r.array(contactsPerAnswerMax); n > 0 && !r.failed; n--) {
    if (r.array(3) !== 3) r.fail();
    const id = readId(r);
    const info = unicastAddress(r.string(ipCharsMax));
    const port = r.uint();
    if (info && isPort(port)) contacts.push(new NodeContact(id, info.ip, port));
  }
  return contacts;
}

/** The answer to `find_value`. */
export function decodeFound(data: Uint8Array): FoundValue | undefined {
  const r = body(data);
  if (r.peek() === "array") {
    const contacts = readContacts(r);
    return r.finished() ? { contacts } : undefined;
  }
  let value: WireValue | undefined;
  let since: number | undefined;
  for (let n = r.map(8); n > 0 && !r.failed; n--) {
    const name = r.string(32);
    if (name === "value") value = readValue(r);
    else if (name === "since") since = r.uint();
    else r.skip({ maxDepth: nestingMax });
  }
  if (!r.finished() || value === undefined) return undefined;
  return { found: since === undefined ? value : { ...value, since }, contacts: [] };
}

/** The answer to `store`. */
export function decodeStored(data: Uint8Array): boolean | undefined {
  const r = body(data);
  const accepted = r.bool();
  return r.finished() ? accepted : undefined;
}

const sampleLimits = {
  maxBytes: sampleBytesMax,
  maxArrayLength: sampleBytesMax,
  maxDepth: nestingMax,
};

/** The value in the answer to `sample`: what it holds is copied from the datagram. */
export function decodeSample(data: Uint8Array): unknown {
  const r = new Reader(data.slice(headerBytes));
  const value = r.value(sampleLimits);
  return r.finished() ? value : undefined;
}
