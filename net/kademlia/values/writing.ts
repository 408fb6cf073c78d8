/**
 * Writing: `put` on the k closest nodes.
 *
 * @module
 */
import { pathsDefault, storeTriesMs, valueBytesMax } from "../constants.ts";
import type { Candidate } from "../lookup/candidates.ts";
import { hearingOf } from "../lookup/hearing.ts";
import type { Lookup } from "../lookup/lookup.ts";
import type { Network } from "../lookup/network.ts";
import { search } from "../lookup/search.ts";
import type { Contact } from "../ports.ts";
import type { WireValue } from "../rpc/methods/parts.ts";
import { store, type ToStore } from "../rpc/methods/store.ts";
import type { Call, Caller } from "../rpc/rpc.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import { type Acceptance, copyOf } from "./acceptance.ts";
import { type Fate, Placement } from "./placement.ts";
import type { Reading } from "./reading.ts";
import type { StoredValues } from "./stored_values.ts";

/** Options of a put. */
export interface PutOptions {
  /** Disjoint paths, 1 to 8. Default 3. */
  readonly paths?: number;
  /**
   * When the put resolves: once most of the k closest have accepted, after which it goes on in the
   * background until all have been asked (the default), or once all have been asked.
   */
  readonly until?: "most" | "all";
  /** Ends the put early, as long as it has not resolved; stores already sent stand. */
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
  /** Nodes that are still to be asked, or to answer: those with which the put goes on in the background. */
  readonly open: number;
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
  readonly onError: (error: unknown) => void;
}

/** Refusing nodes asked what they store instead: one may lie, three seldom all. */
const refusersAsked = 3;

/** Writes values. */
export class Writing<T> {
  readonly #options: WritingOptions<T>;
  readonly #running = new Set<Promise<void>>();

  constructor(options: WritingOptions<T>) {
    this.#options = options;
  }

  /**
   * Stores `value` on the k closest nodes, the own one among them where it is.
   *
   * @throws {RangeError} if the value is over 8,000 bytes.
   * @throws {TypeError} if the policy finds it invalid: no node would take it.
   */
  // deno-lint-ignore require-await -- wrong arguments reject, they do not throw
  async put(key: Id, value: WireValue, options: PutOptions = {}): Promise<PutResult<T>> {
    const { acceptance, network } = this.#options;
    const { length } = value.value;
    if (length > valueBytesMax) {
      throw new RangeError(`Cannot put the value: ${length} bytes are over ${valueBytesMax}`);
    }
    const verdict = acceptance.judge(key, value);
    if (!verdict.ok) throw new TypeError(`Cannot put the value: it is ${verdict.reason}`);
    const { paths = pathsDefault, until = "most", signal } = options;
    return network.operations.run<PutResult<T>>(signal, (done) => {
      const stop = new AbortController();
      const put = new Put<T>({
        ...this.#options,
        key,
        value,
        paths,
        until,
        done,
        stop: stop.signal,
      });
      const running: Promise<void> = put.run().catch((error) => {
        if (!stop.signal.aborted && !network.operations.closed) this.#options.onError(error);
      }).finally(() => this.#running.delete(running));
      this.#running.add(running);
      return () => stop.abort();
    });
  }

  /** Resolves once the puts that are under way have ended, those that go on in the background included. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }
}

/** What a {@link Put} is built from. */
interface PutParts<T> extends WritingOptions<T> {
  readonly key: Id;
  readonly value: WireValue;
  readonly paths: number;
  readonly until: "most" | "all";
  readonly done: (result: PutResult<T>) => void;
  /** Ends the put. */
  readonly stop: AbortSignal;
}

/** A store that is out. */
interface Store {
  readonly candidate: Candidate;
  /** How often it was sent. */
  tries: number;
  isOver: boolean;
}

/** One put under way; it hears of its stores. */
class Put<T> implements Caller<boolean, Store> {
  readonly #parts: PutParts<T>;
  readonly #args: ToStore;
  #placement: Placement | undefined;
  readonly #holders: NodeContact[] = [];
  readonly #refusers: NodeContact[] = [];
  #isDone = false;
  /** Whether the own node accepts, once it was asked. */
  #own: boolean | Promise<boolean> | undefined;
  /** Called once no store is out. */
  #onQuiet: (() => void) | undefined;

  constructor(parts: PutParts<T>) {
    this.#parts = parts;
    const { network: { own: sender }, key: target, value } = parts;
    this.#args = { sender, target, value };
  }

  /** Resolves when all have been asked. */
  async run(): Promise<void> {
    const { key, paths, network, stop } = this.#parts;
    const lookup = await search(network, {
      target: key,
      paths,
      isHurried: true,
      isThorough: true,
      onProgress: (lookup, answered) => this.#progress(lookup, answered),
    }, stop);
    const placement = this.#placementOf(lookup);
    const rest = placement.rest();
    if (placement.isOwnNear !== false) this.#offerOwn();
    for (const candidate of rest) this.#store(candidate);
    this.#settle();
    if (placement.isWaiting) await new Promise<void>((resolve) => this.#onQuiet = resolve);
    await this.#finish(lookup);
  }

  #placementOf(lookup: Lookup): Placement {
    return this.#placement ??= new Placement(lookup, this.#parts.network.own);
  }

  #progress(lookup: Lookup, answered: Candidate | undefined): void {
    if (this.#parts.stop.aborted) return;
    const placement = this.#placementOf(lookup);
    if (answered === undefined || !placement.answered(answered)) return this.#settle();
    // What the own node has to ask others first takes as long as a store does.
    if (placement.isOwnNear === true) this.#offerOwn();
    this.#store(answered);
  }

  #offerOwn(): void {
    const { acceptance, key, value } = this.#parts;
    this.#own ??= acceptance.offerOwn(key, value);
  }

  #store(candidate: Candidate): void {
    this.#send({ candidate, tries: 0, isOver: false });
  }

  #send(tag: Store): void {
    const { network: { rpc } } = this.#parts;
    const { candidate: { contact }, tries } = tag;
    const timeoutMs = storeTriesMs[tries];
    tag.tries++;
    const isSent = timeoutMs !== undefined &&
      rpc.call({ contact, method: store, args: this.#args, caller: this, tag, timeoutMs });
    if (!isSent) this.#over(tag, "silent");
  }

  answered({ contact, tag }: Call<boolean, Store>, accepts: boolean): boolean {
    if (tag.isOver || this.#parts.stop.aborted) return true;
    (accepts ? this.#holders : this.#refusers).push(contact);
    this.#over(tag, accepts ? "accepted" : "refused");
    return true;
  }

  silent({ tag }: Call<boolean, Store>): void {
    if (!tag.isOver && !this.#parts.stop.aborted) this.#send(tag);
  }

  lost({ tag, isLate }: Call<boolean, Store>): void {
    // After its timeout it was sent again or given up; before it, the answer made no sense.
    if (!isLate) this.#over(tag, "silent");
  }

  #over(tag: Store, fate: Fate): void {
    if (tag.isOver || this.#parts.stop.aborted) return;
    tag.isOver = true;
    this.#placement?.stored(tag.candidate, fate);
    this.#settle();
    if (this.#placement?.isWaiting === false) this.#onQuiet?.();
  }

  /** Resolves the put, if enough have accepted; it goes on in the background. */
  #settle(): void {
    if (this.#isDone || this.#parts.until === "all" || this.#placement?.isSettled !== true) return;
    this.#isDone = true;
    if (this.#placement.isOwnNear === true) this.#offerOwn();
    const { open } = this.#placement.fates;
    this.#result(this.#placement, { open, missed: 0 }).then(this.#parts.done, () => {});
  }

  async #finish(lookup: Lookup): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const { network: { k }, done } = this.#parts;
    const heard = hearingOf(lookup);
    // Where k have answered, those that are silent belong to no holders.
    const missed = heard.heard < k ? heard.silent.length : 0;
    done(await this.#result(this.#placementOf(lookup), { open: 0, missed }));
  }

  async #result(
    placement: Placement,
    others: Pick<PutResult, "open" | "missed">,
  ): Promise<PutResult<T>> {
    const { network } = this.#parts;
    const own = await this.#own;
    const holders = own === true ? [network.self, ...this.#holders] : [...this.#holders];
    const { silent } = placement.fates;
    const refused = this.#refusers.length + Number(own === false);
    const newer = refused > 0 ? await this.#newer() : undefined;
    const counts = { accepted: holders.length, refused, silent, ...others, holders };
    return newer === undefined ? counts : { ...counts, newer };
  }

  /** The newer value because of which nodes refused this one, where there is one. */
  #newer(): Promise<T | undefined> {
    const { stored, network, acceptance, reading, key, value, stop } = this.#parts;
    const here = stored.get(key, network.time.now());
    if (here !== undefined && acceptance.wins(here, value)) {
      const verdict = acceptance.judge(key, copyOf(here));
      if (verdict.ok) return Promise.resolve(verdict.decoded);
    }
    return reading.newerThan(key, value, this.#refusers.slice(0, refusersAsked), stop);
  }
}
