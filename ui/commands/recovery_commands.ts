/**
 * The commands on recovery words: showing them, and opening an account with them.
 *
 * @module
 */

import type { PeerCalls } from "../../core/api.ts";
import { parseUsername } from "../../core/model/username.ts";
import { renderUser } from "../output/render.ts";
import { chooseUser, withFolder } from "../peer/access.ts";
import { withPeerForLogin, withStartedPeer } from "../peer/own_peer.ts";
import type { Context } from "../peer/host.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { resolveSettings } from "../settings/settings.ts";
import { recover } from "./tasks.ts";
import { askForWords, fetchWords, renderWords } from "./words.ts";

/** Asks for the password, and the peer for the words that it guards. */
async function wordsFrom(context: Context, api: PeerCalls, username: string): Promise<string[]> {
  const password = await passwordFor(context, { username, kind: "login" });
  return await fetchWords(context, api, { username, password });
}

/** `account words`. */
export async function words(context: Context): Promise<void> {
  const words = await withFolder(context, "user", {
    running: async ({ api }) => wordsFrom(context, api, (await api.whoami()).username),
    // The keys are in the folder: no user has to log in, and no network is needed.
    async own(folder) {
      const username = await chooseUser(context, folder);
      const settings = await resolveSettings(context);
      const { log } = context.output;
      return await withStartedPeer(
        context,
        { folder, settings, log },
        ({ api }) => wordsFrom(context, api, username),
      );
    },
  });
  await context.output.line({ words }, () => renderWords(words));
}

/** `account recover`. */
export async function recoverAccount(
  context: Context,
  { name, wordsFile: file }: { readonly name: string; readonly wordsFile?: string },
): Promise<void> {
  const username = parseUsername(name);
  let words = "";
  const ask = async () => {
    words = await askForWords(context, { username, file });
    return await passwordFor(context, { username, kind: "new" });
  };
  await withPeerForLogin(context, { ask }, async ({ api }, password) => {
    const user = await recover(context, api, { username, password, words });
    const text = "The new password is set. Logged in:";
    await context.output.line(user, (look) => `${text} ${renderUser(user, look)}`);
  });
}
