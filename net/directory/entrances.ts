/**
 * Which nodes newcomers are told to join through.
 *
 * @module
 */

import { type Endpoint, type Family, familyOf } from "../../lib/ip_address.ts";
import { type Exemption, siteOf } from "../../lib/networks.ts";

/**
 * Contacts in the order in which newcomers should be told of them: one of each network before a second of
 * any, since one outage stops a whole network; and the families of addresses in turns, since the newcomer
 * may have one alone.
 */
export function inOrderOfUse(
  contacts: readonly Endpoint[],
  exemption: Pick<Exemption, "networksOf">,
): Endpoint[] {
  const perSite = new Map<string, number>();
  const perFamily = new Map<Family, number>();
  const ranked = contacts.map(({ ip, port }) => {
    const site = siteOf(exemption.networksOf(ip) ?? []) ?? `${ip} ${port}`;
    const round = perSite.get(site) ?? 0;
    perSite.set(site, round + 1);
    return { ip, port, round };
  }).toSorted((a, b) => a.round - b.round).map(({ ip, port }) => {
    const turn = perFamily.get(familyOf(ip)) ?? 0;
    perFamily.set(familyOf(ip), turn + 1);
    return { node: { ip, port }, turn };
  });
  return ranked.toSorted((a, b) => a.turn - b.turn).map(({ node }) => node);
}
