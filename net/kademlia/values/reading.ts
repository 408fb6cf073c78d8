/**
 * Reading: `get`, with quorum and repair.
 *
 * @module
 */
import { admissionTries, pathsDefault, quorumDefault, storeTriesMs } from "../constants.ts";
import { hearingOf, isEnough } from "../lookup/hearing.ts";
import { askAll, type Network } from "../lookup/network.ts";
import { search } from "../lookup/search.ts";
import type { Admission, Answer } from "../ports.ts";
import { FanOut } from "../rpc/fan_out.ts";
import { findValue, type WireFound } from "../rpc/methods/find_value.ts";
import type { WireValue } from "../rpc/methods/parts.ts";
import { store } from "../rpc/methods/store.ts";
import type { NodeContact } from "../space/contact.ts";
import { compareDistance, type Id } from "../space/id.ts";
import { type Acceptance, copyOf, sameValue } from "./acceptance.ts";
import type { StoredValues } from "./stored_values.ts";

/** Options of a get. */
export interface GetOptions<T = Uint8Array> {
  /** Holders that must have answered (default 3, fewer where fewer exist); "all" asks all k closest. */
  readonly quorum?: number | "all";
  /** Disjoint paths, 1 to 8. Default 3. */
  readonly paths?: number;
  /** Drops valid values that the caller does not believe, such as another owner's. */
  readonly accept?: (decoded: T) => boolean;
  /** Chooses the winner. Default: the policy's `compare`, on a tie the value most holders sent. */
  readonly choose?: (answers: readonly Answer<T>[]) => Answer<T> | undefined;
  /** Whether the winner is stored where it lacked or was stale. Default true. */
  readonly repair?: boolean;
  /** Ends the get early: its promise rejects. */
  readonly signal?: AbortSignal;
}

/** What a get found. */
export interface GetResult<T = Uint8Array> {
  /** The winner; absent when no node that answered stores an acceptable value. */
  readonly value?: Uint8Array;
  /** The winner's answer, with its holder. */
  readonly winner?: Answer<T>;
  /** Every acceptable answer, the own node's included. */
  readonly answers: readonly Answer<T>[];
  /** How many nodes answered, with an acceptable value or without; the own node counts if it has one. */
  readonly answered: number;
  /** Whether there is no winner because enough of the nodes nearest to the key said so; false if too few answered. */
  readonly isAbsent: boolean;
}

/** What {@link Reading} is built from. */
export interface ReadingOptions<T> {
  readonly network: Network;
  readonly stored: StoredValues;
  readonly acceptance: Acceptance<T>;
  readonly admission: Admission<T> | undefined;
}

/** An answer whose contact has its id in words. */
interface HolderAnswer<T> extends Answer<T> {
  readonly contact: NodeContact;
}

/** What one read has gathered. */
interface Gathered<T> {
  readonly answers: HolderAnswer<T>[];
  /** Nodes that answered and have no acceptable value, nearest first. */
  lacking: readonly NodeContact[];
  /** How many of the nodes nearest to the key were asked in vain. */
  silent: number;
}

/** UDP may lose a datagram: nodes are asked again so often where too few have answered to tell. */
const askAgainMax = 2;

/** How holders are asked. */
type AskOptions<T> = Pick<GetOptions<T>, "accept" | "signal"> & {
  readonly timeoutsMs?: (contact: NodeContact) => readonly number[];
};

/** Reads values. */
export class Reading<T> {
  readonly #options: ReadingOptions<T>;

  constructor(options: ReadingOptions<T>) {
    this.#options = options;
  }

  /** The value under `key` that wins among a quorum of holders. */
  async get(key: Id, options: GetOptions<T> = {}): Promise<GetResult<T>> {
    const quorum = options.quorum ?? quorumDefault;
    const gathered: Gathered<T> = { answers: [], lacking: [], silent: 0 };
    const own = this.#ownAnswer(key, options);
    if (own !== undefined) gathered.answers.push(own);
    if (quorum === "all") await this.#askClosest(key, options, gathered);
    else if (gathered.answers.length < quorum) {
      await this.#search(key, quorum - gathered.answers.length, options, gathered);
    }
    const { answers, lacking } = gathered;
    const answered = answers.length + lacking.length;
    const winner = options.choose === undefined ? this.#best(answers) : options.choose(answers);
    if (winner === undefined) return { answers, answered, isAbsent: this.#isEnough(gathered) };
    if (options.repair !== false) this.#repair(key, winner, gathered);
    return { value: winner.value, winner, answers, answered, isAbsent: false };
  }

  /** The valid values that the closest known nodes store, without a lookup: for admission. */
  async ask(key: Id): Promise<Answer<T>[]> {
    const { table, k, neighbours } = this.#options.network;
    const gathered: Gathered<T> = { answers: [], lacking: [], silent: 0 };
    const timeoutsMs = (contact: NodeContact): number[] =>
      admissionWaitsMs(neighbours.timeoutMsOf(contact));
    try {
      await this.#askEach(key, table.closest(key, k), { timeoutsMs }, gathered);
    } catch {
      // The node was closed: what has come so far is all there will be.
    }
    return gathered.answers;
  }

  /** What wins over `mine` among the values of `contacts`. */
  async newerThan(
    key: Id,
    mine: WireValue,
    contacts: readonly NodeContact[],
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const gathered: Gathered<T> = { answers: [], lacking: [], silent: 0 };
    await this.#askEach(key, contacts, signal ? { signal } : {}, gathered);
    const best = this.#best(gathered.answers);
    return best && this.#options.acceptance.wins(best, mine) ? best.decoded : undefined;
  }

  /**
   * Whether all of `contacts` that answer store `mine` or what wins over it, and any answers. What wins is
   * offered to this node as well.
   */
  async haveAll(key: Id, mine: WireValue, contacts: readonly NodeContact[]): Promise<boolean> {
    const { acceptance } = this.#options;
    const gathered: Gathered<T> = { answers: [], lacking: [], silent: 0 };
    await this.#askEach(key, contacts, {}, gathered);
    const { answers, lacking } = gathered;
    const best = this.#best(answers);
    if (best && acceptance.wins(best, mine)) acceptance.offerOwn(key, best);
    if (answers.length === 0 || lacking.length > 0) return false;
    return answers.every((answer) => sameValue(answer, mine) || acceptance.wins(answer, mine));
  }

  #ownAnswer(key: Id, options: GetOptions<T>): HolderAnswer<T> | undefined {
    const { stored, admission, network } = this.#options;
    const entry = stored.get(key, network.time.now());
    if (entry === undefined) return undefined;
    const { value, scalar } = entry;
    const since = admission?.since?.(value);
    const found = since === undefined ? { value, scalar } : { value, scalar, since };
    return this.#judged(key, network.self, found, options, []);
  }

  /** An answer that counts: valid, and believed by the caller. `others` counted before it in the same read. */
  #judged(
    key: Id,
    contact: NodeContact,
    found: WireFound,
    { accept }: AskOptions<T>,
    others: readonly HolderAnswer<T>[],
  ): HolderAnswer<T> | undefined {
    const { since } = found;
    // Most holders have the same bytes: they are judged, and copied out of a datagram, but once.
    let same: WireValue & { readonly decoded: T } | undefined = others.find((other) =>
      sameValue(other, found)
    );
    if (same === undefined) {
      const copy = copyOf(found);
      const verdict = this.#options.acceptance.judge(key, copy);
      if (!verdict.ok || accept?.(verdict.decoded) === false) return undefined;
      same = { ...copy, decoded: verdict.decoded };
    }
    const { value, scalar = false, decoded } = same;
    const answer = { value, scalar, contact, decoded };
    return since === undefined ? answer : { ...answer, since };
  }

  async #search(key: Id, goal: number, options: GetOptions<T>, into: Gathered<T>): Promise<void> {
    // Every path must find a holder: more paths than holders wanted would want more holders.
    const { paths = Math.min(pathsDefault, goal), signal } = options;
    const onFound = (contact: NodeContact, found: WireFound): boolean => {
      const answer = this.#judged(key, contact, found, options, into.answers);
      if (answer !== undefined) into.answers.push(answer);
      return answer !== undefined;
    };
    const lookup = await search(
      this.#options.network,
      { target: key, paths, goal, onFound, mayAskHomes: true },
      signal,
    );
    const answered = lookup.answered();
    into.lacking = answered.filter((c) => c.state === "answered").map((c) => c.contact);
    into.silent = hearingOf(lookup, answered).silent.length;
  }

  /** A holder names no contacts, so the k closest are looked up first and then asked, each of them. */
  async #askClosest(key: Id, options: GetOptions<T>, into: Gathered<T>): Promise<void> {
    const { paths = pathsDefault, signal } = options;
    const sought = { target: key, paths, isHurried: true, mayAskHomes: true, isThorough: true };
    const lookup = await search(this.#options.network, sought, signal);
    const { length } = hearingOf(lookup).silent;
    let silent = await this.#askEach(key, lookup.result(), options, into);
    into.silent = length + silent.length;
    for (let round = 0; round < askAgainMax; round++) {
      if (silent.length === 0 || into.answers.length > 0 || this.#isEnough(into)) return;
      silent = await this.#askEach(key, silent, options, into);
      into.silent = length + silent.length;
    }
  }

  /** Whether those that answered speak for all. */
  #isEnough({ answers, lacking, silent }: Gathered<T>): boolean {
    return isEnough(answers.length + lacking.length, silent, this.#options.network.k);
  }

  /** Asks each of the contacts; those that are silent. */
  async #askEach(
    key: Id,
    contacts: readonly NodeContact[],
    options: AskOptions<T>,
    into: Gathered<T>,
  ): Promise<NodeContact[]> {
    const { network } = this.#options;
    const { signal, timeoutsMs } = options;
    const lacking = [...into.lacking];
    const silent = new Set(contacts);
    await askAll(network, {
      contacts,
      method: findValue,
      args: { sender: network.own, target: key },
      ...(timeoutsMs === undefined ? {} : { timeoutsMs }),
      onAnswer: (contact, { found }) => {
        silent.delete(contact);
        const answer = found && this.#judged(key, contact, found, options, into.answers);
        if (answer) into.answers.push(answer);
        else lacking.push(contact);
      },
    }, signal);
    lacking.sort((a, b) => compareDistance(key, a.nodeId, b.nodeId));
    into.lacking = lacking;
    return [...silent];
  }

  #best(answers: readonly HolderAnswer<T>[]): HolderAnswer<T> | undefined {
    const votes = (a: WireValue): number => answers.filter((other) => sameValue(other, a)).length;
    let best: HolderAnswer<T> | undefined;
    for (const answer of answers) {
      if (best === undefined) best = answer;
      else if (!sameValue(answer, best)) {
        const order = this.#options.acceptance.compare(answer, best);
        if (order > 0 || (order === 0 && votes(answer) > votes(best))) best = answer;
      }
    }
    return best;
  }

  /**
   * Stores the winner on the closest node that lacked it (section 2.3) and on holders of an older one.
   */
  #repair(key: Id, winner: WireValue, { answers, lacking }: Gathered<T>): void {
    const { network, acceptance } = this.#options;
    const contacts: NodeContact[] = [];
    for (const answer of answers) {
      if (sameValue(answer, winner) || acceptance.wins(answer, winner)) continue;
      if (answer.contact !== network.self) contacts.push(answer.contact);
      else acceptance.offerOwn(key, winner);
    }
    const nearest = lacking[0];
    if (nearest !== undefined) contacts.push(nearest);
    if (contacts.length === 0) return;
    new FanOut(network.rpc, {
      contacts,
      method: store,
      args: { sender: network.own, target: key, value: winner },
      tries: 1,
      timeoutsMs: storeTriesMs,
    }).start();
  }
}

/** How long an admission waits for a contact with this timeout, a try each. */
function admissionWaitsMs(timeoutMs: number): number[] {
  return admissionTries.map(({ timeouts, msMin, msMax }) =>
    Math.min(Math.max(timeouts * timeoutMs, msMin), msMax)
  );
}
