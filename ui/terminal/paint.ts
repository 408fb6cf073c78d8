/**
 * Colours (ECMA-48 SGR), where they are wanted.
 *
 * @module
 */

/** Adds colours to a text, or returns it as it is where colours are not wanted. */
export interface Paint {
  /** Important. */
  bold(text: string): string;
  /** Less important. */
  dim(text: string): string;
  /** A user's name. */
  name(text: string): string;
  /** Something that went well. */
  good(text: string): string;
  /** Something to look at. */
  warning(text: string): string;
  /** Something that went wrong. */
  error(text: string): string;
}

/** Paint with colours or without. */
export function paintFor(colours: boolean): Paint {
  const sgr = (on: number, off: number) => (text: string) =>
    colours ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: sgr(1, 22),
    dim: sgr(2, 22),
    name: sgr(36, 39),
    good: sgr(32, 39),
    warning: sgr(33, 39),
    error: sgr(31, 39),
  };
}
