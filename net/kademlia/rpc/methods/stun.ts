/**
 * `stun` []: answered with [IP address, port] that the request came from.
 *
 * @module
 */
import { type Endpoint, isPort, unicastAddress } from "../../../../lib/ip_address.ts";
import { ipCharsMax } from "../../constants.ts";
import type { Arguments, Method } from "./method.ts";

/** Asks under which address others see this node. */
export const stun: Method<"stun", Arguments, Endpoint> = {
  name: "stun",
  allowedFrom: "anyone",
  argumentCount: 0,
  writeArguments() {},
  readArguments: () => ({}),
  // Heads of 5 bytes at most for the array and the text, 45 characters, a number of 9 bytes.
  answerBytesMax: 64,
  writeAnswer(w, { ip, port }) {
    w.array(2);
    w.string(ip);
    w.integer(port);
  },
  readAnswer(r) {
    if (r.array(2) !== 2) r.fail();
    const ip = unicastAddress(r.string(ipCharsMax))?.ip;
    const port = r.uint();
    if (ip === undefined || !isPort(port)) r.fail();
    return { ip: ip ?? "", port };
  },
  isPrompt: true,
  introduces: false,
};
