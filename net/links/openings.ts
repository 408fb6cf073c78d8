/**
 * How many links open at once.
 *
 * To find an address and shake hands takes a millisecond of processor at each end. When the links of a crowd opened
 * all at once on machines that were busy, thousands of handshakes shared the processors: each was late, many had
 * failed after their 5 seconds, and all of these began anew. So did connects, which were not even looked at in
 * time. In turns, those that begin come to their end.
 *
 * @module
 */

import type { Clock, Timer } from "../../core/ports.ts";
import { lowerMedian } from "../../lib/median.ts";
import { Slots } from "../../lib/slots.ts";
import { settledWithin } from "../../lib/waiting.ts";
import {
  latenessAfterMs,
  latenessMs,
  openingsMax,
  openingTurn,
  slowOpeningMs,
} from "./link_limits.ts";
import { type Opening, OpeningLimit } from "./opening_limit.ts";

/** So many of the last links count. Their median is taken, so a few devices that are slow on purpose change little. */
const lastMax = 15;

/** Turns to open a link. */
export class Openings {
  readonly #slots = new Slots(openingsMax);
  readonly #limit = new OpeningLimit();
  /** How long the last links took that opened, in milliseconds, the oldest first. */
  #lastMs: readonly number[] = [];

  /**
   * Opens a link when it is its turn; resolves when the turn is over: when the link is open or has failed, or after
   * a while. One that waits for a device that says nothing takes no processor, and goes on beside the next.
   *
   * @param open Resolves at its end: whether the link is up.
   */
  async run(
    clock: Pick<Clock, "after" | "monotonic">,
    open: () => Promise<boolean>,
  ): Promise<void> {
    await this.#slots.run(async () => {
      const begunAt = clock.monotonic();
      const watch = new Watch(
        clock,
        (lateMs) => this.#judge({ begunAt, lateMs }, clock),
      );
      const ended = open().then((isUp) => {
        const isJudged = watch.end();
        if (!isUp) return;
        this.#lastMs = [...this.#lastMs, clock.monotonic() - begunAt].slice(-lastMax);
        if (!isJudged) this.#judge({ begunAt, lateMs: watch.lateMs }, clock);
      });
      const turnMs = this.#turnMs();
      const isOver = await settledWithin(clock, ended, turnMs);
      // A device that says nothing takes no processor, but here it is the processor that the link waits for.
      if (isOver || watch.lateMs < latenessMs) return;
      await settledWithin(clock, ended, openingTurn.msMax - turnMs);
    });
  }

  #judge(opening: Opening, clock: Pick<Clock, "monotonic">): void {
    this.#limit.judge(opening, clock.monotonic());
    this.#slots.resize(this.#limit.places);
  }

  /**
   * On a busy machine links to devices that do answer take long as well, and to begin with more of them would
   * keep these from their end.
   */
  #turnMs(): number {
    const { times, msMin, msMax } = openingTurn;
    return Math.min(Math.max(times * (lowerMedian(this.#lastMs) ?? 0), msMin), msMax);
  }
}

/** Looks how late timers are while a link opens, and whether it is slow. */
class Watch {
  #lateMs = 0;
  #isSlow = false;
  #timer: Timer;

  /** @param onSlow Called once when the link has not opened in time; is told how late a timer was. */
  constructor(clock: Pick<Clock, "after" | "monotonic">, onSlow: (lateMs: number) => void) {
    const begunAt = clock.monotonic();
    this.#timer = clock.after(latenessAfterMs, () => {
      this.#lateMs = clock.monotonic() - begunAt - latenessAfterMs;
      this.#timer = clock.after(slowOpeningMs - latenessAfterMs, () => {
        this.#isSlow = true;
        onSlow(this.#lateMs);
      });
    });
  }

  /** How late a timer was, in milliseconds; 0 where the link did not take that long. */
  get lateMs(): number {
    return this.#lateMs;
  }

  /** Ends; whether the link was called slow. */
  end(): boolean {
    this.#timer.cancel();
    return this.#isSlow;
  }
}

/** The turns of this process: what its links share is its processor. */
export const processOpenings: Openings = new Openings();
