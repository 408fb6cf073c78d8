/**
 * Waiting for the network.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { formatHostPort } from "../../lib/ip_address.ts";
import type { RunningPeer } from "./host.ts";
import type { PeerSettings } from "../settings/settings.ts";

/** A bootstrap node that lives answers within a second or two; then a command works on without. */
const joinWaitMs = 5000;

function bootstrapNodes(settings: PeerSettings): string {
  return settings.bootstrap.map(({ host, port }) => formatHostPort(host, port)).join(", ");
}

/** What to say where a command did its work on its own, although nobody meant it to. */
export function aloneMessage(settings: PeerSettings): string {
  const nodes = bootstrapNodes(settings);
  const why = nodes === ""
    ? "no node of it is known. Name one with --bootstrap HOST:PORT or in config.ini"
    : `no node answers at ${nodes}`;
  return `This was done without the network: ${why}. Others learn of changes once a peer on this data ` +
    "folder is in the network again.";
}

/** What to say of a peer that is not in the network. */
export function notJoinedMessage(settings: PeerSettings): string {
  const nodes = bootstrapNodes(settings);
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
