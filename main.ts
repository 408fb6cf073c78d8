/**
 * Camellia: a peer-to-peer timeline.
 *
 * From arguments to an exit code. What runs a peer is loaded when a command needs it: most commands only
 * talk to one that runs.
 *
 * @module
 */

import { loadModule } from "./lib/load_module.ts";
import { CamelliaError } from "./core/model/errors.ts";
import denoConfig from "./deno.json" with { type: "json" };
import type { Early } from "./composition.ts";
import type { WorkerEstimator } from "./net/system/worker_estimator.ts";
import type { DataFolder } from "./storage/data_folder.ts";
import type { ExpectedLogin, Host, LogSink, OpenFolder, SystemFacts } from "./ui/peer/host.ts";

export type * from "./core/api.ts";
export type { ErrorCode } from "./core/model/errors.ts";
export type { Lifespan } from "./ui/settings/config.ts";
export type { HostPort } from "./lib/host_port.ts";
export type * from "./ui/peer/host.ts";

/** What {@linkcode createHost} takes from composition.ts. */
export interface Composition {
  /** What can be done with a data folder that this process has locked. */
  openLocked(folder: DataFolder, early?: Early): Promise<OpenFolder>;
  /** The log in a data folder. */
  readonly LogFile: { open(dataFolder: string): Promise<LogSink> };
  /** Looks at a data folder. */
  folderFacts: SystemFacts["folder"];
  /** How many descriptors the process may have open. */
  descriptorLimit(): number;
  /** Writes a file that only its owner can read. */
  writePrivateFile(path: string, bytes: Uint8Array): Promise<void>;
}

/** Loads what runs a peer. */
function loadComposition(): Promise<Composition> {
  return loadModule<typeof import("./composition.ts")>(
    new URL("./composition.ts", import.meta.url),
  );
}

/** Starts what judges a new password: in a thread of its own, so that it is ready when the peer is. */
async function startEstimator(): Promise<WorkerEstimator> {
  const [{ WorkerEstimator }, { SystemClock }] = await Promise.all([
    loadModule<typeof import("./net/system/worker_estimator.ts")>(
      new URL("./net/system/worker_estimator.ts", import.meta.url),
    ),
    loadModule<typeof import("./net/system/system_time.ts")>(
      new URL("./net/system/system_time.ts", import.meta.url),
    ),
  ]);
  const estimator = new WorkerEstimator(new SystemClock());
  // Where that fails, so does the judgement.
  estimator.prepare().catch(() => {});
  return estimator;
}

/** Begins what a login or registration that is expected takes long for. */
async function beginEarly(
  folder: DataFolder,
  expected?: () => Promise<ExpectedLogin | undefined>,
): Promise<Early | undefined> {
  const login = await expected?.();
  if (login === undefined) return undefined;
  const { EarlyKey } = await loadModule<typeof import("./storage/early_key.ts")>(
    new URL("./storage/early_key.ts", import.meta.url),
  );
  const key = await EarlyKey.begin(folder.path, login);
  const estimator = login.isNew ? await startEstimator() : undefined;
  return { ...key && { key }, ...estimator && { estimator } };
}

/** Loads what runs programs of the system. */
function loadTools() {
  return loadModule<typeof import("./ui/terminal/system_tools.ts")>(
    new URL("./ui/terminal/system_tools.ts", import.meta.url),
  );
}

/** How this program is started: the executable by itself, the modules by Deno with the task's permissions. */
async function invocation(): Promise<string[]> {
  const { fileURLToPath } = await import("node:url");
  if (Deno.build.standalone) return [Deno.execPath()];
  const own = fileURLToPath(import.meta.url);
  const config = fileURLToPath(new URL("deno.json", import.meta.url));
  // In the npm package the modules are JavaScript, and what they import lies beside them.
  const isPackage = own.endsWith(".js");
  return [
    Deno.execPath(),
    "run",
    "-q",
    // A service starts seldom, and its peer idles long: the cache would save it 15 ms and keep 4 MB.
    "--no-code-cache",
    "--v8-flags=--memory-saver-mode,--max-semi-space-size=1,--no-parallel-scavenge,--gc-memory-reducer-start-delay-ms=5000,--no-memory-pool-share-memory-on-teardown",
    ...(isPackage ? ["--node-modules-dir=manual", "--no-remote", "--no-lock"] : []),
    "--config",
    config,
    "-P=camellia",
    "--no-prompt",
    own,
  ];
}

/** What ui/ gets from here: real adapters when it needs them, and the config.ini beside this file. */
export async function createHost(load = loadComposition): Promise<Host> {
  let hasGivenUp = false;
  return {
    version: denoConfig.version,
    shippedConfig: {
      bytes: await Deno.readFile(new URL("config.ini", import.meta.url)),
      name: "the config.ini that comes with the program",
    },
    tools: {
      invocation,
      run: async (program, args) => await (await loadTools()).runTool(program, args),
      open: async (os, url) => await (await loadTools()).openTool(os, url),
      write: async (path, bytes) => await (await loadTools()).writeTool(path, bytes),
      remove: async (path) => await (await loadTools()).removeTool(path),
    },
    system: {
      deno: Deno.version.deno,
      folder: async (path) => await (await load()).folderFacts(path),
      descriptors: async () => (await load()).descriptorLimit(),
    },
    async openFolder(path, expected) {
      // The lock alone tells whether a peer runs: a command that talks to it loads no more than this.
      const { DataFolder } = await loadModule<typeof import("./storage/data_folder.ts")>(
        new URL("./storage/data_folder.ts", import.meta.url),
      );
      const folder = await DataFolder.open(path);
      if (!hasGivenUp) {
        try {
          const early = await beginEarly(folder, expected);
          return await (await load()).openLocked(folder, early);
        } catch (error) {
          folder.release();
          throw error;
        }
      }
      folder.release();
      throw new CamelliaError(
        "no_peer",
        "Cannot reach the peer that ran on this data folder: it has stopped. Try again",
      );
    },
    giveUpLibraries() {
      hasGivenUp = true;
      Deno.permissions.revokeSync({ name: "ffi" });
    },
    writePrivate: async (path, bytes) => await (await load()).writePrivateFile(path, bytes),
    openLog: async (path) => await (await load()).LogFile.open(path),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  };
}

/** Whether the arguments ask for the version alone, which takes no more than printing it. */
function asksForVersion([first, ...others]: readonly string[]): boolean {
  return others.length === 0 && (first === "--version" || first === "-V");
}

async function main(): Promise<number> {
  let loading: Promise<Composition> | undefined;
  if (asksForVersion(Deno.args)) {
    await Deno.stdout.write(new TextEncoder().encode(`${denoConfig.version}\n`));
    return 0;
  }
  const [{ run }, { SystemIo }, host] = await Promise.all([
    loadModule<typeof import("./ui/cli.ts")>(new URL("./ui/cli.ts", import.meta.url)),
    loadModule<typeof import("./ui/terminal/system_io.ts")>(
      new URL("./ui/terminal/system_io.ts", import.meta.url),
    ),
    createHost(() => loading ??= loadComposition()),
  ]);
  return await run(Deno.args, { io: new SystemIo(), host });
}

if (import.meta.main) Deno.exit(await main());
