/**
 * What flags and files add up to.
 *
 * @module
 */

import { joinPath } from "../../lib/paths.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Endpoint } from "../../lib/ip_address.ts";
import type { ExemptPrivate } from "../../lib/networks.ts";
import { configBytesMax, type FileConfig, parseConfig, type RelayChoice } from "./config.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "../terminal/io.ts";
import { configName } from "./places.ts";

/** The file that `--config` names, or else the one in the data folder; nothing where there is none. */
async function chosenConfig(io: Io, flags: Flags, dataFolder: string): Promise<FileConfig> {
  const path = flags.config ?? joinPath(dataFolder, configName);
  const refuse = (why: string, cause?: unknown) =>
    new CamelliaError("invalid_config", `Cannot read ${path}: ${why}`, { cause });
  const bytes = await io.readFile(path, configBytesMax).catch((error) => {
    throw refuse(error instanceof Error ? error.message : String(error), error);
  });
  if (bytes !== undefined) return parseConfig(bytes, path);
  if (flags.config === undefined) return {};
  throw refuse("there is no such file. Name another with --config");
}

/** Flags over config.ini over defaults. */
export interface PeerSettings
  extends Required<Pick<FileConfig, "bootstrap" | "lifespan" | "ntpServers" | "publishPrivate">> {
  /** Where the DHT node listens: address and UDP port, 0 for any. */
  readonly udp: Endpoint;
  /** Where posts are received: address and TCP port, 0 for any. */
  readonly listening: Endpoint;
  /** The address to announce, where it is not to be found out. */
  readonly announcedIp?: string;
  /** Whether this is the first node of a network. */
  readonly firstNode: boolean;
  /** What is kept of one author. */
  readonly quota: {
    /** Posts. */
    readonly posts: number;
    /** Bytes of these posts. */
    readonly bytes: number;
    /** Posts dated within one hour of the clock. */
    readonly postsAnHour: number;
  };
  /** Whether offsets of more than ten minutes are believed. */
  readonly ntpTrustFar: boolean;
  /** Whether this peer relays for others. */
  readonly relay: RelayChoice;
  /** Whether the home router is asked to let others in. */
  readonly portMapping: boolean;
  /** Whether relays alone are announced, so that this peer's own address is in no record. */
  readonly relaysOnly: boolean;
  /** Whether limits by network leave out loopback and private addresses. */
  readonly exemptPrivate: ExemptPrivate;
}

/** Where the settings come from when neither a flag nor the user's file names them. */
export interface ConfigSource {
  /** The text of the config.ini that comes with the program, and how to call it in messages. */
  readonly shippedConfig: { readonly bytes: Uint8Array; readonly name: string };
}

/** What is kept of one author where no config.ini says it. */
const quotaDefault = { posts: 10_000, megabytes: 50, postsAnHour: 600 } as const;

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
  const { bytes, name } = host.shippedConfig;
  const config = { ...parseConfig(bytes, name), ...await chosenConfig(io, flags, dataFolder) };
  const { ip, port, listeningIp, listeningPort, lifespan } = { ...config, ...flags };
  if (
    ip === undefined || port === undefined || listeningIp === undefined ||
    listeningPort === undefined || lifespan === undefined
  ) {
    const message = `Cannot use ${name}: a key of [DEFAULT] or the lifespan is missing`;
    throw new CamelliaError("invalid_config", message);
  }
  return {
    udp: { ip, port },
    listening: { ip: listeningIp, port: listeningPort },
    ...given({ announcedIp: config.announcedIp ?? undefined }),
    bootstrap: flags.bootstrap ?? config.bootstrap ?? [],
    firstNode: flags.init ?? config.init ?? false,
    lifespan,
    quota: {
      posts: config.quotaPosts ?? quotaDefault.posts,
      bytes: (config.quotaMegabytes ?? quotaDefault.megabytes) * 1_000_000,
      postsAnHour: config.quotaPostsAnHour ?? quotaDefault.postsAnHour,
    },
    exemptPrivate: config.exemptPrivate ?? "local",
    ntpTrustFar: config.ntpTrustFar ?? false,
    ntpServers: flags.ntpServer ?? config.ntpServers ?? [],
    publishPrivate: config.publishPrivate ?? true,
    relay: config.relay ?? "auto",
    portMapping: config.portMapping ?? true,
    relaysOnly: config.relaysOnly ?? false,
  };
}

/**
 * Keys of the screen that the file changes, by action.
 *
 * @throws {CamelliaError} `invalid_config`.
 */
export async function resolveKeys(
  { io, flags, dataFolder }: {
    readonly io: Io;
    readonly flags: Flags;
    readonly dataFolder: string;
  },
): Promise<NonNullable<FileConfig["keys"]>> {
  return (await chosenConfig(io, flags, dataFolder)).keys ?? {};
}
