/**
 * How this peer is reached, and how it helps others to be: the parts of the room put together.
 *
 * @module
 */

import type { Clock, Endpoint, Random, ReachStatus } from "../../core/ports.ts";
import { familyOf } from "../../lib/ip_address.ts";
import type { Exemption } from "../../lib/networks.ts";
import type { DoorService } from "../links/front_door.ts";
import type { ZmqLinks } from "../links/zmq_links.ts";
import { DialBack } from "./dial_back.ts";
import { homeAddresses, leadingAddresses } from "./interfaces.ts";
import { routerMapper } from "./port_mapper.ts";
import { PortMappings } from "./port_mappings.ts";
import { ReachWatch, type ReachWatchOptions } from "./reach_watch.ts";
import { localPlace, Relay, type RelayStatus, senderByte } from "./relay.ts";
import { type FoundRelay, RelayClient } from "./relay_client.ts";
import { relayByte } from "./relay_protocol.ts";
import { upnpMapper } from "./upnp.ts";

/** What config.ini says of it. */
export interface ReachSettings {
  /** Whether this peer relays for others; `auto`: if they reach it without a relay. */
  readonly relay: "auto" | "yes" | "no";
  /** Whether relays alone are announced, so that this peer's own address is in no record. */
  readonly relaysOnly: boolean;
  /** Whether the home router is asked to let others in. */
  readonly portMapping: boolean;
  /** The outer address, where it is configured. */
  readonly announcedIp?: string;
}

/** What is asked of the network, once there is one. */
export interface ReachNetwork {
  /** The DHT. */
  readonly directory: ReachWatchOptions["directory"] & {
    relays(signal?: AbortSignal): Promise<FoundRelay[]>;
  };
  /** The links, whose front door is this peer's. */
  readonly links: Pick<ZmqLinks, "status" | "secretKey" | "receive" | "redial">;
}

/** What nodes are told that look for a relay. */
export interface RelayOffer {
  /** The TCP port at the address of the asker's family. */
  readonly port: number;
  /** How many more devices are taken. */
  readonly room: number;
  /** Where connections are taken by the other family of addresses, if they are. */
  readonly other?: Endpoint;
}

/** What {@linkcode createReach} makes. */
export interface CreatedReach {
  /** Connects for nodes that ask whether strangers reach them. */
  readonly dialBack: (to: Endpoint) => Promise<boolean | undefined> | undefined;
  /** What nodes are told that look for a relay. */
  readonly offerRelay: (asker: Endpoint) => RelayOffer | undefined;
  /** What the front door is for besides messages. */
  readonly services: ReadonlyMap<number, DoorService>;
  /** Where others connect to the front door, as far as they were asked. */
  readonly places: () => Endpoint[];
  /** What this peer relays at present. */
  readonly relaying: () => RelayStatus;
  /** Begins to watch; from then on `status` is what others find out. */
  start(network: ReachNetwork): ReachWatch;
  /** Ends everything, and takes back what the home router lets in. */
  close(): Promise<void>;
}

/** States in which strangers' connections come in, so that this peer can relay for others. */
const openStates: ReadonlySet<ReachStatus["state"]> = new Set(["direct", "mapped"]);

/**
 * Builds all of it. The DHT and the links need parts of it from their start, and it needs them: so they
 * come with `start`, and until then it relays nothing.
 */
export function createReach(
  {
    clock,
    random,
    exemption,
    settings,
    stays = false,
    leading = () => leadingAddresses(),
    onError,
  }: {
    readonly clock: Clock;
    readonly random: Random;
    readonly exemption: Exemption;
    readonly settings: ReachSettings;
    /** Whether the peer runs until it is ended; default: no. */
    readonly stays?: boolean;
    /** This machine's addresses that lead out of it; default: what the system tells. */
    readonly leading?: () => readonly string[];
    readonly onError: (error: Error) => void;
  },
): CreatedReach {
  const dialBack = new DialBack({ time: clock, exemption });
  const late: { network?: ReachNetwork; watch?: ReachWatch; relays?: RelayClient } = {};
  const doorPort = (): number | undefined => late.network?.links.status().door?.port;
  const outerPlaces = (isReachedOnly: boolean): Endpoint[] =>
    (late.watch?.status().places ?? []).flatMap((place) => {
      const port = place.port ?? doorPort();
      const counts = port !== undefined && (place.isReached === true || !isReachedOnly);
      return counts ? [{ ip: place.ip, port }] : [];
    });
  const untriedPlaces = (): Endpoint[] => {
    const port = doorPort();
    return port === undefined ? [] : late.watch?.untried().map((ip) => ({ ip, port })) ?? [];
  };
  const relay = new Relay({
    time: clock,
    random,
    isWilling: () =>
      settings.relay === "yes" ||
      (settings.relay === "auto" && late.watch !== undefined &&
        (openStates.has(late.watch.status().state) || late.watch.untried().length > 0)),
    ownPlaces: ({ conn }) =>
      [localPlace(conn), ...outerPlaces(false), ...untriedPlaces()].filter((place) =>
        place !== undefined
      ),
    exemption,
  });
  const mappings = settings.portMapping && !settings.relaysOnly
    ? new PortMappings({
      time: clock,
      mappers: [
        routerMapper({ time: clock, random }),
        upnpMapper({ time: clock, home: homeAddresses }),
      ],
      onError,
    })
    : undefined;
  return {
    dialBack: (to) => dialBack.dial(to),
    offerRelay({ ip }) {
      const { room } = relay;
      const places = outerPlaces(settings.relay !== "yes");
      const isAsked = (place: Endpoint) => familyOf(place.ip) === familyOf(ip);
      // Who asks finds out whether others get there, and uses nothing else of what no node has tried.
      const place = [...places, ...untriedPlaces()].find(isAsked);
      if (place === undefined || room === 0) return undefined;
      const other = places.find((one) => !isAsked(one));
      return { port: place.port, room, ...(other === undefined ? {} : { other }) };
    },
    services: new Map<number, DoorService>([
      [relayByte, (caller) => relay.serve(caller)],
      [senderByte, (caller) => relay.serveSender(caller)],
    ]),
    places: () => outerPlaces(true),
    relaying: () => relay.status(),
    start(network) {
      const { directory, links } = network;
      const relays = new RelayClient({
        time: clock,
        find: (signal) => directory.relays(signal),
        secretKey: () => links.secretKey,
        receive: (conn, at) => links.receive(conn, at),
        exemption,
        onChange: () => watch.relaysChanged(),
        onOutage: () => {
          // The router may have forgotten the connections, and got another address.
          links.redial();
          watch.lookNow();
        },
        onError,
      });
      const watch = new ReachWatch({
        clock,
        directory,
        links,
        relays,
        relaysOnly: settings.relaysOnly,
        stays,
        homeAddresses,
        leadingAddresses: leading,
        onMoved: () => links.redial(),
        onError,
        ...(mappings === undefined ? {} : { mappings }),
        ...(settings.announcedIp === undefined ? {} : { announcedAddress: settings.announcedIp }),
      });
      Object.assign(late, { network, relays, watch });
      watch.start();
      return watch;
    },
    async close() {
      late.relays?.close();
      late.watch?.close();
      await mappings?.close();
    },
  };
}
