/**
 * `sample` [id of the sender]: answered with any one value, which the program on top of the DHT chooses.
 * The method is Camellia's: Python nodes leave it unanswered.
 *
 * @module
 */
import { nestingMax, sampleBytesMax } from "../../constants.ts";
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readId, writeId } from "./parts.ts";

const limits = {
  maxBytes: sampleBytesMax,
  maxArrayLength: sampleBytesMax,
  maxDepth: nestingMax,
};

/** The value with copies of its byte arrays: those read are views of the datagram. */
function kept(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(kept);
  return value instanceof Uint8Array ? value.slice() : value;
}

/** Asks for a node's sample of what it stores. */
export const sample: Method<"sample", { readonly sender: Id }, unknown> = {
  name: "sample",
  allowedFrom: "anyone",
  argumentCount: 1,
  writeArguments: (w, { sender }) => writeId(w, sender),
  readArguments: (r) => ({ sender: readId(r) }),
  answerBytesMax: sampleBytesMax,
  writeAnswer: (w, value) => w.value(value),
  readAnswer: (r) => kept(r.value(limits)),
  isPrompt: true,
  introduces: true,
};
