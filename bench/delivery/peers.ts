/**
 * Peers as the bench runs them, several in a process.
 *
 * @module
 */

import { readFrame, readFrameBody } from "../../core/messages/frame.ts";
import { isSame } from "../../core/model/user.ts";
import { Peer, type PeerApi } from "../../core/peer.ts";
import type { Directory, Keys, Stores } from "../../core/ports.ts";
import { descriptorLimit } from "../../net/system/descriptor_limit.ts";
import { openDatagrams } from "../../net/system/datagrams.ts";
import { createDirectory } from "../../net/directory/directory.ts";
import { ReachWatch } from "../../net/reach/reach_watch.ts";
import { ZmqLinks } from "../../net/links/zmq_links.ts";
import { SystemRandom } from "../../net/system/system_random.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import { createHost } from "../../main.ts";
import { KvStores } from "../../storage/user_store.ts";
import { MemoryKeys } from "../../tests/sim/memory_keys.ts";
import { MemoryStores } from "../../tests/sim/memory_store.ts";
import type { SharedDirectory } from "./shared_directory.ts";

/** An address and port of the DHT to join through. */
export interface Bootstrap {
  readonly host: string;
  readonly port: number;
}

/** How a peer is put together. Links are always real. */
export interface PeerSpec {
  /** Names the peer in this process. */
  readonly name: string;
  /**
   * `whole`: everything as the program runs it, put together by main.ts. `light`: keys in memory, at
   * no cost; the rest as it says below.
   */
  readonly kind: "whole" | "light";
  /** The data folder. */
  readonly folder: string;
  /** Nodes to join through; none for the first node. */
  readonly bootstrap: readonly Bootstrap[];
  /** Light peers: a real DHT node, or the directory in memory. */
  readonly directory?: "dht" | "memory";
  /** Light peers: a Deno KV file, or a database in memory. */
  readonly stores?: "kv" | "memory";
  /** Light peers: acknowledges what it is to pass on, and drops it. */
  readonly lies?: boolean;
}

/** A peer that runs. */
export interface BenchPeer {
  readonly api: PeerApi;
  /** The directory and the databases of light peers. */
  readonly light?: { readonly directory: Directory; readonly stores: Stores };
  stop(): Promise<void>;
}

const random = new SystemRandom();
const clock = new SystemClock();
const ip = "127.0.0.1";
/** As the program itself passes it on: bounds on connections depend on it. */
const descriptors = descriptorLimit();

/** Starts a peer; `fault` is told of what goes wrong behind. */
export async function startPeer(
  spec: PeerSpec,
  shared: SharedDirectory,
  fault: (message: string) => void,
): Promise<BenchPeer> {
  return spec.kind === "whole"
    ? await startWhole(spec, fault)
    : await startLight(spec, shared, fault);
}

async function startWhole(
  spec: PeerSpec,
  fault: (message: string) => void,
): Promise<BenchPeer> {
  const host = await createHost();
  const folder = await host.openFolder(spec.folder);
  const settings = {
    udp: { ip, port: 0 },
    listening: { ip, port: 0 },
    bootstrap: spec.bootstrap,
    firstNode: spec.bootstrap.length === 0,
    lifespan: "off" as const,
    // Posts are made much faster here than a person writes.
    quota: { posts: 1_000_000, bytes: 1_000_000_000, postsAnHour: 1_000_000 },
    ntpServers: [],
    exemptPrivate: "local" as const,
    ntpTrustFar: false,
    publishPrivate: true,
    relay: "no" as const,
    portMapping: false,
    relaysOnly: false,
  };
  const running = await folder.start(settings, (level, message) => {
    if (level === "error") fault(message);
  });
  await running.firstAttempt;
  return {
    api: running.api,
    async stop(): Promise<void> {
      await running.stop();
      await folder.close();
    },
  };
}

/** From now on posts of others leave only as answers. */
function dropPassedOn(links: ZmqLinks): void {
  const send = links.send.bind(links);
  links.send = (target, bytes) => {
    const { kind, from, body } = readFrameBody(readFrame(bytes));
    const isPassedOn = kind === "posts" && body.inReplyTo === undefined &&
      !isSame(from, body.author);
    return isPassedOn ? "queued" : send(target, bytes);
  };
}

async function startLight(
  spec: PeerSpec,
  shared: SharedDirectory,
  fault: (message: string) => void,
): Promise<BenchPeer> {
  const created = spec.directory === "memory" ? undefined : await createDirectory({
    datagrams: openDatagrams({ ip, port: 0 }),
    clock,
    random,
    bootstrap: spec.bootstrap,
    firstNode: spec.bootstrap.length === 0,
    onError: (error) => fault(error.message),
  });
  await created?.firstAttempt;
  const directory = created?.directory ?? shared.view();
  const links = new ZmqLinks({
    listen: { ip, port: 0 },
    clock,
    ownAddresses: () => [ip],
    descriptors,
    // What hundreds of peers in one process take is no sign that a stranger fills the memory of one.
    usedBytes: () => 0,
    onFault: (error) => fault(String(error)),
  });
  if (spec.lies) dropPassedOn(links);
  const reach = new ReachWatch({
    clock,
    directory,
    links,
    announcedAddress: ip,
    homeAddresses: () => [],
  });
  const stores: Stores = spec.stores === "memory" ? new MemoryStores() : new KvStores(spec.folder);
  const keys: Keys = new MemoryKeys();
  const peer = await Peer.start({
    ports: { clock, random, directory, links, reach, stores, keys },
    settings: {
      derivation: { memoryKiB: 8, passes: 1, lanes: 1 },
      publishPrivate: true,
      firstNode: true,
    },
  });
  return {
    api: peer,
    light: { directory, stores },
    async stop(): Promise<void> {
      await peer.stop();
      reach.close();
      await links.close();
      await created?.close();
    },
  };
}
