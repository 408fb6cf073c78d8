/**
 * The user's own two lists: in memory while logged in, in the database for good, in pages on the
 * network (design, section 4).
 *
 * @module
 */

import type { ListEntry, ListName, PublicBody } from "../model/record_body.ts";
import type { Job } from "../../lib/scheduler.ts";
import type { Lists, Session } from "../session/interfaces.ts";
import { readNumber, writeNumber } from "../session/notes.ts";
import { absentKeptMs, ListBook, replaces } from "../model/list_pages.ts";
import { Mutex } from "../../lib/slots.ts";
import { ListPublisher } from "./list_publisher.ts";
import type { Counts, PublicRecord } from "./public_record.ts";
import type { RecordWriter } from "./record_writer.ts";

/** Changes coalesce for this long before they are published (design, section 4). */
const coalesceMs = 1_000;

/** A publishing that failed is tried again after this long, or as soon as the node joins. */
const retryMs = 15_000;

/** How often all pages are read even though no other device seems to write. */
const pullEveryMs = 86_400_000;

/**
 * The same while the user has other devices. One of them tells of a change by writing `public`; should
 * this device write it at that moment, without having seen that, only the pages still tell.
 */
const pullSharedEveryMs = 600_000;

/**
 * Entries of each list at most, those taken out included: room for 5,000 followed users and 100,000 followers,
 * and for those who left within 90 days. A stranger's follow beyond that is not listed.
 */
export const listEntriesMax: Readonly<Record<ListName, number>> = {
  following: 10_000,
  followers: 120_000,
};

/** Entries written to the database in one batch: its own limit is 1,000 changes. */
const batchEntriesMax = 400;

/** Changes dated further ahead than this would shut out every later one; no message is accepted so far ahead. */
const aheadMsMax = 15 * 60_000;

/** The note of when this device and the network last agreed on the lists, in Unix milliseconds. */
const syncedNote = "lists.synced";

/** A note that is younger is left as it is, which saves a login a commit: what is read from it are months. */
const syncedNoteMs = 3_600_000;

/** {@linkcode Lists} of one session. */
export class UserLists implements Lists {
  readonly #session: Session;
  readonly #book = new ListBook();
  readonly #mutex = new Mutex();
  readonly #publisher: ListPublisher;
  readonly #listeners: ((entry: ListEntry, isMerged: boolean) => void)[] = [];
  readonly #cached = new Map<ListName, readonly ListEntry[]>();
  /** Called when changes have been published: other devices of the user can read them. */
  onPublished: () => void = () => {};
  #syncedAt: number | undefined;
  /** Monotonic milliseconds of the last complete reading of all pages. */
  #pulledAt = -Infinity;
  /** Whether another device may have changed the lists since then. */
  #stale = false;
  /** Whether the user had another device at some time since then. */
  #shared = false;
  readonly #job: Job;

  /** Lists of which nothing is known: see {@linkcode UserLists.load}. */
  constructor(session: Session, writer: RecordWriter, publicRecord: PublicRecord) {
    this.#session = session;
    this.#publisher = new ListPublisher({
      session,
      writer,
      publicRecord,
      book: this.#book,
      merge: (entries) => this.#merge(entries, true),
      pulled: (unlisted) => this.#pulled(unlisted),
      repaired: () => this.#job.dueIn(coalesceMs),
      told: () => this.onPublished(),
      published: () => this.#agreed(),
    });
    publicRecord.attach(this);
    this.#job = session.scheduler.job(async () => {
      const done = await this.#publisher.publish().catch(() => undefined); // A disk error.
      if (done === undefined || (!done && this.#publisher.dirty)) this.#job.dueIn(retryMs);
    });
  }

  /** Loads the lists from the database. */
  async load(): Promise<void> {
    const { store } = this.#session;
    for (const list of ["followers", "following"] as const) {
      for (const entry of await store.listEntries(list)) this.#book.set(entry);
    }
    this.#syncedAt = await readNumber(store, syncedNote);
  }

  get(list: ListName, username: string): ListEntry | undefined {
    return this.#book.get(list, username);
  }

  present(list: ListName): readonly ListEntry[] {
    const known = this.#cached.get(list);
    if (known !== undefined) return known;
    const entries = [...this.#book.entries(list)].filter((entry) => entry.present);
    this.#cached.set(list, entries);
    return entries;
  }

  placeOf(username: string, pages: number): number {
    return this.#book.placeOf(username, pages);
  }

  async apply(entry: ListEntry): Promise<boolean> {
    const { ports, signal } = this.#session;
    signal.throwIfAborted();
    if (entry.updatedAt > ports.clock.now() + aheadMsMax) return false;
    const applied = await this.#merge([entry], false);
    if (applied.length === 0) return false;
    this.#publisher.touch(entry.username);
    this.#job.dueIn(coalesceMs);
    return true;
  }

  onChange(fn: (entry: ListEntry, isMerged: boolean) => void): void {
    this.#listeners.push(fn);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    this.#job.cancel();
    await this.#publisher.publish(signal);
  }

  /** The node has joined the network: changes that wait are published. */
  joined(): void {
    if (this.#publisher.dirty) this.#job.dueIn(coalesceMs);
  }

  /** Reads all pages, merges them, and publishes within a second what they lack. */
  async pull(signal?: AbortSignal): Promise<boolean> {
    this.#stale = false;
    const complete = await this.#publisher.pull(signal);
    if (complete) {
      this.#pulledAt = this.#session.ports.clock.monotonic();
      this.#shared = false;
    } else this.#stale = true;
    if (this.#publisher.dirty) this.#job.dueIn(coalesceMs);
    else if (complete) await this.#agreed();
    return complete;
  }

  /** The lengths as published; undefined while they are not known, or changes wait to be published. */
  counts(): Counts | undefined {
    const known = this.#syncedAt !== undefined || this.#publisher.pulled;
    if (!known || this.#publisher.unwritten) return undefined;
    return {
      followers: this.#book.presentCount("followers"),
      following: this.#book.presentCount("following"),
    };
  }

  /**
   * Reads all pages if that is due: never read yet, or changed elsewhere since, or ten minutes ago where
   * the user has other devices, or a day ago (pages are renewed when they have lived for a month).
   *
   * @param isShared Whether the user has another device at the moment.
   */
  async pullIfDue(isShared: boolean, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#session.ports;
    this.#shared ||= isShared;
    const everyMs = this.#shared ? pullSharedEveryMs : pullEveryMs;
    const due = clock.monotonic() - this.#pulledAt >= everyMs;
    if (due || this.#stale || !this.#publisher.pulled) await this.pull(signal);
  }

  /**
   * Another device has written `public`: what it did to the lists is merged; whether that was complete.
   * Other lengths or other pages tell that it changed the lists. Equal lengths don't tell that it did not;
   * that waits for the next regular pull.
   */
  async merge(body: PublicBody): Promise<boolean> {
    this.#stale = true;
    const counts = this.counts();
    const same = counts !== undefined && counts.followers === body.followers &&
      counts.following === body.following && this.#publisher.pulled;
    return same || await this.pull();
  }

  /** Takes in the entries that are newer than what is known; resolves to those. */
  #merge(entries: readonly ListEntry[], isMerged: boolean): Promise<ListEntry[]> {
    return this.#mutex.run(async () => {
      const applied = this.#newer(entries);
      for (let at = 0; at < applied.length; at += batchEntriesMax) {
        const batch = applied.slice(at, at + batchEntriesMax);
        await this.#session.store.putListEntries(batch);
        for (const entry of batch) {
          this.#book.set(entry);
          this.#cached.delete(entry.list);
        }
        for (const entry of batch) for (const tell of this.#listeners) tell(entry, isMerged);
      }
      return applied;
    });
  }

  #newer(entries: readonly ListEntry[]): ListEntry[] {
    const room = {
      followers: listEntriesMax.followers - this.#book.size("followers"),
      following: listEntriesMax.following - this.#book.size("following"),
    };
    const oldest = this.#session.ports.clock.now() - absentKeptMs;
    return entries.filter((entry) => {
      const before = this.#book.get(entry.list, entry.username);
      if (before === undefined && !entry.present && entry.updatedAt < oldest) return false;
      if (!replaces(entry, before) || entry.username === this.#session.self.username) return false;
      return before !== undefined || room[entry.list]-- > 0;
    });
  }

  /**
   * The pages have been read completely. Entries taken out 90 days ago are dropped; and after an
   * absence longer than that, so is what this device still has from before it and the pages lack:
   * it was taken out elsewhere, and the trace of that has been dropped since.
   */
  async #pulled(unlisted: readonly ListEntry[]): Promise<void> {
    const now = Math.floor(this.#session.ports.clock.now());
    const syncedAt = this.#syncedAt;
    await this.#mutex.run(async () => {
      const old = [...this.#book.entries()]
        .filter((entry) => !entry.present && entry.updatedAt < now - absentKeptMs);
      if (syncedAt !== undefined && syncedAt < now - absentKeptMs) {
        old.push(...unlisted.filter((entry) => entry.present && entry.updatedAt < syncedAt));
      }
      for (let at = 0; at < old.length; at += batchEntriesMax) {
        const batch = old.slice(at, at + batchEntriesMax);
        await this.#session.store.dropListEntries(batch);
        for (const entry of batch) this.#book.drop(entry);
      }
      if (old.length > 0) this.#cached.clear();
    });
  }

  /** The pages have all that this device has, and it has all that they have. */
  async #agreed(): Promise<void> {
    const now = Math.floor(this.#session.ports.clock.now());
    if (this.#syncedAt !== undefined && Math.abs(now - this.#syncedAt) < syncedNoteMs) return;
    this.#syncedAt = now;
    await writeNumber(this.#session.store, syncedNote, now);
  }
}
