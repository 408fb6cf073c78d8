/**
 * `dial_back` [id of the sender, TCP port]: answered with whether a TCP connection to that port, at the
 * IP address that the request came from, is taken by a peer. The method is Camellia's: Python nodes
 * leave it unanswered, and so does a node that has connected for others often enough.
 *
 * @module
 */
import { isPort } from "../../../../lib/ip_address.ts";
import type { Id } from "../../space/id.ts";
import type { Method } from "./method.ts";
import { readId, writeId } from "./parts.ts";

/** The port to connect to. */
export interface WhereToDial {
  readonly sender: Id;
  /** 1 to 65,535. */
  readonly port: number;
}

/** Asks a node whether strangers reach this one. */
export const dialBack: Method<"dial_back", WhereToDial, boolean> = {
  name: "dial_back",
  // An address that never answered may be forged: then a third party would be connected to.
  allowedFrom: "verified",
  argumentCount: 2,
  writeArguments(w, { sender, port }) {
    writeId(w, sender);
    w.integer(port);
  },
  readArguments(r) {
    const sender = readId(r);
    const port = r.uint();
    if (!isPort(port)) r.fail();
    return { sender, port };
  },
  answerBytesMax: 1,
  writeAnswer: (w, isReached) => w.bool(isReached),
  readAnswer: (r) => r.bool(),
  // The node connects first.
  isPrompt: false,
  introduces: true,
};
