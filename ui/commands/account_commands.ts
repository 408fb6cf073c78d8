/**
 * Commands on accounts: opening, entering, leaving, changing and moving them.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { chooseUser, enter, runningUser, withPeer, withPeerForLogin } from "../peer/access.ts";
import type { Context } from "../peer/context.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { renderUser } from "../output/render.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** The longest account file is some 8,100 bytes; what is longer is none. */
const accountFileBytesMax = 65_536;

/** `register NAME`. */
export async function register(context: Context, name: string): Promise<void> {
  const { io, output, signal } = context;
  const username = parseUsername(name);
  const ask = () => passwordFor(context, { username, kind: "new" });
  await withPeerForLogin(context, ask, async ({ api }, password) => {
    const work = api.register({ username, password }, signal);
    const user = await withSpinner(io, `Registering ${username}`, work);
    await output.result(user, (look) => `Registered and logged in: ${renderUser(user, look)}`);
  });
}

/** `login NAME`. */
export async function login(context: Context, name: string): Promise<void> {
  const { io, output, signal } = context;
  const username = parseUsername(name);
  const ask = () => passwordFor(context, { username, kind: "login" });
  await withPeerForLogin(context, ask, async ({ api }, password) => {
    const work = api.login({ username, password }, signal);
    const user = await withSpinner(io, `Logging in ${username}`, work);
    await output.result(user, (look) => `Logged in: ${renderUser(user, look)}`);
  });
}

/** `logout`. */
export async function logout(context: Context): Promise<void> {
  const { io, output, signal } = context;
  await withPeer(context, "user", async ({ api }) => {
    const { username } = await withSpinner(io, "Logging out", api.logout(signal));
    await output.result({ username }, () => `Logged out: ${username}`);
  });
}

/**
 * `whoami`: who is logged in to the running peer, or else whom the next command would log in, which
 * takes no password because the sealed record carries its owner's public key in the open.
 */
export async function whoami(context: Context): Promise<void> {
  const { output } = context;
  const entry = await enter(context);
  if (entry.kind === "running") {
    const user = await runningUser(context, entry.client.api);
    return await output.result(user, (look) => renderUser(user, look));
  }
  try {
    const username = await chooseUser(context, entry.folder);
    const user = (await entry.folder.accounts()).find((account) => account.username === username);
    if (user === undefined) {
      throw new CamelliaError(
        "not_logged_in",
        `Cannot tell the fingerprint of ${username}: there is no account of that name in ` +
          `${entry.folder.path}. Run \`camellia login ${username}\` first`,
      );
    }
    await output.result(user, (look) => renderUser(user, look));
  } finally {
    await entry.folder.close();
  }
}

/** `passwd`. */
export async function passwd(context: Context, newPasswordFile: string | undefined): Promise<void> {
  const { io, output, signal } = context;
  await withPeer(context, "user", async ({ api }) => {
    const { username } = await api.whoami();
    const old = await passwordFor(context, { username, kind: "login" });
    const changed = await passwordFor(context, { username, kind: "changed" }, newPasswordFile);
    const work = api.changePassword({ old, new: changed }, signal);
    await withSpinner(io, "Changing the password", work);
    await output.result({ username }, () => `The password of ${username} is changed`);
  });
}

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
      : error instanceof Error
      ? error.message
      : String(error);
    throw new CamelliaError("invalid_argument", `Cannot write ${file}: ${why}`, { cause: error });
  }
}

/** `account export FILE`. */
export async function exportAccount(context: Context, file: string): Promise<void> {
  await withPeer(context, "user", async ({ api }) => {
    const { username } = await api.whoami();
    const sealed = await api.exportAccount();
    await saveAccount(file, sealed);
    await context.output.result(
      { username, file },
      () => `The account ${username} is in ${file}, sealed under its password`,
    );
  });
}

/** `account import FILE`. */
export async function importAccount(context: Context, file: string): Promise<void> {
  let sealed: Uint8Array | undefined;
  try {
    sealed = await context.io.readFile(file, accountFileBytesMax);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CamelliaError("invalid_file", `Cannot read ${file}: ${why}`, { cause: error });
  }
  if (sealed === undefined || sealed.length > accountFileBytesMax) {
    const why = sealed === undefined ? "there is no such file" : "it is too long for an account";
    throw new CamelliaError("invalid_file", `Cannot import ${file}: ${why}`);
  }
  const account = sealed;
  await withPeer(context, "nobody", async ({ api }) => {
    const user = await api.importAccount(account);
    await context.output.result(
      user,
      (look) => `Imported ${renderUser(user, look)}. Now run \`camellia login ${user.username}\``,
    );
  });
}
