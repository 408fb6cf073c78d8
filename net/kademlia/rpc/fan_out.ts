/**
 * One question to several nodes at once.
 *
 * @module
 */
import type { NodeContact } from "../space/contact.ts";
import type { Call, Caller, Rpc } from "./rpc.ts";
import type { WireRequest } from "./wire.ts";

/** Whom to ask what. */
export interface PollOptions {
  readonly rpc: Rpc;
  readonly contacts: readonly NodeContact[];
  readonly request: WireRequest;
  /** How often each is asked before it counts as silent. Default 2: UDP may lose a datagram. */
  readonly tries?: number;
  /** Waits in ms, one a try; for all alike, or by contact. Default: what is known of the contact. */
  readonly timeoutsMs?: readonly number[] | ((contact: NodeContact) => readonly number[]);
  /** Takes an answer; false when it makes no sense. */
  readonly onAnswer: (contact: NodeContact, data: Uint8Array) => boolean;
  /** Called once, when everybody has answered or was silent to the end; told how many were. */
  readonly onDone: (silent: number) => void;
}

/** A question out. Answers that come after a timeout count until the poll is done. */
export class Poll implements Caller {
  readonly #options: PollOptions;
  readonly #tries = new Map<NodeContact, number>();
  #waiting: Set<NodeContact>;
  #done = false;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#waiting = new Set(options.contacts);
  }

  /** Sends the questions. */
  start(): void {
    for (const contact of this.#options.contacts) this.#ask(contact);
    this.#settle();
  }

  /** Ends the poll without a word. */
  stop(): void {
    this.#done = true;
  }

  answered(call: Call, data: Uint8Array): boolean {
    if (this.#done || !this.#waiting.has(call.contact)) return true;
    if (!this.#options.onAnswer(call.contact, data)) return false;
    this.#waiting.delete(call.contact);
    this.#settle();
    return true;
  }

  silent(call: Call): void {
    if (this.#done || !this.#waiting.has(call.contact)) return;
    this.#ask(call.contact);
    this.#settle();
  }

  lost(call: Call): void {
    // After its timeout, a call was asked again or given up; before it, the answer made no sense.
    if (this.#done || call.late) return;
    this.#giveUp(call.contact);
    this.#settle();
  }

  #silent = 0;

  #giveUp(contact: NodeContact): void {
    if (this.#waiting.delete(contact)) this.#silent++;
  }

  #ask(contact: NodeContact): void {
    const { rpc, request, tries = 2, timeoutsMs } = this.#options;
    const asked = this.#tries.get(contact) ?? 0;
    if (asked >= tries) return this.#giveUp(contact);
    this.#tries.set(contact, asked + 1);
    const waits = typeof timeoutsMs === "function" ? timeoutsMs(contact) : timeoutsMs;
    const timeoutMs = waits?.[asked];
    const wait = timeoutMs === undefined ? {} : { timeoutMs };
    if (rpc.call({ contact, request, caller: this, ...wait }) === undefined) this.#giveUp(contact);
  }

  #settle(): void {
    if (this.#done || this.#waiting.size > 0) return;
    this.#done = true;
    this.#options.onDone(this.#silent);
  }
}
