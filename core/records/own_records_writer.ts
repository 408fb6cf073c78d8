/**
 * Writing one's own records where other devices of the same user write them too (design, section 4).
 *
 * Every write reads what is in force first, merges, and takes a higher sequence number; whoever finds
 * the write refused or superseded merges and writes again. Two devices that read the same record and
 * write at the same moment both succeed, and the later one wipes the earlier: therefore each write is
 * read back a little later, and repeated if what it said is gone.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import { recordOf, type SignedRecord, signRecord } from "../model/record.ts";
import { type BodyOf, kindOfNamespace, type Namespace } from "../model/record_body.ts";
import { compareRecords, expiryFor, recordLifetimeMs } from "../model/record_policy.ts";
import type { Timer } from "../ports.ts";
import type { Session } from "../session/interfaces.ts";
import { fraction } from "../../lib/random.ts";
import { delay } from "../../lib/waiting.ts";
import { Mutex } from "../../lib/slots.ts";

/** Tries of one write; with the waits between them some 3 s. */
const attemptsMax = 6;

/** The wait before the second try; it doubles, and half of it is random so that two devices part. */
const backoffMs = 100;

/** What was read or written this recently needs not be read again before a write. */
const freshMs = 5_000;

/** When a write is read back for the first time; doubled for each write that had to be repeated. */
const verifyAfterMs = 2_000;

/** Writes in a row that are caused by reading back; the regular pull comes after that. */
const verificationsMax = 5;

/** Own records remembered at most: two generations of 256 pages, and the other three. */
const knownMax = 520;

/** A write that was ordered. */
export interface WriteOrder<K extends keyof BodyOf> {
  /** Which record. */
  readonly namespace: Namespace;
  /** What kind it is. */
  readonly kind: K;
  /**
   * Merges what the network has and says what is to be written; undefined when nothing is. May be
   * called several times.
   */
  build(inForce: SignedRecord<BodyOf[K]> | undefined): Promise<BodyOf[K] | undefined>;
  /** The lowest sequence number; the clock unless said otherwise. */
  readonly sequenceMin?: (nowMs: number) => number;
  /** Reads what is in force first, however fresh the last reading is. */
  readonly force?: boolean;
  /** Called after a write that reading back made necessary: something had been lost. */
  readonly repaired?: () => void;
}

/** What became of a write. */
export type WriteOutcome = "written" | "unchanged" | "offline" | "refused";

/** What is known of one own record. */
interface Known {
  /** The best one ever seen: the next sequence number is higher. */
  record: SignedRecord | undefined;
  /** What the network had when it was read or written last; holders can lose a record. */
  inForce: SignedRecord | undefined;
  /** Monotonic milliseconds of the last reading or write. */
  freshAt: number | undefined;
  readonly mutex: Mutex;
  verify: Timer | undefined;
}

/** Whether a record has lived for a twelfth of its life: time to renew those that live for a year. */
export function isWorn(record: SignedRecord, nowMs: number): boolean {
  const lifeMs = recordLifetimeMs[kindOfNamespace(record.namespace) ?? "connections"];
  return record.expiresAt - nowMs < lifeMs * 11 / 12;
}

/** Reads and writes the own records of one session. */
export class RecordWriter {
  readonly #session: Session;
  readonly #known = new Map<Namespace, Known>();
  #onOtherKeys: (keys: readonly Uint8Array[]) => void = () => {};

  /** A writer for the session's user. */
  constructor(session: Session) {
    this.#session = session;
    session.signal.addEventListener("abort", () => this.#known.clear(), { once: true });
  }

  /** Calls back with the keys that others claim the own name with. */
  onOtherKeys(fn: (keys: readonly Uint8Array[]) => void): void {
    this.#onOtherKeys = fn;
  }

  /** The best own record seen. */
  seen<K extends keyof BodyOf>(namespace: Namespace, kind: K): SignedRecord<BodyOf[K]> | undefined {
    const record = this.#known.get(namespace)?.record;
    return record === undefined ? undefined : recordOf(record, kind);
  }

  /** What the network had when it was read or written last. */
  inForce<K extends keyof BodyOf>(
    namespace: Namespace,
    kind: K,
  ): SignedRecord<BodyOf[K]> | undefined {
    const record = this.#known.get(namespace)?.inForce;
    return record === undefined ? undefined : recordOf(record, kind);
  }

  /** Takes in a record that came another way; whether it is the user's own and newer than what was known. */
  note(record: SignedRecord, namespace: Namespace = record.namespace): boolean {
    if (!this.#isOwn(record, namespace)) return false;
    const known = this.#entry(namespace);
    if (known.record !== undefined && compareRecords(record, known.record) <= 0) return false;
    known.record = record;
    return true;
  }

  /** Takes in what a login or registration has just read or written itself; undefined: nothing was there. */
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

  /** Reads the record in force; whether anybody answered. */
  async read(namespace: Namespace, signal?: AbortSignal): Promise<boolean> {
    const { self, ports } = this.#session;
    const query = { username: self.username, namespace, pin: self.key };
    const answer = await ports.directory.get(query, this.#joint(signal));
    if (answer.otherKeys.length > 0) this.#onOtherKeys(answer.otherKeys);
    const record = this.#isOwn(answer.record, namespace) ? answer.record : undefined;
    const { joined, contacts } = ports.directory.status();
    // The network's first node has nobody to ask: its own silence is the network's answer.
    const reached = record !== undefined || answer.answered > 0 || (joined && contacts === 0);
    if (reached) this.noteInForce(namespace, record);
    return reached;
  }

  /** Writes; one write of a namespace at a time. Rejects only with a signal's reason or what `build` throws. */
  write<K extends keyof BodyOf>(order: WriteOrder<K>, signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#entry(order.namespace).mutex.run(() => this.#write(order, 0, signal));
  }

  async #write<K extends keyof BodyOf>(
    order: WriteOrder<K>,
    verification: number,
    signal?: AbortSignal,
  ): Promise<WriteOutcome> {
    const { clock, directory } = this.#session.ports;
    const joint = this.#joint(signal);
    const known = this.#entry(order.namespace);
    if (order.force === true) known.freshAt = undefined;
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (attempt > 0) await delay(clock, this.#backoff(attempt), joint);
      if (!this.#isFresh(known) && !await this.read(order.namespace, joint)) return "offline";
      const record = await this.#sign(order, known);
      if (record === undefined) return "unchanged";
      joint.throwIfAborted();
      const report = await directory.put(record, joint);
      const { newer } = report;
      if (newer !== undefined && this.#isOwn(newer, order.namespace)) {
        if (compareRecords(newer, record) > 0) {
          this.noteInForce(order.namespace, newer);
          continue;
        }
      }
      if (report.accepted > report.refused) {
        this.noteInForce(order.namespace, record);
        this.#verifyLater(order, verification);
        return "written";
      }
      if (report.accepted + report.refused === 0) return "offline";
      known.freshAt = undefined;
    }
    return "refused";
  }

  async #sign<K extends keyof BodyOf>(
    order: WriteOrder<K>,
    known: Known,
  ): Promise<SignedRecord | undefined> {
    const { namespace, kind } = order;
    const { inForce } = known;
    const body = await order.build(inForce === undefined ? undefined : recordOf(inForce, kind));
    if (body === undefined) return undefined;
    const { self, identity, ports } = this.#session;
    this.#session.signal.throwIfAborted();
    const now = Math.floor(ports.clock.now());
    const sequence = Math.max((known.record?.sequence ?? 0) + 1, order.sequenceMin?.(now) ?? now);
    const expiresAt = expiryFor(namespace, now);
    return signRecord({ username: self.username, namespace, sequence, expiresAt, body }, identity);
  }

  #verifyLater<K extends keyof BodyOf>(order: WriteOrder<K>, verification: number): void {
    if (verification >= verificationsMax) return;
    const known = this.#entry(order.namespace);
    known.verify?.cancel();
    const waitMs = verifyAfterMs * 2 ** verification *
      (1 + fraction(this.#session.ports.random) / 2);
    known.verify = this.#session.scheduler.after(waitMs, () => {
      known.verify = undefined;
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
        freshAt: undefined,
        mutex: new Mutex(),
        verify: undefined,
      };
      this.#known.set(namespace, known);
    }
    return known;
  }

  /** Makes room: of pages that nothing waits for, the one known longest goes. */
  #dropOne(): void {
    for (const [namespace, { mutex }] of this.#known) {
      if (kindOfNamespace(namespace) === "page" && mutex.size === 0) {
        this.forget(namespace);
        return;
      }
    }
  }

  #isOwn(record: SignedRecord | undefined, namespace: Namespace): record is SignedRecord {
    const { self } = this.#session;
    return record !== undefined && record.namespace === namespace &&
      record.username === self.username && equalBytes(record.publicKey, self.key);
  }

  #isFresh(known: Known): boolean {
    const { clock } = this.#session.ports;
    return known.freshAt !== undefined && clock.monotonic() - known.freshAt < freshMs;
  }

  #backoff(attempt: number): number {
    return backoffMs * 2 ** (attempt - 1) * (0.5 + fraction(this.#session.ports.random) / 2);
  }

  #joint(signal: AbortSignal | undefined): AbortSignal {
    const own = this.#session.signal;
    return signal === undefined || signal === own ? own : AbortSignal.any([own, signal]);
  }
}
