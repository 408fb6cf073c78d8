/**
 * Mutes and blocks: what a user does not want to see, and from whom nothing is taken.
 *
 * @module
 */

/** What can be muted. */
export const muteKinds = ["user", "word", "thread"] as const;

/** See {@linkcode muteKinds}. */
export type MuteKind = (typeof muteKinds)[number];

/** Something that the user does not want to see. */
export interface Mute {
  /** What it is. */
  readonly kind: MuteKind;
  /** A username, a word or some words in a row, or the thread of a post, AUTHOR/ID. */
  readonly what: string;
  /** Unix time in milliseconds until when; absent: for good. */
  readonly until?: number;
}

/** A user from whom nothing is taken. */
export interface Block {
  /** The name. */
  readonly username: string;
  /** That user's identity key, 32 bytes, where it was known. */
  readonly key?: Uint8Array;
}

/** Mutes of one user at most. */
export const mutesMax = 5_000;

/** Blocks of one user at most. */
export const blocksMax = 5_000;

/** UTF-16 units of a muted word at most. */
export const mutedWordLengthMax = 100;
