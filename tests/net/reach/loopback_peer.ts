/**
 * Peers on loopback that relay and are relayed to, with real sockets.
 *
 * @module
 */

import type { Clock } from "../../../core/ports.ts";
import { Exemption } from "../../../lib/networks.ts";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { ZmqLinks } from "../../../net/links/zmq_links.ts";
import { localPlace, Relay, senderByte } from "../../../net/reach/relay.ts";
import { RelayClient } from "../../../net/reach/relay_client.ts";
import { relayByte } from "../../../net/reach/relay_protocol.ts";
import { SystemRandom } from "../../../net/system/system_random.ts";
import { SystemClock } from "../../../net/system/system_time.ts";

const clock = new SystemClock();

/** What one peer is made of. */
export interface LoopbackPeer {
  readonly links: ZmqLinks;
  readonly relay: Relay;
  /** Finds the relays that the test names. */
  readonly client: RelayClient;
  /** Where others find it, besides its own port: what stands before its front door. */
  readonly places: Endpoint[];
}

/** A peer at a free port; nothing listens yet. */
export function loopbackPeer(
  relays: readonly LoopbackPeer[] = [],
  time: Clock = clock,
): LoopbackPeer {
  const places: Endpoint[] = [];
  const relay = new Relay({
    time,
    random: new SystemRandom(),
    isWilling: () => true,
    ownPlaces: ({ conn }) => [localPlace(conn), ...places].filter((place) => place !== undefined),
    exemption: new Exemption(true),
  });
  const links: ZmqLinks = new ZmqLinks({
    listen: { ip: "127.0.0.1", port: 0 },
    clock: time,
    ownAddresses: () => ["127.0.0.1"],
    ownPlaces: () => places,
    services: new Map([
      [relayByte, (caller) => relay.serve(caller)],
      [senderByte, (caller) => relay.serveSender(caller)],
    ]),
  });
  const client = new RelayClient({
    time,
    find: () => Promise.resolve(relays.map((peer) => peer.places[0] ?? peer.links.listen())),
    secretKey: () => links.secretKey,
    receive: (conn, at) => links.receive(conn, at),
    exemption: new Exemption(true),
    onChange: () => {},
  });
  return { links, relay, client, places };
}
