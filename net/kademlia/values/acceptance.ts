/**
 * Which values a node stores.
 *
 * @module
 */
import { familyOf } from "../../../lib/ip_address.ts";
import { within } from "../../../lib/waiting.ts";
import { admissionMsMax, admissionsMax, valueBytesMax } from "../constants.ts";
import type { Network } from "../lookup/network.ts";
import type { Admission, Answer, Contact, ValuePolicy, Verdict } from "../ports.ts";
import type { WireValue } from "../rpc/methods/parts.ts";
import type { Id } from "../space/id.ts";
import type { StoredEntry, StoredValues } from "./stored_values.ts";

/** A value that a node wants stored. */
export interface Offer {
  readonly key: Id;
  readonly value: WireValue;
  readonly from: Contact;
  readonly verifiedSender: boolean;
  /** Whether this node itself puts it. */
  readonly own: boolean;
}

/** What {@link Acceptance} is built from. */
export interface AcceptanceOptions<T> {
  readonly network: Network;
  readonly stored: StoredValues;
  readonly policy: ValuePolicy<T>;
  readonly admission: Admission<T> | undefined;
  readonly onError: (error: unknown) => void;
  /** Asks the other closest known nodes for a key. */
  readonly ask: (key: Id) => Promise<Answer<T>[]>;
}

/** An unchanged value is judged anew this often, to renew expiries that count from the store. */
const judgeAgainMs = 600_000;

/** Judges offers, cheapest check first, and stores what passes. */
export class Acceptance<T> {
  readonly #options: AcceptanceOptions<T>;
  #undecided = 0;

  constructor(options: AcceptanceOptions<T>) {
    this.#options = options;
  }

  /** The policy's verdict over a value; a policy that throws has said no. */
  judge(key: Id, { value, scalar }: WireValue): Verdict<T> {
    const { policy, network, onError } = this.#options;
    if (scalar && policy.scalars !== true) return { ok: false, reason: "not a bin" };
    const nowMs = network.time.now();
    try {
      const verdict = policy.check(key.toBytes(), value, nowMs);
      if (verdict.ok && verdict.expiresAtMs <= nowMs) return { ok: false, reason: "expired" };
      return verdict;
    } catch (error) {
      onError(error);
      return { ok: false, reason: "unreadable" };
    }
  }

  /** Whether `a` wins over `b`; a policy that throws has not said so. */
  wins(a: WireValue, b: WireValue): boolean {
    return this.compare(a, b) > 0;
  }

  /** Above 0 when `a` wins over `b`, below 0 when `b` wins, 0 when neither does. */
  compare(a: WireValue, b: WireValue): number {
    if (isScalar(a) !== isScalar(b)) return 0;
    try {
      return this.#options.policy.compare(a.value, b.value);
    } catch (error) {
      this.#options.onError(error);
      return 0;
    }
  }

  /** Offers a value that this node itself puts. */
  offerOwn(key: Id, value: WireValue): boolean | Promise<boolean> {
    const { self } = this.#options.network;
    return this.offer({ key, value, from: self, verifiedSender: true, own: true });
  }

  /**
   * Whether this node stores the offer: it is among the 2k closest nodes it knows for the key, the
   * value is valid and no older than the one stored, and admission lets it in.
   */
  offer(offer: Offer): boolean | Promise<boolean> {
    const { network, stored, admission } = this.#options;
    const { key } = offer;
    if (offer.value.value.length > valueBytesMax) return false;
    const nowMs = network.time.now();
    const current = stored.get(key, nowMs);
    if (current !== undefined && sameValue(current, offer.value)) {
      return this.#again(current, nowMs);
    }
    const rank = 2 * network.k;
    // Those that the sender reaches: it may have one family alone, and see fewer nodes around the key.
    const known = offer.own ? network.table : network.table.of(familyOf(offer.from.ip));
    if (known.countCloserThanOwn(key, rank) >= rank) return false;
    // The datagram's buffer is used again before an admission decides.
    const value = copyOf(offer.value);
    const verdict = this.judge(key, value);
    if (!verdict.ok || (current !== undefined && this.wins(current, value))) return false;
    const { decoded, expiresAtMs } = verdict;
    if (admission === undefined) return this.#store(offer, value, expiresAtMs);
    if (this.#undecided >= admissionsMax) return false;
    const { from, verifiedSender, own } = offer;
    const request = { key: key.toBytes(), value: value.value, decoded, from, verifiedSender, own };
    try {
      const admitted = admission.admit(request, () => this.#options.ask(key));
      if (typeof admitted !== "boolean") return this.#decide(admitted, offer, value, expiresAtMs);
      return admitted && this.#store(offer, value, expiresAtMs);
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
  }

  #again(current: StoredEntry, nowMs: number): boolean {
    let { expiresAtMs } = current;
    if (nowMs - current.storedAtMs >= judgeAgainMs) {
      const verdict = this.judge(current.id, current);
      if (verdict.ok) expiresAtMs = verdict.expiresAtMs;
    }
    this.#options.stored.touch(current, expiresAtMs, nowMs);
    return true;
  }

  async #decide(
    admitted: Promise<boolean>,
    offer: Offer,
    value: WireValue,
    expiresAtMs: number,
  ): Promise<boolean> {
    const { network, stored, onError } = this.#options;
    this.#undecided++;
    try {
      const limit = { clock: network.scheduler, ms: admissionMsMax };
      if (await within(limit, () => admitted) !== true) return false;
      // Another store may have come while this one waited.
      const current = stored.get(offer.key, network.time.now());
      if (current !== undefined && this.wins(current, value)) return false;
      return this.#store(offer, value, expiresAtMs);
    } catch (error) {
      onError(error);
      return false;
    } finally {
      this.#undecided--;
    }
  }

  #store({ key, own, from }: Offer, value: WireValue, expiresAtMs: number): boolean {
    const { stored, network } = this.#options;
    const nowMs = network.time.now();
    const firstStoredAtMs = stored.get(key, nowMs)?.firstStoredAtMs ?? nowMs;
    const dates = { expiresAtMs, firstStoredAtMs, storedAtMs: nowMs };
    return stored.put(key, { ...value, ...dates, ...(!own && { from: from.ip }) }, nowMs);
  }
}

function isScalar({ scalar = false }: WireValue): boolean {
  return scalar;
}

/** The value in bytes of its own. */
export function copyOf({ value, scalar = false }: WireValue): WireValue {
  return { value: value.slice(), scalar };
}

/** Whether two values are the same bytes of the same kind. */
export function sameValue(a: WireValue, b: WireValue): boolean {
  if (isScalar(a) !== isScalar(b) || a.value.length !== b.value.length) return false;
  if (a.value === b.value) return true;
  for (let i = 0; i < a.value.length; i++) if (a.value[i] !== b.value[i]) return false;
  return true;
}
