/**
 * The values that a node holds, within bounds.
 *
 * @module
 */
import {
  establishedMs,
  evictionShare,
  heldBytesMax,
  heldOverheadBytes,
  heldValuesMax,
} from "../constants.ts";
import { compareDistance, Id } from "../space/id.ts";
import type { StoredValue } from "../ports.ts";

/** A held value. */
export class HeldValue implements StoredValue {
  readonly keyId: Id;
  readonly value: Uint8Array;
  readonly scalar: boolean;
  expiresAtMs: number;
  readonly heldSinceMs: number;
  storedAtMs: number;

  constructor(keyId: Id, stored: Omit<StoredValue, "key">) {
    this.keyId = keyId;
    this.value = stored.value;
    this.scalar = stored.scalar ?? false;
    this.expiresAtMs = stored.expiresAtMs;
    this.heldSinceMs = stored.heldSinceMs;
    this.storedAtMs = stored.storedAtMs;
  }

  get key(): Uint8Array {
    return this.keyId.toBytes();
  }

  /** What it counts for against the bound of bytes. */
  get cost(): number {
    return this.value.length + heldOverheadBytes;
  }
}

/** Bounds and judges of {@link HeldValues}. */
export interface HeldValuesOptions {
  readonly own: Id;
  readonly valuesMax?: number;
  readonly bytesMax?: number;
  /** See `Admission.weight`. */
  readonly weight?: (value: StoredValue, nowMs: number) => number;
  /** Told of keys whose value changed or went. */
  readonly onChange?: (key: Id) => void;
  /** Told of values that went, by expiry or at the bounds. */
  readonly onGone?: (value: HeldValue) => void;
}

/** One day makes a value established. */
function defaultWeight(value: StoredValue, nowMs: number): number {
  return nowMs - value.heldSinceMs >= establishedMs ? 1 : 0;
}

/** A key of 20 bytes as text of 20 characters. */
export function keyText(id: Id): string {
  return String.fromCharCode(
    id.w0 >>> 16,
    id.w0 & 0xffff,
    id.w1 >>> 16,
    id.w1 & 0xffff,
    id.w2 >>> 16,
    id.w2 & 0xffff,
    id.w3 >>> 16,
    id.w3 & 0xffff,
    id.w4 >>> 16,
    id.w4 & 0xffff,
  );
}

/**
 * Values by key. When a bound is hit the lightest go first, among equals the farthest from the own id,
 * be it the newcomer: a flood of fresh claims cannot push out what was held for long.
 */
export class HeldValues {
  readonly #own: Id;
  readonly #valuesMax: number;
  readonly #bytesMax: number;
  readonly #weight: (value: StoredValue, nowMs: number) => number;
  readonly #onChange: (key: Id) => void;
  readonly #onGone: (value: HeldValue) => void;
  readonly #values = new Map<string, HeldValue>();
  #bytes = 0;
  /** What went, or was refused, when a bound was hit last; unset once other values went. */
  #horizon: Ranked | undefined;

  constructor(options: HeldValuesOptions) {
    this.#own = options.own;
    this.#valuesMax = options.valuesMax ?? heldValuesMax;
    this.#bytesMax = options.bytesMax ?? heldBytesMax;
    this.#weight = options.weight ?? defaultWeight;
    this.#onChange = options.onChange ?? (() => {});
    this.#onGone = options.onGone ?? (() => {});
  }

  get count(): number {
    return this.#values.size;
  }

  /** Bytes held, with what a value costs beside its content. */
  get bytes(): number {
    return this.#bytes;
  }

  [Symbol.iterator](): IterableIterator<HeldValue> {
    return this.#values.values();
  }

  /** The value under `key`; one that has expired is gone. */
  get(key: Id, nowMs: number): HeldValue | undefined {
    const held = this.#values.get(keyText(key));
    if (held === undefined || held.expiresAtMs > nowMs) return held;
    this.#remove(held);
    return undefined;
  }

  /** Holds `value` (copied) in place of what is under its key. False when the bounds leave no room. */
  put(value: StoredValue, nowMs: number): boolean {
    const keyId = Id.from(value.key);
    const text = keyText(keyId);
    const before = this.#values.get(text);
    const held = new HeldValue(keyId, { ...value, value: ownCopy(value.value) });
    if (before === undefined && !this.#makeRoom(held, nowMs)) return false;
    this.#bytes += held.cost - (before?.cost ?? 0);
    this.#values.set(text, held);
    this.#onChange(keyId);
    if (this.#bytes > this.#bytesMax) this.#makeRoom(undefined, nowMs);
    return this.#values.get(text) === held;
  }

  /** Notes another store of the value held, which may now last longer. */
  touch(held: HeldValue, expiresAtMs: number, nowMs: number): void {
    held.storedAtMs = nowMs;
    held.expiresAtMs = expiresAtMs;
    this.#onChange(held.keyId);
  }

  /** Removes what has expired. */
  sweep(nowMs: number): void {
    for (const held of this.#values.values()) if (held.expiresAtMs <= nowMs) this.#remove(held);
  }

  #remove(held: HeldValue): void {
    if (!this.#values.delete(keyText(held.keyId))) return;
    this.#bytes -= held.cost;
    this.#horizon = undefined;
    this.#onChange(held.keyId);
    this.#onGone(held);
  }

  /** Evicts until `newcomer` fits; false when it is itself what would have to go. */
  #makeRoom(newcomer: HeldValue | undefined, nowMs: number): boolean {
    const cost = newcomer?.cost ?? 0;
    const fits = this.#bytes + cost <= this.#bytesMax &&
      this.#values.size + (newcomer ? 1 : 0) <= this.#valuesMax;
    if (fits) return true;
    if (newcomer && this.#beyondHorizon(newcomer, nowMs)) return false;
    const ranked = [...this.#values.values()].map((held) => this.#rank(held, nowMs));
    if (newcomer) ranked.push(this.#rank(newcomer, nowMs));
    ranked.sort((a, b) => this.#compare(a, b));
    // A little more than needed goes at once, so that this sort is rare; but for a newcomer that is
    // itself among them nobody else has to go.
    const bytesGoal = this.#bytesMax * (1 - evictionShare);
    const countGoal = Math.floor(this.#valuesMax * (1 - evictionShare));
    let bytes = this.#bytes + cost;
    let count = ranked.length;
    const going: Ranked[] = [];
    for (const rank of ranked) {
      if (bytes <= bytesGoal && count <= countGoal) break;
      bytes -= rank.held.cost;
      count--;
      going.push(rank);
    }
    const refused = going.find((rank) => rank.held === newcomer);
    if (!refused) { for (const rank of going) this.#remove(rank.held); }
    this.#horizon = refused ?? going.at(-1);
    return !refused;
  }

  /**
   * Whether a newcomer would go before what went last time. As long as nothing else made room it is
   * refused without ranking everything again: a flood of far values costs no sort each.
   */
  #beyondHorizon(newcomer: HeldValue, nowMs: number): boolean {
    const horizon = this.#horizon;
    return horizon !== undefined && this.#compare(this.#rank(newcomer, nowMs), horizon) <= 0;
  }

  #rank(held: HeldValue, nowMs: number): Ranked {
    return { held, weight: this.#weight(held, nowMs) };
  }

  /** What goes first comes first. */
  #compare(a: Ranked, b: Ranked): number {
    return a.weight - b.weight || compareDistance(this.#own, b.held.keyId, a.held.keyId);
  }
}

interface Ranked {
  readonly held: HeldValue;
  readonly weight: number;
}

/** A copy that keeps no datagram's buffer alive. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  return bytes.slice();
}
