/**
 * Which addresses a device announces.
 *
 * @module
 */

import type { Ports } from "../ports.ts";
import type { Settings } from "../session/interfaces.ts";
import { within } from "../../lib/delay.ts";

/** How long other nodes are asked what address they see. */
const askMsMax = 2_000;

/** Whether an address says "any": nobody can dial that. */
function isUnspecified(ip: string): boolean {
  return ip === "" || ip === "0.0.0.0" || /^[0:]*$/.test(ip) || ip === "::ffff:0.0.0.0";
}

/** IPv4 peers appear as `::ffff:a.b.c.d` on a dual-stack socket. */
function plain(ip: string): string {
  return ip.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/**
 * The addresses to announce, the likeliest first: the configured one, or else what a majority of
 * nodes sees; then the one that the links are bound to, for peers on the same network. Where neither
 * is known, the one that the node's socket is bound to. Empty when all there is says "any".
 */
export async function announcedAddresses(
  ports: Pick<Ports, "clock" | "directory" | "links">,
  settings: Pick<Settings, "announcedAddress">,
  signal: AbortSignal,
): Promise<string[]> {
  const outside = settings.announcedAddress ??
    await within(
      { clock: ports.clock, ms: askMsMax },
      (limit) => ports.directory.publicAddress(limit),
      signal,
    );
  const bound = ports.links.status().listening?.ip;
  const candidates = [outside, bound].flatMap((ip) => ip === undefined ? [] : plain(ip));
  const addresses = [...new Set(candidates)].filter((ip) => !isUnspecified(ip));
  if (addresses.length > 0) return addresses;
  const udp = plain(ports.directory.status().udp.ip);
  return isUnspecified(udp) ? [] : [udp];
}
