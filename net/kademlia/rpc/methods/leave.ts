/**
 * `leave` [id of the sender]: the sender is about to end, and is not answered. The node that is told does not
 * believe it, because anybody can send a datagram in the sender's name: it pings the sender. The method is
 * Camellia's: Python nodes pass it over.
 *
 * @module
 */
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readId, writeId } from "./parts.ts";

/** Tells a node that this one is about to end. */
export const leave: Method<"leave", { readonly sender: Id }, undefined> = {
  name: "leave",
  allowedFrom: "anyone",
  argumentCount: 1,
  writeArguments: (w, { sender }) => writeId(w, sender),
  readArguments: (r) => ({ sender: readId(r) }),
  answerBytesMax: 0,
  writeAnswer: () => {},
  readAnswer: () => undefined,
  isPrompt: false,
  introduces: false,
};
