/**
 * `relay` [id of the sender]: answered by nodes that relay for others, with [TCP port, devices that they
 * still take]. The method is Camellia's: Python nodes leave it unanswered, and so does a node that does
 * not relay.
 *
 * @module
 */
import { isPort } from "../../../../lib/ip_address.ts";
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readId, writeId } from "./parts.ts";

/** What a relay offers. */
export interface RelayOffer {
  /** Where it takes connections, at the IP address of the node. */
  readonly port: number;
  /** How many more devices it takes. */
  readonly room: number;
}

/** Asks whether a node relays for others. */
export const relay: Method<"relay", { readonly sender: Id }, RelayOffer> = {
  name: "relay",
  allowedFrom: "anyone",
  argumentCount: 1,
  writeArguments: (w, { sender }) => writeId(w, sender),
  readArguments: (r) => ({ sender: readId(r) }),
  // The array's head and two integers of 9 bytes at most.
  answerBytesMax: 19,
  writeAnswer(w, { port, room }) {
    w.array(2);
    w.integer(port);
    w.integer(room);
  },
  readAnswer(r) {
    if (r.array(2) !== 2) r.fail();
    const port = r.uint();
    const room = r.uint();
    if (!isPort(port)) r.fail();
    return { port, room };
  },
  isPrompt: true,
  introduces: true,
};
