/**
 * Writing: `put` on the k closest nodes.
 *
 * @module
 */
import { pathsDefault, storeRepeatMs, storeTimeoutMs, valueBytesMax } from "../constants.ts";
import { hearingOf } from "../lookup/hearing.ts";
import { askAll, type Network } from "../lookup/network.ts";
import { search } from "../lookup/search.ts";
import type { Contact } from "../ports.ts";
import type { WireValue } from "../rpc/methods/parts.ts";
import { store } from "../rpc/methods/store.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";
import { type Acceptance, copyOf } from "./acceptance.ts";
import type { Reading } from "./reading.ts";
import type { StoredValues } from "./stored_values.ts";

/** Options of a put. */
export interface PutOptions {
  /** Disjoint paths, 1 to 8. Default 3. */
  readonly paths?: number;
  /** Ends the put early; stores already sent stand. */
  readonly signal?: AbortSignal;
}

/** What a put achieved. */
export interface PutResult<T = Uint8Array> {
  /** Nodes that store the value now, the own one included. */
  readonly accepted: number;
  /** Nodes that answered no, the own one included. */
  readonly refused: number;
  /** Nodes that did not answer. */
  readonly silent: number;
  /** Nodes that were not asked to store it, because they had not answered when the closest were looked for. */
  readonly missed: number;
  /** Who accepted. */
  readonly holders: readonly Contact[];
  /** A value met on the way that wins over the one put, as the policy decoded it. */
  readonly newer?: T;
}

/** What {@link Writing} is built from. */
export interface WritingOptions<T> {
  readonly network: Network;
  readonly stored: StoredValues;
  readonly acceptance: Acceptance<T>;
  readonly reading: Reading<T>;
}

/** Refusing nodes asked what they store instead: one may lie, three seldom all. */
const refusersAsked = 3;

/** Writes values. */
export class Writing<T> {
  readonly #options: WritingOptions<T>;

  constructor(options: WritingOptions<T>) {
    this.#options = options;
  }

  /**
   * Stores `value` on the k closest nodes, the own one among them where it is.
   *
   * @throws {RangeError} if the value is over 8,000 bytes.
   * @throws {TypeError} if the policy finds it invalid: no node would take it.
   */
  async put(key: Id, value: WireValue, options: PutOptions = {}): Promise<PutResult<T>> {
    const { acceptance, network } = this.#options;
    const { length } = value.value;
    if (length > valueBytesMax) {
      throw new RangeError(`Cannot put the value: ${length} bytes are over ${valueBytesMax}`);
    }
    const verdict = acceptance.judge(key, value);
    if (!verdict.ok) throw new TypeError(`Cannot put the value: it is ${verdict.reason}`);
    const { paths = pathsDefault, signal } = options;
    const lookup = await search(network, { target: key, paths, isThorough: true }, signal);
    const closest = lookup.result();
    const last = closest[network.k - 1];
    const ownIsNear = last === undefined || compareDistance(key, network.own, last.nodeId) < 0;
    const count = Math.max(network.k, closest.length);
    const contacts = closest.slice(0, ownIsNear ? count - 1 : count);
    const ownAccepts = ownIsNear ? acceptance.offerOwn(key, value) : undefined;
    const holders: NodeContact[] = [];
    const refusers: NodeContact[] = [];
    const silent = await askAll(network, {
      contacts,
      method: store,
      args: { sender: network.own, target: key, value },
      timeoutsMs: [storeRepeatMs, storeTimeoutMs - storeRepeatMs],
      onAnswer: (contact, accepts) => {
        (accepts ? holders : refusers).push(contact);
      },
    }, signal);
    let refused = refusers.length;
    if (ownIsNear) {
      if (await ownAccepts) holders.unshift(network.self);
      else refused++;
    }
    const newer = refused > 0 ? await this.#newer(key, value, refusers, signal) : undefined;
    const heard = hearingOf(lookup);
    // Where k have answered, those that are silent belong to no holders.
    const missed = heard.heard < network.k ? heard.silent.length : 0;
    const counts = { accepted: holders.length, refused, silent, missed, holders };
    return newer === undefined ? counts : { ...counts, newer };
  }

  /** The newer value because of which nodes refused this one, where there is one. */
  #newer(
    key: Id,
    value: WireValue,
    refusers: readonly NodeContact[],
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    const { stored, network, acceptance, reading } = this.#options;
    const here = stored.get(key, network.time.now());
    if (here !== undefined && acceptance.wins(here, value)) {
      const verdict = acceptance.judge(key, copyOf(here));
      if (verdict.ok) return Promise.resolve(verdict.decoded);
    }
    return reading.newerThan(key, value, refusers.slice(0, refusersAsked), signal);
  }
}
