/**
 * One question for posts to one device, until it is answered or silent for too long.
 *
 * @module
 */

import type { UserRef } from "../model/user.ts";
import type { Head } from "../model/record_body.ts";
import type { Clock, Timer } from "../ports.ts";

/** How a question ended: answered to the end, silent for too long, or nobody there to hear it. */
export type AskOutcome = "done" | "silent" | "refused";

/** A `want` that has been sent. */
export class Ask {
  /** Whom it was put to. */
  readonly user: UserRef;
  /** The id of the `want`. */
  readonly id: Uint8Array;
  /** Resolves when it gives up its place; a late answer may still come. */
  readonly outcome: Promise<AskOutcome>;
  readonly #clock: Clock;
  readonly #silenceMs: number;
  #resolve: (outcome: AskOutcome) => void = () => {};
  #timer: Timer | undefined;
  /** How far the one who answers says to have the feeds. */
  heads: readonly Head[] = [];
  /** How many posts of the answer were new. */
  added = 0;
  /** Messages of the answer that are being dealt with. */
  #dealing = 0;
  #isDone = false;

  /** Silence is counted from now on. */
  constructor(
    options: { user: UserRef; id: Uint8Array; clock: Clock; silenceMs: number },
  ) {
    this.user = options.user;
    this.id = options.id;
    this.#clock = options.clock;
    this.#silenceMs = options.silenceMs;
    this.outcome = new Promise((resolve) => this.#resolve = resolve);
    this.#arm();
  }

  /** Whether the whole answer has come and has been dealt with. */
  get isDone(): boolean {
    return this.#isDone && this.#dealing === 0;
  }

  /** A message of the answer has come and is going to be dealt with. */
  begin(message: { readonly done: boolean; readonly heads: readonly Head[] }): void {
    this.#dealing++;
    this.heads = message.heads;
    if (message.done) this.#isDone = true;
    this.#timer?.cancel();
  }

  /** A message of the answer has been dealt with, and so many of its posts were new. */
  end(added: number): void {
    this.added += added;
    this.#dealing--;
    if (this.isDone) this.close("done");
    else if (this.#dealing === 0) this.#arm();
  }

  /** Ends the waiting. */
  close(outcome: AskOutcome): void {
    this.#timer?.cancel();
    this.#resolve(outcome);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#silenceMs, () => this.#resolve("silent"));
  }
}
