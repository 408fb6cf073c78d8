/**
 * Joining the network that an invite names.
 *
 * @module
 */

import type { EntranceView } from "./api.ts";
import { CamelliaError } from "./model/errors.ts";
import { ipAddress } from "../lib/ip_address.ts";
import { type Invite, usableNodes } from "./model/invite.ts";
import type { Ports } from "./ports.ts";

/**
 * Joins through the nodes of an invite that a peer at this place may knock at.
 *
 * @throws {CamelliaError} `not_joined` where this peer is in no network and none of the nodes can be reached
 * from here or answers.
 */
export async function enterNetwork(
  { directory, links, reach }: Pick<Ports, "directory" | "links" | "reach">,
  invite: Invite,
  signal?: AbortSignal,
): Promise<EntranceView> {
  const { udp, outerIps } = directory.status();
  const { listening, door } = links.status();
  const addresses = [udp.ip, ...outerIps, listening?.ip, door?.ip].filter((ip) => ip !== undefined);
  const nodes = usableNodes(invite, { addresses, home: reach.local() });
  const joined = nodes.length === 0
    ? directory.status().joined
    : await directory.join(nodes, signal);
  if (joined) return { joined, nodes };
  const { inviter: { username } } = invite;
  const why = invite.nodes.length === 0
    ? "it names no node"
    : nodes.length === 0
    ? unusable(invite)
    : nodes.length === 1
    ? "the node that it names does not answer; it may be off, or in another network"
    : `none of its ${nodes.length} nodes answers; they may be off, or in another network`;
  throw new CamelliaError(
    "not_joined",
    `Cannot join through the invite: ${why}. Try again later, or ask ${username} for a new one.`,
  );
}

/** Why none of the nodes that an invite names is of use here. */
function unusable({ nodes }: Invite): string {
  return nodes.every(({ ip }) => ipAddress(ip)?.kind === "loopback")
    ? "it names addresses of the inviter's own machine alone. If that is this machine, start with --ip 127.0.0.1"
    : "it names addresses of another home or machine alone";
}
