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
import { type ArgumentsOf, type MethodName, methodNamed } from "./methods/mod.ts";

/** A request as received. */
export interface WireRequest {
  readonly name: MethodName;
  readonly args: ArgumentsOf[MethodName];
}

/** One answer at a time is written here and copied out. */
const scratch = new Writer(datagramBytesMax);

/** The last request, and what it was made of: a lookup puts one question to many nodes. */
const lastRequest = new Writer(datagramBytesMax);
let lastMethod: unknown;
let lastArgs: unknown;

/** Datagrams share a buffer of this many bytes: one buffer for each would cost more than the copy. */
const slabBytes = 16_384;
let slab = new Uint8Array(0);
let slabAt = 0;

/** A copy of what was written, which is let go of soon. */
function take(w: Writer): Uint8Array {
  if (w.at > slabBytes / 8) return w.take();
  if (slabAt + w.at > slab.length) {
    slab = new Uint8Array(slabBytes);
    slabAt = 0;
  }
  const copy = slab.subarray(slabAt, slabAt + w.at);
  slabAt += w.at;
  copy.set(w.written());
  return copy;
}

/** The whole datagram of a request; nothing changes `args` afterwards. */
export function encodeRequest<A extends Arguments>(
  messageId: Id,
  method: Method<string, A, unknown>,
  args: A,
): Uint8Array {
  const w = lastRequest;
  if (args !== lastArgs || method !== lastMethod) {
    lastArgs = undefined;
    w.bytes[0] = requestKind;
    w.at = headerBytes;
    w.array(2);
    w.string(method.name);
    w.array(method.argumentCount);
    method.writeArguments(w, args);
    lastArgs = args;
    lastMethod = method;
  }
  messageId.write(w.bytes, 1);
  return take(w);
}

/** The request in a datagram; undefined where anything about it is wrong or its method unknown. */
export function decodeRequest(data: Uint8Array): WireRequest | undefined {
  if (data.length <= headerBytes || data.length > headerBytes + requestBytesMax) return undefined;
  const r = new Reader(data, headerBytes);
  if (r.array(2) !== 2) return undefined;
  const method = methodNamed(r.string(16));
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
  const w = scratch;
  w.at = 0;
  w.raw(request.subarray(0, headerBytes));
  w.bytes[0] = responseKind;
  method.writeAnswer(w, answer);
  const bytes = w.at - headerBytes;
  if (bytes <= method.answerBytesMax) {
    if (own !== undefined && method.endsWithId === true && w.at + idBytes <= datagramBytesMax) {
      own.write(w.bytes, w.at);
      w.at += idBytes;
    }
    return take(w);
  }
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
