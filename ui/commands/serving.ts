/**
 * A peer that runs until it is interrupted, and tells what happens.
 *
 * @module
 */

import { given } from "../../core/model/arguments.ts";
import type { PeerApi, PeerEvent, StatusView } from "../../core/api.ts";
import { renderEvent } from "../output/render.ts";
import { StateNews } from "../output/state_news.ts";
import { isRepeated } from "../output/render_notifications.ts";
import {
  credentialsFor,
  joinNetwork,
  logIn,
  notJoinedMessage,
  ownAccess,
  withStartedPeer,
} from "../peer/own_peer.ts";
import type { Context, OpenFolder } from "../peer/host.ts";
import { makeCommandDoor } from "../peer/command_door.ts";
import type { LoopbackServer } from "../peer/loopback_server.ts";
import { whileEvents } from "./watching.ts";
import { formatEndpoint } from "../../lib/host_port.ts";
import { type PeerSettings, resolveSettings } from "../settings/settings.ts";

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

function readyText({ node, user, links: { listening } }: StatusView): string {
  const udp = `UDP ${formatEndpoint(node.udp)}`;
  const tcp = listening === null ? "" : `, TCP ${formatEndpoint(listening)}`;
  const who = user === null ? "Node" : `Peer of ${user.username}`;
  return `${who} ready on ${udp}${tcp}. Ctrl+C stops it.`;
}

/** Tells events until the program is to end, or, for a user's peer, until the user logs out. */
async function serveUntilEnd(
  context: Context,
  { door, settings, api }: { door: LoopbackServer; settings: PeerSettings; api: PeerApi },
  endsAtLogout: boolean,
): Promise<void> {
  const { output } = context;
  let user: string | undefined;
  const news = new StateNews();
  let written: Promise<unknown> = Promise.resolve();
  const tell = (event: PeerEvent) => {
    if (!output.json && isRepeated(event, user)) return;
    if (!output.json && !news.isNews(event)) return;
    written = output.line(event, (look) => renderEvent(event, look));
  };
  await whileEvents(context, ownAccess(api), {
    begin: async () => {
      await door.publish();
      const status = await api.status();
      user = status.user?.username;
      await output.line(readyEvent(status), () => readyText(status));
      const { joined, contacts, carrier, hindrance } = status.node;
      if (!joined || carrier === "tcp") {
        const way = given({ carrier, hindrance });
        const event = { event: "network", joined, contacts, ...way } as const;
        news.isNews(event); // It counts as told from here on.
        await output.line(
          event,
          (look) => joined ? renderEvent(event, look) : notJoinedMessage(settings, hindrance),
        );
      }
      // What was found out while the user logged in is told by no event.
      if (status.reach.state !== "unknown") tell({ event: "reach", ...status.reach });
    },
    tell,
    isLast: (event) => endsAtLogout && event.event === "logout" && !event.stay,
  });
  await written;
}

/** Runs the folder's peer with or without a user; an interruption is its regular end. */
export async function serveFolder(
  context: Context,
  folder: OpenFolder,
  withUser: boolean,
): Promise<void> {
  const settings = await resolveSettings(context);
  const credentials = await credentialsFor(context, folder, withUser ? "user" : "none");
  const { log } = context.output;
  await withStartedPeer(context, { folder, settings, log, stays: true }, async (peer) => {
    const { api } = peer;
    // The user's key is being derived: there is time to make it, and no command finds it before the login.
    await using door = await makeCommandDoor(context, { api, folder, log });
    // A login waits for the network itself. Others find a network's first node; contacts of an earlier
    // run may all be gone by now.
    if (credentials !== undefined) await logIn(context, api, credentials);
    else if (!settings.firstNode) await joinNetwork(context, peer);
    await serveUntilEnd(context, { door, settings, api }, withUser);
  });
}

/** What {@linkcode serveWith} does with a user's peer. */
export interface ServedWork {
  /** Whether programs that show an address in a browser may still be started. */
  readonly opens: boolean;
  /** The work; `ended` resolves when the user has logged out. */
  readonly work: (server: LoopbackServer, ended: Promise<void>) => Promise<void>;
}

/** Runs the user's peer of a folder that is locked, with its loopback port, for as long as some work takes. */
export async function serveWith(
  context: Context,
  folder: OpenFolder,
  { opens, work }: ServedWork,
): Promise<void> {
  const { log } = context.output;
  const settings = await resolveSettings(context);
  const credentials = await credentialsFor(context, folder, "user");
  await withStartedPeer(context, { folder, settings, log, opens, stays: true }, async ({ api }) => {
    if (credentials !== undefined) await logIn(context, api, credentials);
    const end = Promise.withResolvers<void>();
    const stop = api.subscribe((event) => {
      if (event.event === "logout" && !event.stay) end.resolve();
    });
    await using server = await makeCommandDoor(context, { api, folder, log });
    await server.publish();
    try {
      await work(server, end.promise);
    } finally {
      stop();
    }
  });
}
