/**
 * The menu's settings: what is in force, and changing what config.ini says.
 *
 * @module
 */

import type { EndpointView } from "../../core/api.ts";
import { formatEndpoint, formatHostPorts } from "../../lib/host_port.ts";
import { SettingsFile } from "../peer/settings_file.ts";
import type { Lifespan } from "../settings/config.ts";
import { type SettingView, valueProblem } from "../settings/setting_list.ts";
import { resolveSettings } from "../settings/settings.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { cutToWidth } from "../terminal/width.ts";
import { writeSetting } from "../views/settings.ts";
import { chooseOne, type MenuContext } from "./questions.ts";

const unitsMs = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], [
  "second",
  1000,
]] as const;

/** A lifespan in its largest units. */
function formatLifespan(lifespan: Lifespan): string {
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

/** Where the peer listens. If it was told to take any port (0), the one that it got is shown. */
function inUse(asked: EndpointView, actual: EndpointView | null, protocol: string): string {
  const port = asked.port === 0 ? actual?.port ?? 0 : asked.port;
  const why = asked.port === 0 ? ", any free port" : "";
  return `${formatEndpoint({ ip: asked.ip, port })} (${protocol}${why})`;
}

/** Shows what is in force. */
async function sayInForce(menu: MenuContext, path: string): Promise<void> {
  const { dataFolder, settings } = menu;
  const { paint } = menu.output.look();
  const rows = [
    ["data", dataFolder],
    ["configuration", path],
  ];
  if (settings !== undefined) {
    const { node, links } = await menu.api.status();
    // What can be changed while the peer runs was perhaps changed.
    const { bootstrap, lifespan, ntpServers } = await resolveSettings(menu);
    rows.push(
      ["node on", inUse(settings.udp, node.udp, "UDP")],
      ["posts on", inUse(settings.listening, links.listening, "TCP")],
      ["joins through", formatHostPorts(bootstrap) || "none"],
      ["keeps posts", formatLifespan(lifespan)],
      ["time from", formatHostPorts(ntpServers) || "none"],
    );
  }
  await menu.say(
    rows.map(([label = "", value]) => `${paint.dim(label.padEnd(14))} ${value}`).join("\n"),
  );
}

/** Shows the settings, and changes them, until the person goes back. */
export async function showSettings(menu: MenuContext): Promise<void> {
  const file = new SettingsFile(menu);
  await sayInForce(menu, file.path);
  if (file.refusal !== undefined) {
    return await menu.say(`No setting can be changed: ${file.refusal}.`);
  }
  const choices = [
    { value: "back", name: "Back" },
    { value: "change", name: "Change a setting" },
  ];
  while (await menu.prompts.choice({ message: "Settings", choices }, menu.signal) === "change") {
    const setting = await chooseSetting(menu, await file.list());
    if (setting !== undefined) await changeSetting(menu, file, setting);
  }
}

/** Asks for one of the settings; undefined for back. */
async function chooseSetting(
  menu: MenuContext,
  settings: readonly SettingView[],
): Promise<SettingView | undefined> {
  const { columns } = menu.io.size();
  const answers = settings.map(({ name, title, value }) => ({
    value: name,
    name: cutToWidth(`${title}: ${safeLine(value) || "none"}`, columns - 6),
  }));
  const chosen = await chooseOne(menu, "Which one?", answers);
  return settings.find(({ name }) => name === chosen);
}

/** Asks for the value of one, and writes it. */
async function changeSetting(
  menu: MenuContext,
  file: SettingsFile,
  { name, title, value, default: usual, allowed, source }: SettingView,
): Promise<void> {
  const shown = safeLine(usual) || "none";
  const chosen = await chooseOne(menu, `${title}: ${safeLine(value) || "none"}`, [
    { value: "set", name: "Set it" },
    ...source === "default" ? [] : [{ value: "unset", name: `Back to the default: ${shown}` }],
  ]);
  if (chosen === undefined) return;
  let typed: string | undefined;
  if (chosen === "set") {
    const message = `${title} (${allowed}):`;
    const problem = (text: string) => valueProblem(name, text);
    typed = await menu.prompts.text({ message, problem }, menu.signal);
  }
  await menu.say((await writeSetting(file, menu.api, { name, value: typed })).told);
}
