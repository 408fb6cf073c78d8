/**
 * The settings that a person can see and change: what is in force, where it comes from, and how a value gets into
 * config.ini.
 *
 * Pure: texts in, values and texts out.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import { formatHostPorts } from "../../lib/host_port.ts";
import { similar } from "../../lib/similar.ts";
import { quoted } from "../terminal/safe_text.ts";
import { type Lifespan, lifespanMsMax, parseConfig } from "./config.ts";
import { type KeyChanges, keysIn, withKeys } from "./config_edit.ts";
import { rules, unitsMs } from "./config_rules.ts";
import type { Flags } from "./flags.ts";
import { readIni } from "./ini_lines.ts";
import { type SettingGroup, type SettingName, settingNames, takenAtOnce } from "./setting_names.ts";

/** A setting as commands, screens and the page show it, in the very shape that `--json` prints. */
export interface SettingView {
  /** Its name. */
  readonly name: SettingName;
  /** What it is for. */
  readonly group: SettingGroup;
  /** What it says, in a few words. */
  readonly title: string;
  /** What is in force, as config.ini writes it; empty for nothing. */
  readonly value: string;
  /** Where that comes from: a flag of this program, the person's config.ini, or the one that comes with it. */
  readonly source: "flag" | "file" | "default";
  /** What the config.ini that comes with the program says. */
  readonly default: string;
  /** What is allowed, as the end of a sentence. */
  readonly allowed: string;
  /** When a change takes effect: in the peer that runs, or at its next start. */
  readonly effect: "at_once" | "next_start";
}

/** Where settings come from. */
export interface SettingSources {
  /** The text of the person's config.ini; empty where there is none. */
  readonly own: string;
  /** The text of the one that comes with the program. */
  readonly shipped: string;
  /** The flags. */
  readonly flags: Flags;
}

const lifespanSection = "MESSAGE_LIFESPAN";

/** The units of a lifespan as people write it, the largest first; without months, which are no fixed time to most. */
const lifespanUnits = [
  ["y", "YEARS"],
  ["d", "DAYS"],
  ["h", "HOURS"],
  ["m", "MINUTES"],
  ["s", "SECONDS"],
] as const;

/** Further units that are understood. */
const moreUnitsMs: Readonly<Record<string, number>> = { w: 7 * 86_400_000 };

const lifespanAllowed = "off, or a time from 1s to 100y such as 30d, 12h or 1y 6d";

/** A lifespan as config commands write it: `30d`, `1y 6d`, `off`. */
export function formatLifespan(lifespan: Lifespan): string {
  if (lifespan === "off") return "off";
  let rest = lifespan;
  const parts: string[] = [];
  for (const [unit, key] of lifespanUnits) {
    const count = Math.floor(rest / (unitsMs[key] ?? 1));
    rest -= count * (unitsMs[key] ?? 1);
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join(" ");
}

/** What {@linkcode formatLifespan} writes, and the like; undefined for anything else. */
export function parseLifespan(text: string): Lifespan | undefined {
  const parts = text.trim().toLowerCase().split(/\s+/);
  if (parts.length === 1 && parts[0] === "off") return "off";
  let sumMs = 0;
  for (const part of parts) {
    const [, digits, unit] = /^([0-9]{1,10})([a-z])$/.exec(part) ?? [];
    const key = lifespanUnits.find(([name]) => name === unit)?.[1];
    const ms = key === undefined ? moreUnitsMs[unit ?? ""] : unitsMs[key];
    if (ms === undefined) return undefined;
    sumMs += Number(digits) * ms;
  }
  return sumMs >= 1000 && sumMs <= lifespanMsMax ? sumMs : undefined;
}

/** The section and key of a setting other than the lifespan. */
function placeOf(name: SettingName): readonly [section: string, key: string] {
  const [section = "", key = ""] = name.toUpperCase().split(".");
  return [section, key];
}

function allowedOf(name: SettingName): string {
  if (name === "lifespan") return lifespanAllowed;
  const [section, key] = placeOf(name);
  return rules[section]?.[key]?.[1] ?? "";
}

/** What flags say, by the settings that they win over. */
function flagValues({ ip, port, listeningIp, listeningPort, bootstrap, init, ntpServer }: Flags) {
  const values: Partial<Record<SettingName, string | undefined>> = {
    "default.ip": ip,
    "default.port": port?.toString(),
    "default.listening_ip": listeningIp,
    "default.listening_port": listeningPort?.toString(),
    "bootstrap.nodes": bootstrap && formatHostPorts(bootstrap),
    "bootstrap.init": init && "yes",
    "ntp.servers": ntpServer && (formatHostPorts(ntpServer) || "none"),
  };
  return values;
}

/** The values of a text by `SECTION.KEY`, as they are written there. */
function valuesIn(text: string): ReadonlyMap<string, string> {
  const entries = readIni(new TextEncoder().encode(text), Object.keys(rules));
  return new Map([...entries].map(({ section, key, value }) => [`${section}.${key}`, value]));
}

/** The values of a text by the settings' names. */
function settingsIn(text: string, fileName: string): Map<SettingName, string> {
  const { lifespan } = parseConfig(new TextEncoder().encode(text), fileName);
  const values = valuesIn(text);
  const found = new Map<SettingName, string>();
  for (const name of Object.keys(settingNames) as SettingName[]) {
    if (name !== "lifespan") {
      const value = values.get(name.toUpperCase());
      if (value !== undefined) found.set(name, value);
    } else if (lifespan !== undefined) found.set(name, formatLifespan(lifespan));
  }
  return found;
}

/**
 * All settings, with what is in force.
 *
 * @throws {CamelliaError} `invalid_config` where the person's file cannot be used; its message calls it `fileName`.
 */
export function settingList(
  { own, shipped, flags }: SettingSources,
  fileName: string,
): SettingView[] {
  const ours = settingsIn(own, fileName);
  const defaults = settingsIn(shipped, "the config.ini of the program");
  const given = flagValues(flags);
  return (Object.keys(settingNames) as SettingName[]).map((name) => {
    const [group, title] = settingNames[name];
    const [value, source] = given[name] !== undefined
      ? [given[name], "flag" as const]
      : ours.has(name)
      ? [ours.get(name) ?? "", "file" as const]
      : [defaults.get(name) ?? "", "default" as const];
    return {
      ...{ name, group, title, value, source },
      default: defaults.get(name) ?? "",
      allowed: allowedOf(name),
      effect: takenAtOnce.has(name) ? "at_once" : "next_start",
    };
  });
}

/**
 * The setting that a person names, in any case of letters.
 *
 * @throws {CamelliaError} `invalid_argument` where there is none, with those that it may have been meant to be.
 */
export function settingNamed(text: string): SettingName {
  const name = text.trim().toLowerCase();
  if (Object.hasOwn(settingNames, name)) return name as SettingName;
  const known = Object.keys(settingNames);
  const key = name.slice(name.lastIndexOf(".") + 1);
  const sameKey = known.filter((each) => each.endsWith(`.${key}`));
  const near = sameKey.length > 0 ? sameKey : similar(name, known);
  throw new CamelliaError(
    "invalid_argument",
    `Cannot find the setting ${quoted(text)}: there is none of that name. ` +
      (near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : "`camellia config list` shows all of them."),
  );
}

/** Why a text is no value of a setting, as a sentence without its end; undefined where it is one. */
export function valueProblem(name: SettingName, text: string): string | undefined {
  const value = text.replace(/\s+/g, " ").trim();
  const [section, key] = placeOf(name);
  const read = name === "lifespan" ? parseLifespan : rules[section]?.[key]?.[0];
  if (read?.(value) !== undefined) return undefined;
  return `${quoted(value)} is not ${allowedOf(name)}`;
}

/** The parts of a lifespan, for those keys that are there or needed. */
function lifespanChanges(own: string, lifespan: Lifespan): KeyChanges {
  if (lifespan === "off") return { ACTIVE: "no" };
  const keys = keysIn(own, lifespanSection);
  const changes: Record<string, string> = { ACTIVE: "yes" };
  let rest = lifespan;
  for (const [, key] of lifespanUnits) {
    const count = Math.floor(rest / (unitsMs[key] ?? 1));
    rest -= count * (unitsMs[key] ?? 1);
    if (count > 0 || keys.has(key)) changes[key] = String(count);
  }
  if (keys.has("MONTHS")) changes["MONTHS"] = "0";
  return changes;
}

/**
 * The text of a config.ini with another value for a setting; undefined takes the person's own one back.
 *
 * @throws {CamelliaError} `invalid_argument` where that is no value for it, `invalid_config` where another line of the
 * file is wrong; its message calls it `fileName`.
 */
export function withSetting(
  own: string,
  { name, value }: { readonly name: SettingName; readonly value: string | undefined },
  fileName: string,
): string {
  const [section, key] = name === "lifespan" ? [lifespanSection, ""] : placeOf(name);
  const changed = withKeys(own, section, changesOf(own, name, value, key));
  parseConfig(new TextEncoder().encode(changed), fileName);
  return changed;
}

function changesOf(
  own: string,
  name: SettingName,
  value: string | undefined,
  key: string,
): KeyChanges {
  if (value === undefined) {
    if (name !== "lifespan") return { [key]: null };
    return Object.fromEntries(["ACTIVE", ...Object.keys(unitsMs)].map((unit) => [unit, null]));
  }
  const problem = valueProblem(name, value);
  if (problem !== undefined) {
    throw new CamelliaError("invalid_argument", `Cannot set ${name}: ${problem}.`);
  }
  if (name === "lifespan") return lifespanChanges(own, parseLifespan(value) ?? "off");
  const isList = name === "bootstrap.nodes" || name === "ntp.servers";
  const words = value.split(isList ? /[,\s]+/ : /\s+/).filter((word) => word !== "");
  return { [key]: words.join(isList ? ", " : " ") };
}
