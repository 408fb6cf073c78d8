/**
 * `web`: the page in a browser, for as long as the command runs.
 *
 * The peer that runs on the data folder serves it; where none does, the command runs one.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { loadModule } from "../../lib/load_module.ts";
import { expectedLogin, type RunningAccess, withFolder } from "../peer/access.ts";
import type { Context, OpenFolder } from "../peer/host.ts";
import { type PagePlace, pageUrl } from "../peer/loopback_protocol.ts";

/** What is asked of the page. */
export interface WebRequest {
  /** Whether no browser is started. */
  readonly noOpen?: boolean;
  /** Whether the page is turned off. */
  readonly stop?: boolean;
}

/** Tells where the page is, and shows it in the browser. */
async function tellPlace(
  { host, io, output }: Context,
  place: PagePlace,
  noOpen: boolean,
): Promise<void> {
  const url = pageUrl(place);
  await output.line(
    { event: "ready", url },
    () =>
      `Camellia is at ${url}\nThe address is good once, for two minutes. Ctrl+C turns the page off.`,
  );
  if (noOpen || output.json) return;
  if (await host.tools.open(io.os, url)) return;
  await output.note("There is no program here that opens a browser: open the address yourself.");
}

/** Waits until the page was turned off; an interruption turns it off, too. */
async function untilEnd(context: Context, ended: Promise<unknown>): Promise<void> {
  const { signal } = context;
  const interrupted = Promise.withResolvers<void>();
  const end = () => interrupted.resolve();
  signal.addEventListener("abort", end, { once: true });
  if (!signal.aborted) await Promise.race([ended, interrupted.promise]);
  signal.removeEventListener("abort", end);
}

async function stopPage({ output }: Context, wasOn: boolean): Promise<void> {
  await output.line(
    { stopped: wasOn },
    () => wasOn ? "The page is off." : "The page was not on.",
  );
}

async function onRunningPeer(
  context: Context,
  peer: RunningAccess,
  { noOpen = false, stop = false }: WebRequest,
): Promise<void> {
  if (stop) return await stopPage(context, await peer.stopPage());
  // The page is a user's: without one there is nothing that it could show.
  await peer.api.whoami();
  const { place, ended } = await peer.holdPage();
  await tellPlace(context, place, noOpen);
  await untilEnd(context, ended);
}

async function onOwnPeer(
  context: Context,
  folder: OpenFolder,
  { noOpen = false }: WebRequest,
): Promise<void> {
  const { serveWith } = await loadModule<typeof import("./serving.ts")>(
    new URL("./serving.ts", import.meta.url),
  );
  const opens = !noOpen && !context.output.json;
  await serveWith(context, folder, {
    opens,
    work: async (server, ended) => {
      const hold = new AbortController();
      const held = await server.holdPage(hold.signal);
      await tellPlace(context, held.place, !opens);
      await untilEnd(context, Promise.race([held.ended, ended]));
      hold.abort();
    },
  });
}

/** `web`. */
export async function web(context: Context, request: WebRequest): Promise<void> {
  if (request.stop && request.noOpen) {
    throw new CamelliaError("invalid_argument", "Cannot do both: --stop opens nothing anyway");
  }
  await withFolder(context, "user", {
    ...request.stop ? {} : { expected: () => expectedLogin(context) },
    running: (peer) => onRunningPeer(context, peer, request),
    // Without a peer that runs there is no page that is on.
    own: (folder) => request.stop ? stopPage(context, false) : onOwnPeer(context, folder, request),
  });
}
