/**
 * The global flags, as typed values.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseAddress, parseHostPort, parseNtpServer, parsePort } from "./endpoint.ts";
import type { HostPort } from "../../lib/host_port.ts";
import type { FileConfig } from "./config.ts";
import { quoted } from "../terminal/safe_text.ts";

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
};

/** Flags given more often than this are a mistake. */
const repeatsMax = 64;

/** A parser that complains with what was expected. */
export function expecting<T>(
  expected: string,
  read: (text: string) => T | undefined,
): (text: string) => T {
  return (text) => {
    const value = read(text);
    if (value === undefined) {
      throw new InvalidArgumentError(`${quoted(text)} is not ${expected}.`);
    }
    return value;
  };
}

/** A parser for a flag that may repeat: gathers hosts. */
function gathering(expected: string, read: (text: string) => HostPort | undefined) {
  const readOne = expecting(expected, read);
  return (text: string, earlier: readonly HostPort[] = []): readonly HostPort[] => {
    const all = [...earlier, readOne(text)];
    if (all.length > repeatsMax) {
      throw new InvalidArgumentError(`It is given more than ${repeatsMax} times.`);
    }
    return all;
  };
}

// An empty name is what a script's unset variable leaves; it would stand for the current folder.
const path = expecting("the name of a file or folder", (text) => text === "" ? undefined : text);
const port = expecting("a port from 0 to 65535", parsePort);
const address = expecting("an IP address", parseAddress);
const node = gathering("HOST:PORT", (text) => parseHostPort(text));
const timeServers = gathering('HOST, HOST:PORT or "none"', parseNtpServer);
const timeServer = (text: string, earlier: readonly HostPort[] = []) =>
  text === "none" ? earlier : timeServers(text, earlier);
const logLevel = expecting(
  `one of ${logLevels.join(", ")}`,
  (text) => logLevels.find((level) => level === text),
);

/**
 * Adds the global flags to the program.
 *
 * @internal Its types are commander's.
 */
export function addFlags(program: Command): Command<[], Flags> {
  return program
    .option("--data <dir>", "data folder (default: the platform's place for data)", path)
    .option("--config <file>", "configuration file (default: config.ini in the data folder)", path)
    .option("--ip <address>", "where the DHT node listens", address)
    .option("-p, --port <n>", "its UDP port; 0 for any free one", port)
    .option("--listening-ip <address>", "where posts are received", address)
    .option("-l, --listening-port <n>", "the TCP port for them; 0 for any free one", port)
    .option("-b, --bootstrap <host:port>", "a node to join through; may repeat", node)
    .option("--init", "this is the first node of a new network")
    .option("--user <name>", "which user of the folder (default: who logged in last)")
    .option("--json", "print JSON, for scripts")
    .option("--password-file <file>", "file with the password in its first line", path)
    .option("--ntp-server <host:port>", 'a time server; may repeat; "none" for none', timeServer)
    .addOption(
      new Option("--log-level <level>", "how much is logged").default("warn" as LogLevel)
        .choices(logLevels).argParser(logLevel),
    )
    .option("--log-file", "keep the log in the data folder as well: log/camellia.log")
    .option("-v, --verbose", "tell which peer does the work");
}
