/**
 * The collector: removes other users' posts that are older than the lifespan (docs/DESIGN.md).
 *
 * @module
 */

import { firstSnowflakeAt } from "../model/snowflake.ts";
import type { Session } from "../session/interfaces.ts";
import type { Job } from "../../lib/scheduler.ts";
import { pause } from "../../lib/waiting.ts";

/** From one round to the next. */
const roundEveryMs = 60_000;

/** Posts removed in one batch: about 5 ms of work, so that nothing else waits long. */
const batchMax = 500;

/** Between two batches, so that other work gets its turn. */
const batchPauseMs = 5;

/** Collects at once and then every minute until the session ends. */
export class Collector {
  readonly #session: Session;
  readonly #job: Job;

  /** A collector for one session; nothing happens before {@linkcode start}. */
  constructor(session: Session) {
    this.#session = session;
    this.#job = session.scheduler.job(() => this.#round());
  }

  /** Runs the first round in the background and schedules the others; ends with the session. */
  start(): void {
    // Also where nothing is collected: a lifespan can be set while the peer runs.
    void this.#round();
  }

  async #round(): Promise<void> {
    try {
      await this.collect();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#session.emit({ event: "warning", code: "disk_failed", message });
    }
    this.#job.dueIn(roundEveryMs);
  }

  /**
   * One round: removes what is too old, oldest first, in batches with pauses.
   *
   * @returns How many posts were removed.
   */
  async collect(): Promise<number> {
    const { store, self, settings, ports, signal } = this.#session;
    if (settings.lifespanMs === undefined) return 0;
    const before = firstSnowflakeAt(ports.clock.now() - settings.lifespanMs);
    let removed = 0;
    while (!signal.aborted) {
      const batch = await store.collect({ before, keep: self.username, limit: batchMax });
      removed += batch;
      if (batch < batchMax) break;
      await pause(ports.clock, batchPauseMs, signal);
    }
    return removed;
  }
}
