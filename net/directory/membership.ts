/**
 * Joining the network, and joining it again.
 *
 * @module
 */

import type { HostPort } from "../../lib/ip_address.ts";
import type { Clock, Random, Timer } from "../../core/ports.ts";
import type { KademliaNode } from "../kademlia/mod.ts";

/** After a failed attempt the next comes this much later … */
const retryMsMin = 2_000;

/** … each time twice as late as before, up to this. */
const retryMsMax = 60_000;

/** How often it is looked at whether somebody else has found a node that is alone … */
const watchAloneMs = 1_000;

/** … and whether a joined one has lost its contacts, which takes them minutes to turn out. */
const watchJoinedMs = 10_000;

/**
 * A joined node asks its bootstrap nodes again this often: two networks that each live on without the
 * other, because they met while the bootstrap node was away, become one again.
 */
const rejoinMs = 600_000;

/** After this long whoever waits for the first attempt goes on; a name server may hang for longer. */
const firstAttemptMsMax = 5_000;

/** Retries come up to a tenth earlier, so that all who lost one bootstrap node do not ask at once. */
const jitterShare = 0.1;

/** What a {@linkcode Joining} is built from. */
export interface JoiningOptions {
  /** The node to join. */
  readonly node: Pick<KademliaNode, "bootstrap" | "joined">;
  /** Time. */
  readonly clock: Clock;
  /** For the jitter. */
  readonly random: Random;
  /** Nodes to join through; the contacts of an earlier run count as well. */
  readonly bootstrap: readonly HostPort[];
  /** Told when the network is found or lost. */
  readonly onChange: () => void;
}

/** Tries until the node has joined, and again whenever it has lost the network. */
export class Joining {
  readonly #options: JoiningOptions;
  readonly #stopped = new AbortController();
  #joined = false;
  #retryMs = retryMsMin;
  #nextAt = 0;
  #timer: Timer | undefined;
  /** Resolves when the first attempt has ended, well or not, and after 5 s in any case. */
  readonly firstAttempt: Promise<void>;

  /** Starts the first attempt. */
  constructor(options: JoiningOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = options.clock.after(firstAttemptMsMax, resolve);
    this.firstAttempt = promise;
    this.#attempt().then(() => {
      timer.cancel();
      resolve();
    });
  }

  /** Stops trying. */
  stop(): void {
    this.#stopped.abort(new Error("Cannot join: the node is closed"));
    this.#timer?.cancel();
  }

  async #attempt(): Promise<void> {
    const { node, bootstrap, clock } = this.#options;
    try {
      await node.bootstrap(bootstrap, this.#stopped.signal);
    } catch {
      // Stopped, or a failure that the next attempt may not meet.
    }
    if (this.#stopped.signal.aborted) return;
    this.#nextAt = clock.monotonic() + this.#pause();
    this.#watch();
  }

  /** How long until the next attempt. */
  #pause(): number {
    const { node, random } = this.#options;
    let pause = rejoinMs;
    if (node.joined) this.#retryMs = retryMsMin;
    else {
      pause = this.#retryMs;
      this.#retryMs = Math.min(2 * pause, retryMsMax);
    }
    const share = (random.bytes(1)[0] ?? 0) / 256 * jitterShare;
    return pause * (1 - share);
  }

  #watch(): void {
    const { node, clock, onChange } = this.#options;
    const lost = this.#joined && !node.joined;
    const changed = this.#joined !== node.joined;
    this.#joined = node.joined;
    if (lost) this.#nextAt = clock.monotonic();
    if (changed) onChange();
    if (this.#stopped.signal.aborted) return;
    const watchMs = node.joined ? watchJoinedMs : watchAloneMs;
    const left = this.#nextAt - clock.monotonic();
    this.#timer = left > 0
      ? clock.after(Math.min(watchMs, left), () => this.#watch())
      : clock.after(0, () => void this.#attempt());
  }
}
