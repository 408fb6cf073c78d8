/**
 * `node` and `up`: a peer that runs until it is interrupted, and tells what happens.
 *
 * @module
 */

import type { PeerApi, PeerEvent, StatusView } from "../../core/api.ts";
import { chooseUser } from "../peer/access.ts";
import type { Context } from "../peer/context.ts";
import { formatHostPort } from "../../lib/ip_address.ts";
import type { OpenFolder, RunningPeer } from "../peer/host.ts";
import type { PeerSettings } from "../settings/settings.ts";
import { notJoinedMessage, waitUntilJoined } from "../peer/network_wait.ts";
import { portFileName } from "../peer/loopback_protocol.ts";
import { LoopbackServer } from "../peer/loopback_server.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { renderEvent } from "../output/render.ts";
import { resolveSettings } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** The first line, once everything listens. */
function readyEvent({ node, user, links }: StatusView) {
  return {
    event: "ready",
    user: user?.username ?? null,
    node_id: node.id,
    udp: node.udp,
    listening: links.listening,
  };
}

function readyText(event: ReturnType<typeof readyEvent>): string {
  const udp = `UDP ${formatHostPort(event.udp.ip, event.udp.port)}`;
  const tcp = event.listening === null
    ? ""
    : `, TCP ${formatHostPort(event.listening.ip, event.listening.port)}`;
  const who = event.user === null ? "Node" : `Peer of ${event.user}`;
  return `${who} ready on ${udp}${tcp}. Ctrl+C stops it.`;
}

interface Serving {
  readonly context: Context;
  readonly settings: PeerSettings;
  readonly peer: RunningPeer;
  readonly folder: OpenFolder;
}

/** Tells events until the program is to end, or, where a user's logout ends it, that happens. */
async function serveUntilEnd(
  { context, settings, peer, folder }: Serving,
  endsAtLogout: boolean,
): Promise<void> {
  const { output, signal, host } = context;
  const { api } = peer;
  const end = Promise.withResolvers<void>();
  const early: PeerEvent[] = [];
  let tell = (event: PeerEvent) => void early.push(event);
  const stop = api.subscribe((event) => {
    tell(event);
    if (endsAtLogout && event.event === "logout") end.resolve();
  });
  const randomBytes = (length: number) => host.randomBytes(length);
  const server = await LoopbackServer.open({ api, folder, randomBytes, log: output.log });
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  try {
    const status = await api.status();
    await output.line(readyEvent(status), () => readyText(readyEvent(status)));
    tell = (event) => void output.line(event, (look) => renderEvent(event, look));
    if (!status.node.joined) {
      const { contacts } = status.node;
      await output.line(
        { event: "network", joined: false, contacts },
        () => notJoinedMessage(settings),
      );
    }
    early.forEach(tell);
    if (!signal.aborted) await end.promise;
  } finally {
    stop();
    await server.close();
  }
}

async function logIn(
  { context, peer }: { context: Context; peer: { api: PeerApi } },
  credentials: { username: string; password: string },
): Promise<void> {
  const work = peer.api.login(credentials, context.signal);
  await withSpinner(context.io, `Logging in ${credentials.username}`, work);
}

/** Runs the folder's peer with or without a user; an interruption is its regular end. */
async function serve(context: Context, withUser: boolean): Promise<void> {
  const { io, host, dataFolder, output } = context;
  const folder = await host.openFolder(dataFolder);
  try {
    await folder.remove(portFileName);
    const settings = await resolveSettings(context);
    const username = withUser ? await chooseUser(context, folder) : undefined;
    const credentials = username === undefined
      ? undefined
      : { username, password: await passwordFor(context, { username, kind: "login" }) };
    context.signal.throwIfAborted();
    const peer = await folder.start(settings, output.log);
    try {
      // Others find a network's first node; contacts of an earlier run may all be gone by now.
      const mustJoin = credentials !== undefined || !settings.firstNode;
      if (mustJoin) await withSpinner(io, "Joining the network", waitUntilJoined(context, peer));
      if (credentials !== undefined) await logIn({ context, peer }, credentials);
      await serveUntilEnd({ context, settings, peer, folder }, withUser);
    } finally {
      await withSpinner(io, "Handing over and leaving the network", peer.stop());
    }
  } finally {
    await folder.close();
  }
}

/** `node`. */
export async function serveNode(context: Context): Promise<void> {
  await serve(context, false);
}

/** `up`. */
export async function serveUser(context: Context): Promise<void> {
  await serve(context, true);
}
