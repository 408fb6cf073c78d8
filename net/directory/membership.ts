/**
 * Joining the network, and joining it again.
 *
 * @module
 */

import { formatHostPort, type HostPort } from "../../lib/host_port.ts";
import { fraction } from "../../lib/random.ts";
import { type Job, Scheduler } from "../../lib/scheduler.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { onWake } from "../../lib/wake.ts";
import type { Clock, Random } from "../../core/ports.ts";
import type { KademliaNode } from "../kademlia/mod.ts";

/** After a failed attempt the next one comes this much later … */
const retryMsMin = 2_000;

/** … each time twice as late as before, up to this. */
const retryMsMax = 60_000;

/** How often it is looked at whether another node has found one that is alone … */
const watchAloneMs = 1_000;

/** … and whether a joined one has lost its contacts, which takes them minutes to turn out. */
const watchJoinedMs = 10_000;

/**
 * A joined node asks its bootstrap nodes again this often: two networks that each live on without the
 * other, because they met while the bootstrap node was away, become one again.
 */
const rejoinMs = 600_000;

/** After this long callers no longer wait for the first attempt; a name server may hang for longer. */
const firstAttemptMsMax = 5_000;

/** Nodes named after the start that are remembered: two invites' worth. */
const namedMax = 16;

/** Retries come up to a tenth earlier, so that all who lost one bootstrap node do not ask at once. */
const jitterShare = 0.1;

/** What a {@linkcode Membership} is built from. */
export interface MembershipOptions {
  /** The node to join. */
  readonly node: Pick<KademliaNode, "bootstrap" | "joined">;
  /** Time. */
  readonly clock: Clock;
  /** For the jitter. */
  readonly random: Random;
  /** Nodes to join through; the contacts of an earlier run count as well. */
  readonly bootstrap: readonly HostPort[];
  /** Called when the network is found or lost. */
  readonly onChange: () => void;
}

/** Tries until the node has joined, and again whenever it has lost the network. */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #stopped = new AbortController();
  readonly #scheduler: Scheduler;
  readonly #nextLook: Job;
  #joined = false;
  /** Nodes that a later wish named, the latest first; then come the configured ones. */
  #named: readonly HostPort[] = [];
  #running: Promise<void> = Promise.resolve();
  #retryMs = retryMsMin;
  #attemptAt = 0;
  /** Resolved when the neighbourhood is known. */
  readonly #near = Promise.withResolvers<void>();
  /**
   * Resolves when the first attempt has found the neighbourhood or has ended, well or not, and after 5 s in
   * any case.
   */
  readonly firstAttempt: Promise<void>;

  /** Starts the first attempt. */
  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#scheduler = new Scheduler(options.clock, reportError);
    this.#nextLook = this.#scheduler.job(() => this.#look());
    onWake(options.clock, this.#scheduler, () => this.#woke());
    const attempt = Promise.race([this.#attempt(), this.#near.promise]);
    this.firstAttempt = settledWithin(options.clock, attempt, firstAttemptMsMax).then(() => {});
  }

  /** Stops trying. */
  stop(): void {
    this.#stopped.abort(new Error("Cannot join: the node is closed"));
    this.#scheduler.close();
  }

  /**
   * Joins through these nodes as well, now and in every later attempt. Resolves when that has ended, well or
   * not.
   */
  async join(nodes: readonly HostPort[]): Promise<void> {
    const all = [...nodes, ...this.#named];
    const byName = new Map(all.map((one) => [formatHostPort(one.host, one.port), one]));
    this.#named = [...byName.values()].slice(0, namedMax);
    // An attempt that goes on has the old nodes.
    if (!this.#nextLook.isDue) await this.#running;
    if (this.#stopped.signal.aborted) return;
    this.#nextLook.cancel();
    await this.#attempt();
  }

  #attempt(): Promise<void> {
    return this.#running = this.#try();
  }

  async #try(): Promise<void> {
    const { node, bootstrap, clock } = this.#options;
    try {
      const { signal } = this.#stopped;
      await node.bootstrap([...this.#named, ...bootstrap], signal, () => this.#foundNear());
    } catch {
      // Stopped, or a failure that the next attempt may not meet.
    }
    if (this.#stopped.signal.aborted) return;
    this.#attemptAt = clock.monotonic() + this.#pauseMs();
    this.#watch();
  }

  /** How long until the next attempt. */
  #pauseMs(): number {
    const { node, random } = this.#options;
    let pauseMs = rejoinMs;
    if (node.joined) this.#retryMs = retryMsMin;
    else {
      pauseMs = this.#retryMs;
      this.#retryMs = Math.min(2 * pauseMs, retryMsMax);
    }
    return pauseMs * (1 - jitterShare * fraction(random));
  }

  /** The contacts may all be gone, and this node from theirs. */
  #woke(): void {
    if (!this.#nextLook.isDue) return; // An attempt goes on.
    this.#nextLook.cancel();
    void this.#attempt();
  }

  #look(): void {
    if (this.#attemptAt > this.#options.clock.monotonic()) this.#watch();
    else void this.#attempt();
  }

  /** The far end of the table is still being filled, which no caller needs to wait for. */
  #foundNear(): void {
    if (this.#stopped.signal.aborted) return;
    this.#notice();
    this.#near.resolve();
  }

  /** Tells if the network is found or lost. */
  #notice(): void {
    const { node, clock, onChange } = this.#options;
    const wasJoined = this.#joined;
    this.#joined = node.joined;
    if (wasJoined && !node.joined) this.#attemptAt = clock.monotonic();
    if (wasJoined !== node.joined) onChange();
  }

  #watch(): void {
    this.#notice();
    const { node, clock } = this.#options;
    const watchMs = node.joined ? watchJoinedMs : watchAloneMs;
    this.#nextLook.dueIn(Math.min(watchMs, this.#attemptAt - clock.monotonic()));
  }
}
