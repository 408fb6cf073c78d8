/**
 * `relay` [id of the sender]: answered by nodes that relay for others, with [TCP port, devices that they
 * still take], and [address, TCP port] of the other family behind that where they are reached there, too.
 * The method is Camellia's: Python nodes leave it unanswered, and so does a node that does
 * not relay.
 *
 * @module
 */
import { type Endpoint, isPort, unicastAddress } from "../../../../lib/ip_address.ts";
import { ipCharsMax } from "../../constants.ts";
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readId, writeId } from "./parts.ts";

/** What a relay offers. */
export interface RelayOffer {
  /** Where it takes connections, at the IP address of the node. */
  readonly port: number;
  /** How many more devices it takes. */
  readonly room: number;
  /** Where it takes connections by the other family of addresses, if it does. */
  readonly other?: Endpoint;
}

/** Asks whether a node relays for others. */
export const relay: Method<"relay", { readonly sender: Id }, RelayOffer> = {
  name: "relay",
  allowedFrom: "anyone",
  argumentCount: 1,
  writeArguments: (w, { sender }) => writeId(w, sender),
  readArguments: (r) => ({ sender: readId(r) }),
  // The array's head, three integers of 9 bytes at most, a text of 45 characters with a head of 2 bytes.
  answerBytesMax: 75,
  writeAnswer(w, { port, room, other }) {
    w.array(other === undefined ? 2 : 4);
    w.integer(port);
    w.integer(room);
    if (other === undefined) return;
    w.string(other.ip);
    w.integer(other.port);
  },
  readAnswer(r) {
    const count = r.array(4);
    if (count !== 2 && count !== 4) r.fail();
    const port = r.uint();
    const room = r.uint();
    if (!isPort(port)) r.fail();
    if (count === 2) return { port, room };
    const ip = unicastAddress(r.string(ipCharsMax))?.ip;
    const otherPort = r.uint();
    if (ip === undefined || !isPort(otherPort)) r.fail();
    return { port, room, other: { ip: ip ?? "", port: otherPort } };
  },
  isPrompt: true,
  introduces: true,
};
