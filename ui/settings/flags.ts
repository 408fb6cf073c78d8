/**
 * The global flags, as typed values.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import { flag, type FlagEntry, type ReadValue, WrongValue } from "../shell/table.ts";
import type { HostPort } from "../../lib/host_port.ts";
import type { FileConfig } from "./config.ts";
import { quoted } from "../terminal/safe_text.ts";
import { parseNumber } from "./number.ts";

/** How much is logged; each level includes those before it. */
export const logLevels = ["error", "warn", "info", "debug"] as const;

/** See {@linkcode logLevels}. */
export type LogLevel = typeof logLevels[number];

/** Takes one line of the log. Lines never carry secrets. */
export type Log = (level: LogLevel, message: string) => void;

/** Settings that a flag can name as well as config.ini. */
export type SharedSetting = "ip" | "port" | "listeningIp" | "listeningPort" | "bootstrap";

/** The global flags; absent ones were not given. */
export type Flags = Pick<FileConfig, SharedSetting> & {
  /** Data folder. */
  readonly data?: string;
  /** Configuration file. */
  readonly config?: string;
  /** This is the first node of a network. */
  readonly init?: true;
  /** Which user of the folder. */
  readonly user?: string;
  /** Results and failures are JSON. */
  readonly json?: true;
  /** File with the password in its first line. */
  readonly passwordFile?: string;
  /** NTP servers in place of the configured ones; empty for none. */
  readonly ntpServer?: readonly HostPort[];
  /** How much is logged. */
  readonly logLevel: LogLevel;
  /** Whether the log goes to a file in the data folder as well. */
  readonly logFile?: true;
  /** Tells which peer does the work. */
  readonly verbose?: true;
  /** Questions line by line, and no screen. */
  readonly plain?: true;
};

/** Flags given more often than this are a mistake. */
const repeatsMax = 64;

/** A reader that complains with what was expected. */
export function expecting<T>(
  expected: string,
  read: (text: string) => T | undefined | Promise<T | undefined>,
): (text: string) => Promise<T> {
  return async (text) => {
    const value = await read(text);
    if (value === undefined) throw new WrongValue(`${quoted(text)} is not ${expected}.`);
    return value;
  };
}

/** A reader for a flag that may repeat: gathers hosts. */
function gathering(
  expected: string,
  read: (text: string) => Promise<HostPort | undefined>,
): ReadValue<readonly HostPort[]> {
  const readOne = expecting(expected, read);
  return async (text, earlier = []) => {
    const all = [...earlier, await readOne(text)];
    if (all.length > repeatsMax) throw new WrongValue(`It is given more than ${repeatsMax} times.`);
    return all;
  };
}

/** Addresses are rarely given, and what reads them takes as long to load as a command for its work. */
function endpoints() {
  return loadModule<typeof import("./endpoint.ts")>(new URL("./endpoint.ts", import.meta.url));
}

// An empty name is what a script's unset variable leaves; it would stand for the current folder.
const path = expecting("the name of a file or folder", (text) => text === "" ? undefined : text);
const port = expecting("a port from 0 to 65535", (text) => parseNumber(text, 0, 65_535));
const address = expecting("an IP address", async (text) => (await endpoints()).parseAddress(text));
const node = gathering("HOST:PORT", async (text) => (await endpoints()).parseHostPort(text));
const timeServers = gathering(
  'HOST, HOST:PORT or "none"',
  async (text) => (await endpoints()).parseNtpServer(text),
);
const timeServer: ReadValue<readonly HostPort[]> = (text, earlier = []) =>
  text === "none" ? earlier : timeServers(text, earlier);

/** How much is logged where no flag says it. */
export const logLevelDefault: LogLevel = "warn";

/** The global flags, by the names of their values. */
export const globalFlags: {
  readonly [Name in keyof Flags]-?: FlagEntry<Exclude<Flags[Name], undefined>>;
} = {
  data: flag("--data <dir>", "data folder (default: the platform's place for data)", path),
  config: flag(
    "--config <file>",
    "configuration file (default: config.ini in the data folder)",
    path,
  ),
  ip: flag("--ip <address>", "where the DHT node listens", address),
  port: flag("-p, --port <n>", "its UDP port; 0 for any free one", port),
  listeningIp: flag("--listening-ip <address>", "where posts are received", address),
  listeningPort: flag(
    "-l, --listening-port <n>",
    "the TCP port for them; 0 for any free one",
    port,
  ),
  bootstrap: flag("-b, --bootstrap <host:port>", "a node to join through; may repeat", node),
  init: flag("--init", "this is the first node of a new network"),
  user: flag("--user <name>", "which user of the folder (default: who logged in last)"),
  json: flag("--json", "print JSON, for scripts"),
  passwordFile: flag("--password-file <file>", "file with the password in its first line", path),
  ntpServer: flag(
    "--ntp-server <host:port>",
    'a time server; may repeat; "none" for none',
    timeServer,
  ),
  logLevel: flag(
    "--log-level <level>",
    `how much is logged: ${logLevels.join(", ")} (default: ${logLevelDefault})`,
    logLevels,
  ),
  logFile: flag("--log-file", "keep the log in the data folder as well: log/camellia.log"),
  verbose: flag("-v, --verbose", "tell which peer does the work"),
  plain: flag("--plain", "the menu line by line, without the full screen: for screen readers"),
};
