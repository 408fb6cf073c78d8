/**
 * Who somebody is, as lists show it.
 *
 * @module
 */

import type { ClashView } from "../../core/api.ts";

/** Colours for names. A screen with fewer takes the number modulo those it has. */
export const authorColours = 12;

/** A user beside a text. All names are unfiltered. */
export interface AuthorRow {
  /** The username, which alone says who it is. */
  readonly username: string;
  /** The name that the user wants to be shown; null where none is known. Never to be shown alone. */
  readonly shown: string | null;
  /** Which colour the name has, 0 to {@linkcode authorColours} - 1: always the same for one username. */
  readonly colour: number;
  /** Whether it is the user of this peer. */
  readonly isOwn: boolean;
  /** Another key that claims the name, to be warned of; null where there is none. */
  readonly clash: ClashView | null;
  /** Whether it is not known that the name is the key's that signed. */
  readonly isUnverified: boolean;
}

/** FNV-1a (Fowler, Noll, Vo), 32 bits: a stable number for a name. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

/** The colour of a name. */
export function colourOf(username: string): number {
  return hashOf(username) % authorColours;
}

/** What the row of a user is made from. */
export interface AuthorKnown {
  /** The user who is logged in. */
  readonly self: string;
  /** The name that a user wants to be shown, where it is known. */
  readonly shownName: (username: string) => string | undefined;
}

/** The row of a user. */
export function authorRow(
  username: string,
  { self, shownName }: AuthorKnown,
  { clash, verified }: { readonly clash?: ClashView; readonly verified?: boolean } = {},
): AuthorRow {
  return {
    username,
    shown: shownName(username) ?? null,
    colour: colourOf(username),
    isOwn: username === self,
    clash: clash ?? null,
    isUnverified: verified === false,
  };
}
