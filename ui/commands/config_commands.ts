/**
 * `config`: shows and changes the settings in config.ini.
 *
 * @module
 */

import type { Look } from "../output/look.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { runningPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { SettingsFile } from "../peer/settings_file.ts";
import { settingNamed, type SettingView } from "../settings/setting_list.ts";
import type { SettingName } from "../settings/setting_names.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { sourceText, writeSetting } from "../views/settings.ts";

function nothingAs(value: string): string {
  return value === "" ? "none" : safeLine(value);
}

/** Settings, a line each. */
export function renderSettings(settings: readonly SettingView[], { paint }: Look): string {
  const width = Math.max(...settings.map(({ name }) => name.length));
  return settings.map((setting) => {
    const { name, value, title } = setting;
    const source = sourceText(setting);
    const from = source === "" ? "" : paint.good(` (${source})`);
    return `${paint.name(name.padEnd(width))}  ${nothingAs(value)}${from}  ${paint.dim(title)}`;
  }).join("\n");
}

/** `config list`. */
export async function listSettings(context: Context): Promise<void> {
  const file = new SettingsFile(context);
  const settings = await file.list();
  await context.output.line(
    { file: file.path, settings },
    (look) => `${renderSettings(settings, look)}\n${look.paint.dim(safeLine(file.path))}`,
  );
}

function found(settings: readonly SettingView[], name: SettingName): SettingView {
  const setting = settings.find((one) => one.name === name);
  if (setting !== undefined) return setting;
  throw new Error(`The list of settings lacks ${name}`);
}

/** `config get`. */
export async function getSetting(
  context: Context,
  { name }: { readonly name: string },
): Promise<void> {
  const known = settingNamed(name);
  const setting = found(await new SettingsFile(context).list(), known);
  await context.output.line(setting, () => safeLine(setting.value));
}

async function change(context: Context, typed: string, value: string | undefined): Promise<void> {
  const name = settingNamed(typed);
  const reload = () => reloadRunning(context);
  const { settings, told } = await writeSetting(new SettingsFile(context), { reload }, {
    ...{ name, value },
  });
  const setting = found(settings, name);
  await context.output.line(setting, () => `${told} It is now: ${nothingAs(setting.value)}`);
}

/** Has the peer that runs on the data folder take over what the file says; rejects where none runs. */
async function reloadRunning(context: Context): Promise<void> {
  const peer = await runningPeer(context);
  if (peer === undefined) throw new CamelliaError("no_peer", "No peer runs there");
  try {
    await peer.meet();
    await peer.api.reload();
  } finally {
    peer.close();
  }
}

/** `config set`. */
export async function setSetting(
  context: Context,
  { name, value }: { readonly name: string; readonly value: readonly string[] },
): Promise<void> {
  await change(context, name, value.join(" "));
}

/** `config unset`. */
export async function unsetSetting(
  context: Context,
  { name }: { readonly name: string },
): Promise<void> {
  await change(context, name, undefined);
}
