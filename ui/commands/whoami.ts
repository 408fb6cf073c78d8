/**
 * `whoami`: who is logged in, or who would be.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { renderUser } from "../output/render.ts";
import { chooseUser, withFolder } from "../peer/access.ts";
import type { Context, OpenFolder } from "../peer/host.ts";

/**
 * The account that the next command would log in. This takes no password because the sealed record carries its
 * owner's public key in the open.
 */
async function accountOf(folder: OpenFolder, username: string) {
  const account = (await folder.accounts()).find((account) => account.username === username);
  if (account !== undefined) return account;
  throw new CamelliaError(
    "not_logged_in",
    `Cannot tell the fingerprint of ${username}: there is no account of that name in ` +
      `${folder.path}. Run \`camellia login ${username}\` first`,
  );
}

/** `whoami`. */
export async function whoami(context: Context): Promise<void> {
  const user = await withFolder(context, "user", {
    running: ({ api }) => api.whoami(),
    own: async (folder) => accountOf(folder, await chooseUser(context, folder)),
  });
  await context.output.line(user, (look) => renderUser(user, look));
}
