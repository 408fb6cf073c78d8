/**
 * One question to several nodes at once.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";
import type { Arguments, Method } from "./methods/method.ts";
import type { Call, Caller, Rpc } from "./rpc.ts";

/** Which nodes to ask, and what. */
export interface FanOutOptions<Args extends Arguments, Answer> {
  readonly contacts: readonly NodeContact[];
  readonly method: Method<string, Args, Answer>;
  readonly args: Args;
  /** How often a node is asked before it counts as silent. Default 2: UDP may lose a datagram. */
  readonly tries?: number;
  /** Waits in ms, one a try; for all alike, or by contact. Default: what is known of the contact. */
  readonly timeoutsMs?: readonly number[] | ((contact: NodeContact) => readonly number[]);
  /** Takes an answer; false when it cannot be true. */
  readonly onAnswer?: (contact: NodeContact, answer: Answer) => boolean | void;
  /** Called once, when each has answered or was silent to the end; told how many were silent. */
  readonly onDone?: (silent: number) => void;
}

/** A question that is out. Answers that come after a timeout count until all others are there. */
export class FanOut<Args extends Arguments, Answer> implements Caller<Answer, number> {
  readonly #rpc: Rpc;
  readonly #options: FanOutOptions<Args, Answer>;
  readonly #waiting: Set<NodeContact>;
  #silent = 0;
  #done = false;

  constructor(rpc: Rpc, options: FanOutOptions<Args, Answer>) {
    this.#rpc = rpc;
    this.#options = options;
    this.#waiting = new Set(options.contacts);
  }

  /** Sends the questions. */
  start(): void {
    for (const contact of this.#options.contacts) this.#ask(contact, 0);
    this.#settle();
  }

  /** Ends it; no answer is taken, and `onDone` is not called. */
  stop(): void {
    this.#done = true;
  }

  answered({ contact }: Call, answer: Answer): boolean {
    if (this.#done || !this.#waiting.has(contact)) return true;
    if (this.#options.onAnswer?.(contact, answer) === false) return false;
    this.#waiting.delete(contact);
    this.#settle();
    return true;
  }

  silent({ contact, tag: tried }: Call<Answer, number>): void {
    if (this.#done || !this.#waiting.has(contact)) return;
    this.#ask(contact, tried);
    this.#settle();
  }

  lost({ contact, isLate }: Call): void {
    // After its timeout, a call was asked again or given up; before it, the answer made no sense.
    if (this.#done || isLate) return;
    this.#giveUp(contact);
    this.#settle();
  }

  #ask(contact: NodeContact, tried: number): void {
    const { method, args, tries = 2, timeoutsMs } = this.#options;
    const waits = typeof timeoutsMs === "function" ? timeoutsMs(contact) : timeoutsMs;
    const timeoutMs = waits?.[tried];
    const wait = timeoutMs === undefined ? {} : { timeoutMs };
    const call = tried < tries &&
      this.#rpc.call({ contact, method, args, caller: this, tag: tried + 1, ...wait });
    if (!call) this.#giveUp(contact);
  }

  #giveUp(contact: NodeContact): void {
    if (this.#waiting.delete(contact)) this.#silent++;
  }

  #settle(): void {
    if (this.#done || this.#waiting.size > 0) return;
    this.#done = true;
    this.#options.onDone?.(this.#silent);
  }
}
