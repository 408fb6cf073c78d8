/**
 * Settings in the menu: what is in force, and what can be changed of an account.
 *
 * @module
 */

import { join } from "node:path";
import type { EndpointView, StatusView, UserView } from "../../core/api.ts";
import { saveAccount } from "../commands/account_commands.ts";
import type { Lifespan } from "../settings/config.ts";
import { formatHostPort } from "../../lib/ip_address.ts";
import type { PeerSettings } from "../settings/settings.ts";
import type { MenuContext } from "./menu_context.ts";
import { passwordFor } from "../prompts/password_source.ts";
import { configName } from "../settings/settings.ts";
import { withSpinner } from "../terminal/spinner.ts";

const unitsMs = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], [
  "second",
  1000,
]] as const;

/** A lifespan in its largest units. */
export function formatLifespan(lifespan: Lifespan): string {
  if (lifespan === "off") return "for ever";
  const parts: string[] = [];
  let rest = lifespan;
  for (const [unit, ms] of unitsMs) {
    const count = Math.floor(rest / ms);
    rest -= count * ms;
    if (count > 0) parts.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ");
}

/** Where it listens: a port of 0 asked for any, and says nothing to whoever wants to connect. */
function inUse(asked: EndpointView, actual: EndpointView | null, protocol: string): string {
  const port = asked.port === 0 ? actual?.port ?? 0 : asked.port;
  const why = asked.port === 0 ? ", any free port" : "";
  return `${formatHostPort(asked.ip, port)} (${protocol}${why})`;
}

function rowsOf(settings: PeerSettings, status: StatusView): (readonly [string, string])[] {
  const list = (nodes: PeerSettings["bootstrap"]) =>
    nodes.map(({ host, port }) => formatHostPort(host, port)).join(", ") || "none";
  return [
    ["node on", inUse(settings.udp, status.node.udp, "UDP")],
    ["posts on", inUse(settings.listening, status.links.listening, "TCP")],
    ["joins through", list(settings.bootstrap)],
    ["keeps posts", formatLifespan(settings.lifespan)],
    ["time from", list(settings.ntpServers)],
  ];
}

async function changePassword(menu: MenuContext, { username }: UserView): Promise<void> {
  const old = await passwordFor(menu, { username, kind: "login" });
  const changed = await passwordFor(menu, { username, kind: "changed" });
  const work = menu.api.changePassword({ old, new: changed }, menu.signal);
  await withSpinner(menu.io, "Changing the password", work);
  await menu.say("The password is changed.");
}

async function exportAccount(menu: MenuContext, { username }: UserView): Promise<void> {
  const question = {
    message: `Write the sealed account ${username} to which new file? (empty: back)`,
  };
  const file = (await menu.prompts.text(question, menu.signal)).trim();
  if (file === "") return;
  await saveAccount(file, await menu.api.exportAccount());
  await menu.say(`The account is in ${file}, sealed under its password.`);
}

/** Shows what is in force, and asks what to change. */
export async function showSettings(menu: MenuContext, user: UserView): Promise<void> {
  const { dataFolder, flags, settings } = menu;
  const { paint } = menu.output.look();
  const rows: (readonly [string, string])[] = [
    ["data", dataFolder],
    ["configuration", flags.config ?? join(dataFolder, configName)],
    ...(settings === undefined ? [] : rowsOf(settings, await menu.api.status())),
  ];
  await menu.say(
    rows.map(([label, value]) => `${paint.dim(label.padEnd(14))} ${value}`).join("\n"),
  );
  const chosen = await menu.prompts.choice({
    message: "Settings",
    choices: [
      { value: "back", name: "Back" },
      { value: "password", name: "Change the password" },
      { value: "export", name: "Export the account to a file" },
    ],
  }, menu.signal);
  if (chosen === "password") await changePassword(menu, user);
  if (chosen === "export") await exportAccount(menu, user);
}
