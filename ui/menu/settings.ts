/**
 * The settings in force, as rows for the person at the menu.
 *
 * @module
 */

import type { EndpointView, StatusView } from "../../core/api.ts";
import { formatHostPort } from "../../lib/ip_address.ts";
import type { Lifespan } from "../settings/config.ts";
import type { PeerSettings } from "../settings/settings.ts";

const unitsMs = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], [
  "second",
  1000,
]] as const;

/** A lifespan in its largest units. */
function formatLifespan(lifespan: Lifespan): string {
  if (lifespan === "off") return "for ever";
  const parts: string[] = [];
  let rest = lifespan;
  for (const [unit, ms] of unitsMs) {
    const count = Math.floor(rest / ms);
    rest -= count * ms;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ");
}

/** Where the peer listens. A port of 0 stands for any: then the one that it got tells more. */
function inUse(asked: EndpointView, actual: EndpointView | null, protocol: string): string {
  const port = asked.port === 0 ? actual?.port ?? 0 : asked.port;
  const why = asked.port === 0 ? ", any free port" : "";
  return `${formatHostPort(asked.ip, port)} (${protocol}${why})`;
}

/** Labels and values. */
export function settingsRows(
  settings: PeerSettings,
  status: StatusView,
): (readonly [label: string, value: string])[] {
  const list = (nodes: PeerSettings["bootstrap"]) =>
    nodes.map(({ host, port }) => formatHostPort(host, port)).join(", ") || "none";
  return [
    ["node on", inUse(settings.udp, status.node.udp, "UDP")],
    ["posts on", inUse(settings.listening, status.links.listening, "TCP")],
    ["joins through", list(settings.bootstrap)],
    ["keeps posts", formatLifespan(settings.lifespan)],
    ["time from", list(settings.ntpServers)],
  ];
}
