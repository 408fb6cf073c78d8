/**
 * The commands on accounts: opening, entering, leaving, changing and moving them.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { messageOf } from "../output/failure.ts";
import { renderUser } from "../output/render.ts";
import { type Access, withPeer } from "../peer/access.ts";
import { logIn, withPeerForLogin } from "../peer/own_peer.ts";
import type { Context } from "../peer/host.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { expandHome } from "../settings/places.ts";
import { withSpinner } from "../terminal/spinner.ts";
import {
  changePassword,
  closeAccount,
  newPassword,
  registerByPassword,
  requireFree,
  requireKnown,
} from "./tasks.ts";
import { canShowWords, showWords } from "./words.ts";

/** The longest account file has some 8,100 bytes; a file longer than this is not one. */
const accountFileBytesMax = 65_536;

/**
 * Writes a sealed account to a new file that only its owner can read.
 *
 * @throws {CamelliaError} `invalid_argument` if there is a file already, or it cannot be written.
 */
export async function saveAccount(file: string, sealed: Uint8Array): Promise<void> {
  try {
    await Deno.writeFile(file, sealed, { createNew: true, mode: 0o600 });
  } catch (error) {
    const why = error instanceof Deno.errors.AlreadyExists
      ? "it exists already, and may be the only copy of something"
      : messageOf(error);
    throw new CamelliaError("invalid_argument", `Cannot write ${file}: ${why}`, { cause: error });
  }
}

/** Whether the person types the name of the account, to close it. */
export async function isToBeClosed(
  { prompts, signal }: Context,
  username: string,
): Promise<boolean> {
  const problem = (typed: string) =>
    ["", username].includes(typed.trim().toLowerCase())
      ? undefined
      : `That is not ${username}; leave it empty to keep the account`;
  const message =
    `This closes ${username} for good: no one can open it again, and its posts, lists and ` +
    "keys are removed from this machine. Type the name to do it (empty: keep it):";
  return (await prompts.text({ message, problem }, signal)).trim().toLowerCase() === username;
}

/** `register`. */
export async function registerAccount(
  context: Context,
  { name, localKeys = false, noWords = false }: {
    readonly name: string;
    readonly localKeys?: boolean;
    readonly noWords?: boolean;
  },
): Promise<void> {
  const username = parseUsername(name);
  const questions = {
    login: { username, isNew: true },
    ask: () => newPassword(context, username),
    check: ({ api }: Access) => requireFree(context, api, username),
  };
  await withPeerForLogin(context, questions, async ({ api, own }, first) => {
    const account = { username, password: first, localKeys, isBrief: own };
    const { user, password } = await registerByPassword(context, api, account);
    const text = "Registered and logged in:";
    await context.output.line(user, (look) => `${text} ${renderUser(user, look)}`);
    if (!noWords && canShowWords(context)) await showWords(context, api, { username, password });
  });
}

/** `login`. */
export async function login(context: Context, { name }: { readonly name: string }): Promise<void> {
  const username = parseUsername(name);
  const questions = {
    login: { username },
    ask: () => passwordFor(context, { username, kind: "login" }),
    check: ({ api }: Access) => requireKnown(context, api, username),
  };
  await withPeerForLogin(context, questions, async ({ api, own }, password) => {
    const user = await logIn(context, api, { username, password, isBrief: own });
    await context.output.line(user, (look) => `Logged in: ${renderUser(user, look)}`);
  });
}

/** `logout`. */
export async function logout(context: Context): Promise<void> {
  await withPeer(context, "user", async ({ api }) => {
    const work = api.logout({}, context.signal);
    const { username } = await withSpinner(context.io, "Logging out", work);
    await context.output.line({ username }, () => `Logged out: ${username}`);
  });
}

/** `passwd`. */
export async function passwd(
  context: Context,
  { newPasswordFile }: { readonly newPasswordFile?: string },
): Promise<void> {
  await withPeer(context, "user", async ({ api }) => {
    const { username } = await api.whoami();
    await changePassword(context, api, { username, newPasswordFile });
    await context.output.line({ username }, () => `The password of ${username} is changed`);
  });
}

/** `account export`. */
export async function exportAccount(
  context: Context,
  given: { readonly file: string },
): Promise<void> {
  const file = expandHome(given.file, context.io);
  await withPeer(context, "user", async ({ api }) => {
    const { username } = await api.whoami();
    await saveAccount(file, await api.exportAccount());
    await context.output.line(
      { username, file },
      () => `The account ${username} is in ${file}, sealed under its password`,
    );
  });
}

/** `account close`. */
export async function close(
  context: Context,
  { yes = false }: { readonly yes?: boolean },
): Promise<void> {
  if (!yes && (context.output.json || !context.io.terminal.input)) {
    throw new CamelliaError(
      "invalid_argument",
      "Cannot close an account unasked: say --yes if it is to be closed for good",
    );
  }
  await withPeer(context, "user", async ({ api }) => {
    const { username } = await api.whoami();
    if (!yes && !await isToBeClosed(context, username)) {
      return await context.output.line({}, () => `The account ${username} stays as it is`);
    }
    const user = await closeAccount(context, api, username);
    await context.output.line(user, () => `The account ${username} is closed`);
  });
}

/** `account import`. */
export async function importAccount(
  context: Context,
  given: { readonly file: string },
): Promise<void> {
  const file = expandHome(given.file, context.io);
  const refuse = (why: string, cause?: unknown) =>
    new CamelliaError("invalid_file", `Cannot import ${file}: ${why}`, { cause });
  const sealed = await context.io.readFile(file, accountFileBytesMax).catch((error) => {
    throw refuse(messageOf(error), error);
  });
  if (sealed === undefined) throw refuse("there is no such file");
  if (sealed.length > accountFileBytesMax) throw refuse("it is too long for an account");
  await withPeer(context, "none", async ({ api }) => {
    const user = await api.importAccount(sealed);
    await context.output.line(
      user,
      (look) => `Imported ${renderUser(user, look)}. Now run \`camellia login ${user.username}\``,
    );
  });
}
