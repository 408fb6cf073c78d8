/**
 * The turns of the routes to one device, and how long a link waits at most, by the ways that there are.
 *
 * @module
 */

import type { Route } from "./addresses.ts";
import {
  handshakeMsMax,
  metLatelyMs,
  redialMsMax,
  relayedHandshakeMsMax,
  relayedRedialMsMax,
} from "./link_limits.ts";

/** Which routes are tried when: before any wait each that has not failed. The dialler orders them. No I/O. */
export class RouteTurns {
  readonly #routes: readonly Route[];
  /** Names of the routes that took a connect and no handshake since the device was met, or the link had to wait. */
  readonly #failed = new Set<string>();
  /** Whether all routes have failed since the device was met: the ones that are left need more time, if any. */
  #isPatient = false;
  /** The two addresses of relays that have two, each by the other one's name. */
  readonly #twins: ReadonlyMap<string, Route>;

  /** The routes in the order in which they are to be tried, at least one. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes;
    this.#twins = twinsIn(routes);
  }

  /** Those whose turn it is, the next one first. A relay that lies takes each connect, and the sooner the less it does. */
  get inTurn(): readonly Route[] {
    return this.#routes.filter(({ name }) => !this.#failed.has(name));
  }

  /** How long a handshake may take, in milliseconds: through a relay less while there are other routes to try. */
  handshakeMs({ isRelay }: Route): number {
    const hasOthers = this.#failed.size + 1 < this.#routes.length && !this.#isPatient;
    return isRelay && hasOthers ? relayedHandshakeMsMax : handshakeMsMax;
  }

  /**
   * The longest wait until the next attempt, in milliseconds.
   *
   * @param sinceMetMs How long ago the device was met last; Infinity if it never was.
   */
  redialMs(sinceMetMs: number): number {
    const isRelayed = this.#routes.some(({ isRelay }) => isRelay);
    return isRelayed && sinceMetMs < metLatelyMs ? relayedRedialMsMax : redialMsMax;
  }

  /** None of those whose turn it was took a connect: all are to be tried, once it is time. */
  refused(): void {
    this.#isPatient ||= this.#failed.size > 0;
    this.#failed.clear();
  }

  /** The device was met: every route gets its try again. */
  met(): void {
    this.#failed.clear();
    this.#isPatient = false;
  }

  /** The same relay at its address of the other family, as far as the record tells. */
  twinOf({ name }: Route): Route | undefined {
    return this.#twins.get(name);
  }

  /**
   * The route took a connect and no handshake, or nothing of what was sent since.
   *
   * @returns Whether the other routes are to be tried before any wait: a relay that lies keeps no sender from
   * those that do not. Each route gets one such try.
   */
  leave(failed: Route): boolean {
    this.#failed.add(failed.name);
    if (this.#failed.size < this.#routes.length) return true;
    this.#failed.clear();
    this.#isPatient = true;
    return false;
  }
}

/** A device announces the two addresses of a relay one behind the other. */
function twinsIn(routes: readonly Route[]): Map<string, Route> {
  const twins = new Map<string, Route>();
  for (const [i, one] of routes.entries()) {
    const next = routes[i + 1];
    if (next === undefined || !one.isRelay || !next.isRelay || twins.has(one.name)) continue;
    if (one.address.isIPv6 === next.address.isIPv6) continue;
    twins.set(one.name, next);
    twins.set(next.name, one);
  }
  return twins;
}
