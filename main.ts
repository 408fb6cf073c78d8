/**
 * Camellia: a peer-to-peer timeline.
 *
 * The composition root: flags and config.ini become adapters, adapters become a peer, and the peer
 * becomes what a person or script meets. Nothing else builds adapters.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { CamelliaError } from "./core/model/errors.ts";
import { openRecord } from "./core/model/record.ts";
import { fingerprintOf } from "./core/model/identity.ts";
import { attempt } from "./core/model/msgpack.ts";
import { Peer, type Settings, type UserView } from "./core/peer.ts";
import type { Directory } from "./core/ports.ts";
import denoConfig from "./deno.json" with { type: "json" };
import { NtpClock } from "./net/clock/ntp_clock.ts";
import { openDatagrams } from "./net/system/datagrams.ts";
import { createDirectory } from "./net/directory/directory.ts";
import type { Datagrams } from "./net/kademlia/ports.ts";
import { ZmqLinks } from "./net/links/zmq_links.ts";
import { SystemRandom } from "./net/system/random.ts";
import { DataFolder } from "./storage/data_folder.ts";
import { KeyFiles } from "./storage/key_files.ts";
import { NodeStore } from "./storage/node_store.ts";
import { removePrivateFile, writePrivateFile } from "./storage/private_file.ts";
import { KvStores } from "./storage/user_store.ts";
import { run } from "./ui/cli.ts";
import { formatHostPort } from "./lib/ip_address.ts";
import type { Host, OpenFolder, RunningPeer } from "./ui/peer/host.ts";
import type { PeerSettings } from "./ui/settings/settings.ts";
import type { Log } from "./ui/settings/log_level.ts";
import { SystemIo } from "./ui/terminal/system_io.ts";

export type * from "./core/api.ts";
export type { ErrorCode } from "./core/model/errors.ts";
export type { Lifespan } from "./ui/settings/config.ts";
export type { HostPort } from "./lib/ip_address.ts";
export type * from "./ui/peer/host.ts";

/** Argon2id for newly sealed keys: the second choice of RFC 9106, section 4 (design, section 4). */
const derivation = { memoryKiB: 64 * 1024, passes: 3, lanes: 4 } as const;

const random = new SystemRandom();

function coreSettings(settings: PeerSettings): Settings {
  return {
    derivation,
    publishPrivate: settings.publishPrivate,
    firstNode: settings.firstNode,
    ...(settings.lifespan === "off" ? {} : { lifespanMs: settings.lifespan }),
    ...(settings.announcedIp === undefined ? {} : { announcedAddress: settings.announcedIp }),
  };
}

/** The UDP socket, with the system's words made ours. */
function openSocket({ ip, port }: PeerSettings["udp"], log: Log): Datagrams {
  try {
    return openDatagrams({
      hostname: ip,
      port,
      onError: (error) => log("error", `The UDP socket failed: ${error.message}`),
    });
  } catch (error) {
    const doing = `Cannot listen on ${formatHostPort(ip, port)} (UDP)`;
    if (error instanceof Deno.errors.AddrInUse) {
      const message = `${doing}: the port is in use. Choose another with --port, or 0 for any`;
      throw new CamelliaError("udp_port_in_use", message, { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    const message = `${doing}: ${why}. Choose another with --ip and --port`;
    throw new CamelliaError("address_unavailable", message, { cause: error });
  }
}

/** The directory, with `note` told each address that other nodes see this one at. */
function notingAddress(directory: Directory, note: (ip: string) => void): Directory {
  return {
    get: (query, signal) => directory.get(query, signal),
    put: (record, signal) => directory.put(record, signal),
    sample: (signal) => directory.sample(signal),
    async publicAddress(signal) {
      const ip = await directory.publicAddress(signal);
      if (ip !== undefined) note(ip);
      return ip;
    },
    status: () => directory.status(),
    onChange: (fn) => directory.onChange(fn),
  };
}

/** Builds all adapters of a folder's peer; what was built is closed again where a later one fails. */
async function startPeer(
  data: string,
  { settings, keys, log }: { settings: PeerSettings; keys: KeyFiles; log: Log },
): Promise<RunningPeer> {
  await using started = new AsyncDisposableStack();
  const onError = (error: Error) => log("warn", error.message);
  const clock = new NtpClock({ servers: settings.ntpServers });
  started.defer(() => clock.close());
  const nodeStore = await NodeStore.open(data, { onError });
  const closeStore = started.adopt(nodeStore, (store) => store.close());
  const datagrams = openSocket(settings.udp, log);
  started.defer(() => datagrams.close());
  const created = await createDirectory({
    datagrams,
    clock,
    random,
    storage: closeStore,
    claims: nodeStore.claims,
    bootstrap: settings.bootstrap,
    firstNode: settings.firstNode,
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    onError,
  });
  started.defer(() => created.close());
  let seenIp: string | undefined;
  const links = new ZmqLinks({
    listen: settings.listening,
    clock,
    ownAddresses: () =>
      [settings.announcedIp, seenIp, settings.listening.ip, settings.udp.ip]
        .filter((ip) => ip !== undefined),
    onFault: (error) => log("error", `Cannot deal with what came in: ${describe(error)}`),
  });
  started.defer(() => links.close());
  const peer = await Peer.start({
    ports: {
      clock,
      random,
      directory: notingAddress(created.directory, (ip) => seenIp = ip),
      links,
      stores: new KvStores(data),
      keys,
    },
    settings: coreSettings(settings),
    program: { version: denoConfig.version, pid: Deno.pid },
  });
  started.defer(() => peer.stop());
  clock.start();
  const running = started.move();
  return {
    api: peer,
    firstAttempt: created.firstAttempt,
    stop: () => running.disposeAsync(),
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** Users with sealed keys here, the one who logged in last first. Files that are damaged are left out. */
async function accountsOf(keys: KeyFiles): Promise<UserView[]> {
  const last = await keys.lastUser();
  const names = await keys.list();
  if (last !== undefined) names.sort((a, b) => Number(b === last) - Number(a === last));
  const accounts: UserView[] = [];
  for (const username of names) {
    const sealed = await keys.read(username);
    const record = sealed === undefined ? undefined : attempt(() => openRecord(sealed));
    if (record?.username !== username) continue;
    accounts.push({ username, fingerprint: fingerprintOf(record.publicKey) });
  }
  return accounts;
}

async function openFolder(path: string): Promise<OpenFolder> {
  const folder = await DataFolder.open(path);
  try {
    const keys = await KeyFiles.open(folder.path);
    return {
      path: folder.path,
      accounts: () => accountsOf(keys),
      writePrivate: (name, bytes) => writePrivateFile(folder.file(name), bytes),
      remove: (name) => removePrivateFile(folder.file(name)),
      start: (settings, log) => startPeer(folder.path, { settings, keys, log }),
      close: () => Promise.resolve(folder.release()),
    };
  } catch (error) {
    folder.release();
    throw error;
  }
}

/** What ui/ gets from here: real adapters, and the config.ini that lies beside this file. */
export async function createHost(): Promise<Host> {
  return {
    version: denoConfig.version,
    shippedConfig: {
      bytes: await Deno.readFile(new URL("config.ini", import.meta.url)),
      name: "the config.ini that comes with the program",
    },
    openFolder,
    randomBytes: (length) => random.bytes(length),
  };
}

if (import.meta.main) {
  Deno.exit(await run(Deno.args, { io: new SystemIo(), host: await createHost() }));
}
