/**
 * Writing the user's own records where the user's other devices write them too (design, section 4).
 *
 * Every write reads what is in force first, merges, and takes a higher sequence number. A device whose
 * write is refused or superseded merges and writes again. Two devices that read the same record and
 * write at the same moment both succeed, and the later write wipes the earlier one: therefore each
 * write is read back a little later, and repeated if what it said is gone.
 *
 * @module
 */

import { isRecordOf, type SignedRecord } from "../model/record.ts";
import { type BodyIn, kindOfNamespace, type Namespace } from "../model/record_body.ts";
import { compareRecords, recordLifetimeMs, signFresh } from "../model/record_policy.ts";
import type { PutReport, Timer } from "../ports.ts";
import type { Session } from "../session/interfaces.ts";
import { fraction } from "../../lib/random.ts";
import { Mutex } from "../../lib/slots.ts";
import { delay } from "../../lib/waiting.ts";

/** Attempts of one write; with the waits between them some 3 s. */
const attemptsMax = 6;

/** The wait before the second attempt; it doubles, and half of it is random so that two devices part. */
const backoffMs = 100;

/** What was read or written this recently need not be read again before a write. */
const freshMs = 5_000;

/** When a write is read back for the first time; doubled for each write that had to be repeated. */
const verifyAfterMs = 2_000;

/** Writes in a row that are caused by reading back; the regular pull comes after that. */
const verificationsMax = 5;

/** Own records remembered at most, some 8 MB: of longer lists a page is read again before it is written. */
const knownMax = 520;

/** A write that was ordered. */
export interface WriteOrder<N extends Namespace> {
  /** Which record. */
  readonly namespace: N;
  /**
   * Merges what the network has and says what is to be written; undefined when nothing is. May be
   * called several times.
   */
  build(inForce: SignedRecord<BodyIn<N>> | undefined): Promise<BodyIn<N> | undefined>;
  /** The lowest sequence number; the clock unless said otherwise. */
  readonly sequenceMin?: (nowMs: number) => number;
  /** Reads what is in force first, however fresh the last reading is. */
  readonly force?: boolean;
  /**
   * Whether a majority of all other holders must have accepted, where there are others; usually more nodes
   * that accept than refuse are enough, one's own counted.
   */
  readonly byOthers?: boolean;
  /** Called after a write that reading back made necessary: something had been lost. */
  readonly repaired?: () => void;
}

/** What became of a write. */
export type WriteOutcome = "written" | "unchanged" | "offline" | "refused";

/** Whether the network has what a write was to bring there. */
export function isDone(outcome: WriteOutcome): boolean {
  return outcome === "written" || outcome === "unchanged";
}

/** What is known of one own record. */
interface Known {
  /** The best one ever seen: the next sequence number is higher. */
  record: SignedRecord | undefined;
  /** What the network had when it was read or written last; holders can lose a record. */
  inForce: SignedRecord | undefined;
  /** Monotonic milliseconds of the last reading or write. */
  freshAt: number;
  readonly mutex: Mutex;
  verify: Timer | undefined;
}

/** Whether a record has lived for a twelfth of its life: time to renew those that live for a year. */
export function isWorn(record: SignedRecord, nowMs: number): boolean {
  const lifeMs = recordLifetimeMs[kindOfNamespace(record.namespace) ?? "connections"];
  return record.expiresAt - nowMs < lifeMs * 11 / 12;
}

/** How many of the nodes besides one's own accepted, and how many were asked. */
function othersOf({ accepted, asked, own }: PutReport): { accepted: number; asked: number } {
  return own === true ? { accepted: accepted - 1, asked: asked - 1 } : { accepted, asked };
}

/** Reads and writes the own records of one session. */
export class RecordWriter {
  readonly #session: Session;
  readonly #onOtherKeys: (keys: readonly Uint8Array[]) => void;
  readonly #known = new Map<Namespace, Known>();

  /** A writer for the session's user; `onOtherKeys` is told of keys that others claim the name with. */
  constructor(session: Session, onOtherKeys: (keys: readonly Uint8Array[]) => void) {
    this.#session = session;
    this.#onOtherKeys = onOtherKeys;
    session.signal.addEventListener("abort", () => this.#known.clear(), { once: true });
  }

  /** The best own record seen. */
  seen<N extends Namespace>(namespace: N): SignedRecord<BodyIn<N>> | undefined {
    return this.#checked(this.#known.get(namespace)?.record, namespace);
  }

  /** What the network had when it was read or written last. */
  inForce<N extends Namespace>(namespace: N): SignedRecord<BodyIn<N>> | undefined {
    return this.#checked(this.#known.get(namespace)?.inForce, namespace);
  }

  /** Takes in a record that came another way; whether it is the user's own and newer than what was known. */
  note(record: SignedRecord, namespace: Namespace = record.namespace): boolean {
    if (this.#checked(record, namespace) === undefined) return false;
    const known = this.#entry(namespace);
    if (known.record !== undefined && compareRecords(record, known.record) <= 0) return false;
    known.record = record;
    return true;
  }

  /** Takes in what has just been read from the network or written there; undefined: nothing was there. */
  noteInForce(namespace: Namespace, record: SignedRecord | undefined): void {
    if (record !== undefined) this.note(record, namespace);
    const known = this.#entry(namespace);
    known.inForce = record;
    known.freshAt = this.#session.ports.clock.monotonic();
  }

  /** Forgets a record that is written no more: a page of an older generation. */
  forget(namespace: Namespace): void {
    this.#known.get(namespace)?.verify?.cancel();
    this.#known.delete(namespace);
  }

  /** Reads the record in force; whether the network answered. */
  async read(namespace: Namespace, signal?: AbortSignal): Promise<boolean> {
    const { self, ports } = this.#session;
    const query = { username: self.username, namespace, pin: self.key };
    const answer = await ports.directory.get(query, this.#joint(signal));
    if (answer.otherKeys.length > 0) this.#onOtherKeys(answer.otherKeys);
    const record = this.#checked(answer.record, namespace);
    const { joined, contacts } = ports.directory.status();
    // The network's first node has no other to ask: its own silence is the network's answer.
    const reached = record !== undefined || answer.isAbsent || (joined && contacts === 0);
    if (reached) this.noteInForce(namespace, record);
    return reached;
  }

  /** Writes; one write of a namespace at a time. Rejects only with a signal's reason or what `build` throws. */
  write<N extends Namespace>(order: WriteOrder<N>, signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#entry(order.namespace).mutex.run(() => this.#write(order, 0, signal));
  }

  async #write<N extends Namespace>(
    order: WriteOrder<N>,
    verification: number,
    signal?: AbortSignal,
  ): Promise<WriteOutcome> {
    const { namespace } = order;
    const { clock, directory, random } = this.#session.ports;
    const joint = this.#joint(signal);
    const known = this.#entry(namespace);
    if (order.force === true) known.freshAt = -Infinity;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (attempt > 0) {
        const waitMs = backoffMs * 2 ** (attempt - 1) * (0.5 + fraction(random) / 2);
        await delay(clock, waitMs, joint);
      }
      const isFresh = clock.monotonic() - known.freshAt < freshMs;
      if (!isFresh && !await this.read(namespace, joint)) return "offline";
      const record = await this.#sign(order, known);
      if (record === undefined) return "unchanged";
      joint.throwIfAborted();
      const report = await directory.put(record, joint);
      const newer = this.#checked(report.newer, namespace);
      if (newer !== undefined && compareRecords(newer, record) > 0) {
        this.noteInForce(namespace, newer);
        continue;
      }
      const others = othersOf(report);
      const byOthers = order.byOthers === true && others.asked > 0;
      if (byOthers ? 2 * others.accepted > others.asked : report.accepted > report.refused) {
        this.noteInForce(namespace, record);
        this.#verifyLater(order, verification);
        return "written";
      }
      const answered = (byOthers ? others : report).accepted + report.refused;
      if (answered === 0) return "offline";
      known.freshAt = -Infinity;
    }
    return "refused";
  }

  async #sign<N extends Namespace>(
    order: WriteOrder<N>,
    known: Known,
  ): Promise<SignedRecord | undefined> {
    const { namespace } = order;
    const body = await order.build(this.#checked(known.inForce, namespace));
    if (body === undefined) return undefined;
    const { self: { username }, identity, ports, signal } = this.#session;
    signal.throwIfAborted();
    const now = Math.floor(ports.clock.now());
    const sequence = Math.max((known.record?.sequence ?? 0) + 1, order.sequenceMin?.(now) ?? now);
    return signFresh({ username, namespace, sequence, body }, now, identity);
  }

  #verifyLater<N extends Namespace>(order: WriteOrder<N>, verification: number): void {
    if (verification >= verificationsMax) return;
    const { scheduler, ports: { random } } = this.#session;
    const known = this.#entry(order.namespace);
    known.verify?.cancel();
    const waitMs = verifyAfterMs * 2 ** verification * (1 + fraction(random) / 2);
    known.verify = scheduler.after(waitMs, () => {
      known.mutex.run(() => this.#write({ ...order, force: true }, verification + 1))
        .then((outcome) => {
          if (outcome === "written") order.repaired?.();
        }, () => {}); // Aborted by the logout, or a disk error that the next pull meets again.
    });
  }

  #entry(namespace: Namespace): Known {
    let known = this.#known.get(namespace);
    if (known === undefined) {
      if (this.#known.size >= knownMax) this.#dropOne();
      known = {
        record: undefined,
        inForce: undefined,
        freshAt: -Infinity,
        mutex: new Mutex(),
        verify: undefined,
      };
      this.#known.set(namespace, known);
    }
    return known;
  }

  /** Makes room: of pages that no write waits for, the one known longest goes. */
  #dropOne(): void {
    for (const [namespace, { mutex }] of this.#known) {
      if (kindOfNamespace(namespace) === "page" && mutex.size === 0) return this.forget(namespace);
    }
  }

  /** The record, if it is the user's own and in that namespace. */
  #checked<N extends Namespace>(
    record: SignedRecord | undefined,
    namespace: N,
  ): SignedRecord<BodyIn<N>> | undefined {
    return isRecordOf(record, this.#session.self, namespace) ? record : undefined;
  }

  #joint(signal: AbortSignal | undefined): AbortSignal {
    const own = this.#session.signal;
    return signal === undefined || signal === own ? own : AbortSignal.any([own, signal]);
  }
}
