/**
 * config.ini: what it may say, and what each part of it means.
 *
 * Pure: text in, values out. Every complaint names the line, the value, and what is allowed there.
 *
 * @module
 */

import { CamelliaError } from "../../core/model/errors.ts";
import {
  parseAddress,
  parseHost,
  parseHostPort,
  parseNtpServer,
  parseNumber,
  parsePort,
} from "./endpoint.ts";
import type { HostPort } from "../../lib/ip_address.ts";
import { type IniEntry, IniLineError, readIni } from "./ini_lines.ts";
import { quoted } from "../terminal/safe_text.ts";

/** How long posts of others are kept, in milliseconds; `off` for ever. */
export type Lifespan = number | "off";

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
  /** NTP servers; empty for none. */
  readonly ntpServers?: readonly HostPort[];
  /** Whether the sealed keys go to the network. */
  readonly publishPrivate?: boolean;
}

/** The most bytes of a config.ini: the one shipped has some 3,000. */
export const configBytesMax = 65_536;

/** More servers or nodes than this in one list are a mistake. */
const listLengthMax = 64;

const lifespanMsMax = 100 * 365 * 86_400_000;

/** What the parts of a lifespan count. */
const unitsMs: Readonly<Record<string, number>> = {
  YEARS: 365 * 86_400_000,
  MONTHS: 30 * 86_400_000,
  DAYS: 86_400_000,
  HOURS: 3_600_000,
  MINUTES: 60_000,
  SECONDS: 1000,
};

/** A value as read, or undefined when it cannot be. */
type Reader<T> = (text: string) => T | undefined;

interface KeyRule {
  readonly read: Reader<unknown>;
  /** What is allowed, for the complaint. */
  readonly allowed: string;
}

const port: KeyRule = { read: parsePort, allowed: "a port from 0 to 65535" };
const address: KeyRule = { read: parseAddress, allowed: "an IP address such as 0.0.0.0 or ::" };
const yesOrNo: KeyRule = { read: parseYesOrNo, allowed: "yes or no" };
const amount: KeyRule = {
  read: (text) => parseNumber(text, 0, 3_153_600_000),
  allowed: "a whole number, 0 or more",
};

/** Sections and keys, as design section 9 has them. */
const rules: Readonly<Record<string, Readonly<Record<string, KeyRule>>>> = {
  DEFAULT: {
    IP: address,
    PORT: port,
    LISTENING_IP: address,
    LISTENING_PORT: port,
    ANNOUNCED_IP: {
      read: (text) => text === "" ? null : parseAddress(text),
      allowed: "an IP address, or nothing",
    },
  },
  BOOTSTRAP: {
    IP: {
      read: (text) => text === "" ? null : parseHost(text),
      allowed: "a host name or an IP address, or nothing",
    },
    PORT: { read: (text) => parseNumber(text, 1, 65_535), allowed: "a port from 1 to 65535" },
    NODES: {
      read: (text) => parseList(text, (item) => parseHostPort(item)),
      allowed: `at most ${listLengthMax} of HOST:PORT, separated by commas`,
    },
    INIT: yesOrNo,
  },
  MESSAGE_LIFESPAN: {
    ACTIVE: yesOrNo,
    ...Object.fromEntries(Object.keys(unitsMs).map((unit) => [unit, amount])),
  },
  NTP: {
    SERVERS: {
      read: parseNtpServers,
      allowed: `none, or at most ${listLengthMax} of HOST or HOST:PORT, separated by commas`,
    },
  },
  PRIVACY: { PUBLISH_PRIVATE: yesOrNo },
};

function parseYesOrNo(text: string): boolean | undefined {
  if (/^(?:yes|true|on|1)$/i.test(text)) return true;
  if (/^(?:no|false|off|0)$/i.test(text)) return false;
  return undefined;
}

function parseList<T>(text: string, read: Reader<T>): T[] | undefined {
  const items = text.split(/[,\s]+/).filter((item) => item !== "");
  if (items.length > listLengthMax) return undefined;
  const values: T[] = [];
  for (const item of items) {
    const value = read(item);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** `none`, or a list of servers; 123 is the port of those that name none. */
function parseNtpServers(text: string): HostPort[] | undefined {
  if (/^none$/i.test(text) || text === "") return [];
  return parseList(text, parseNtpServer);
}

function checkSection(section: string, line: number): void {
  if (Object.hasOwn(rules, section)) return;
  const known = Object.keys(rules).map((name) => `[${name}]`).join(", ");
  throw new IniLineError(line, `${quoted(section)} is no section: there are ${known}`);
}

/** The value of an entry by the rule for its key. */
function valueOf(entry: IniEntry): unknown {
  const { section, key, value } = entry;
  const keys = rules[section] ?? {};
  const rule = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (rule === undefined) {
    const known = Object.keys(keys).join(", ");
    throw new IniLineError(entry.line, `${key} is no key of [${section}]: it has ${known}`);
  }
  const read = rule.read(value);
  if (read !== undefined) return read;
  throw new IniLineError(entry.line, `${key} is ${quoted(value)}, which is not ${rule.allowed}`);
}

/** Values by `SECTION.KEY`, with the lines they stand on. */
class Values {
  readonly #entries = new Map<string, { readonly value: unknown; readonly line: number }>();

  add(entry: IniEntry): void {
    const name = `${entry.section}.${entry.key}`;
    const value = valueOf(entry);
    const earlier = this.#entries.get(name);
    if (earlier !== undefined) {
      throw new IniLineError(entry.line, `${entry.key} is set already, in line ${earlier.line}`);
    }
    this.#entries.set(name, { value, line: entry.line });
  }

  get<T>(name: string): T | undefined {
    return this.#entries.get(name)?.value as T | undefined;
  }

  line(name: string): number | undefined {
    return this.#entries.get(name)?.line;
  }
}

/** The nodes to join through; absent where the file says nothing about them. */
function bootstrapOf(values: Values): readonly HostPort[] | undefined {
  const host = values.get<string | null>("BOOTSTRAP.IP");
  const nodes = values.get<HostPort[]>("BOOTSTRAP.NODES");
  if (host === undefined && nodes === undefined) return undefined;
  const first = typeof host === "string"
    ? [{ host, port: values.get<number>("BOOTSTRAP.PORT") ?? 8000 }]
    : [];
  return [...first, ...nodes ?? []];
}

/** The lifespan; a file that sets any part of it sets all of it. */
function lifespanOf(values: Values): Lifespan | undefined {
  const active = values.get<boolean>("MESSAGE_LIFESPAN.ACTIVE");
  if (active === false) return "off";
  let sumMs = 0;
  let line: number | undefined;
  for (const [unit, ms] of Object.entries(unitsMs)) {
    sumMs += (values.get<number>(`MESSAGE_LIFESPAN.${unit}`) ?? 0) * ms;
    line = values.line(`MESSAGE_LIFESPAN.${unit}`) ?? line;
  }
  if (line === undefined) return undefined;
  if (sumMs < 1000 || sumMs > lifespanMsMax) {
    throw new IniLineError(line, "the lifespan is not between one second and 100 years in all");
  }
  return sumMs;
}

function fileConfigOf(values: Values): FileConfig {
  const entries = {
    ip: values.get("DEFAULT.IP"),
    port: values.get("DEFAULT.PORT"),
    listeningIp: values.get("DEFAULT.LISTENING_IP"),
    listeningPort: values.get("DEFAULT.LISTENING_PORT"),
    announcedIp: values.get("DEFAULT.ANNOUNCED_IP"),
    bootstrap: bootstrapOf(values),
    init: values.get("BOOTSTRAP.INIT"),
    lifespan: lifespanOf(values),
    ntpServers: values.get("NTP.SERVERS"),
    publishPrivate: values.get("PRIVACY.PUBLISH_PRIVATE"),
  };
  // Each value was made by the rule of its key just above, so the types hold.
  return Object.fromEntries(
    Object.entries(entries).filter(([, value]) => value !== undefined),
  ) as FileConfig;
}

/**
 * Reads the bytes of a config.ini; `name` stands for the file in the message.
 *
 * @throws {CamelliaError} `invalid_config`, naming file, line, value and what is allowed.
 */
export function parseConfig(bytes: Uint8Array, name: string): FileConfig {
  try {
    if (bytes.length > configBytesMax) {
      throw new IniLineError(1, `the file has more than ${configBytesMax} bytes`);
    }
    const values = new Values();
    for (const entry of readIni(bytes, checkSection)) values.add(entry);
    return fileConfigOf(values);
  } catch (error) {
    if (!(error instanceof IniLineError)) throw error;
    const message = `Cannot use ${name}: line ${error.line}: ${error.message}`;
    throw new CamelliaError("invalid_config", message, { cause: error });
  }
}
