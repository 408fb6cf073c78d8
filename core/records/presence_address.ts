/**
 * Which addresses a device announces.
 *
 * @module
 */

import type { Ports } from "../ports.ts";
import type { Settings } from "../session/interfaces.ts";
import { unicastAddress } from "../../lib/ip_address.ts";
import { within } from "../../lib/waiting.ts";

/** How long other nodes are asked what address they see. */
const askMsMax = 2_000;

/** The address in its canonical form; undefined for "any", which no device can dial, and for what is none. */
function dialable(ip: string | undefined): string | undefined {
  return ip === undefined ? undefined : unicastAddress(ip)?.ip;
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
  const addresses = [dialable(outside), dialable(bound)].filter((ip) => ip !== undefined);
  if (addresses.length > 0) return [...new Set(addresses)];
  const udp = dialable(ports.directory.status().udp.ip);
  return udp === undefined ? [] : [udp];
}
