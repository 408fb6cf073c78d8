/**
 * Reading: `get`, with quorum and repair.
 *
 * @module
 */
import type { Acceptance } from "./acceptance.ts";
import { sameValue } from "./acceptance.ts";
import { admissionTries, pathsDefault, quorumDefault, storeRepeatMs } from "../constants.ts";
import type { NodeContact } from "../space/contact.ts";
import type { HeldValues } from "./stored_values.ts";
import { compareDistance, type Id } from "../space/id.ts";
import type { Operations } from "./operations.ts";
import { Poll, type PollOptions } from "../rpc/fan_out.ts";
import type { Admission, Answer, Time } from "../ports.ts";
import { type Network, Search } from "../lookup/search.ts";
import { decodeFound, type WireFound, type WireValue } from "../rpc/wire.ts";

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
  /** The winner; absent when nobody holds an acceptable value. */
  readonly value?: Uint8Array;
  /** The winner's answer, with its holder. */
  readonly winner?: Answer<T>;
  /** Every acceptable answer, the own node's included. */
  readonly answers: readonly Answer<T>[];
  /** How many nodes were asked. */
  readonly asked: number;
  /** How many of them answered, with an acceptable value or without; the own node counts if it holds one. */
  readonly answered: number;
}

/** What {@link Reading} is built from. */
export interface ReadingOptions<T> {
  readonly network: Network;
  readonly operations: Operations;
  readonly time: Time;
  readonly held: HeldValues;
  readonly acceptance: Acceptance<T>;
  readonly admission: Admission<T> | undefined;
  /** The own node as a contact. */
  readonly self: () => NodeContact;
}

/** An answer from the network, with the contact in words. */
interface HeldAnswer<T> extends Answer<T> {
  readonly contact: NodeContact;
}

/** What one get has gathered. */
interface Gathered<T> {
  readonly answers: HeldAnswer<T>[];
  /** Nodes that answered and hold no acceptable value, nearest first. */
  lacking: readonly NodeContact[];
  asked: number;
}

/** How long an admission waits for a contact with this timeout, a try each. */
function admissionWaitsMs(timeoutMs: number): number[] {
  return admissionTries.map(({ timeouts, msMin, msMax }) =>
    Math.min(Math.max(timeouts * timeoutMs, msMin), msMax)
  );
}

/** Reads values. */
export class Reading<T> {
  readonly #options: ReadingOptions<T>;

  constructor(options: ReadingOptions<T>) {
    this.#options = options;
  }

  /** The value under `key` that wins among a quorum of holders. */
  async get(key: Id, options: GetOptions<T> = {}): Promise<GetResult<T>> {
    const quorum = options.quorum ?? quorumDefault;
    const gathered: Gathered<T> = { answers: [], lacking: [], asked: 0 };
    const own = this.#ownAnswer(key, options);
    if (own !== undefined) gathered.answers.push(own);
    if (quorum === "all") await this.#askAll(key, options, gathered);
    else if (gathered.answers.length < quorum) {
      await this.#search(key, quorum - gathered.answers.length, options, gathered);
    }
    const { answers, asked, lacking } = gathered;
    const answered = answers.length + lacking.length;
    const winner = options.choose === undefined ? this.#best(answers) : options.choose(answers);
    if (winner === undefined) return { answers, asked, answered };
    if (options.repair !== false) this.#repair(key, winner, gathered);
    return { value: winner.value, winner, answers, asked, answered };
  }

  /** The valid values that the closest known nodes hold, without a lookup: for admission. */
  async ask(key: Id): Promise<Answer<T>[]> {
    const { table, k, neighbours } = this.#options.network;
    const gathered: Gathered<T> = { answers: [], lacking: [], asked: 0 };
    try {
      const options = {
        timeoutsMs: (contact: NodeContact) => admissionWaitsMs(neighbours.timeoutMsOf(contact)),
      };
      await this.#pollHolders(key, table.closest(key, k), options, gathered);
    } catch {
      // The node was closed: what has come so far is all there will be.
    }
    return gathered.answers;
  }

  /** The first value of `contacts` that wins over `mine`. */
  async newerThan(
    key: Id,
    mine: WireValue,
    contacts: readonly NodeContact[],
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const gathered: Gathered<T> = { answers: [], lacking: [], asked: 0 };
    await this.#pollHolders(key, contacts, signal ? { signal } : {}, gathered);
    const best = this.#best(gathered.answers);
    if (best === undefined) return undefined;
    const theirs = { value: best.value, scalar: best.scalar ?? false };
    return this.#options.acceptance.compare(theirs, mine) > 0 ? best.decoded : undefined;
  }

  /**
   * Whether all of `contacts` that answer hold `mine` or what wins over it, and any answers. What wins is
   * held here instead from now on.
   */
  async haveAll(key: Id, mine: WireValue, contacts: readonly NodeContact[]): Promise<boolean> {
    const { acceptance, self } = this.#options;
    const gathered: Gathered<T> = { answers: [], lacking: [], asked: 0 };
    await this.#pollHolders(key, contacts, {}, gathered);
    const { answers, lacking } = gathered;
    const wins = ({ value, scalar = false }: Answer<T>): boolean =>
      acceptance.compare({ value, scalar }, mine) > 0;
    const best = this.#best(answers);
    if (best !== undefined && wins(best)) {
      const value = { value: best.value, scalar: best.scalar ?? false };
      acceptance.offer({ key, value, from: self(), verifiedSender: true, own: true });
    }
    if (answers.length === 0 || lacking.length > 0) return false;
    return answers.every((answer) =>
      wins(answer) || sameValue({ value: answer.value, scalar: answer.scalar ?? false }, mine)
    );
  }

  #ownAnswer(key: Id, options: GetOptions<T>): HeldAnswer<T> | undefined {
    const { held, time, admission, self } = this.#options;
    const value = held.get(key, time.now());
    if (value === undefined) return undefined;
    const since = admission?.since?.(value.key, value.value);
    return this.#judged(
      key,
      self(),
      since === undefined ? value : {
        value: value.value,
        scalar: value.scalar,
        since,
      },
      options,
    );
  }

  /** An answer that counts: valid, and believed by the caller. */
  #judged(
    key: Id,
    contact: NodeContact,
    found: WireFound,
    options: GetOptions<T>,
  ): HeldAnswer<T> | undefined {
    const value = found.value.slice();
    const verdict = this.#options.acceptance.judge(key, { value, scalar: found.scalar });
    if (!verdict.ok) return undefined;
    const { decoded } = verdict;
    if (options.accept !== undefined && !options.accept(decoded)) return undefined;
    return {
      contact,
      value,
      decoded,
      ...(found.since === undefined ? {} : { since: found.since }),
      ...(found.scalar ? { scalar: true } : {}),
    };
  }

  async #search(key: Id, goal: number, options: GetOptions<T>, into: Gathered<T>): Promise<void> {
    const { network, operations } = this.#options;
    await operations.run<void>(options.signal, (done) => {
      const search = new Search(network, {
        target: key,
        method: "find_value",
        // Every path must find a holder: more paths than holders wanted would want more holders.
        paths: options.paths ?? Math.min(pathsDefault, goal),
        goal,
        onFound: (contact, found) => {
          const answer = this.#judged(key, contact, found, options);
          if (answer !== undefined) into.answers.push(answer);
          return answer !== undefined;
        },
        onDone: ({ lookup }) => {
          into.asked = lookup.asked;
          const answered = lookup.answered().filter((c) => c.state === "answered");
          into.lacking = answered.map((c) => c.contact);
          done();
        },
      });
      search.start();
      return () => search.stop();
    });
  }

  /** A holder names nobody, so the k closest are looked up first and then asked, one and all. */
  async #askAll(key: Id, options: GetOptions<T>, into: Gathered<T>): Promise<void> {
    const { network, operations } = this.#options;
    const closest = await operations.run<readonly NodeContact[]>(options.signal, (done) => {
      const search = new Search(network, {
        target: key,
        method: "find_node",
        paths: options.paths ?? pathsDefault,
        onDone: ({ lookup }) => {
          into.asked = lookup.asked;
          done(lookup.result());
        },
      });
      search.start();
      return () => search.stop();
    });
    await this.#pollHolders(key, closest, options, into);
  }

  async #pollHolders(
    key: Id,
    contacts: readonly NodeContact[],
    options: GetOptions<T> & Pick<PollOptions, "timeoutsMs">,
    into: Gathered<T>,
  ): Promise<void> {
    const { network, operations } = this.#options;
    const lacking: NodeContact[] = [];
    await operations.run<void>(options.signal, (done) => {
      const poll = new Poll({
        rpc: network.rpc,
        contacts,
        request: { method: "find_value", sender: network.own, target: key },
        ...(options.timeoutsMs === undefined ? {} : { timeoutsMs: options.timeoutsMs }),
        onAnswer: (contact, data) => {
          const found = decodeFound(data);
          if (found === undefined) return false;
          const answer = found.found && this.#judged(key, contact, found.found, options);
          if (answer) into.answers.push(answer);
          else lacking.push(contact);
          return true;
        },
        onDone: () => done(),
      });
      poll.start();
      return () => poll.stop();
    });
    lacking.sort((a, b) => compareDistance(key, a.nodeId, b.nodeId));
    into.lacking = lacking;
  }

  #best(answers: readonly HeldAnswer<T>[]): HeldAnswer<T> | undefined {
    const { acceptance } = this.#options;
    const wire = (a: HeldAnswer<T>): WireValue => ({ value: a.value, scalar: a.scalar ?? false });
    const votes = (a: HeldAnswer<T>): number =>
      answers.filter((other) => sameValue(wire(other), wire(a))).length;
    let best: HeldAnswer<T> | undefined;
    for (const answer of answers) {
      if (best === undefined) best = answer;
      else if (!sameValue(wire(answer), wire(best))) {
        const order = acceptance.compare(wire(answer), wire(best));
        if (order > 0 || (order === 0 && votes(answer) > votes(best))) best = answer;
      }
    }
    return best;
  }

  /**
   * Stores the winner on the closest node that lacked it (section 2.3) and on holders of an older one.
   */
  #repair(key: Id, winner: Answer<T>, gathered: Gathered<T>): void {
    const { network, acceptance, self } = this.#options;
    const value = { value: winner.value, scalar: winner.scalar ?? false };
    const targets: NodeContact[] = [];
    for (const answer of gathered.answers) {
      const theirs = { value: answer.value, scalar: answer.scalar ?? false };
      if (sameValue(theirs, value) || acceptance.compare(theirs, value) > 0) continue;
      if (!answer.contact.nodeId.equals(network.own)) targets.push(answer.contact);
      else acceptance.offer({ key, value, from: self(), verifiedSender: true, own: true });
    }
    const nearest = gathered.lacking[0];
    if (nearest !== undefined) targets.push(nearest);
    if (targets.length === 0) return;
    new Poll({
      rpc: network.rpc,
      contacts: targets,
      request: { method: "store", sender: network.own, target: key, value },
      tries: 1,
      timeoutsMs: [storeRepeatMs],
      onAnswer: () => true,
      onDone: () => {},
    }).start();
  }
}
