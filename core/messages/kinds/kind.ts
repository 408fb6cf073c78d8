/**
 * What each kind of message declares about itself, in one file a kind.
 *
 * @module
 */

import { asArray, asBytes, type DecodeLimits } from "../../../lib/msgpack.ts";
import type { UserRef } from "../../model/user.ts";
import { asUsername } from "../../model/username.ts";
import type { Rate } from "../../../lib/token_bucket.ts";

/**
 * Which standing a sender needs. A sender whose key is pinned may send every kind. What others send is
 *
 * - `pinned`: dropped;
 * - `confirmed`: handled once the network has confirmed that the name belongs to the key;
 * - `anyone`: handled. The key has signed the message, but the name is only what the sender says.
 */
export type AllowedFrom = "pinned" | "confirmed" | "anyone";

/** How a message is repeated until it is acknowledged: the waits double from the first to the longest. */
export interface Retry {
  /** The wait before the first repetition, in milliseconds. */
  readonly firstMs: number;
  /** The longest wait, in milliseconds. */
  readonly longestMs: number;
}

/** What senders who are not known may bring of one kind, all together and beyond the limits for all kinds. */
export interface StrangersBudget<B> {
  /** Units a second. */
  readonly rate: Rate;
  /** How many units a message takes. */
  units(body: B): number;
}

/** A message that came in: its signature, receiver, age and sender have been checked. */
export interface Received<K extends string, B> {
  /** What kind of message. */
  readonly kind: K;
  /** The sender. */
  readonly from: UserRef;
  /** The receiver. */
  readonly to: UserRef;
  /** Unix time in milliseconds at which it was made. */
  readonly time: number;
  /** 16 random bytes. */
  readonly id: Uint8Array;
  /** What it says. */
  readonly body: B;
  /** Bytes of the frame that it came in; absent while it is being made. */
  readonly bytes?: number;
}

/** Everything about one kind of message. `P` names the parts of a peer that its handler needs. */
export interface MessageKind<K extends string, B, P> {
  /** Its name on the wire, at most 16 ASCII characters. */
  readonly kind: K;
  /** The MessagePack form of a body. */
  write(body: B): unknown;
  /**
   * The body, from what was decoded within {@linkcode MessageKind.limits}.
   *
   * @throws {DecodeError} if it does not fit the kind.
   */
  read(value: unknown): B;
  /** How large and how deep the encoded body may be. */
  readonly limits: DecodeLimits;
  /** Which senders are listened to. */
  readonly allowedFrom: AllowedFrom;
  /** What strangers may bring; absent where the limits for all kinds are enough. */
  readonly strangers?: StrangersBudget<B>;
  /** How it is repeated until an `ack` comes; `never` for what is not acknowledged. */
  readonly retry: Retry | "never";
  /** Hands a message to the part that deals with it. */
  handle(message: Received<K, B>, parts: P): void | Promise<void>;
}

/** Random bytes of the token with which the next step of an answer is asked for. */
export const stepTokenBytes = 16;

/** The MessagePack form of a user. */
export function writeUser(user: UserRef): unknown {
  return [user.username, user.key];
}

/**
 * Reads a user.
 *
 * @throws {DecodeError} if the value is none.
 */
export function readUser(value: unknown, what: string): UserRef {
  const [username, key] = asArray(value, what, 2);
  return { username: asUsername(username, what), key: asBytes(key, `${what} key`, 32) };
}
