/**
 * Writing the pages of the own lists, and growing into a new generation (design, section 4).
 *
 * While all entries fit, a change touches the one page of its name. When a page is full, all pages of
 * a new generation are written first, and only then does `public` name it: a reader meets the old
 * pages or the new ones, never a mixture. A crash at any point loses nothing, because the entries are
 * in the database: the next login compares them with the pages in force and goes on from there; what
 * a half-written generation left behind is merged when the same generation is written again.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import { encode } from "../model/msgpack.ts";
import type { SignedRecord } from "../model/record.ts";
import { bodyKinds, type ListEntry, type PageBody, pageNamespaceOf } from "../model/record_body.ts";
import { recordLifetimeMs } from "../model/record_policy.ts";
import type { Session } from "../session/interfaces.ts";
import { abortable, mapBounded } from "../../lib/waiting.ts";
import { absentKeptMs, fitPage, type ListBook, nextLayout, replaces } from "../model/list_pages.ts";
import { Mutex } from "../../lib/slots.ts";
import type { PublicRecord } from "./own_records_public.ts";
import type { Layout } from "../model/list_pages.ts";
import { isWorn, type RecordWriter, type WriteOutcome } from "./own_records_writer.ts";

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
  /** Everything has been published. */
  readonly published: () => Promise<void>;
}

/** Keeps the pages in step with the entries. */
export class ListPublisher {
  readonly #parts: ListPublisherParts;
  readonly #mutex = new Mutex();
  /** Names whose entries the pages may lack. */
  #touched = new Set<string>();
  /** Pages to be written whatever they hold: missing ones, and those to be renewed. */
  #worn = new Set<number>();
  /** Whether pages have been written since `public` was: other devices look there for changes. */
  #written = false;
  /** The generation whose pages have been read and merged completely. */
  #pulledGeneration: number | undefined;
  #pulling: Promise<boolean> | undefined;

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
    const { generation } = this.#parts.publicRecord.layout();
    return generation === 0 || this.#pulledGeneration === generation;
  }

  /** The entries of a name have changed. */
  touch(username: string): void {
    this.#touched.add(username);
  }

  /** Reads all pages in force and merges them; whether that was complete. */
  pull(signal?: AbortSignal): Promise<boolean> {
    // The one in flight serves everybody, so it ends with the session rather than with who began it.
    this.#pulling ??= this.#pull().finally(() => {
      this.#pulling = undefined;
    });
    return abortable(this.#pulling, signal);
  }

  /** Writes what waits; whether nothing does any more. */
  publish(signal?: AbortSignal): Promise<boolean> {
    return this.#mutex.run(() => this.#publish(signal));
  }

  async #publish(signal?: AbortSignal): Promise<boolean> {
    const { publicRecord, book } = this.#parts;
    if (!this.dirty) return true;
    let known = await publicRecord.ensureRead(signal);
    for (let round = 0; known && round < roundsMax; round++) {
      const layout = publicRecord.layout();
      if (!this.pulled && !await this.pull(signal)) return false;
      if (layout.generation !== publicRecord.layout().generation) continue;
      const wanted = book.pagesWanted(layout.pages);
      if (wanted > layout.pages) known = await this.#grow(wanted, signal);
      else if (this.unwritten) known = await this.#writeTouched(layout, signal);
      else break;
    }
    if (!known || this.unwritten) return false;
    return !this.#written || await this.#announce(signal);
  }

  /** Lets `public` tell that the pages have changed. */
  async #announce(signal?: AbortSignal): Promise<boolean> {
    this.#written = false;
    const outcome = await this.#parts.publicRecord.announceLists(signal).catch((error) => {
      this.#written = true;
      throw error;
    });
    const isDone = outcome === "written" || outcome === "unchanged";
    if (!isDone) this.#written = true;
    else if (!this.unwritten) await this.#parts.published();
    return isDone;
  }

  /** Writes the pages that lack something. */
  async #writeTouched(layout: Layout, signal?: AbortSignal): Promise<boolean> {
    const touched = this.#touched;
    const worn = this.#worn;
    this.#touched = new Set();
    this.#worn = new Set();
    const pages = this.#parts.book.pagesOf(touched, layout.pages);
    for (const page of worn) if (page < layout.pages) pages.add(page);
    return await this.#writePages(layout, [...pages], signal, () => {
      for (const name of touched) this.#touched.add(name);
      for (const page of worn) this.#worn.add(page);
    });
  }

  /** Writes all pages of a new generation and then names it. */
  async #grow(pages: number, signal?: AbortSignal): Promise<boolean> {
    const { publicRecord, writer } = this.#parts;
    const before = publicRecord.layout();
    const layout = nextLayout(before, pages);
    const touched = this.#touched;
    // Names touched from now on may miss their page in the new generation, and are written after it.
    this.#touched = new Set();
    const all = Array.from({ length: pages }, (_, page) => page);
    const restore = () => {
      for (const name of touched) this.#touched.add(name);
    };
    if (!await this.#writePages(layout, all, signal, restore)) return false;
    this.#pulledGeneration = layout.generation;
    this.#worn.clear();
    publicRecord.adopt(layout);
    const isNamed = await this.#announce(signal);
    for (let page = 0; page < before.pages; page++) {
      writer.forget(pageNamespaceOf(before.generation, page));
    }
    return isNamed;
  }

  /** Writes pages, some at a time; whether all are as they should be. `failed` is called otherwise. */
  async #writePages(
    layout: Layout,
    pages: readonly number[],
    signal: AbortSignal | undefined,
    failed: () => void,
  ): Promise<boolean> {
    let stopped = false;
    const write = async (page: number): Promise<WriteOutcome> => {
      if (stopped) return "offline";
      const outcome = await this.#writePage(layout, page, signal);
      if (outcome === "offline" || outcome === "refused") stopped = true;
      else if (outcome === "written") this.#written = true;
      return outcome;
    };
    try {
      await mapBounded(pages, pagesParallel, write);
    } catch (error) {
      failed();
      throw error;
    }
    if (stopped) failed();
    return !stopped;
  }

  #writePage(layout: Layout, page: number, signal?: AbortSignal): Promise<WriteOutcome> {
    const { writer, session, publicRecord } = this.#parts;
    const namespace = pageNamespaceOf(layout.generation, page);
    const isNamed = () => publicRecord.layout().generation === layout.generation;
    return writer.write({
      namespace,
      kind: "page",
      // A page in force that nobody showed may still be held: at the lowest number its holders refuse
      // this write and show it, instead of losing what it has.
      sequenceMin: (now) => isNamed() && writer.seen(namespace, "page") === undefined ? 1 : now,
      build: async (seen) => {
        const now = session.ports.clock.now();
        if (seen !== undefined && (isNamed() || this.#isRecent(seen))) {
          await this.#parts.merge(seen.body.entries);
        }
        const entries = fitPage(this.#parts.book.page(page, layout.pages));
        const same = seen !== undefined && isSame(seen.body, { entries }) && !isWorn(seen, now);
        return same ? undefined : { entries };
      },
      repaired: () => {
        this.#written = true;
        this.#parts.repaired();
      },
    }, signal);
  }

  /** Whether everything taken out since a page was written is still known: else it is not merged. */
  #isRecent(seen: SignedRecord<PageBody>): boolean {
    const writtenAt = seen.expiresAt - recordLifetimeMs.page;
    return writtenAt > this.#parts.session.ports.clock.now() - absentKeptMs;
  }

  async #pull(): Promise<boolean> {
    const { publicRecord, book, writer } = this.#parts;
    const layout = publicRecord.layout();
    const pages = Array.from({ length: layout.pages }, (_, page) => page);
    let reached = true;
    // Before the first generation there is no page that anything could be on.
    const missing: ListEntry[] = layout.pages === 0 ? [...book.entries()] : [];
    const unlisted: ListEntry[] = [];
    await mapBounded(pages, pagesParallel, async (page) => {
      const namespace = pageNamespaceOf(layout.generation, page);
      if (!reached || !await writer.read(namespace)) {
        reached = false;
        return;
      }
      const record = writer.inForce(namespace, "page");
      const lacking = await this.#take(page, layout, record);
      missing.push(...lacking);
      if (record !== undefined) unlisted.push(...lacking);
    });
    if (!reached || layout.generation !== publicRecord.layout().generation) return false;
    this.#pulledGeneration = layout.generation;
    await this.#parts.pulled(unlisted);
    for (const { list, username } of missing) {
      if (book.get(list, username) !== undefined) this.#touched.add(username);
    }
    return true;
  }

  /** Merges a page read; resolves to the entries that it lacks or has older. */
  async #take(
    page: number,
    layout: Layout,
    record: SignedRecord<PageBody> | undefined,
  ): Promise<ListEntry[]> {
    const { book, session } = this.#parts;
    const entries = record?.body.entries ?? [];
    if (record === undefined || isWorn(record, session.ports.clock.now())) this.#worn.add(page);
    await this.#parts.merge(entries);
    const there = new Map(entries.map((entry) => [`${entry.list}/${entry.username}`, entry]));
    return book.page(page, layout.pages)
      .filter((entry) => replaces(entry, there.get(`${entry.list}/${entry.username}`)));
  }
}

function isSame(a: PageBody, b: PageBody): boolean {
  return equalBytes(encode(bodyKinds.page.write(a)), encode(bodyKinds.page.write(b)));
}
