/**
 * Where data and configuration are, and what flags and files add up to.
 *
 * @module
 */

import { join } from "node:path";
import { CamelliaError } from "../../core/model/errors.ts";
import { configBytesMax, type FileConfig, type Lifespan, parseConfig } from "./config.ts";
import type { Endpoint, HostPort } from "../../lib/ip_address.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "../terminal/io.ts";

/** The file that is looked for in the data folder. */
export const configName = "config.ini";

/**
 * The data folder when no `--data` is given: `camellia` in the place that the platform has for programs'
 * data (XDG Base Directory Specification; Application Support; Local AppData).
 *
 * @throws {CamelliaError} `invalid_argument` where the environment names no such place.
 */
export function defaultDataFolder(io: Io): string {
  const home = io.env("HOME");
  const places: Readonly<Record<string, string | undefined>> = {
    windows: io.env("LOCALAPPDATA"),
    darwin: home === undefined ? undefined : join(home, "Library", "Application Support"),
  };
  const xdg = io.env("XDG_DATA_HOME");
  const unix = xdg !== undefined && xdg.startsWith("/")
    ? xdg
    : home === undefined
    ? undefined
    : join(home, ".local", "share");
  const place = Object.hasOwn(places, io.os) ? places[io.os] : unix;
  if (place !== undefined) return join(place, "camellia");
  throw new CamelliaError(
    "invalid_argument",
    "Cannot tell where to keep data: the environment names no home. Name a folder with --data DIR",
  );
}

async function readConfig(io: Io, path: string): Promise<FileConfig | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await io.readFile(path, configBytesMax);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CamelliaError("invalid_config", `Cannot read ${path}: ${why}`, { cause: error });
  }
  return bytes === undefined ? undefined : parseConfig(bytes, path);
}

/** The file that `--config` names, or else the one in the data folder; nothing where there is none. */
async function chosenConfig(io: Io, flags: Flags, dataFolder: string): Promise<FileConfig> {
  if (flags.config === undefined) return await readConfig(io, join(dataFolder, configName)) ?? {};
  const config = await readConfig(io, flags.config);
  if (config !== undefined) return config;
  throw new CamelliaError(
    "invalid_config",
    `Cannot read ${flags.config}: there is no such file. Name another with --config`,
  );
}

/** Flags over config.ini over defaults. */
export interface PeerSettings {
  /** Where the DHT node listens: address and UDP port, 0 for any. */
  readonly udp: Endpoint;
  /** Where posts are received: address and TCP port, 0 for any. */
  readonly listening: Endpoint;
  /** The address to announce, where it is not to be found out. */
  readonly announcedIp?: string;
  /** Nodes to join through. */
  readonly bootstrap: readonly HostPort[];
  /** Whether this is the first node of a network. */
  readonly firstNode: boolean;
  /** How long posts of others are kept. */
  readonly lifespan: Lifespan;
  /** NTP servers; none to use the system's clock as it is. */
  readonly ntpServers: readonly HostPort[];
  /** Whether the sealed keys go to the network. */
  readonly publishPrivate: boolean;
}

/** Where the settings come from when neither a flag nor the user's file names them. */
export interface ConfigSource {
  /** The text of the config.ini that comes with the program, and how to call it in messages. */
  readonly shippedConfig: { readonly bytes: Uint8Array; readonly name: string };
}

/** A value that the shipped file has to have. */
function present<T>(value: T | undefined, key: string, host: ConfigSource): T {
  if (value !== undefined) return value;
  throw new CamelliaError(
    "invalid_config",
    `Cannot use ${host.shippedConfig.name}: ${key} is missing`,
  );
}

/**
 * Flags over the chosen config.ini over the shipped one.
 *
 * @throws {CamelliaError} `invalid_config`.
 */
export async function resolveSettings(
  { io, host, flags, dataFolder }: {
    io: Io;
    host: ConfigSource;
    flags: Flags;
    dataFolder: string;
  },
): Promise<PeerSettings> {
  const shipped = parseConfig(host.shippedConfig.bytes, host.shippedConfig.name);
  const config = { ...shipped, ...await chosenConfig(io, flags, dataFolder) };
  const announcedIp = config.announcedIp ?? undefined;
  return {
    udp: {
      ip: flags.ip ?? present(config.ip, "IP", host),
      port: flags.port ?? present(config.port, "PORT", host),
    },
    listening: {
      ip: flags.listeningIp ?? present(config.listeningIp, "LISTENING_IP", host),
      port: flags.listeningPort ?? present(config.listeningPort, "LISTENING_PORT", host),
    },
    ...(announcedIp === undefined ? {} : { announcedIp }),
    bootstrap: flags.bootstrap ?? config.bootstrap ?? [],
    firstNode: flags.init || (config.init ?? false),
    lifespan: present(config.lifespan, "a part of the lifespan", host),
    ntpServers: flags.ntpServers ?? config.ntpServers ?? [],
    publishPrivate: config.publishPrivate ?? true,
  };
}
