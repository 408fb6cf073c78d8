/**
 * What main.ts, which alone knows the adapters, does for ui/.
 *
 * @module
 */

import type { PeerApi, UserView } from "../core/api.ts";
import type { Lifespan } from "./config.ts";
import type { HostPort } from "./endpoint.ts";

/** How much is logged; each level includes those before it. */
export const logLevels = ["error", "warn", "info", "debug"] as const;

/** See {@linkcode logLevels}. */
export type LogLevel = typeof logLevels[number];

/** Takes one line of the log. Lines never carry secrets. */
export type Log = (level: LogLevel, message: string) => void;

/** Flags over config.ini over defaults. */
export interface PeerSettings {
  /** Where the DHT node listens: address and UDP port, 0 for any. */
  readonly udp: { readonly ip: string; readonly port: number };
  /** Where posts are received: address and TCP port, 0 for any. */
  readonly listening: { readonly ip: string; readonly port: number };
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

/** A peer that was started. */
export interface RunningPeer {
  /** What it does. */
  readonly api: PeerApi;
  /** Resolves once the first attempt to join the network has ended, well or not; never rejects. */
  readonly firstAttempt: Promise<void>;
  /** Stops it; everything acknowledged is on disk then. */
  stop(): Promise<void>;
}

/** A data folder that this process has locked. */
export interface OpenFolder {
  /** Absolute path. */
  readonly path: string;
  /** Users whose sealed keys are here, the one who logged in last first. */
  accounts(): Promise<readonly UserView[]>;
  /** Writes a file that only its owner can read, atomically. */
  writePrivate(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file if it is there. */
  remove(name: string): Promise<void>;
  /**
   * Starts the peer of this folder.
   *
   * @throws {CamelliaError} `udp_port_in_use`, `tcp_port_in_use`, `address_unavailable`, `database_damaged` …
   */
  start(settings: PeerSettings, log: Log): Promise<RunningPeer>;
  /** Frees the lock. Only after the peer was stopped. */
  close(): Promise<void>;
}

/** What main.ts provides. */
export interface Host {
  /** The program's version. */
  readonly version: string;
  /** The text of the config.ini that comes with the program, and how to call it in messages. */
  readonly shippedConfig: { readonly bytes: Uint8Array; readonly name: string };
  /**
   * Creates the folder if need be and locks it.
   *
   * @throws {CamelliaError} `folder_in_use`, `folder_read_only`, `disk_full`, `disk_failed`.
   */
  openFolder(path: string): Promise<OpenFolder>;
  /** Fresh random bytes. */
  randomBytes(length: number): Uint8Array;
}
