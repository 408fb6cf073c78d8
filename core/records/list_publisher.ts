/**
 * Writing the pages of the own lists, and growing into a new generation (design, section 4).
 *
 * While all entries fit, a change touches the one page of its name. When a page is full, all pages of
 * a new generation are written first, and only then does `public` name it: a reader meets the old
 * pages or the new ones, never a mixture. A crash at any point loses nothing, because the entries are
 * in the database: the next login compares them with the pages in force and goes on from there; what
 * a half-written generation left there is merged when the same generation is written again.
 *
 * @module
 */

import type { SignedRecord } from "../model/record.ts";
import {
  isSameBody,
  type ListEntry,
  type PageBody,
  pageNamespaceOf,
} from "../model/record_body.ts";
import { recordLifetimeMs } from "../model/record_policy.ts";
import type { Session } from "../session/interfaces.ts";
import {
  absentKeptMs,
  fitPage,
  type Layout,
  type ListBook,
  nextLayout,
  replaces,
} from "../model/list_pages.ts";
import { InFlight } from "../../lib/bounded_map.ts";
import { Mutex } from "../../lib/slots.ts";
import { abortable, mapBounded } from "../../lib/waiting.ts";
import type { PublicRecord } from "./public_record.ts";
import { isDone, isWorn, type RecordWriter, type WriteOutcome } from "./record_writer.ts";

/** Pages read or written at a time: each takes a lookup with three queries in flight. */
const pagesParallel = 8;

/** Rounds of one publishing: a merge may bring more entries than fit, and growing is one of them. */
const roundsMax = 6;

/** What a {@linkcode ListPublisher} works with. */
export interface ListPublisherParts {
  /** The session. */
  readonly session: Session;
  /** Reads and writes pages. */
  readonly writer: RecordWriter;
  /** Names the generation. */
  readonly publicRecord: PublicRecord;
  /** The entries. */
  readonly book: ListBook;
  /** Takes in entries of a page; resolves to those that were news. */
  readonly merge: (entries: readonly ListEntry[]) => Promise<ListEntry[]>;
  /** All pages have been read; these entries are missing on pages that were there. */
  readonly pulled: (unlisted: readonly ListEntry[]) => Promise<void>;
  /** A page was found damaged by another device's write and written again: to be published soon. */
  readonly repaired: () => void;
  /** `public` tells of what has been written so far; more may wait. */
  readonly told: () => void;
  /** Everything has been published. */
  readonly published: () => Promise<void>;
}

/** Keeps the pages in step with the entries. */
export class ListPublisher {
  readonly #parts: ListPublisherParts;
  readonly #mutex = new Mutex();
  readonly #pulling = new InFlight<boolean>();
  /** Names whose entries the pages may lack. */
  #touched = new Set<string>();
  /** Pages to be written even if they say the same: missing ones, and those to be renewed. */
  #worn = new Set<number>();
  /** Whether pages have been written since `public` was: other devices look there for changes. */
  #written = false;
  /** The generation whose pages have been read and merged completely; generation 0 has none. */
  #pulledGeneration = 0;

  /** A publisher for one session's lists. */
  constructor(parts: ListPublisherParts) {
    this.#parts = parts;
  }

  /** Whether something waits to be published. */
  get dirty(): boolean {
    return this.unwritten || this.#written;
  }

  /** Whether something waits to be written to its page. */
  get unwritten(): boolean {
    return this.#touched.size > 0 || this.#worn.size > 0;
  }

  /** Whether all pages in force have been read. */
  get pulled(): boolean {
    return this.#pulledGeneration === this.#parts.publicRecord.layout().generation;
  }

  /** The entries of a name have changed. */
  touch(username: string): void {
    this.#touched.add(username);
  }

  /** Reads all pages in force and merges them; whether that was complete. */
  pull(signal?: AbortSignal): Promise<boolean> {
    // One reading serves all callers, so it ends with the session and not with its first caller.
    return abortable(this.#pulling.run("", () => this.#pull()), signal);
  }

  /** Writes what waits; whether nothing does any more. */
  publish(signal?: AbortSignal): Promise<boolean> {
    return this.#mutex.run(() => this.#publish(signal));
  }

  async #publish(signal?: AbortSignal): Promise<boolean> {
    const { publicRecord, book } = this.#parts;
    if (!this.dirty || publicRecord.isClosed) return true;
    let known = await publicRecord.ensureRead(signal);
    for (let round = 0; known && round < roundsMax; round++) {
      const layout = publicRecord.layout();
      if (!this.pulled && !await this.pull(signal)) return false;
      if (layout.generation !== publicRecord.layout().generation) continue;
      const wanted = book.pagesWanted(layout.pages);
      if (wanted > layout.pages) known = await this.#grow(wanted, signal);
      else if (this.unwritten) known = await this.#writePages(layout, false, signal);
      else break;
    }
    if (!known || this.unwritten) return false;
    return !this.#written || await this.#announce(signal);
  }

  /** Lets `public` tell that the pages have changed. */
  async #announce(signal?: AbortSignal): Promise<boolean> {
    this.#written = false;
    let done = false;
    try {
      done = isDone(await this.#parts.publicRecord.publish({ touch: true }, signal));
    } finally {
      if (!done) this.#written = true;
    }
    if (done) this.#parts.told();
    if (done && !this.unwritten) await this.#parts.published();
    return done;
  }

  /** Writes all pages of a new generation and then names it. */
  async #grow(pages: number, signal?: AbortSignal): Promise<boolean> {
    const { publicRecord, writer } = this.#parts;
    const before = publicRecord.layout();
    const layout = nextLayout(before, pages);
    if (!await this.#writePages(layout, true, signal)) return false;
    this.#pulledGeneration = layout.generation;
    this.#worn.clear();
    publicRecord.adopt(layout);
    const isNamed = await this.#announce(signal);
    for (const page of numbers(before.pages)) {
      writer.forget(pageNamespaceOf(before.generation, page));
    }
    return isNamed;
  }

  /** Writes the pages that lack something, or all; whether all of them are as they should be then. */
  async #writePages(layout: Layout, all: boolean, signal?: AbortSignal): Promise<boolean> {
    const touched = this.#touched;
    const worn = this.#worn;
    // A name touched from now on may miss its page, and is written after it.
    this.#touched = new Set();
    this.#worn = new Set();
    const pages = all ? numbers(layout.pages) : [
      ...this.#parts.book.pagesOf(touched, layout.pages)
        .union(worn).intersection(new Set(numbers(layout.pages))),
    ];
    let isStopped = false;
    const write = async (page: number): Promise<void> => {
      if (isStopped) return;
      const outcome = await this.#writePage(layout, page, signal);
      if (outcome === "written") this.#written = true;
      isStopped ||= !isDone(outcome);
    };
    try {
      await mapBounded(pages, pagesParallel, write);
    } catch (error) {
      isStopped = true;
      throw error;
    } finally {
      if (isStopped) {
        this.#touched = touched.union(this.#touched);
        this.#worn = worn.union(this.#worn);
      }
    }
    return !isStopped;
  }

  #writePage(layout: Layout, page: number, signal?: AbortSignal): Promise<WriteOutcome> {
    const { writer, session, publicRecord } = this.#parts;
    const namespace = pageNamespaceOf(layout.generation, page);
    const isNamed = () => publicRecord.layout().generation === layout.generation;
    return writer.write({
      namespace,
      // A page in force that this device has never been shown may still be stored: at the lowest number
      // its holders refuse this write and show it, instead of losing what it has.
      sequenceMin: (now) => isNamed() && writer.seen(namespace) === undefined ? 1 : now,
      build: async (seen) => {
        const now = session.ports.clock.now();
        if (seen !== undefined && (isNamed() || isRecent(seen, now))) {
          await this.#parts.merge(seen.body.entries);
        }
        const body = { entries: fitPage(this.#parts.book.page(page, layout.pages)) };
        const same = seen !== undefined && isSameBody("page", seen.body, body) &&
          !isWorn(seen, now);
        return same ? undefined : body;
      },
      repaired: () => {
        this.#written = true;
        this.#parts.repaired();
      },
    }, signal);
  }

  async #pull(): Promise<boolean> {
    const { session, publicRecord, book, writer } = this.#parts;
    const { generation, pages } = publicRecord.layout();
    let reached = true;
    // Before the first generation there is no page that anything could be on.
    const missing: ListEntry[] = pages === 0 ? [...book.entries()] : [];
    const unlisted: ListEntry[] = [];
    await mapBounded(numbers(pages), pagesParallel, async (page) => {
      const namespace = pageNamespaceOf(generation, page);
      if (!reached || !await writer.read(namespace)) {
        reached = false;
        return;
      }
      const record = writer.inForce(namespace);
      if (record === undefined || isWorn(record, session.ports.clock.now())) this.#worn.add(page);
      const listed = record?.body.entries ?? [];
      await this.#parts.merge(listed);
      const lacking = lackingIn(listed, book.page(page, pages));
      missing.push(...lacking);
      if (record !== undefined) unlisted.push(...lacking);
    });
    if (!reached || generation !== publicRecord.layout().generation) return false;
    this.#pulledGeneration = generation;
    await this.#parts.pulled(unlisted);
    for (const { list, username } of missing) {
      if (book.get(list, username) !== undefined) this.#touched.add(username);
    }
    return true;
  }
}

/** Whether all entries taken out since a page was written are still known: else it is not merged. */
function isRecent({ expiresAt }: SignedRecord<PageBody>, nowMs: number): boolean {
  return expiresAt - recordLifetimeMs.page > nowMs - absentKeptMs;
}

/** Those of the entries that a page's list lacks or has older. */
function lackingIn(listed: readonly ListEntry[], entries: readonly ListEntry[]): ListEntry[] {
  const there = new Map(listed.map((entry) => [nameOf(entry), entry]));
  return entries.filter((entry) => replaces(entry, there.get(nameOf(entry))));
}

function nameOf({ list, username }: ListEntry): string {
  return `${list}/${username}`;
}

function numbers(pages: number): number[] {
  return [...Array(pages).keys()];
}
