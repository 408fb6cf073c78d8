/**
 * Which of a device's addresses may be dialled.
 *
 * Addresses come out of records that strangers wrote: a peer must not become a tool that knocks on
 * doors of its own machine or local network. So loopback and private addresses are dialled only from
 * a peer whose own address is of that kind (design, section 6), or in the own home network where the
 * device has the same outer address (section 10); multicast, broadcast, link-local and reserved ones never.
 *
 * @module
 */

import ipaddr from "ipaddr.js";
import {
  type Endpoint,
  type Family,
  familyOf,
  type IpAddress,
  isPort,
  parseIp,
} from "../../lib/ip_address.ts";
import { formatHostPort } from "../../lib/host_port.ts";
import type { LinkTarget } from "../../core/ports.ts";
import { addressesMax } from "./link_limits.ts";

/** Ranges of unicast addresses that a device can have; not those for documentation, translation and the like. */
const dialledRanges: ReadonlySet<string> = new Set([
  "unicast",
  "private",
  "uniqueLocal",
  "carrierGradeNat",
  "loopback",
]);

/** Reads an address to listen on, such as 0.0.0.0 or ::, in brackets or not. */
export function readListeningAddress(text: string): IpAddress | undefined {
  return parseIp(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text);
}

/** Reads an address that can be dialled by some peer; nothing for all others. */
export function readAddress(text: string): IpAddress | undefined {
  const address = readListeningAddress(text);
  if (address === undefined || !dialledRanges.has(ipaddr.parse(address.ip).range())) {
    return undefined;
  }
  return address;
}

/** What a peer knows of its own place. */
export interface OwnPlace {
  /** Its own addresses, as others know it. */
  readonly addresses: readonly string[];
  /** The home networks that this machine is in, as address and length of the prefix. */
  readonly homeNetworks: readonly string[];
  /** The families of addresses that this machine has, besides those of itself; default: both. */
  readonly families?: readonly Family[];
  /** Its own front door; default: it has none. */
  readonly door?: OwnDoor;
}

/** A front door, as seen from both sides of the home router. */
export interface OwnDoor {
  /** Where it listens. */
  readonly at: Endpoint;
  /** Where others connect to it. */
  readonly places: readonly Endpoint[];
}

/** One way to a device. */
export interface Route {
  /** The device's own address, or that of a relay. */
  readonly address: IpAddress;
  /** The TCP port there. */
  readonly port: number;
  /** Whether a relay listens there, which the device keeps a connection to. */
  readonly isRelay: boolean;
  /** Names it: no two routes share it. */
  readonly name: string;
}

/**
 * The ways to a device that a peer at the given place may try, in the order given. Those by a family that
 * the machine lacks could only cost time.
 */
export function routesTo(target: LinkTarget, own: OwnPlace): Route[] {
  const ownAddresses = own.addresses.flatMap((text) => readAddress(text) ?? []);
  const ownKinds = new Set(ownAddresses.map(({ kind }) => kind));
  const named = target.addresses.slice(0, addressesMax)
    .flatMap((text) => readRoute(text, target.port) ?? []);
  const isSameHome = named.some(({ isRelay, address: { ip, kind } }) =>
    !isRelay && kind === "public" && ownAddresses.some((one) => one.ip === ip)
  );
  const has = ({ kind, ip }: IpAddress) =>
    kind === "loopback" || (own.families?.includes(familyOf(ip)) ?? true);
  const may = ({ address, isRelay }: Route) => has(address) && mayDial(address, isRelay);
  const mayDial = (address: IpAddress, isRelay: boolean) =>
    address.kind === "public" || ownKinds.has(address.kind) ||
    (!isRelay && isSameHome && isIn(own.homeNetworks, address));
  const routes = named.filter(may).map((route) => atOwnDoor(route, own.door));
  return [...new Map(routes.map((route) => [route.name, route])).values()];
}

/**
 * Where this peer itself is the relay, its front door is dialled on this machine: few home routers lead what
 * their home sends to the outer address back into it.
 */
function atOwnDoor(route: Route, door: OwnDoor | undefined): Route {
  const { isRelay, address: { ip }, port } = route;
  const isOwn = door?.places.some((place) => place.ip === ip && place.port === port);
  if (!isRelay || !isOwn || door === undefined) return route;
  const isAny = ["0.0.0.0", "::"].includes(door.at.ip);
  const address = readAddress(isAny ? "127.0.0.1" : door.at.ip);
  return address === undefined ? route : { ...route, address, port: door.at.port };
}

/** What the address of a relay begins with. */
const relayPrefix = "relay/";

/** The address under which a device that is reached through a relay is announced. */
export function relayAddress({ ip, port }: Endpoint): string {
  return relayPrefix + formatHostPort(ip, port);
}

/**
 * Reads an address, `<address>:<port>` where the port is another than the device's, or
 * `relay/<address>:<port>`; nothing for all others.
 */
export function readRoute(text: string, devicePort: number): Route | undefined {
  const isRelay = text.startsWith(relayPrefix);
  const place = isRelay ? text.slice(relayPrefix.length) : text;
  const [, ip = "", digits = ""] = /^(.+):(\d{1,5})$/.exec(place) ?? [];
  const bare = isRelay ? undefined : readAddress(place);
  const address = bare ?? readAddress(ip);
  const port = bare === undefined ? Number(digits) : devicePort;
  if (address === undefined || !isPort(port)) return undefined;
  const name = formatHostPort(address.ip, port);
  return { address, port, isRelay, name: isRelay ? relayPrefix + name : name };
}

/** Whether the address is in one of the networks. */
function isIn(networks: readonly string[], { ip }: IpAddress): boolean {
  const address = ipaddr.parse(ip);
  return networks.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === address.kind() && address.match([network, bits]);
  });
}

/** The address as zeromq takes it. */
export function zmqAddress(address: Pick<IpAddress, "ip" | "isIPv6">, port: number): string {
  return `tcp://${address.isIPv6 ? `[${address.ip}]` : address.ip}:${port}`;
}
