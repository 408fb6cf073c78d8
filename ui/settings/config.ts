/**
 * config.ini: what it may say, and what each part of it means.
 *
 * Pure: text in, values out. Every complaint names the line, the value, and what is allowed there.
 *
 * @module
 */

import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { keyList, rules, unitsMs } from "./config_rules.ts";
import type { HostPort } from "../../lib/host_port.ts";
import type { ExemptPrivate } from "../../lib/networks.ts";
import { type IniEntry, IniLineError, readIni } from "./ini_lines.ts";
import { quoted } from "../terminal/safe_text.ts";

/** How long posts of others are kept, in milliseconds; `off` for ever. */
export type Lifespan = number | "off";

/** Whether a peer relays for others. */
export type RelayChoice = "auto" | "yes" | "no";

/** What one file sets; what it leaves out is absent. */
export interface FileConfig {
  /** Where the DHT node listens. */
  readonly ip?: string;
  /** UDP port, 0 for any. */
  readonly port?: number;
  /** Where posts are received. */
  readonly listeningIp?: string;
  /** TCP port, 0 for any. */
  readonly listeningPort?: number;
  /** The address to announce; null to find it out. */
  readonly announcedIp?: string | null;
  /** Nodes to join through. */
  readonly bootstrap?: readonly HostPort[];
  /** Whether this is the first node of a network. */
  readonly init?: boolean;
  /** How long posts of others are kept. */
  readonly lifespan?: Lifespan;
  /** Posts kept of one author. */
  readonly quotaPosts?: number;
  /** Megabytes of posts kept of one author. */
  readonly quotaMegabytes?: number;
  /** Posts dated within one hour that are kept of one author. */
  readonly quotaPostsAnHour?: number;
  /** Whether limits by network leave out loopback and private addresses. */
  readonly exemptPrivate?: ExemptPrivate;
  /** NTP servers; empty for none. */
  readonly ntpServers?: readonly HostPort[];
  /** Whether offsets of more than ten minutes are believed. */
  readonly ntpTrustFar?: boolean;
  /** Whether the sealed keys go to the network. */
  readonly publishPrivate?: boolean;
  /** Whether this peer relays for others: `auto` if they reach it directly. */
  readonly relay?: RelayChoice;
  /** Whether the home router is asked to let others in. */
  readonly portMapping?: boolean;
  /** Whether relays alone are announced. */
  readonly relaysOnly?: boolean;
  /** Keys of the screen by the action that they are for, in lower case. */
  readonly keys?: Readonly<Record<string, readonly string[]>>;
}

/** The most bytes of a config.ini: the one shipped has some 3,000. */
export const configBytesMax = 65_536;

/** The longest lifespan: 100 years. */
export const lifespanMsMax = 100 * 365 * 86_400_000;

/** The value of an entry by the rule for its key. */
function valueOf(entry: IniEntry): unknown {
  const { section, key, value } = entry;
  const keys = rules[section] ?? {};
  const rule = section === "KEYS" ? keyList : Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (rule === undefined) {
    const known = Object.keys(keys).join(", ");
    throw new IniLineError(entry.line, `${key} is no key of [${section}]: it has ${known}`);
  }
  const [read, allowed] = rule;
  const result = read(value);
  if (result !== undefined) return result;
  throw new IniLineError(entry.line, `${key} is ${quoted(value)}, which is not ${allowed}`);
}

/** Values by `SECTION.KEY`, with the lines they stand on. */
type Values = ReadonlyMap<string, { readonly value: unknown; readonly line: number }>;

function readValues(bytes: Uint8Array): Values {
  const values = new Map<string, { value: unknown; line: number }>();
  for (const entry of readIni(bytes, Object.keys(rules))) {
    const { section, key, line } = entry;
    const value = valueOf(entry);
    const earlier = values.get(`${section}.${key}`);
    if (earlier !== undefined) {
      throw new IniLineError(line, `${key} is set already, in line ${earlier.line}`);
    }
    values.set(`${section}.${key}`, { value, line });
  }
  return values;
}

/** The value that the rule of its key has read, so that the type holds. */
function valueAt<T>(values: Values, name: string): T | undefined {
  return values.get(name)?.value as T | undefined;
}

/** The nodes to join through; absent where the file says nothing about them. */
function bootstrapOf(values: Values): readonly HostPort[] | undefined {
  const host = valueAt<string | null>(values, "BOOTSTRAP.IP");
  const nodes = valueAt<HostPort[]>(values, "BOOTSTRAP.NODES");
  if (host === undefined && nodes === undefined) return undefined;
  const first = typeof host === "string"
    ? [{ host, port: valueAt<number>(values, "BOOTSTRAP.PORT") ?? 8000 }]
    : [];
  return [...first, ...nodes ?? []];
}

/** The lifespan; a file that sets any part of it sets all of it. */
function lifespanOf(values: Values): Lifespan | undefined {
  if (valueAt(values, "MESSAGE_LIFESPAN.ACTIVE") === false) return "off";
  let sumMs = 0;
  let line: number | undefined;
  for (const [unit, ms] of Object.entries(unitsMs)) {
    const part = values.get(`MESSAGE_LIFESPAN.${unit}`);
    sumMs += Number(part?.value ?? 0) * ms;
    line = part?.line ?? line;
  }
  if (line === undefined) return undefined;
  if (sumMs < 1000 || sumMs > lifespanMsMax) {
    throw new IniLineError(line, "the lifespan is not between one second and 100 years in all");
  }
  return sumMs;
}

/** Keys of the screen that the file changes. */
function keysOf(values: Values): FileConfig["keys"] {
  const found = [...values].filter(([name]) => name.startsWith("KEYS."));
  if (found.length === 0) return undefined;
  return Object.fromEntries(
    found.map(([name, { value }]) => [name.slice(5).toLowerCase(), value as readonly string[]]),
  );
}

function fileConfigOf(values: Values): FileConfig {
  return given({
    ip: valueAt<string>(values, "DEFAULT.IP"),
    port: valueAt<number>(values, "DEFAULT.PORT"),
    listeningIp: valueAt<string>(values, "DEFAULT.LISTENING_IP"),
    listeningPort: valueAt<number>(values, "DEFAULT.LISTENING_PORT"),
    announcedIp: valueAt<string | null>(values, "DEFAULT.ANNOUNCED_IP"),
    bootstrap: bootstrapOf(values),
    init: valueAt<boolean>(values, "BOOTSTRAP.INIT"),
    lifespan: lifespanOf(values),
    quotaPosts: valueAt<number>(values, "QUOTA.POSTS"),
    quotaPostsAnHour: valueAt<number>(values, "QUOTA.POSTS_AN_HOUR"),
    quotaMegabytes: valueAt<number>(values, "QUOTA.MEGABYTES"),
    exemptPrivate: valueAt<ExemptPrivate>(values, "LIMITS.EXEMPT_PRIVATE"),
    ntpServers: valueAt<HostPort[]>(values, "NTP.SERVERS"),
    ntpTrustFar: valueAt<boolean>(values, "NTP.TRUST_FAR"),
    publishPrivate: valueAt<boolean>(values, "PRIVACY.PUBLISH_PRIVATE"),
    relay: valueAt<RelayChoice>(values, "REACH.RELAY"),
    portMapping: valueAt<boolean>(values, "REACH.PORT_MAPPING"),
    relaysOnly: valueAt(values, "REACH.MODE") === "relay" ? true : undefined,
    keys: keysOf(values),
  });
}

/**
 * Reads the bytes of a config.ini; `name` is what the message calls the file.
 *
 * @throws {CamelliaError} `invalid_config`, naming file, line, value and what is allowed.
 */
export function parseConfig(bytes: Uint8Array, name: string): FileConfig {
  try {
    if (bytes.length > configBytesMax) {
      throw new IniLineError(1, `the file has more than ${configBytesMax} bytes`);
    }
    return fileConfigOf(readValues(bytes));
  } catch (error) {
    if (!(error instanceof IniLineError)) throw error;
    const message = `Cannot use ${name}: line ${error.line}: ${error.message}`;
    throw new CamelliaError("invalid_config", message, { cause: error });
  }
}
