/**
 * Homes for simulated nodes: a router that lets in only what comes from an address that was written to
 * lately (address- and port-dependent filtering, RFC 4787, section 5).
 *
 * @module
 */
import type { Endpoint } from "../../lib/ip_address.ts";
import type { SimulatedSocket } from "./dht_network.ts";
import type { VirtualClock } from "./clock.ts";

/** Linux's timeouts: for what was only sent, and for what went both ways. */
const openMs = { oneWay: 30_000, bothWays: 120_000 } as const;

/** Puts a socket behind a home's router. */
export function putAtHome(clock: VirtualClock, socket: SimulatedSocket): void {
  const openUntilMs = new Map<string, { untilMs: number; isBothWays: boolean }>();
  const nameOf = ({ ip, port }: Endpoint) => `${ip} ${port}`;
  const isOpen = (name: string) => (openUntilMs.get(name)?.untilMs ?? 0) > clock.monotonic();
  const open = (name: string, isBothWays: boolean) => {
    const ms = isBothWays ? openMs.bothWays : openMs.oneWay;
    openUntilMs.set(name, { untilMs: clock.monotonic() + ms, isBothWays });
  };
  socket.onSend = (to) => {
    const name = nameOf(to);
    open(name, isOpen(name) && openUntilMs.get(name)?.isBothWays === true);
  };
  socket.intercept = (_data, from) => {
    const name = nameOf(from);
    if (!isOpen(name)) return true;
    open(name, true);
    return false;
  };
}
