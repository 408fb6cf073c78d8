/**
 * `ping` [id of the sender]: answered with the id of the node that was asked.
 *
 * @module
 */
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readId, writeId } from "./parts.ts";

/** Asks whether a node is alive, and who it is (section 2.3). */
export const ping: Method<"ping", { readonly sender: Id }, Id> = {
  name: "ping",
  allowedFrom: "anyone",
  argumentCount: 1,
  writeArguments: (w, { sender }) => writeId(w, sender),
  readArguments: (r) => ({ sender: readId(r) }),
  // The head of a `bin` takes 5 bytes at most, an id 20.
  answerBytesMax: 25,
  writeAnswer: writeId,
  readAnswer: readId,
  isPrompt: true,
  // Those who ping decide themselves: the id of a bootstrap node is not known before it has answered.
  introduces: false,
};
