/**
 * Which values a node stores.
 *
 * @module
 */
import { admissionMsMax, admissionsMax, valueBytesMax } from "../constants.ts";
import type { Scheduler } from "../../../lib/scheduler.ts";
import type { HeldValue, HeldValues } from "./stored_values.ts";
import type { Id } from "../space/id.ts";
import type { Admission, Answer, Contact, Time, ValuePolicy, Verdict } from "../ports.ts";
import type { RoutingTable } from "../table/routing_table.ts";
import type { WireValue } from "../rpc/wire.ts";

/** A value that somebody wants stored. */
export interface Offer {
  readonly key: Id;
  readonly value: WireValue;
  readonly from: Contact;
  readonly verifiedSender: boolean;
  /** Whether the own node puts it. */
  readonly own: boolean;
}

/** What {@link Acceptance} is built from. */
export interface AcceptanceOptions<T> {
  readonly time: Time;
  readonly scheduler: Scheduler;
  readonly table: RoutingTable;
  readonly held: HeldValues;
  readonly policy: ValuePolicy<T>;
  readonly admission: Admission<T> | undefined;
  readonly onError: (error: Error) => void;
  /** Asks the other closest known nodes for a key. */
  readonly ask: (key: Id) => Promise<Answer<T>[]>;
}

/** An unchanged value is judged anew this often, to renew expiries that count from the store. */
const judgeAgainMs = 600_000;

/** Judges offers, cheapest check first, and holds what passes. */
export class Acceptance<T> {
  readonly #options: AcceptanceOptions<T>;
  #undecided = 0;

  constructor(options: AcceptanceOptions<T>) {
    this.#options = options;
  }

  /** The policy's verdict over a value; a policy that throws has said no. */
  judge(key: Id, value: WireValue): Verdict<T> {
    const { policy, time, onError } = this.#options;
    if (value.scalar && policy.scalars !== true) return { ok: false, reason: "not a bin" };
    const nowMs = time.now();
    try {
      const verdict = policy.check(key.toBytes(), value.value, nowMs);
      if (verdict.ok && verdict.expiresAtMs <= nowMs) return { ok: false, reason: "expired" };
      return verdict;
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
      return { ok: false, reason: "unreadable" };
    }
  }

  /** Whether `a` wins over `b`; above 0, below 0, or 0 as the policy says. */
  compare(a: WireValue, b: WireValue): number {
    if (a.scalar !== b.scalar) return 0;
    try {
      return this.#options.policy.compare(a.value, b.value);
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
      return 0;
    }
  }

  /**
   * Whether this node stores the offer: it is among the 2k closest nodes it knows for the key, the
   * value is valid and no older than the one held, and admission lets it in.
   */
  offer(offer: Offer): boolean | Promise<boolean> {
    const { time, held, table, admission } = this.#options;
    if (offer.value.value.length > valueBytesMax) return false;
    const nowMs = time.now();
    const current = held.get(offer.key, nowMs);
    if (current !== undefined && sameValue(current, offer.value)) {
      return this.#again(current, nowMs);
    }
    const rank = 2 * table.k;
    if (table.countCloserThanOwn(offer.key, rank) >= rank) return false;
    // The datagram's buffer is used again before an admission decides.
    const kept = { ...offer, value: copyOf(offer.value) };
    const verdict = this.judge(kept.key, kept.value);
    if (!verdict.ok) return false;
    if (current !== undefined && this.compare(current, kept.value) > 0) return false;
    if (admission === undefined) return this.#hold(kept, verdict.expiresAtMs);
    return this.#admit(admission, kept, verdict, current);
  }

  #again(current: HeldValue, nowMs: number): boolean {
    let expiresAtMs = current.expiresAtMs;
    if (nowMs - current.storedAtMs >= judgeAgainMs) {
      const verdict = this.judge(current.keyId, current);
      if (verdict.ok) expiresAtMs = verdict.expiresAtMs;
    }
    this.#options.held.touch(current, expiresAtMs, nowMs);
    return true;
  }

  #admit(
    admission: Admission<T>,
    offer: Offer,
    { decoded, expiresAtMs }: Valid<T>,
    current: HeldValue | undefined,
  ): boolean | Promise<boolean> {
    if (this.#undecided >= admissionsMax) return false;
    const request = {
      key: offer.key.toBytes(),
      value: offer.value.value,
      decoded,
      from: offer.from,
      verifiedSender: offer.verifiedSender,
      own: offer.own,
      nowMs: this.#options.time.now(),
      ...(current === undefined ? {} : { current: current.value }),
    };
    try {
      const verdict = admission.admit(request, () => this.#options.ask(offer.key));
      if (typeof verdict === "boolean") return verdict && this.#hold(offer, expiresAtMs);
      return this.#decide(verdict, offer, expiresAtMs);
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  async #decide(verdict: Promise<boolean>, offer: Offer, expiresAtMs: number): Promise<boolean> {
    this.#undecided++;
    const { scheduler, held, time, onError } = this.#options;
    const { promise: timeout, resolve } = Promise.withResolvers<false>();
    const timer = scheduler.after(admissionMsMax, () => resolve(false));
    try {
      if (!await Promise.race([verdict, timeout])) return false;
      // Another store may have come while this one waited.
      const current = held.get(offer.key, time.now());
      if (current !== undefined && this.compare(current, offer.value) > 0) return false;
      return this.#hold(offer, expiresAtMs);
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
      return false;
    } finally {
      timer.cancel();
      this.#undecided--;
    }
  }

  #hold(offer: Offer, expiresAtMs: number): boolean {
    const { held, time } = this.#options;
    const nowMs = time.now();
    const before = held.get(offer.key, nowMs);
    return held.put({
      key: offer.key.toBytes(),
      value: offer.value.value,
      scalar: offer.value.scalar,
      expiresAtMs,
      heldSinceMs: before?.heldSinceMs ?? nowMs,
      storedAtMs: nowMs,
    }, nowMs);
  }
}

type Valid<T> = Extract<Verdict<T>, { readonly ok: true }>;

/** The value in bytes of its own. */
export function copyOf({ value, scalar }: WireValue): WireValue {
  return { value: value.slice(), scalar };
}

/** Whether two values are the same bytes of the same kind. */
export function sameValue(a: WireValue, b: WireValue): boolean {
  if (a.scalar !== b.scalar || a.value.length !== b.value.length) return false;
  for (let i = 0; i < a.value.length; i++) if (a.value[i] !== b.value[i]) return false;
  return true;
}
