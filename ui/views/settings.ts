/**
 * Settings as a screen shows them: by group, each with its value, where that comes from, and why it was refused.
 *
 * @module
 */

import { valueProblem } from "../settings/setting_list.ts";
import type { SettingView } from "../settings/setting_list.ts";
import type { SettingGroup, SettingName } from "../settings/setting_names.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import { type Desk, problemOf } from "./desk.ts";
import { Load, type LoadView } from "./load.ts";

/** A setting as a row. */
export interface SettingRow extends SettingView {
  /** The value in words: `none` for nothing. */
  readonly shown: string;
  /** Where the value comes from, in words; empty for the default. */
  readonly sourceText: string;
  /** Why the last change of it was refused, as a sentence; null where it was not. */
  readonly refused: string | null;
}

/** The settings as they are shown. */
export interface SettingsView extends LoadView {
  /** The file that they are written into. */
  readonly path: string;
  /** By what they are for. */
  readonly groups: readonly {
    /** Which. */
    readonly group: SettingGroup;
    /** A heading. */
    readonly title: string;
    /** Its settings. */
    readonly rows: readonly SettingRow[];
  }[];
  /** Why none can be changed; null where they can. */
  readonly refusal: string | null;
  /** What to know after a change; empty before one. */
  readonly notice: string;
}

/** Headings of the groups. */
export const groupTitles: Readonly<Record<SettingGroup, string>> = {
  network: "Network",
  reach: "Reach",
  posts: "Posts of others",
  clock: "Clock",
  privacy: "Privacy and limits",
};

/** Where a value comes from, in words; empty for the default. */
export function sourceText({ source }: Pick<SettingView, "source">): string {
  const texts = { flag: "by a flag", file: "set", default: "" } as const;
  return texts[source];
}

/** What to know after a change of a setting. */
export function changedText({ name, source }: SettingView): string {
  if (source === "flag") {
    return `${name} is written, but a flag wins over it for as long as the program is started so.`;
  }
  const what = source === "file" ? "is written" : "has its default again";
  return `${name} ${what}. That takes effect at the next start of the peer.`;
}

/** The settings. */
export class Settings {
  readonly #desk: Desk;
  readonly #port: SettingsPort;
  readonly #load: Load;
  readonly #refused = new Map<SettingName, string>();
  #settings: readonly SettingView[] = [];
  #notice = "";

  /** The settings of a data folder; they load at once. */
  constructor(desk: Desk, port: SettingsPort) {
    this.#desk = desk;
    this.#port = port;
    this.#load = new Load(desk);
    this.reload();
  }

  /** Reads the file anew. */
  reload(): void {
    void this.#load.run(() => this.#port.list(), (settings) => {
      this.#settings = settings;
    });
  }

  /** The settings as they are now. */
  view(): SettingsView {
    const rows = this.#settings.map((setting): SettingRow => ({
      ...setting,
      shown: setting.value === "" ? "none" : setting.value,
      sourceText: sourceText(setting),
      refused: this.#refused.get(setting.name) ?? null,
    }));
    const groups = Map.groupBy(rows, ({ group }) => group);
    return {
      ...this.#load.view(),
      path: this.#port.path,
      groups: [...groups].map(([group, rows]) => ({ group, title: groupTitles[group], rows })),
      refusal: this.#port.refusal ?? null,
      notice: this.#notice,
    };
  }

  /** Why what is being typed is no value, as a sentence; null where it is one. */
  problem(name: SettingName, typed: string): string | null {
    const why = valueProblem(name, typed);
    return why === undefined ? null : `${why}.`;
  }

  /** Changes one; undefined takes the own value back. Resolves to whether it is written. */
  async change(name: SettingName, value: string | undefined): Promise<boolean> {
    this.#refused.delete(name);
    try {
      this.#settings = await this.#port.change(name, value);
    } catch (error) {
      this.#refused.set(name, problemOf(error));
      this.#desk.changed();
      return false;
    }
    const changed = this.#settings.find((setting) => setting.name === name);
    this.#notice = changed === undefined ? "" : changedText(changed);
    this.#desk.changed();
    return true;
  }

  /** The settings are no longer shown. */
  close(): void {
    this.#load.stop();
  }
}
