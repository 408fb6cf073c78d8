/**
 * What screens and page need to show and change settings; the file behind it is elsewhere.
 *
 * @module
 */

import type { SettingView } from "./setting_list.ts";
import type { SettingName } from "./setting_names.ts";

/** Settings that can be shown and changed. */
export interface SettingsPort {
  /** The file that they are written into. */
  readonly path: string;
  /** Why none can be changed, as a sentence without its end; undefined where they can. */
  readonly refusal: string | undefined;
  /** All settings; rejects with `invalid_config` where the file cannot be used. */
  list(): Promise<SettingView[]>;
  /**
   * Changes one; undefined takes the person's own value back. Resolves to all of them afterwards, and rejects with
   * `invalid_argument` or `invalid_config` where it is refused.
   */
  change(name: SettingName, value: string | undefined): Promise<SettingView[]>;
}
