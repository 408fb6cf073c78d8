/**
 * A peer of this process: starting it on a locked folder, joining the network, stopping it.
 *
 * @module
 */

import { formatHostPort } from "../../lib/ip_address.ts";
import { within } from "../../lib/waiting.ts";
import type { Credentials, PeerCalls, UserView } from "../../core/api.ts";
import type { Context, OpenFolder, RunningPeer } from "./host.ts";
import type { Log } from "../settings/flags.ts";
import type { PeerSettings } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** A bootstrap node that runs answers within a second or two; after this time a command works without. */
const joinWaitMs = 5000;

function bootstrapNodes(settings: PeerSettings): string {
  return settings.bootstrap.map(({ host, port }) => formatHostPort(host, port)).join(", ");
}

/** What to say where a command did its work without the network, which its user did not ask for. */
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

/** Waits for the peer's first attempt to join, {@linkcode joinWaitMs} at most; whether it has joined. */
export async function joinNetwork({ io, signal }: Context, peer: RunningPeer): Promise<boolean> {
  const attempt = within({ clock: io, ms: joinWaitMs }, () => peer.firstAttempt, signal);
  await withSpinner(io, "Joining the network", attempt);
  return (await peer.api.status()).node.joined;
}

/** Logs in, and says so while it takes its time. */
export async function logIn(
  { io, signal }: Context,
  api: PeerCalls,
  credentials: Credentials,
): Promise<UserView> {
  const work = api.login(credentials, signal);
  return await withSpinner(io, `Logging in ${credentials.username}`, work);
}

/** What a peer is started with. */
export interface StartOptions {
  /** The locked folder. */
  readonly folder: OpenFolder;
  /** Where it listens, and what it does. */
  readonly settings: PeerSettings;
  /** Takes what it has to say. */
  readonly log: Log;
}

/** Starts the folder's peer for as long as the work takes. Everything acknowledged is on disk then. */
export async function withStartedPeer<T>(
  { io, signal }: Context,
  { folder, settings, log }: StartOptions,
  work: (peer: RunningPeer) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const peer = await folder.start(settings, log);
  try {
    return await work(peer);
  } finally {
    // Stopping hands over what is still to be pushed, for five seconds at most (design, section 9).
    await withSpinner(io, "Handing over and leaving the network", peer.stop());
  }
}
