/**
 * Settings as a screen shows them: by group, each with its value, where that comes from, and why it was refused.
 *
 * @module
 */

import type { PeerCalls } from "../../core/api.ts";
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

/** When a change takes effect, where that is not at once, to stand behind what is allowed. */
export function effectText({ effect }: Pick<SettingView, "effect">): string {
  return effect === "at_once" ? "" : "; takes effect at the next start of the peer";
}

/** What to know after a change of a setting; `isTaken`: a running peer has taken over what can be. */
export function changedText({ name, source, effect }: SettingView, isTaken: boolean): string {
  if (source === "flag") {
    return `${name} is written, but a flag wins over it for as long as the program is started so.`;
  }
  const what = source === "file" ? "is written" : "has its default again";
  return isTaken && effect === "at_once"
    ? `${name} ${what}, and is in force.`
    : `${name} ${what}. That takes effect when the peer is stopped and started again.`;
}

/** A setting that is to be written; without a value the own one is taken back. */
export interface SettingChange {
  /** Which. */
  readonly name: SettingName;
  /** As a person writes it. */
  readonly value: string | undefined;
}

/**
 * Writes a setting, and has the peer that runs take it over: all settings afterwards, and what to know.
 *
 * @throws {CamelliaError} As {@linkcode SettingsPort.change} does.
 */
export async function writeSetting(
  port: SettingsPort,
  { reload }: Pick<PeerCalls, "reload">,
  { name, value }: SettingChange,
): Promise<{ readonly settings: readonly SettingView[]; readonly told: string }> {
  const settings = await port.change(name, value);
  // It is written all the same: a peer that is gone or older reads it at its next start.
  const isTaken = await reload().then(() => true, () => false);
  const changed = settings.find((setting) => setting.name === name);
  return { settings, told: changed === undefined ? "" : changedText(changed, isTaken) };
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
      const { api } = this.#desk;
      const { settings, told } = await writeSetting(this.#port, api, { name, value });
      [this.#settings, this.#notice] = [settings, told];
    } catch (error) {
      this.#refused.set(name, problemOf(error));
      this.#desk.changed();
      return false;
    }
    this.#desk.changed();
    return true;
  }

  /** The settings are no longer shown. */
  close(): void {
    this.#load.stop();
  }
}
