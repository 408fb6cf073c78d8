/**
 * Waiting for the network.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { formatHostPort } from "./endpoint.ts";
import type { PeerSettings, RunningPeer } from "./host.ts";

/** A bootstrap node that lives answers within a second or two; then a command works on without. */
const joinWaitMs = 5000;

/** What to say of a peer that is not in the network. */
export function notJoinedMessage(settings: PeerSettings): string {
  const nodes = settings.bootstrap.map(({ host, port }) => formatHostPort(host, port)).join(", ");
  return nodes === ""
    ? "No node of the network answers. Name one with --bootstrap HOST:PORT or in config.ini, or start a " +
      "new network with --init"
    : `No node answers at ${nodes}; trying on`;
}

/** Waits for the peer's first attempt to join, but not for long; whether it is in the network. */
export async function waitUntilJoined(
  { io, signal }: Context,
  peer: RunningPeer,
): Promise<boolean> {
  signal.throwIfAborted();
  const { promise: stopped, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  const timer = io.after(joinWaitMs, resolve);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([peer.firstAttempt, stopped]);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
  return (await peer.api.status()).node.joined;
}
