/**
 * Names that the table of commands and the completion scripts share.
 *
 * @module
 */

/** Shells that there is a script for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** See {@linkcode shells}. */
export type Shell = typeof shells[number];

/** The hidden command that prints names. */
export const completeName = "__complete";
