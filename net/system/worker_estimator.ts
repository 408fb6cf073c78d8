/**
 * Passwords are estimated in a Worker, which is ended once it has not been needed for a while.
 *
 * The dictionaries take 60 MB and a quarter of a second of a processor. In the program's own thread they would
 * stay for as long as the program runs, and nothing else could be done while they are loaded.
 *
 * @module
 */

import type { Estimator, Guessability } from "../../lib/guessing.ts";
import type { Time, Timer } from "../../lib/time.ts";

/** How long the Worker stays: a person whose password was refused soon tries another one. */
const idleMsMax = 60_000;

/** What the Worker is asked; without a password it only loads its dictionaries. */
export interface EstimateRequest {
  /** Names the answer. */
  readonly id: number;
  /** The password, and words that an attacker tries first. */
  readonly estimate?: { readonly password: string; readonly related: readonly string[] };
}

/** What it answers; without an estimate it has loaded its dictionaries. */
export interface EstimateAnswer {
  /** The request's. */
  readonly id: number;
  /** What was asked for. */
  readonly guessability?: Guessability;
}

/** As much of a Worker as is needed. */
export type EstimatingWorker = Pick<
  Worker,
  "postMessage" | "terminate" | "onmessage" | "onerror"
>;

function startWorker(): EstimatingWorker {
  // The compiler of the executable, and the bundler, find the Worker's file by these words.
  return new Worker(new URL("./estimating_worker.ts", import.meta.url), { type: "module" });
}

interface Waiting {
  readonly resolve: (answer: EstimateAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** {@linkcode Estimator} in a Worker. */
export class WorkerEstimator implements Estimator {
  readonly #time: Pick<Time, "after">;
  readonly #start: () => EstimatingWorker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: EstimatingWorker | undefined;
  #idle: Timer | undefined;
  #lastId = 0;

  /**
   * Nothing is started before it is needed.
   *
   * @param start Starts the Worker; replaceable for tests.
   */
  constructor(time: Pick<Time, "after">, start: () => EstimatingWorker = startWorker) {
    this.#time = time;
    this.#start = start;
  }

  async prepare(): Promise<void> {
    await this.#ask({});
  }

  async estimate(password: string, related: readonly string[]): Promise<Guessability> {
    const { guessability } = await this.#ask({ estimate: { password, related } });
    if (guessability === undefined) throw new Error("Cannot estimate the password: no answer");
    return guessability;
  }

  /** Ends the Worker, if it runs; what was asked of it fails. */
  end(error: Error = new Error("Cannot estimate the password: the program ends")): void {
    this.#idle?.cancel();
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #ask(request: Omit<EstimateRequest, "id">): Promise<EstimateAnswer> {
    this.#idle?.cancel();
    const worker = this.#worker ??= this.#started();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, ...request } satisfies EstimateRequest);
    });
  }

  #started(): EstimatingWorker {
    const worker = this.#start();
    worker.onmessage = ({ data }: MessageEvent<EstimateAnswer>) => {
      this.#waiting.get(data.id)?.resolve(data);
      this.#waiting.delete(data.id);
      if (this.#waiting.size > 0) return;
      this.#idle?.cancel();
      this.#idle = this.#time.after(idleMsMax, () => this.end());
    };
    worker.onerror = (event) => {
      // What goes wrong there must not end the peer.
      event.preventDefault();
      this.end(new Error(`Cannot estimate the password: ${event.message}`));
    };
    return worker;
  }
}
