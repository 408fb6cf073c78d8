/**
 * The part of the table of commands that is on accounts and devices; see `table.ts`.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import { argument, flag } from "../shell/table.ts";
import { type Command, command } from "./command.ts";
import { deviceNumber } from "./values.ts";

const onAccounts = () =>
  loadModule<typeof import("./account_commands.ts")>(
    new URL("./account_commands.ts", import.meta.url),
  );
const onWords = () =>
  loadModule<typeof import("./recovery_commands.ts")>(
    new URL("./recovery_commands.ts", import.meta.url),
  );
const asking = () =>
  loadModule<typeof import("./whoami.ts")>(new URL("./whoami.ts", import.meta.url));
const onPosts = () =>
  loadModule<typeof import("./timeline_commands.ts")>(
    new URL("./timeline_commands.ts", import.meta.url),
  );

const account = command({
  name: "account",
  description: "the recovery words of an account, and moving it by hand",
  commands: [
    command({
      name: "export",
      description: "write the account, sealed under its password, to a new file",
      takes: { file: argument("<file>") },
      load: async () => (await onAccounts()).exportAccount,
    }),
    command({
      name: "close",
      description: "close the account for good: take its records back, remove it from this folder",
      flags: { yes: flag("--yes", "do not ask") },
      load: async () => (await onAccounts()).close,
    }),
    command({
      name: "import",
      description: "take in what export wrote; then log in",
      takes: { file: argument("<file>") },
      load: async () => (await onAccounts()).importAccount,
    }),
    command({
      name: "words",
      description: "show the 24 recovery words, which open the account without its password",
      load: async () => (await onWords()).words,
    }),
    command({
      name: "recover",
      description: "log in with the 24 recovery words where the password is lost, and set another",
      takes: { name: argument("<name>") },
      flags: { wordsFile: flag("--words-file <file>", "file with the words (or a prompt)") },
      load: async () => (await onWords()).recoverAccount,
    }),
  ],
});

/** The commands on accounts and devices. */
export const accounts: readonly Command[] = [
  command({
    name: "register",
    description: "create an account and log in",
    takes: { name: argument("<name>", "3 to 20 of a to z, 0 to 9 and _, a letter first") },
    flags: {
      localKeys: flag(
        "--local-keys",
        "keep the sealed keys in the data folder alone, where no stranger can guess at the " +
          "password; other machines then need `account export`",
      ),
      noWords: flag(
        "--no-words",
        "show no recovery words now; `account words` shows them later",
      ),
    },
    load: async () => (await onAccounts()).registerAccount,
  }),
  command({
    name: "login",
    description: "log in, on any machine, with name and password",
    takes: { name: argument("<name>") },
    load: async () => (await onAccounts()).login,
  }),
  command({
    name: "logout",
    description: "log out: take this device off the network",
    load: async () => (await onAccounts()).logout,
  }),
  command({
    name: "whoami",
    description: "who is logged in, with the fingerprint of the key",
    load: async () => (await asking()).whoami,
  }),
  command({
    name: "passwd",
    description: "change the password",
    flags: {
      newPasswordFile: flag(
        "--new-password-file <file>",
        "file with the new password in its first line (or CAMELLIA_NEW_PASSWORD, or a prompt)",
      ),
    },
    load: async () => (await onAccounts()).passwd,
  }),
  account,
  command({
    name: "devices",
    description: "the devices on which you are logged in, with addresses",
    commands: [
      command({
        name: "remove",
        description: "log another device out, by its number; it can log in again with the password",
        takes: {
          device: argument("<number>", "its number in the list of `devices`", deviceNumber),
        },
        load: async () => (await onPosts()).removeDevice,
      }),
    ],
    load: async () => (await onPosts()).devices,
  }),
];
