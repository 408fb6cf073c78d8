/**
 * The collector: removes other users' posts that are older than the lifespan (design, section 7).
 *
 * @module
 */

import { firstSnowflakeAt } from "../model/snowflake.ts";
import type { Timer } from "../ports.ts";
import type { Session } from "../session/interfaces.ts";
import { pause } from "../../lib/waiting.ts";

/** From one round to the next (design, section 7). */
const roundEveryMs = 60_000;

/** Posts removed in one batch: about 5 ms of work, so that nothing else waits long. */
export const collectBatchMax = 500;

/** Between two batches, so that whatever waits gets its turn. */
const batchPauseMs = 5;

/** Collects at once and then every minute until the session ends. */
export class Collector {
  readonly #session: Session;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;

  /** A collector for one session; nothing happens before {@linkcode start}. */
  constructor(session: Session) {
    this.#session = session;
  }

  /** Runs the first round behind and schedules the others; ends with the session. */
  start(): void {
    if (this.#session.settings.lifespanMs === undefined || this.#session.signal.aborted) return;
    this.#session.signal.addEventListener("abort", () => this.#timer?.cancel(), { once: true });
    this.#round();
  }

  /** Resolves when no round is running. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #round(): void {
    const { ports, signal } = this.#session;
    this.#running = this.collect()
      .then(() => {}, (error: unknown) => this.#warn(error))
      .then(() => {
        if (!signal.aborted) this.#timer = ports.clock.after(roundEveryMs, () => this.#round());
      });
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
      const batch = await store.collect({ before, keep: self.username, limit: collectBatchMax });
      removed += batch;
      if (batch < collectBatchMax) break;
      await pause(ports.clock, batchPauseMs, signal);
    }
    return removed;
  }

  #warn(error: unknown): void {
    if (this.#session.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#session.emit({ event: "warning", code: "disk_failed", message });
  }
}
