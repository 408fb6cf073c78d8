/**
 * Accounts of people at home over the real DHT, while datagrams are lost: one or a few nodes are
 * reachable, so that a single datagram is all there is of the network.
 *
 * @module
 */
import { Accounts } from "../../core/accounts/accounts.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Links, Ports } from "../../core/ports.ts";
import { askNetwork } from "../../core/session/ask_network.ts";
import { type CreatedDirectory, createDirectory } from "../../net/directory/directory.ts";
import { VirtualClock } from "./clock.ts";
import { putAtHome } from "./dht_home.ts";
import { DatagramNetwork, noDatagramFaults } from "./dht_network.ts";
import { publicIp } from "./dht_world.ts";
import { MemoryKeys } from "./memory_keys.ts";
import { MemoryStores } from "./memory_store.ts";
import { simJudge } from "./password_judge.ts";
import { SeededRandom } from "./random.ts";
import { simReach } from "./reach.ts";
import { simSettings } from "./users.ts";

/** What a run is like. */
export interface LossOptions {
  readonly seed: number | string;
  /** Nodes that others reach. */
  readonly reachable: number;
  /** The share of datagrams that is lost, 0 to 1. */
  readonly loss: number;
  /** Whether all datagrams are lost once the readers begin. Default false. */
  readonly isSilentInTheEnd?: boolean;
}

/** What came of a run. */
export interface LossOutcome {
  /** `done`, or why the registration was refused. */
  readonly registration: string;
  /** `done`, or why the login on another machine was refused. */
  readonly login: string;
  /** How many readings of four found the user … */
  readonly found: number;
  /** … heard that there is no such user … */
  readonly absent: number;
  /** … and heard nothing. */
  readonly unanswered: number;
  /** How many of four readings of a name that no user has heard just that. */
  readonly invented: number;
  /** How long the slowest of all these took, in ms. */
  readonly slowestMs: number;
}

const password = "seven green lanterns drift";
const readings = 4;
const port = 4_000;

/** Why an account was refused. */
function codeOf(error: unknown): string {
  if (error instanceof CamelliaError) return error.code;
  throw error;
}

/** Nodes, and people at home. */
class LossyWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: DatagramNetwork;
  readonly #reachable: number;
  readonly #opened: { close(): Promise<void> }[] = [];
  #nodes = 0;

  constructor({ seed, reachable }: LossOptions) {
    this.random = new SeededRandom(`loss ${seed}`);
    const random = this.random.fork("network");
    this.network = new DatagramNetwork({ clock: this.clock, random });
    this.#reachable = reachable;
  }

  /** A node that others reach; from the `reachable`-th on it is at home. */
  async node(): Promise<CreatedDirectory> {
    const index = this.#nodes++;
    const ip = publicIp(index);
    const [datagrams, outside] = [port, port + 1].map((one) =>
      this.network.open({ ip, port: one }, index)
    );
    if (datagrams === undefined || outside === undefined) throw new Error("Cannot open a socket");
    const isAtHome = index >= this.#reachable;
    if (isAtHome) { for (const socket of [datagrams, outside]) putAtHome(this.clock, socket); }
    const node = await createDirectory({
      datagrams,
      outside,
      clock: this.clock,
      random: this.random.fork(`node ${index}`),
      bootstrap: index === 0 ? [] : [{ host: publicIp(0), port }],
      firstNode: index === 0,
    });
    this.#opened.push(node);
    await this.clock.drive(node.firstAttempt);
    return node;
  }

  /** A machine with an empty data folder. */
  async machine(): Promise<{ accounts: Accounts; ports: Ports }> {
    const { directory } = await this.node();
    const links: Pick<Links, "status" | "probe"> = {
      probe: () => Promise.resolve(false),
      status: () => ({ open: 0 }),
    };
    const outside = { clock: this.clock, directory, links: links as Links };
    const ports: Ports = {
      ...outside,
      random: this.random.fork(`machine ${this.#nodes}`),
      reach: simReach(outside),
      stores: new MemoryStores(),
      keys: new MemoryKeys(),
    };
    const settings = { ...simSettings, firstNode: false };
    return {
      accounts: new Accounts({ ports, settings, passwordJudge: simJudge, emit() {} }),
      ports,
    };
  }

  async close(): Promise<void> {
    for (const one of this.#opened) await one.close();
  }
}

/** One user registers at home, logs in on another machine at home, and is looked for by a third. */
export async function runLoss(options: LossOptions): Promise<LossOutcome> {
  const world = new LossyWorld(options);
  const { clock, network } = world;
  let slowestMs = 0;
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const begin = clock.monotonic();
    const result = await clock.drive(work);
    slowestMs = Math.max(slowestMs, clock.monotonic() - begin);
    return result;
  };
  const tried = (work: Promise<{ session: { close(): Promise<void> } }>): Promise<string> =>
    timed(work.then(async ({ session }) => {
      await session.close();
      return "done";
    }, codeOf));
  for (let i = 0; i < options.reachable; i++) await world.node();
  network.faults = { ...noDatagramFaults, loss: options.loss };
  const home = await world.machine();
  const username = "alice";
  const registration = await tried(home.accounts.register({ username, password }));
  const other = await world.machine();
  const login = registration === "done"
    ? await tried(other.accounts.login({ username, password }))
    : registration;
  const reader = await world.machine();
  if (options.isSilentInTheEnd === true) network.lose = () => true;
  const heard = { found: 0, absent: 0, unanswered: 0, invented: 0 };
  for (let i = 0; i < readings && registration === "done"; i++) {
    const query = { username, namespace: "public" } as const;
    const { record, isAbsent } = await timed(askNetwork(reader.ports, query));
    heard[record !== undefined ? "found" : isAbsent ? "absent" : "unanswered"]++;
    const invented = await timed(askNetwork(reader.ports, { ...query, username: "nobody" }));
    if (invented.isAbsent) heard.invented++;
    await clock.advance(1_000);
  }
  await world.close();
  return { registration, login, ...heard, slowestMs };
}
