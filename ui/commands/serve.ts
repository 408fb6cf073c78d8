/**
 * `node` and `up`. What they do is loaded once the folder is locked: the user's key is being derived then, on a
 * thread of its own, which takes longer than anything else before a peer is ready.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import { expectedLogin, inFolder } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";

async function serve(context: Context, withUser: boolean): Promise<void> {
  const expected = withUser ? () => expectedLogin(context) : undefined;
  const locked = await context.host.openFolder(context.dataFolder, expected);
  await inFolder(locked, async (folder) => {
    const { serveFolder } = await loadModule<typeof import("./serving.ts")>(
      new URL("./serving.ts", import.meta.url),
    );
    await serveFolder(context, folder, withUser);
  });
}

/** `node`. */
export async function serveNode(context: Context): Promise<void> {
  await serve(context, false);
}

/** `up`. */
export async function serveUser(context: Context): Promise<void> {
  await serve(context, true);
}
