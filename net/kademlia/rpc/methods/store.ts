/**
 * `store` [id of the sender, key, value]: answered with whether the value is stored now.
 *
 * @module
 */
import type { AboutTarget } from "./find_node.ts";
import type { Method } from "./method.ts";
import { readId, readValue, type WireValue, writeId, writeValue } from "./parts.ts";

/** A value to be stored; `target` is its key. */
export interface ToStore extends AboutTarget {
  readonly value: WireValue;
}

/** Asks a node to store a value (section 2.3). */
export const store: Method<"store", ToStore, boolean> = {
  name: "store",
  // The handler tells the admission whether the sender is verified: it decides who may bring what.
  allowedFrom: "anyone",
  argumentCount: 3,
  writeArguments(w, { sender, target, value }) {
    writeId(w, sender);
    writeId(w, target);
    writeValue(w, value);
  },
  readArguments: (r) => ({ sender: readId(r), target: readId(r), value: readValue(r) }),
  answerBytesMax: 1,
  writeAnswer: (w, accepted) => w.bool(accepted),
  readAnswer: (r) => r.bool(),
  // A node may first ask other holders about the value.
  isPrompt: false,
  introduces: true,
};
