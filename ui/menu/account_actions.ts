/**
 * The entries of the menu on the account itself: its words, devices and password, and moving it.
 *
 * @module
 */

import type { DeviceView, UserView } from "../../core/api.ts";
import { isToBeClosed, saveAccount } from "../commands/account_commands.ts";
import {
  changePassword,
  closeAccount,
  recover,
  removingDevice,
  showingDevices,
} from "../commands/tasks.ts";
import { askForWords, showWords } from "../commands/words.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { expandHome } from "../settings/places.ts";
import { askName, chooseOne, greet, type MenuContext, tell } from "./questions.ts";

async function exportAccount(menu: MenuContext, username: string): Promise<void> {
  const message = `Write the sealed account ${username} to which new file? (empty: back)`;
  const file = expandHome((await menu.prompts.text({ message }, menu.signal)).trim(), menu.io);
  if (file === "") return;
  await saveAccount(file, await menu.api.exportAccount());
  await menu.say(`The account is in ${file}, sealed under its password.`);
}

/** Shows the recovery words to the person who knows the password. */
async function showOwnWords(menu: MenuContext, username: string): Promise<void> {
  const password = await passwordFor(menu, { username, kind: "login" });
  await showWords(menu, menu.api, { username, password });
}

/** Lists the devices, and asks which one to send away. */
async function showDevices(menu: MenuContext): Promise<void> {
  const devices = await tell(menu, showingDevices, undefined);
  const others = devices.filter((view: DeviceView) => !view.this);
  if (others.length === 0) return;
  const chosen = await chooseOne(
    menu,
    "Log one of them out?",
    others.map(({ device }) => ({ value: String(device), name: `Device ${device}` })),
  );
  if (chosen !== undefined) await tell(menu, removingDevice, { device: Number(chosen) });
}

async function close(menu: MenuContext, username: string): Promise<void> {
  if (!await isToBeClosed(menu, username)) return;
  await closeAccount(menu, menu.api, username);
  menu.feed.clear();
  await menu.say(`The account ${username} is closed.`);
}

/** Asks what to do with the account. */
export async function showAccount(menu: MenuContext, { username }: UserView): Promise<void> {
  const entries: Record<string, readonly [name: string, run: () => Promise<void>]> = {
    words: ["Recovery words", () => showOwnWords(menu, username)],
    devices: ["Devices", () => showDevices(menu)],
    password: ["Change the password", async () => {
      await changePassword(menu, menu.api, { username });
      await menu.say("The password is changed.");
    }],
    export: ["Export the account to a file", () => exportAccount(menu, username)],
    close: ["Close the account", () => close(menu, username)],
  };
  const answers = Object.entries(entries).map(([value, [name]]) => ({ value, name }));
  const chosen = await chooseOne(menu, "Account", answers);
  if (chosen !== undefined) await entries[chosen]?.[1]();
}

/** Logs in with recovery words where the password is lost, and sets another. */
export async function recoverAccount(menu: MenuContext): Promise<void> {
  const username = await askName(menu, "Username of the account whose password is lost");
  if (username === undefined) return;
  const words = await askForWords(menu, { username });
  const password = await passwordFor(menu, { username, kind: "new" });
  const user = await recover(menu, menu.api, { username, password, words });
  await greet(menu, "The new password is set, and you are logged in", user);
}
