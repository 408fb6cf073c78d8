/**
 * The composition root: settings become adapters, and adapters become a peer. Nothing else builds adapters.
 *
 * It brings most of the program along and loads zeromq's addon, so `main.ts` loads it only for commands that
 * run a peer or open its data folder.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { judgeBy } from "./core/accounts/password_strength.ts";
import { Peer } from "./core/peer.ts";
import denoConfig from "./deno.json" with { type: "json" };
import { formatHostPort, formatHostPorts } from "./lib/host_port.ts";
import { Exemption } from "./lib/networks.ts";
import { NtpClock } from "./net/clock/ntp_clock.ts";
import { openDatagrams } from "./net/system/datagrams.ts";
import { descriptorLimit as askDescriptorLimit } from "./net/system/descriptor_limit.ts";
import { createDirectory } from "./net/directory/directory.ts";
import { borrowPoller } from "./net/links/poller.ts";
import type { ZmqLinks } from "./net/links/zmq_links.ts";
import { homeAddresses, ownFamilies } from "./net/reach/interfaces.ts";
import { createReach } from "./net/reach/reach.ts";
import { Carriers } from "./net/streams/carriers.ts";
import { SystemRandom } from "./net/system/system_random.ts";
import { WorkerEstimator } from "./net/system/worker_estimator.ts";
import { addonFailure, withAddonFolder } from "./storage/addon_folder.ts";
import type { DataFolder } from "./storage/data_folder.ts";
import type { EarlyKey } from "./storage/early_key.ts";
import { newDerivation } from "./storage/key_derivation.ts";
import { KeyFiles } from "./storage/key_files.ts";
import { NodeStore } from "./storage/node_store.ts";
import { removePrivateFile, writePrivateFile } from "./storage/private_file.ts";
import { KvStores } from "./storage/user_store.ts";
import type { OpenFolder, RunningPeer, StartOptions } from "./ui/peer/host.ts";
import type { PeerSettings } from "./ui/settings/settings.ts";
import type { Log } from "./ui/settings/flags.ts";
import { openers } from "./ui/terminal/openers.ts";
import { editors, stopper } from "./ui/terminal/outside.ts";
import { serviceTools } from "./ui/shell/services.ts";

export { LogFile } from "./storage/log_file.ts";
export { folderFacts } from "./storage/folder_facts.ts";

const random = new SystemRandom();

/** How many descriptors this process may have open, once it was asked. */
let descriptors: number | undefined;

/** How many descriptors this process may have open; asked once, while libraries may be loaded. */
export function descriptorLimit(): number {
  return descriptors ??= askDescriptorLimit();
}

/** What the program takes from libraries of the system. */
export interface Libraries {
  /** How many descriptors this process may have open. */
  readonly descriptors: number;
  /** Links; their module loads zeromq's addon. */
  readonly ZmqLinks: typeof ZmqLinks;
}

/** The libraries, once something asked for them. */
let libraries: Promise<Libraries> | undefined;

async function load(folder: string): Promise<Libraries> {
  const descriptors = descriptorLimit();
  borrowPoller();
  const importing = () =>
    import("./net/links/zmq_links.ts").catch((error) => {
      throw addonFailure(error);
    });
  // The executable unpacks the addon; Windows has a temporary folder for each user.
  const unpacks = Deno.build.standalone && Deno.build.os !== "windows";
  const { ZmqLinks } = unpacks ? await withAddonFolder(folder, importing) : await importing();
  Deno.permissions.revokeSync({ name: "ffi" });
  return { descriptors, ZmqLinks };
}

/**
 * Loads the libraries of the system that the program calls, for as long as it runs, and gives up the
 * permission to load others: a later library could only be an attacker's.
 *
 * @param folder A data folder to which its owner alone can write: there the executable unpacks the addon.
 */
export function loadLibraries(folder: string): Promise<Libraries> {
  return libraries ??= load(folder);
}

/** What a peer's core takes over while it runs. */
function changeable({ lifespan, publishPrivate }: PeerSettings) {
  return { lifespanMs: lifespan === "off" ? undefined : lifespan, publishPrivate };
}

/** Builds all adapters of a folder's peer; what was built is closed again where a later one fails. */
async function startPeer(
  data: string,
  { settings, keys, log, early, opens, stays = false, reread }: {
    settings: PeerSettings;
    keys: KeyFiles;
    log: Log;
    early: Early | undefined;
  } & StartOptions,
): Promise<RunningPeer> {
  // A process that manages services runs no peer: code that gets into a peer starts no program. What opens a
  // browser for the page is given up once it has done so.
  for (const command of [...serviceTools, ...editors, stopper, ...opens ? [] : openers]) {
    Deno.permissions.revokeSync({ name: "run", command });
  }
  await using started = new AsyncDisposableStack();
  const { descriptors, ZmqLinks } = await loadLibraries(data);
  const onError = (error: Error) => log("warn", error.message);
  const clock = new NtpClock({
    servers: settings.ntpServers,
    trustFar: settings.ntpTrustFar,
  });
  started.defer(() => clock.close());
  const estimator = early?.estimator ?? new WorkerEstimator(clock);
  started.defer(() => estimator.end());
  const nodeStore = await NodeStore.open(data, { time: clock, onError });
  const closeStore = started.adopt(nodeStore, (store) => store.close());
  const datagrams = openDatagrams(
    settings.udp,
    (error) => log("error", `The UDP socket failed: ${error.message}`),
  );
  started.defer(() => datagrams.close());
  const outside = openDatagrams({ ip: settings.udp.ip, port: 0 }, () => {});
  started.defer(() => outside.close());
  const exemption = new Exemption(settings.exemptPrivate);
  // These are read where they are used: a changed config.ini changes them in place.
  const bootstrap = [...settings.bootstrap];
  const quota = { ...settings.quota };
  const carriers = new Carriers({ time: clock, udp: datagrams, outside, exemption });
  started.defer(() => carriers.main.close());
  for (const ip of [settings.announcedIp, settings.udp.ip]) if (ip) exemption.met(ip);
  const reaching = createReach({ clock, random, exemption, settings, stays, onError });
  started.defer(() => reaching.close());
  const { directory, ...node } = await createDirectory({
    datagrams: carriers.main,
    outside: carriers.outside,
    carriage: () => carriers.status(),
    clock,
    random,
    storage: closeStore,
    claims: nodeStore.claims,
    bootstrap,
    firstNode: settings.firstNode,
    limits: { exemption },
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    families: () => ownFamilies(),
    dialBack: reaching.dialBack,
    relay: reaching.offerRelay,
    onError,
  });
  started.defer(() => node.close());
  carriers.onChange(() => directory.changed());
  const links = new ZmqLinks({
    listen: settings.listening,
    clock,
    descriptors,
    ownAddresses: () =>
      [settings.announcedIp, ...directory.status().outerIps, settings.listening.ip, settings.udp.ip]
        .filter((ip) => ip !== undefined),
    ownPlaces: reaching.places,
    services: new Map([...reaching.services, carriers.service]),
    homeNetworks: () => homeAddresses().map(({ cidr }) => cidr),
    families: () => ownFamilies(),
    onFault: (error) => {
      const why = error instanceof Error ? error.stack ?? error.message : String(error);
      log("error", `Cannot deal with what came in: ${why}`);
    },
  });
  started.defer(() => links.end());
  try {
    links.listen();
  } catch (error) {
    // A login says it again, and fails; without one there is only no relaying.
    log("info", error instanceof Error ? error.message : String(error));
  }
  const { ip, port } = datagrams.address;
  try {
    // A contact names the UDP port: there, by TCP, come peers whose network lets no UDP out.
    links.listenAlso({ ip, port });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(
      "info",
      `Peers without UDP do not find this node at TCP ${formatHostPort(ip, port)}: ${why}`,
    );
  }
  const reach = reaching.start({ directory, links });
  const coreSettings = {
    ...changeable(settings),
    derivation: newDerivation,
    firstNode: settings.firstNode,
    trace: (message: string) => log("debug", message),
  };
  const reload = async () => {
    const now = await reread?.();
    if (now === undefined) return;
    Object.assign(coreSettings, changeable(now));
    Object.assign(quota, now.quota);
    exemption.use(now.exemptPrivate);
    clock.use({ servers: now.ntpServers, trustFar: now.ntpTrustFar });
    if (formatHostPorts(bootstrap) === formatHostPorts(now.bootstrap)) return;
    bootstrap.splice(0, bootstrap.length, ...now.bootstrap);
    // In the background: a node that does not answer is waited for.
    void directory.join([]);
  };
  const peer = await Peer.start({
    ports: {
      clock,
      random,
      directory,
      links,
      reach,
      stores: new KvStores(data, { quota }),
      keys,
    },
    settings: coreSettings,
    reload,
    passwordJudge: judgeBy(estimator),
    program: { version: denoConfig.version, pid: Deno.pid },
  });
  started.defer(() => peer.stop());
  clock.start();
  const running = started.move();
  return {
    api: peer,
    firstAttempt: node.firstAttempt,
    stop: () => running.disposeAsync(),
  };
}

export { writePrivateFile };

/** What was begun for a login or registration to come. */
export interface Early {
  /** Its key, if it is being derived. */
  readonly key?: EarlyKey;
  /** What is to judge its new password. */
  readonly estimator?: WorkerEstimator;
}

function giveUp(early: Early | undefined): void {
  early?.key?.drop();
  early?.estimator?.end();
}

/** What can be done with a data folder that this process has locked. It is freed where that fails. */
export async function openLocked(folder: DataFolder, early?: Early): Promise<OpenFolder> {
  try {
    await loadLibraries(folder.path);
    const keys = await KeyFiles.open(folder.path, early?.key);
    return {
      path: folder.path,
      accounts: () => keys.accounts(),
      writePrivate: (name, bytes) => writePrivateFile(folder.file(name), bytes),
      remove: (name) => removePrivateFile(folder.file(name)),
      start: (settings, log, options = {}) =>
        startPeer(folder.path, { settings, keys, log, early, ...options }),
      close() {
        giveUp(early);
        return Promise.resolve(folder.release());
      },
    };
  } catch (error) {
    giveUp(early);
    folder.release();
    throw error;
  }
}
