/**
 * `config`: shows and changes the settings in config.ini.
 *
 * @module
 */

import type { Look } from "../output/look.ts";
import type { Context } from "../peer/host.ts";
import { SettingsFile } from "../peer/settings_file.ts";
import { settingNamed, type SettingView } from "../settings/setting_list.ts";
import type { SettingName } from "../settings/setting_names.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { changedText, sourceText } from "../views/settings.ts";

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
  const setting = found(await new SettingsFile(context).change(name, value), name);
  await context.output.line(
    setting,
    () => `${changedText(setting)} It is now: ${nothingAs(setting.value)}`,
  );
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
