/**
 * `doctor`: looks for what keeps the program from working, and says what to do.
 *
 * @module
 */

import { join } from "node:path";
import type { PeerEvent } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { within } from "../../lib/waiting.ts";
import { AlreadyTold, messageOf } from "../output/failure.ts";
import type { Look } from "../output/look.ts";
import { type Access, withFolder } from "../peer/access.ts";
import { joinNetwork, ownAccess, withStartedPeer } from "../peer/own_peer.ts";
import type { Context, OpenFolder } from "../peer/host.ts";
import { type PeerSettings, resolveSettings } from "../settings/settings.ts";
import { configName } from "../settings/places.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { withSpinner } from "../terminal/spinner.ts";
import {
  type Check,
  checkClock,
  checkConfig,
  checkDescriptors,
  checkFolder,
  checkNetwork,
  checkPeer,
  checkReach,
  checkVersions,
  notLookedAt,
} from "./checks.ts";

/**
 * A peer asks the time servers a second after its start. One that is there answers within a second, also the second
 * or third that is asked.
 */
const clockWaitMs = 5000;

/** What is asked of a peer; where there is none, each is told as not looked at. */
const peerChecks = ["network", "reach", "clock"] as const;

/** Waits until the peer has heard of its time servers; what it said against them. */
async function hearClock(context: Context, access: Access): Promise<string | undefined> {
  const heard = Promise.withResolvers<string | undefined>();
  const stop = await access.subscribe((event: PeerEvent) => {
    if (event.event === "clock") heard.resolve(undefined);
    if (event.event === "warning" && event.code === "clock_doubted") heard.resolve(event.message);
  });
  try {
    const limit = { clock: context.io, ms: clockWaitMs };
    const work = within(limit, () => heard.promise, context.signal);
    return await withSpinner(context.io, "Asking the time servers", work);
  } finally {
    stop();
  }
}

/** Asks a peer how it is. */
async function askPeer(
  context: Context,
  settings: PeerSettings,
  access: Access,
): Promise<Check[]> {
  const waits = access.own && settings.ntpServers.length > 0;
  const doubt = waits ? await hearClock(context, access) : undefined;
  const status = await access.api.status();
  const clock = { clock: status.clock, ...(doubt === undefined ? {} : { doubt }) };
  return [
    checkPeer(status, access.own),
    checkNetwork(status, settings),
    checkReach(status),
    checkClock(clock, settings),
  ];
}

/** Asks the peer that runs on the folder, or else one that runs for as long as this takes. */
async function checksOfPeer(context: Context, settings: PeerSettings): Promise<Check[]> {
  const { log } = context.output;
  const own = (folder: OpenFolder) =>
    withStartedPeer(context, { folder, settings, log, stays: true }, async (peer) => {
      await joinNetwork(context, peer);
      return await askPeer(context, settings, ownAccess(peer.api));
    });
  try {
    return await withFolder(context, "none", {
      own,
      running: (access) => askPeer(context, settings, access),
    });
  } catch (error) {
    if (!(error instanceof CamelliaError) || error.code === "interrupted") throw error;
    const failed: Check = { name: "peer", ok: false, detail: error.message, advice: null };
    return [failed, ...peerChecks.map((name) => notLookedAt(name, "no peer could be asked"))];
  }
}

/** Looks at everything. */
async function examine(context: Context): Promise<Check[]> {
  const { io, host, dataFolder, flags } = context;
  const config = flags.config ?? join(dataFolder, configName);
  const folder = checkFolder(dataFolder, await host.system.folder(dataFolder));
  let settings: PeerSettings | undefined;
  let refused: string | undefined;
  try {
    settings = await resolveSettings(context);
  } catch (error) {
    refused = messageOf(error);
  }
  const first = [
    checkVersions(host.version, host.system.deno),
    folder,
    checkConfig(config, await io.readFile(config, 1).catch(() => undefined) !== undefined, refused),
    checkDescriptors(await host.system.descriptors()),
  ];
  if (settings !== undefined && folder.ok) {
    return [...first, ...await checksOfPeer(context, settings)];
  }
  const why = `mend the ${folder.ok ? "configuration" : "data folder"} first`;
  return [...first, ...["peer", ...peerChecks].map((name) => notLookedAt(name, why))];
}

function renderChecks(checks: readonly Check[], { paint }: Look): string {
  return checks.map(({ name, ok, detail, advice }) => {
    const mark = ok ? paint.good("ok     ") : paint.error("problem");
    const remedy = advice === null ? "" : `. ${safeLine(advice)}`;
    return `${mark} ${name.padEnd(13)} ${safeLine(detail)}${remedy}`;
  }).join("\n");
}

/** `doctor`. */
export async function doctor(context: Context): Promise<void> {
  const checks = await examine(context);
  await context.output.line({ checks }, (look) => renderChecks(checks, look));
  if (checks.some(({ ok }) => !ok)) throw new AlreadyTold();
}
