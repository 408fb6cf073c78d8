/**
 * `ack`: a message has been dealt with, or was refused for its time.
 *
 * @module
 */

import { asArray, asBytes, asString } from "../../../lib/msgpack.ts";
import type { MessageKind, Received } from "./kind.ts";

/** The longest reason: one word. */
const reasonLengthMax = 32;

/** What it says. */
export interface AckBody {
  /** The id of the message that has been dealt with, 16 bytes. */
  readonly id: Uint8Array;
  /** Why something in it was refused: `future`, `time` or `full`. */
  readonly reason?: string;
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
  write: ({ id, reason }) => [id, reason ?? null],
  read(value) {
    const [id, reason] = asArray(value, "ack", 2);
    const body = { id: asBytes(id, "acknowledged id", 16) };
    return reason === null
      ? body
      : { ...body, reason: asString(reason, "reason", reasonLengthMax) };
  },
  // The reason takes up to three bytes a character.
  limits: { maxBytes: 128, maxArrayLength: 2, maxDepth: 1 },
  allowedFrom: "anyone",
  retry: "never",
  handle: (message, { acks, requests }) =>
    acks.acknowledge(message) ? undefined : requests.handleAck(message),
};
