/** Settings in memory. */

import { settingList, type SettingView, withSetting } from "../../../ui/settings/setting_list.ts";
import type { SettingsPort } from "../../../ui/settings/settings_port.ts";

/** The settings of a data folder whose config.ini is a text. */
export class MemorySettings implements SettingsPort {
  readonly path = "/data/config.ini";
  refusal: string | undefined;
  text = "";
  readonly #shipped = Deno.readTextFileSync(new URL("../../../config.ini", import.meta.url));

  list(): Promise<SettingView[]> {
    const sources = {
      own: this.text,
      shipped: this.#shipped,
      flags: { logLevel: "warn" } as const,
    };
    return Promise.resolve().then(() => settingList(sources, this.path));
  }

  async change(name: SettingView["name"], value: string | undefined): Promise<SettingView[]> {
    this.text = withSetting(this.text, { name, value }, this.path);
    return await this.list();
  }
}
