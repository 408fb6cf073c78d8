/**
 * `ack`: a message has been dealt with, or was refused for its time.
 *
 * @module
 */

import { asArray, asBytes, asString } from "../../../lib/msgpack.ts";
import { asUsername } from "../../model/username.ts";
import type { MessageKind, Received } from "./kind.ts";

/** The longest reason: one word. */
const reasonLengthMax = 32;

/**
 * Users named who passed posts on: each follower is given to two, in a tree a relay to two others besides, and
 * some are replaced. A version before trees takes four, which are enough for its followers.
 */
export const passersMax = 8;

/** What it says. */
export interface AckBody {
  /** The id of the message that has been dealt with, 16 bytes. */
  readonly id: Uint8Array;
  /** Why something in it was refused: `future`, `time` or `full`. */
  readonly reason?: string;
  /** Of posts that an author asks about: names of the users who passed all of them on to the sender. */
  readonly by?: readonly string[];
}

/** The parts that wait for acknowledgements. */
export interface AckParts {
  /** Parts that wait for the acknowledgement of one message, for a minute. */
  readonly acks: {
    /** Tells the part that waits; whether one did. */
    acknowledge(message: Received<"ack", AckBody>): boolean;
  };
  /** Messages that are repeated until they are acknowledged, across restarts. */
  readonly requests: {
    handleAck(message: Received<"ack", AckBody>): Promise<void>;
  };
}

/** Message `id` has been dealt with. */
export const ack: MessageKind<"ack", AckBody, AckParts> = {
  kind: "ack",
  write: ({ id, reason, by = [] }) => [id, reason ?? null, by],
  read(value) {
    const [id, reason, by] = asArray(value, "ack", 3);
    const names = asArray(by, "passers", 0, passersMax).map((name) => asUsername(name, "passer"));
    const body = {
      id: asBytes(id, "acknowledged id", 16),
      ...(names.length > 0 ? { by: names } : {}),
    };
    return reason === null
      ? body
      : { ...body, reason: asString(reason, "reason", reasonLengthMax) };
  },
  // The reason takes up to three bytes a character, a name has 20.
  limits: { maxBytes: 128 + 21 * passersMax, maxArrayLength: passersMax, maxDepth: 2 },
  allowedFrom: "anyone",
  retry: "never",
  handle: (message, { acks, requests }) =>
    acks.acknowledge(message) ? undefined : requests.handleAck(message),
};
