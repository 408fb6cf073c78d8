/**
 * Where the home router is.
 *
 * @module
 */

import { parseIp } from "../../lib/ip_address.ts";

/** Where Linux tells its routes. */
const routesPath = "/proc/net/route";

/** The router of the default route in the text of Linux's table of IPv4 routes; undefined without one. */
export function defaultGateway(routes: string): string | undefined {
  for (const line of routes.split("\n").slice(1)) {
    const [, to, via = ""] = line.trim().split(/\s+/);
    if (to !== "00000000" || !/^[0-9A-F]{8}$/i.test(via) || via === "00000000") continue;
    // The bytes stand in the order of the processor, the last one first.
    const bytes = via.match(/../g) ?? [];
    return bytes.reverse().map((byte) => parseInt(byte, 16)).join(".");
  }
  return undefined;
}

/**
 * The router's IPv4 address: as Linux tells, elsewhere the first address of the home network, which most
 * routers have. Undefined where there is no home network.
 *
 * @param readRoutes Reads Linux's table of routes; replaceable for tests.
 */
export async function gatewayOf(
  home: { readonly cidr: string } | undefined,
  readRoutes: () => Promise<string> = () => Deno.readTextFile(routesPath),
): Promise<string | undefined> {
  try {
    const found = defaultGateway(await readRoutes());
    if (found !== undefined) return found;
  } catch {
    // Another system, or not permitted.
  }
  const network = home?.cidr.split("/")[0] ?? "";
  const address = parseIp(network);
  return address === undefined || address.isIPv6 ? undefined : network.replace(/\d+$/, "1");
}
