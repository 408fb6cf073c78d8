/**
 * Answers that are pulled in steps (docs/PROTOCOL.md, section 4.4), whatever they bring.
 *
 * @module
 */

import type { MessageBodyOf, MessageOf } from "./kinds/mod.ts";

/** How much one step may bring. */
export interface StepBounds {
  /** Posts. */
  readonly posts: number;
  /** Bytes of heads and posts. */
  readonly bytes: number;
}

/** One step of an answer. */
export interface AnswerStep {
  /** Signed posts. */
  readonly posts: readonly Uint8Array[];
  /** Whether nothing is left. */
  readonly isLast: boolean;
  /** How often the database was read for it. */
  readonly reads: number;
}

/** A step as a message. */
export type StepMessage =
  | { readonly kind: "posts"; readonly body: MessageBodyOf["posts"] }
  | { readonly kind: "replies"; readonly body: MessageBodyOf["replies"] };

/** Reads an answer, one step at a time. */
export interface SteppedAnswer {
  /** What it answers, as one word: a token that it gave is good for a question for that alone. */
  readonly about: string;
  /** The next step as a message, with what it cost. A step that leaves something has a token made by `token`. */
  next(
    bounds: StepBounds,
    token: () => Uint8Array,
  ): Promise<{ readonly step: AnswerStep; readonly message: StepMessage }>;
}

/** A question that is answered in steps. */
export interface SteppedQuestion {
  /** The message. */
  readonly message: MessageOf<"want"> | MessageOf<"thread">;
  /** What it asks for; see {@linkcode SteppedAnswer}. */
  readonly about: string;
  /** Begins an answer: called only where the question does not ask for the next step of one. */
  readonly answer: () => SteppedAnswer;
}
