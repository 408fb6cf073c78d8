/**
 * The programs that show an address in the person's browser.
 *
 * @module
 */

/** They, on one system or another. */
export const openers = ["open", "rundll32", "xdg-open"] as const;

/** What shows an address on a system: the program and its arguments. */
export function openerOf(os: string, url: string): readonly [typeof openers[number], ...string[]] {
  if (os === "windows") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return os === "darwin" ? ["open", url] : ["xdg-open", url];
}
