/**
 * The datagrams of the protocol, byte for byte those of bmuller/kademlia (rpcudp framing): one byte for
 * the kind, 20 bytes of message id, a MessagePack body. The table of methods says what is in the body.
 *
 * @module
 */
import { Reader } from "../../../lib/msgpack_reader.ts";
import { Writer } from "../../../lib/msgpack_writer.ts";
import {
  datagramBytesMax,
  headerBytes,
  idBytes,
  requestBytesMax,
  requestKind,
  responseKind,
} from "../constants.ts";
import { Id } from "../space/id.ts";
import type { Arguments, Method } from "./methods/method.ts";
import { type ArgumentsOf, type MethodName, readMethod } from "./methods/mod.ts";

/** A request as received. */
export interface WireRequest {
  readonly name: MethodName;
  readonly args: ArgumentsOf[MethodName];
}

/** The last request, and what it was made of: a lookup puts one question to many nodes. */
const lastRequest = new Writer(datagramBytesMax);
let lastWritten = lastRequest.written();
let lastMethod: unknown;
let lastArgs: unknown;

/**
 * Datagrams are written one behind the other into a buffer that they share, and never into what was sent: a
 * buffer for each would cost more than all that is written into it. They are let go of soon.
 */
const slabBytes = 65_536;
let slab = new Writer(0);

/** The shared buffer, or a new one where so many bytes do not fit behind what is written. */
function room(bytes: number): Writer {
  if (slab.at + bytes > slab.bytes.length) slab = new Writer(slabBytes);
  return slab;
}

/** The whole datagram of a request; nothing changes `args` afterwards. */
export function encodeRequest<A extends Arguments>(
  messageId: Id,
  method: Method<string, A, unknown>,
  args: A,
): Uint8Array {
  if (args !== lastArgs || method !== lastMethod) {
    const w = lastRequest;
    lastArgs = undefined;
    w.bytes[0] = requestKind;
    w.at = headerBytes;
    w.array(2);
    w.string(method.name);
    w.array(method.argumentCount);
    method.writeArguments(w, args);
    lastWritten = w.written();
    lastArgs = args;
    lastMethod = method;
  }
  const w = room(lastWritten.length);
  const start = w.at;
  w.raw(lastWritten);
  messageId.write(w.bytes, start + 1);
  return w.bytes.subarray(start, w.at);
}

/** The request in a datagram; undefined where anything about it is wrong or its method unknown. */
export function decodeRequest(data: Uint8Array): WireRequest | undefined {
  if (data.length <= headerBytes || data.length > headerBytes + requestBytesMax) return undefined;
  const r = new Reader(data, headerBytes);
  if (r.array(2) !== 2) return undefined;
  const method = readMethod(r);
  if (method === undefined) return undefined;
  const { name, argumentCount } = method;
  if (r.array(argumentCount) !== argumentCount) return undefined;
  const args = method.readArguments(r);
  return r.finished() ? { name, args } : undefined;
}

/**
 * The datagram that answers a request, of which the first 21 bytes are needed; `own` is the id of the node that
 * answers, see {@link Method.endsWithId}.
 *
 * @throws {RangeError} if the answer is longer than the method allows.
 */
export function encodeAnswer<A>(
  request: Uint8Array,
  method: Method<string, Arguments, A>,
  answer: A,
  own?: Id,
): Uint8Array {
  const w = room(datagramBytesMax);
  const start = w.at;
  for (let i = 0; i < headerBytes; i++) w.byte(request[i] ?? 0);
  w.bytes[start] = responseKind;
  method.writeAnswer(w, answer);
  const bytes = w.at - start - headerBytes;
  if (bytes <= method.answerBytesMax) {
    const isRoom = w.at - start + idBytes <= datagramBytesMax;
    if (own !== undefined && method.endsWithId === true && isRoom) {
      own.write(w.bytes, w.at);
      w.at += idBytes;
    }
    return w.bytes.subarray(start, w.at);
  }
  w.at = start;
  throw new RangeError(
    `Cannot answer ${method.name}: ${bytes} bytes are over the ${method.answerBytesMax} allowed`,
  );
}

/** What an answer says beside what was asked. */
export interface Introduction {
  /** The id of the node that answered, where it says so. */
  answeredBy: Id | undefined;
}

/** The answer in a datagram; undefined where anything about it is wrong. */
export function decodeAnswer<A>(
  data: Uint8Array,
  method: Pick<Method<string, Arguments, A>, "answerBytesMax" | "readAnswer" | "endsWithId">,
  into?: Introduction,
): A | undefined {
  const r = new Reader(data, headerBytes);
  const answer = method.readAnswer(r);
  const end = r.at;
  if (r.failed || end - headerBytes > method.answerBytesMax) return undefined;
  if (method.endsWithId === true && data.length === end + idBytes) {
    if (into !== undefined) into.answeredBy = Id.from(data, end);
    return answer;
  }
  return data.length === end ? answer : undefined;
}
