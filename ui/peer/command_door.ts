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

/**
 * Makes the port for a peer; commands find it once it is published. `log` takes what goes wrong unexpectedly.
 */
export function makeCommandDoor(
  context: Context,
  { api, folder, log }: { api: PeerApi; folder: OpenFolder; log: Log },
): Promise<LoopbackServer> {
  return LoopbackServer.listen({
    api,
    folder,
    log,
    host: context.host,
    settings: new SettingsFile(context),
    drafts: draftFiles(context),
  });
}
