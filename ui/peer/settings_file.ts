/**
 * The config.ini of the data folder, as what shows and changes settings needs it.
 *
 * @module
 */

import { joinPath } from "../../lib/paths.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { utf8 } from "../../core/model/bytes.ts";
import { configBytesMax } from "../settings/config.ts";
import { configName } from "../settings/places.ts";
import {
  settingList,
  type SettingSources,
  type SettingView,
  withSetting,
} from "../settings/setting_list.ts";
import type { SettingName } from "../settings/setting_names.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import type { Context } from "./host.ts";

/** The settings of a data folder, in the file that `--config` names or in its own. */
export class SettingsFile implements SettingsPort {
  readonly #context: Context;

  /** The settings that a command would run with. */
  constructor(context: Context) {
    this.#context = context;
  }

  /** The file. */
  get path(): string {
    const { flags, dataFolder } = this.#context;
    return flags.config ?? joinPath(dataFolder, configName);
  }

  /** Why none of it can be changed here; undefined where it can. */
  get refusal(): string | undefined {
    return this.#context.flags.config === undefined
      ? undefined
      : `${this.path} was named with --config: it is yours to change, with an editor`;
  }

  /** All settings. */
  async list(): Promise<SettingView[]> {
    return settingList(await this.#sources(), this.path);
  }

  /** Changes a setting; undefined takes the own value back. Resolves to all of them afterwards. */
  async change(name: SettingName, value: string | undefined): Promise<SettingView[]> {
    if (this.refusal !== undefined) {
      throw new CamelliaError("invalid_argument", `Cannot set ${name}: ${this.refusal}.`);
    }
    const sources = await this.#sources();
    const own = withSetting(sources.own, { name, value }, this.path);
    if (own !== sources.own) await this.#write(own);
    return settingList({ ...sources, own }, this.path);
  }

  async #sources(): Promise<SettingSources> {
    const { io, host, flags } = this.#context;
    const refuse = (error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      return new CamelliaError("invalid_config", `Cannot read ${this.path}: ${why}`, {
        cause: error,
      });
    };
    const bytes = await io.readFile(this.path, configBytesMax).catch((error) => {
      throw refuse(error);
    });
    if (bytes === undefined && flags.config !== undefined) {
      throw refuse("there is no such file. Name another with --config");
    }
    return {
      own: decode(bytes ?? new Uint8Array(), refuse),
      shipped: new TextDecoder().decode(host.shippedConfig.bytes),
      flags,
    };
  }

  async #write(text: string): Promise<void> {
    const { host, dataFolder } = this.#context;
    const { kind } = await host.system.folder(dataFolder);
    // Nothing else makes the data folder, with the permissions that it must have.
    if (kind === "absent") await (await host.openFolder(dataFolder)).close();
    await host.writePrivate(this.path, utf8(text));
  }
}

/** The text of a file, with its byte order mark if it has one. */
function decode(bytes: Uint8Array, refuse: (error: unknown) => Error): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse("it is not UTF-8 text");
  }
}
