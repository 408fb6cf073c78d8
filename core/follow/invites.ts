/**
 * Inviting: what an invite of this user says, and what a token of it is worth.
 *
 * @module
 */

import type { InviteRequest, InviteView } from "../api.ts";
import { inviteNodesMax, writeInvite } from "../model/invite.ts";
import type { UserRef } from "../model/user.ts";
import type { Endpoint, Ports, ReachStatus } from "../ports.ts";
import type { Session } from "../session/interfaces.ts";
import { unicastAddress } from "../../lib/ip_address.ts";
import { settledWithin } from "../../lib/waiting.ts";
import type { Follows } from "./follow.ts";
import { InviteTokens } from "./invite_tokens.ts";

/** How long a one-time invite is good where nothing else is said. */
const onceMs = 7 * 86_400_000;

/**
 * How long an invite waits to learn whether others reach this peer. They dial back within seconds; where none
 * answers the first question in 3.5 s, the next one follows 2 s later.
 */
const reachWaitMs = 6_000;

/** What inviting needs. */
export interface InvitesParts {
  /** The session. */
  readonly session: Session;
  /** Follows back. */
  readonly follows: Pick<Follows, "followBack">;
}

/** The invites of one session's user. */
export class Invites {
  readonly #parts: InvitesParts;
  readonly #tokens: InviteTokens;

  /** Tokens that earlier sessions made stay open. */
  constructor(parts: InvitesParts) {
    this.#parts = parts;
    this.#tokens = new InviteTokens(parts.session);
  }

  /**
   * Makes an invite.
   *
   * @throws {CamelliaError} `invalid_argument` where too many one-time invites are open.
   */
  async make(request: InviteRequest, signal?: AbortSignal): Promise<InviteView> {
    const { self: inviter, ports } = this.#parts.session;
    const { once = false, expiresInMs = once ? onceMs : undefined } = request;
    const { reach, announced } = await knownReach(ports, signal);
    const nodes = entrances(ports, announced);
    const expires = expiresInMs === undefined
      ? undefined
      : Math.floor(ports.clock.now()) + expiresInMs;
    // Last, so that no token is left open where the rest fails.
    const token = once && expires !== undefined ? await this.#tokens.issue(expires) : undefined;
    const said = { inviter, nodes, ...(token === undefined ? {} : { token }) };
    return {
      invite: writeInvite(expires === undefined ? said : { ...said, expires }),
      expires: expires === undefined ? null : new Date(expires).toISOString(),
      reach,
    };
  }

  /** Follows back a new follower who presents an open token; any other token is worth nothing. */
  async redeem(from: UserRef, token: Uint8Array): Promise<void> {
    const { session, follows } = this.#parts;
    await this.#tokens.redeem(token, from.key, async () => {
      const isNew = await follows.followBack(from);
      if (isNew) session.emit({ event: "invited", username: from.username });
    });
  }
}

/**
 * How others reach this peer, once they have told, and what it announces; after some seconds `none` if they have not
 * told.
 */
async function knownReach(
  { reach, clock, directory }: Ports,
  signal?: AbortSignal,
): Promise<{ readonly reach: InviteView["reach"]; readonly announced: readonly string[] }> {
  const isKnown = () => isSettled(reach.status()) || !directory.status().joined;
  if (!isKnown()) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = reach.onChange(() => isKnown() && resolve());
    const end = () => resolve();
    signal?.addEventListener("abort", end, { once: true });
    try {
      await settledWithin(clock, promise, reachWaitMs);
    } finally {
      stop();
      signal?.removeEventListener("abort", end);
    }
    signal?.throwIfAborted();
  }
  // Where others do not reach it, this waits a moment for a relay. What is announced is asked for once: it waits for
  // answers of other nodes, too.
  const announced = await reach.addresses(signal);
  return { reach: reachOf(reach.status()), announced };
}

/** Whether others have told. Behind a translated address relays are there before another node has tried to connect. */
function isSettled({ state, places }: ReachStatus): boolean {
  const isUntried = places.length > 0 && places.every(({ isReached }) => isReached === undefined);
  return state !== "unknown" && !(state === "relayed" && isUntried);
}

function reachOf({ state }: ReachStatus): InviteView["reach"] {
  return state === "unknown" || state === "unreachable" ? "none" : state;
}

/** The address in what is announced; nothing for a relay's. */
function announcedIp(text: string): string | undefined {
  const place = /^\[?(.+?)\]?:\d{1,5}$/.exec(text)?.[1] ?? "";
  return (unicastAddress(text) ?? unicastAddress(place))?.ip;
}

/**
 * Nodes that a friend can join through: this one, where others reach it and its address is announced, then
 * contacts that have answered. Where no node has tried to reach this one, they may all be gone by now, as in a
 * network of two when the other one is off: then what is announced of this one comes last. A peer that knows no
 * other names all addresses of its machine that it may tell.
 */
function entrances({ directory, reach }: Ports, announced: readonly string[]): Endpoint[] {
  const { port } = directory.status().udp;
  const addresses = announced.flatMap((text) => announcedIp(text) ?? []);
  const { places, state } = reach.status();
  const proven = places.flatMap(({ ip, isReached }) => isReached ? [ip] : []);
  // Behind a router that granted another port others find this node at that one.
  const portAt = (ip: string) => places.find((place) => place.ip === ip)?.udpPort ?? port;
  const contacts = directory.entrances();
  const own = contacts.length === 0
    ? [...addresses, ...reach.local()]
    : addresses.filter((ip) => proven.includes(ip));
  const untried = state === "unknown" ? addresses : [];
  const placeOf = (ip: string) => ({ ip, port: portAt(ip) });
  const nodes = [...own.map(placeOf), ...contacts, ...untried.map(placeOf)];
  const byName = new Map(nodes.map((node) => [`${node.ip} ${node.port}`, node]));
  return [...byName.values()].slice(0, inviteNodesMax);
}
