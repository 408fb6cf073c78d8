/**
 * Writing: `put` on the k closest nodes.
 *
 * @module
 */
import { type Acceptance, copyOf } from "./acceptance.ts";
import { pathsDefault, storeRepeatMs, storeTimeoutMs, valueBytesMax } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { HeldValues } from "./stored_values.ts";
import { compareDistance, type Id } from "../space/id.ts";
import type { Operations } from "./operations.ts";
import { Poll } from "../rpc/fan_out.ts";
import type { Contact, Time } from "../ports.ts";
import type { Reading } from "./reading.ts";
import { type Network, Search } from "../lookup/search.ts";
import { decodeStored, type WireValue } from "../rpc/wire.ts";

/** Options of a put. */
export interface PutOptions {
  /** Disjoint paths, 1 to 8. Default 3. */
  readonly paths?: number;
  /** Ends the put early; stores already sent stand. */
  readonly signal?: AbortSignal;
}

/** What a put achieved. */
export interface PutResult<T = Uint8Array> {
  /** Nodes that hold the value now, the own one included. */
  readonly accepted: number;
  /** Nodes that answered no, the own one included. */
  readonly refused: number;
  /** Nodes that did not answer. */
  readonly silent: number;
  /** Who accepted. */
  readonly holders: readonly Contact[];
  /** A value met on the way that wins over the one put, as the policy decoded it. */
  readonly newer?: T;
}

/** What {@link Writing} is built from. */
export interface WritingOptions<T> {
  readonly network: Network;
  readonly operations: Operations;
  readonly time: Time;
  readonly held: HeldValues;
  readonly acceptance: Acceptance<T>;
  readonly reading: Reading<T>;
  readonly self: () => NodeContact;
}

/** Refusing nodes asked what they hold instead: one may lie, three seldom all. */
const refusersAsked = 3;

/** Writes values. */
export class Writing<T> {
  readonly #options: WritingOptions<T>;

  constructor(options: WritingOptions<T>) {
    this.#options = options;
  }

  /** The k closest live nodes to `target`, nearest first. */
  closest(target: Id, paths: number, signal?: AbortSignal): Promise<NodeContact[]> {
    return this.#options.operations.run<NodeContact[]>(signal, (done) => {
      const search = new Search(this.#options.network, {
        target,
        method: "find_node",
        paths,
        onDone: ({ lookup }) => done(lookup.result()),
      });
      search.start();
      return () => search.stop();
    });
  }

  /**
   * Stores `value` on the k closest nodes, the own one among them where it is.
   *
   * @throws {RangeError} if the value is over 8,000 bytes.
   * @throws {TypeError} if the policy finds it invalid: nobody would take it.
   */
  async put(key: Id, value: WireValue, options: PutOptions = {}): Promise<PutResult<T>> {
    const { acceptance, network } = this.#options;
    if (value.value.length > valueBytesMax) {
      throw new RangeError(
        `Cannot put the value: ${value.value.length} bytes are over ${valueBytesMax}`,
      );
    }
    const verdict = acceptance.judge(key, value);
    if (!verdict.ok) throw new TypeError(`Cannot put the value: it is ${verdict.reason}`);
    const { signal } = options;
    const closest = await this.closest(key, options.paths ?? pathsDefault, signal);
    const last = closest[network.k - 1];
    const ownIsNear = last === undefined || compareDistance(key, network.own, last.nodeId) < 0;
    const count = Math.max(network.k, closest.length);
    const targets = closest.slice(0, ownIsNear ? count - 1 : count);
    const own = ownIsNear ? this.#storeHere(key, value) : undefined;
    const result = await this.#storeOn(targets, key, value, signal);
    if (own !== undefined) {
      if (await own) result.holders.unshift(this.#options.self());
      else result.refused++;
    }
    const newer = result.refused > 0
      ? await this.#newer(key, value, result.refusers, signal)
      : undefined;
    const { holders, refused, silent } = result;
    const accepted = holders.length;
    const counts = { accepted, refused, silent, holders };
    return newer === undefined ? counts : { ...counts, newer };
  }

  async #storeHere(key: Id, value: WireValue): Promise<boolean> {
    const { acceptance, self } = this.#options;
    return await acceptance.offer({ key, value, from: self(), verifiedSender: true, own: true });
  }

  #storeOn(
    targets: readonly NodeContact[],
    key: Id,
    value: WireValue,
    signal: AbortSignal | undefined,
  ): Promise<Stored> {
    const { network, operations } = this.#options;
    const stored: Stored = { holders: [], refusers: [], refused: 0, silent: 0 };
    return operations.run<Stored>(signal, (done) => {
      const poll = new Poll({
        rpc: network.rpc,
        contacts: targets,
        request: { method: "store", sender: network.own, target: key, value },
        timeoutsMs: [storeRepeatMs, storeTimeoutMs - storeRepeatMs],
        onAnswer: (contact, data) => {
          const accepted = decodeStored(data);
          if (accepted === undefined) return false;
          if (accepted) stored.holders.push(contact);
          else {
            stored.refused++;
            stored.refusers.push(contact);
          }
          return true;
        },
        onDone: (silent) => {
          stored.silent = silent;
          done(stored);
        },
      });
      poll.start();
      return () => poll.stop();
    });
  }

  /** The newer value for which others refused ours, where that is why. */
  #newer(
    key: Id,
    value: WireValue,
    refusers: readonly NodeContact[],
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    const { held, time, acceptance, reading } = this.#options;
    const here = held.get(key, time.now());
    if (here !== undefined && acceptance.compare(here, value) > 0) {
      const verdict = acceptance.judge(key, copyOf(here));
      if (verdict.ok) return Promise.resolve(verdict.decoded);
    }
    return reading.newerThan(key, value, refusers.slice(0, refusersAsked), signal);
  }
}

interface Stored {
  readonly holders: Contact[];
  readonly refusers: NodeContact[];
  refused: number;
  silent: number;
}
