/**
 * The commands on accounts: opening, entering, leaving, changing and moving them.
 *
 * @module
 */

import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseUsername } from "../../core/model/username.ts";
import { messageOf } from "../output/failure.ts";
import { renderUser } from "../output/render.ts";
import { chooseUser, withFolder, withPeer } from "../peer/access.ts";
import { logIn, withPeerForLogin } from "../peer/own_peer.ts";
import type { Context, OpenFolder } from "../peer/host.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { expandHome } from "../settings/places.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { type Command, command } from "./command.ts";
import { changePassword, closeAccount, register } from "./tasks.ts";
import { canShowWords, showWords } from "./words.ts";

/** The longest account file has some 8,100 bytes; a file longer than this is not one. */
const accountFileBytesMax = 65_536;

/**
 * The `account` command, below which those that move, recover and close an account stand.
 *
 * @internal Its types are commander's.
 */
export function accountParser(program: CommandUnknownOpts): CommandUnknownOpts {
  return program.commands.find((parser) => parser.name() === "account") ??
    program.command("account").description(
      "the recovery words of an account, and moving it by hand",
    );
}

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

/** The commands on accounts. */
export const accountCommands: readonly Command[] = [
  command(
    (program) =>
      program.command("register").description("create an account and log in")
        .argument("<name>", "3 to 20 of a to z, 0 to 9 and _, a letter first")
        .option(
          "--local-keys",
          "keep the sealed keys in the data folder alone, where no stranger can guess at the " +
            "password; other machines then need `account export`",
        )
        .option("--no-words", "show no recovery words now; `account words` shows them later"),
    async (context, name, { localKeys = false, words }) => {
      const username = parseUsername(name);
      const ask = () => passwordFor(context, { username, kind: "new" });
      await withPeerForLogin(context, ask, async ({ api, own }, password) => {
        const account = { username, password, localKeys, isBrief: own };
        const user = await register(context, api, account);
        const text = "Registered and logged in:";
        await context.output.line(user, (look) => `${text} ${renderUser(user, look)}`);
        if (words && canShowWords(context)) await showWords(context, api, { username, password });
      }, ({ api }) => {
        const check = api.checkName(username, context.signal);
        return withSpinner(context.io, `Asking whether ${username} is free`, check);
      });
    },
  ),
  command(
    (program) =>
      program.command("login").description("log in, on any machine, with name and password")
        .argument("<name>"),
    async (context, name) => {
      const username = parseUsername(name);
      const ask = () => passwordFor(context, { username, kind: "login" });
      await withPeerForLogin(context, ask, async ({ api, own }, password) => {
        const user = await logIn(context, api, { username, password, isBrief: own });
        await context.output.line(user, (look) => `Logged in: ${renderUser(user, look)}`);
      });
    },
  ),
  command(
    (program) => program.command("logout").description("log out: take this device off the network"),
    async (context) => {
      await withPeer(context, "user", async ({ api }) => {
        const work = api.logout({}, context.signal);
        const { username } = await withSpinner(context.io, "Logging out", work);
        await context.output.line({ username }, () => `Logged out: ${username}`);
      });
    },
  ),
  command(
    (program) =>
      program.command("whoami").description("who is logged in, with the fingerprint of the key"),
    async (context) => {
      const user = await withFolder(context, "user", {
        running: ({ api }) => api.whoami(),
        own: async (folder) => accountOf(folder, await chooseUser(context, folder)),
      });
      await context.output.line(user, (look) => renderUser(user, look));
    },
  ),
  command(
    (program) =>
      program.command("passwd").description("change the password")
        .option(
          "--new-password-file <file>",
          "file with the new password in its first line (or CAMELLIA_NEW_PASSWORD, or a prompt)",
        ),
    async (context, { newPasswordFile }) => {
      await withPeer(context, "user", async ({ api }) => {
        const { username } = await api.whoami();
        await changePassword(context, api, { username, newPasswordFile });
        await context.output.line({ username }, () => `The password of ${username} is changed`);
      });
    },
  ),
  command(
    (program) =>
      accountParser(program).command("export")
        .description("write the account, sealed under its password, to a new file")
        .argument("<file>"),
    async (context, typed) => {
      const file = expandHome(typed, context.io);
      await withPeer(context, "user", async ({ api }) => {
        const { username } = await api.whoami();
        await saveAccount(file, await api.exportAccount());
        await context.output.line(
          { username, file },
          () => `The account ${username} is in ${file}, sealed under its password`,
        );
      });
    },
  ),
  command(
    (program) =>
      accountParser(program).command("close")
        .description(
          "close the account for good: take its records back, remove it from this folder",
        )
        .option("--yes", "do not ask"),
    async (context, { yes = false }) => {
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
    },
  ),
  command(
    (program) =>
      accountParser(program).command("import")
        .description("take in what export wrote; then log in")
        .argument("<file>"),
    async (context, typed) => {
      const file = expandHome(typed, context.io);
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
          (look) =>
            `Imported ${renderUser(user, look)}. Now run \`camellia login ${user.username}\``,
        );
      });
    },
  ),
];
