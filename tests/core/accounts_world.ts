/**
 * Devices with accounts on a simulated directory, clock and disk: what the tests of accounts, records,
 * lists and people share.
 *
 * @module
 */

import type { PeerEvent } from "../../core/api.ts";
import { type FeedPlace, signPost } from "../../core/model/post.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import type { Directory, Endpoint, Links, Ports, Stores } from "../../core/ports.ts";
import { Accounts } from "../../core/accounts/accounts.ts";
import type { OpenAccount } from "../../core/accounts/open_account.ts";
import type { Settings } from "../../core/session/interfaces.ts";
import type { ReachWatch, ReachWatchOptions } from "../../net/reach/reach_watch.ts";
import { startMsDefault, VirtualClock } from "../sim/clock.ts";
import { type SimDirectory, SimDirectoryNetwork } from "../sim/directory.ts";
import { MemoryKeys } from "../sim/memory_keys.ts";
import { MemoryStores, type MemoryStoresOptions } from "../sim/memory_store.ts";
import { SeededRandom } from "../sim/random.ts";
import { simJudge } from "../sim/password_judge.ts";
import { simReach } from "../sim/reach.ts";
import { simSettings } from "../sim/users.ts";

/** A password that passes. */
export const password = "seven green lanterns drift";

/** Another one. */
export const otherPassword = "quiet marble under the stairs";

/** A network, its time, and the devices on it. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: SimDirectoryNetwork = new SimDirectoryNetwork(this.clock);
  readonly random: SeededRandom = new SeededRandom("accounts");
  #devices = 0;

  /** A world with three nodes without users, so that there is a network. */
  constructor() {
    for (let i = 0; i < 3; i++) this.network.directory();
  }

  /** An installation with an empty data folder. */
  device(options: Partial<DeviceOptions> = {}): Device {
    return new Device(this, this.#devices++, options);
  }

  /** Lets time pass until the promise settles. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.drive(promise);
  }

  /** A user on a device of their own. */
  async user(username: string, options: Partial<DeviceOptions> = {}): Promise<OpenAccount> {
    return await this.run(this.device(options).register(username));
  }
}

/** How a device differs from the usual. */
export interface DeviceOptions {
  readonly settings: Partial<Settings>;
  readonly stores: MemoryStoresOptions;
  readonly reach: Partial<ReachWatchOptions>;
  /** Puts something between the device and the network. */
  readonly directory: (directory: SimDirectory) => Directory;
}

/** One installation. */
export class Device {
  readonly keys: MemoryKeys = new MemoryKeys();
  readonly stores: Stores;
  readonly directory: SimDirectory;
  readonly accounts: Accounts;
  readonly ports: Ports;
  readonly reach: ReachWatch;
  readonly events: PeerEvent[] = [];
  /** Where the links listen. */
  listening: Endpoint | undefined = { ip: "0.0.0.0", port: 7000 };

  constructor(world: World, number: number, options: Partial<DeviceOptions>) {
    this.directory = world.network.directory();
    this.directory.address = `10.0.0.${number + 1}`;
    this.stores = new MemoryStores(options.stores ?? {});
    const links: Pick<Links, "status" | "probe"> = {
      // Nothing listens in this world.
      probe: () => Promise.resolve(false),
      status: () =>
        this.listening === undefined ? { open: 0 } : { listening: this.listening, open: 0 },
    };
    const outside = {
      clock: world.clock,
      directory: options.directory?.(this.directory) ?? this.directory,
      links: links as Links,
    };
    this.reach = simReach(outside, options.reach);
    this.ports = {
      ...outside,
      random: world.random.fork(number),
      reach: this.reach,
      stores: this.stores,
      keys: this.keys,
    };
    this.accounts = new Accounts({
      ports: this.ports,
      settings: { ...simSettings, firstNode: false, ...options.settings },
      passwordJudge: simJudge,
      emit: (event) => this.events.push(event),
    });
  }

  /** The same data folder after its peer died. */
  static restart(world: World, dead: Device): Device {
    const device = world.device();
    for (const part of ["keys", "stores"] as const) Object.assign(device, { [part]: dead[part] });
    Object.assign(device.ports, { keys: dead.keys, stores: dead.stores });
    return device;
  }

  register(username: string, word: string = password): Promise<OpenAccount> {
    return this.accounts.register({ username, password: word });
  }

  login(username: string, word: string = password): Promise<OpenAccount> {
    return this.accounts.login({ username, password: word });
  }
}

/** The same directory with some methods replaced. */
export function changed(directory: SimDirectory, changes: Partial<Directory>): Directory {
  return new Proxy(directory as Directory, {
    get: (target, name) => {
      const own = Reflect.get(changes, name);
      if (own !== undefined) return own;
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** Commits a post of the session's own device and tells the records. */
export async function post(
  { session, records }: OpenAccount,
  number: number,
  words: { readonly deletes?: FeedPlace } = {},
): Promise<void> {
  const { device, self, identity, store } = session;
  const id = composeSnowflake({ timeMs: startMsDefault + number, device, sequence: 0 });
  const author = self.username;
  const text = words.deletes === undefined ? `post ${number}` : "";
  await store.addOwnPost(
    signPost({ author, device, number, id, text, ...words }, identity),
  );
  records.headMoved({ device, head: number });
}
