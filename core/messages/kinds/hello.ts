/**
 * `hello`: the sender is online, here is where it listens and how far its feeds go.
 *
 * @module
 */

import { asArray, asBytesUpTo, asInteger } from "../../../lib/msgpack.ts";
import { recordBytesMax } from "../../model/record.ts";
import { type Head, readHeads, writeHeads } from "../../model/record_body.ts";
import { deviceMax } from "../../model/snowflake.ts";
import type { MessageKind, Received } from "./kind.ts";

/** What it says. */
export interface HelloBody {
  /** Which of the sender's devices speaks. */
  readonly device: number;
  /** The heads of the sender's feeds. */
  readonly heads: readonly Head[];
  /** The sender's own signed `connections` record; empty while there is none. */
  readonly connections: Uint8Array;
}

/** The part that keeps feeds complete. */
export interface HelloParts {
  /** Remembers where the sender listens and fetches what the heads promise. */
  readonly sync: {
    greeted(message: Received<"hello", HelloBody>): Promise<void>;
  };
  /** Sends what waits for the sender. */
  readonly waiting: {
    greeted(message: Received<"hello", HelloBody>): void;
  };
}

/** The sender is online. */
export const hello: MessageKind<"hello", HelloBody, HelloParts> = {
  kind: "hello",
  write: ({ device, heads, connections }) => [device, writeHeads(heads), connections],
  read(value) {
    const [device, heads, connections] = asArray(value, "hello", 3);
    return {
      device: asInteger(device, "device", 0, deviceMax),
      heads: readHeads(heads),
      connections: asBytesUpTo(connections, "connections", recordBytesMax),
    };
  },
  // Heads of 1,024 devices, each an array of two integers of up to nine bytes.
  limits: {
    maxBytes: 20 * (deviceMax + 1) + recordBytesMax + 32,
    maxArrayLength: deviceMax + 1,
    maxDepth: 3,
    maxValues: 4_096,
  },
  allowedFrom: "pinned",
  retry: "never",
  handle: async (message, { sync, waiting }) => {
    // In this order: then it is known where the sender listens.
    await sync.greeted(message);
    waiting.greeted(message);
  },
};
