/**
 * Whether a text is an IP address, without node:net and ipaddr.js: the one takes 25 ms to load, the other 10, and
 * a flag with an address is read before anything else can begin.
 *
 * @module
 */

/** Four numbers from 0 to 255 without leading zeros. */
const dottedQuad = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** What an IPv6 address is made of, and the zone behind it (RFC 4007, section 11). */
const characters = /^([0-9a-f:.]{2,45})(?:%[0-9a-z.:-]+)?$/i;

/** Whether a text is an IPv4 address in four parts, or an IPv6 address without brackets. */
export function isIpText(text: string): boolean {
  if (dottedQuad.test(text)) return true;
  const address = characters.exec(text)?.[1];
  // Deno's URL has a strict parser of them (WHATWG URL, section 3.5).
  return address !== undefined && address.includes(":") && URL.canParse(`http://[${address}]/`);
}
