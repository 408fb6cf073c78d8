/**
 * What main.ts, which alone knows the adapters, does for ui/, and what every command has at hand.
 *
 * @module
 */

import type { PeerApi, UserView } from "../../core/api.ts";
import type { Console } from "../prompts/prompts.ts";
import type { Log } from "../settings/flags.ts";
import type { ConfigSource, PeerSettings } from "../settings/settings.ts";

/** A peer that was started. */
export interface RunningPeer {
  /** What it does. */
  readonly api: PeerApi;
  /** Resolves once the first attempt to join the network has ended, well or not; never rejects. */
  readonly firstAttempt: Promise<void>;
  /** Stops it; everything acknowledged is on disk then. */
  stop(): Promise<void>;
}

/** Who is going to log in, or to register. */
export interface ExpectedLogin {
  /** The user; default: the one who logged in last. */
  readonly username?: string;
  /** The password; whether it is the right one turns out at the login. */
  readonly password: string;
  /** Whether the user is going to register; default: no. */
  readonly isNew?: boolean;
}

/** How a peer is started. */
export interface StartOptions {
  /** Whether this process still starts the program that opens a browser, once; default: no. */
  readonly opens?: boolean;
  /** Whether the peer runs until it is ended, and not for one command alone; default: no. */
  readonly stays?: boolean;
  /** Reads flags and config.ini anew, for {@linkcode PeerApi.reload}; absent: nothing is changed. */
  readonly reread?: () => Promise<PeerSettings>;
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
   * Starts the peer of this folder. From then on this process starts no program of the system, but for what
   * {@linkcode StartOptions} say.
   *
   * @throws {CamelliaError} `udp_port_in_use`, `tcp_port_in_use`, `address_unavailable`, `database_damaged` …
   */
  start(
    settings: PeerSettings,
    log: Log,
    options?: StartOptions,
  ): Promise<RunningPeer>;
  /** Frees the lock. Only after the peer was stopped. */
  close(): Promise<void>;
}

/** What can be told of the system, for a person who looks for a fault. */
export interface SystemFacts {
  /** The version of Deno. */
  readonly deno: string;
  /** What the data folder is like, which is neither locked nor changed; never rejects. */
  folder(path: string): Promise<{
    /** Whether there is a folder at the path, nothing, or something else. */
    readonly kind: "folder" | "absent" | "other";
    /** Whether it is the user's own; undefined where the system does not tell. */
    readonly isOwn: boolean | undefined;
    /** The permission bits; undefined where there are none. */
    readonly mode: number | undefined;
    /** Why nothing can be written into it; undefined where something can. */
    readonly unwritable: string | undefined;
    /** Bytes that are free on its disk; undefined where the system does not tell. */
    readonly freeBytes: number | undefined;
  }>;
  /** How many files and sockets the process may have open. */
  descriptors(): Promise<number>;
}

/** What a program of the system came to. */
export interface ToolResult {
  /** Its exit code. */
  readonly code: number;
  /** What it printed. */
  readonly printed: string;
}

/** What services and the page take of the system. */
export interface Tools {
  /** The program and the arguments that start this program again, without a command. */
  invocation(): Promise<readonly string[]>;
  /** Runs a program that manages services; undefined where there is none of that name. */
  run(program: string, args: readonly string[]): Promise<ToolResult | undefined>;
  /** Shows an address in the browser; false where no program of the system does that. Works once. */
  open(os: string, url: string): Promise<boolean>;
  /** Writes a file, with the folders above it. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file if it is there. */
  remove(path: string): Promise<void>;
}

/** A log on disk. */
export interface LogSink {
  /** Writes a line; never throws. */
  write(line: string): void;
  /** Closes it. */
  close(): void;
}

/** What main.ts provides. */
export interface Host extends ConfigSource {
  /** The program's version. */
  readonly version: string;
  /** Programs of the system that manage services, and their files. */
  readonly tools: Tools;
  /** Facts about the system. */
  readonly system: SystemFacts;
  /**
   * Creates the folder if need be and locks it.
   *
   * @param expected Asked once the folder is locked: the key for the login to come is derived, and a new
   * password's dictionaries are loaded, while what runs a peer is loaded.
   * @throws {CamelliaError} `folder_in_use`, `folder_read_only`, `disk_full`, `disk_failed`; `no_peer` where it is
   * free only after {@linkcode Host.giveUpLibraries}.
   */
  openFolder(
    path: string,
    expected?: () => Promise<ExpectedLogin | undefined>,
  ): Promise<OpenFolder>;
  /** Gives up the permission to load libraries of the system: from now on this process runs no peer. */
  giveUpLibraries(): void;
  /** Writes a file that only its owner can read, atomically; its folder is there. */
  writePrivate(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Opens the log in the data folder.
   *
   * @throws {CamelliaError} `folder_unsafe`, `folder_read_only`, `disk_full`, `disk_failed`.
   */
  openLog(path: string): Promise<LogSink>;
  /** Fresh random bytes. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
}

/** What every command has at hand. */
export interface Context extends Console {
  /** The adapters. */
  readonly host: Host;
  /** The data folder, absolute. */
  readonly dataFolder: string;
}
