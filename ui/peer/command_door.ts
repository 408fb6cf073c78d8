/**
 * The loopback port of a peer that this process runs, with what the page needs of the data folder.
 *
 * @module
 */

import type { PeerApi } from "../../core/api.ts";
import type { Log } from "../settings/flags.ts";
import { draftFiles } from "./draft_files.ts";
import type { Context, OpenFolder } from "./host.ts";
import { LoopbackServer } from "./loopback_server.ts";
import { SettingsFile } from "./settings_file.ts";

/** Opens the port for a peer. `log` takes what goes wrong unexpectedly. */
export function openCommandDoor(
  context: Context,
  { api, folder, log }: { api: PeerApi; folder: OpenFolder; log: Log },
): Promise<LoopbackServer> {
  return LoopbackServer.open({
    api,
    folder,
    log,
    host: context.host,
    settings: new SettingsFile(context),
    drafts: draftFiles(context),
  });
}
