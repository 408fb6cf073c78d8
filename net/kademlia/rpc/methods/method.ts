/**
 * What each method of the protocol declares about itself, in one file a method.
 *
 * @module
 */
import type { Id } from "../../space/id.ts";
import type { Reader } from "../../../../lib/msgpack_reader.ts";
import type { Writer } from "../../../../lib/msgpack_writer.ts";

/**
 * Whose requests are answered: those of `anyone`, or of `verified` nodes alone, which have answered a
 * request of this node at the address that they ask from.
 */
export type AllowedFrom = "anyone" | "verified";

/** What every request says. */
export interface Arguments {
  /** The id of the node that asks; absent where a method does not tell. */
  readonly sender?: Id;
}

/**
 * Everything about one method but its handler, which the responder has.
 *
 * Readers are strict: what does not fit marks the {@link Reader} as failed, and they may return anything
 * then. The longest request is bounded for all methods alike, and so is the rate: each request takes one
 * from what its address may ask, and answers to an address that never answered take bytes.
 */
export interface Method<Name extends string, Args extends Arguments, Answer> {
  /** Its name on the wire, at most 16 ASCII characters. */
  readonly name: Name;
  readonly allowedFrom: AllowedFrom;
  /** How many arguments a request has. */
  readonly argumentCount: number;
  writeArguments(w: Writer, args: Args): void;
  readArguments(r: Reader): Args;
  /** The longest answer, in bytes of MessagePack: a longer one is neither sent nor read. */
  readonly answerBytesMax: number;
  writeAnswer(w: Writer, answer: Answer): void;
  readAnswer(r: Reader): Answer;
  /** Whether nodes answer at once, so that the time an answer takes tells the round trip. */
  readonly isPrompt: boolean;
  /** Whether an answer lets this node get to know the node that gave it. */
  readonly introduces: boolean;
  /**
   * Whether the id of the node that answers may stand behind the answer, where Python nodes read nothing: then
   * its address needs no ping to prove it. Default false.
   */
  readonly endsWithId?: boolean;
}

/** Whether a request is answered, given whether the node that asks is verified. */
export function mayAsk(allowedFrom: AllowedFrom, isVerified: () => boolean): boolean {
  return allowedFrom === "anyone" || isVerified();
}
