/**
 * Reading other users' lists from the pages that their public record names.
 *
 * A page counts only under its owner's key, its own generation and number; of an entry that does not
 * belong on its page nothing is believed. A page once seen is never exchanged for an older one, so
 * that a holder who serves a stale page changes nothing for whoever knows better.
 *
 * @module
 */

import { equalBytes, toHex } from "../model/bytes.ts";
import { recordOf, type SignedRecord } from "../model/record.ts";
import { type ListEntry, type PageBody, pageNamespaceOf } from "../model/record_body.ts";
import { compareRecords } from "../model/record_policy.ts";
import type { Person, Session } from "../session/interfaces.ts";
import { abortable, delay, mapBounded } from "../../lib/waiting.ts";
import { pageOf } from "../model/list_pages.ts";
import { InFlight, TimedCache } from "../../lib/bounded_map.ts";

/** Pages read at a time: each is a lookup with three queries in flight. */
const pagesParallel = 8;

/** Tries of a page that is missing or cannot be reached. */
const triesMax = 3;

/** The wait before the second try; doubled for the third. */
const retryMs = 250;

/** Pages remembered, at 8,000 bytes and some hundred entries each: 4 users of 5,000 and 5,000 entries. */
const pagesMax = 1_024;

/** How long pages are remembered, as the least that counts. */
const rememberedMs = 15 * 60_000;

/**
 * Within this time pages are not read again while they have as many entries as the public record
 * says: a profile and suggestions ask one after another.
 */
const freshMs = 30_000;

/** Somebody's lists as read. */
export interface ListsRead {
  /** Present entries of both lists. */
  readonly entries: readonly ListEntry[];
  /** Whether every page that the public record names was there. */
  readonly complete: boolean;
}

/** A page with the time at which it was read. */
interface PageRead {
  readonly record: SignedRecord<PageBody>;
  readonly readAt: number;
}

/** Reads lists. */
export class ListReader {
  readonly #session: Session;
  readonly #pages: TimedCache<PageRead>;
  readonly #inFlight = new InFlight<ListsRead>();

  /** Lists as one session reads them. */
  constructor(session: Session) {
    this.#session = session;
    this.#pages = new TimedCache(session.ports.clock, pagesMax);
  }

  /** Both lists of somebody; only entries present. */
  read(person: Person, signal?: AbortSignal): Promise<ListsRead> {
    const { generation = 0, pages = 0 } = person.public ?? {};
    const name = `${person.username}/${toHex(person.key)}/${generation}`;
    const reading = this.#inFlight.run(name, () => this.#read(person, generation, pages));
    return abortable(reading, signal);
  }

  async #read(person: Person, generation: number, pages: number): Promise<ListsRead> {
    const numbers = Array.from({ length: pages }, (_, page) => page);
    const fresh = entriesOf(person, numbers.map((page) => this.#fresh(person, generation, page)));
    if (fresh.complete && hasLengths(fresh.entries, person)) return fresh;
    return entriesOf(
      person,
      await mapBounded(numbers, pagesParallel, (page) => this.#page(person, generation, page)),
    );
  }

  /** A page that was read a moment ago. */
  #fresh(person: Person, generation: number, page: number): SignedRecord<PageBody> | undefined {
    const known = this.#pages.get(pageName(person, pageNamespaceOf(generation, page)));
    const { clock } = this.#session.ports;
    return known !== undefined && clock.monotonic() - known.readAt < freshMs
      ? known.record
      : undefined;
  }

  /** One page from the network, unless a newer one has been seen. */
  async #page(
    person: Person,
    generation: number,
    page: number,
  ): Promise<SignedRecord<PageBody> | undefined> {
    const { clock, directory } = this.#session.ports;
    const { signal } = this.#session;
    const namespace = pageNamespaceOf(generation, page);
    const name = pageName(person, namespace);
    const known = this.#pages.get(name);
    for (let attempt = 0; attempt < triesMax; attempt++) {
      if (attempt > 0) await delay(clock, retryMs * attempt, signal);
      const query = { username: person.username, namespace, pin: person.key };
      const { record } = await directory.get(query, signal);
      if (record === undefined || record.namespace !== namespace) continue;
      if (record.username !== person.username) continue;
      if (!equalBytes(record.publicKey, person.key)) continue;
      const found = recordOf(record, "page");
      const newest = known !== undefined && compareRecords(known.record, found) > 0
        ? known.record
        : found;
      this.#pages.set(name, { record: newest, readAt: clock.monotonic() }, rememberedMs);
      return newest;
    }
    return known?.record;
  }
}

function pageName(person: Person, namespace: string): string {
  return `${person.username}/${toHex(person.key)}/${namespace}`;
}

/** The present entries of all pages, each on the page where its name belongs. */
function entriesOf(
  person: Person,
  pages: readonly (SignedRecord<PageBody> | undefined)[],
): ListsRead {
  const entries: ListEntry[] = [];
  for (const [page, record] of pages.entries()) {
    for (const entry of record?.body.entries ?? []) {
      const belongs = pageOf(entry.username, pages.length) === page;
      if (entry.present && belongs && entry.username !== person.username) entries.push(entry);
    }
  }
  return { entries: once(entries), complete: !pages.includes(undefined) };
}

/** Whether there are as many entries as the public record says. */
function hasLengths(entries: readonly ListEntry[], person: Person): boolean {
  const followers = entries.filter((entry) => entry.list === "followers").length;
  const { public: body } = person;
  return body?.followers === followers && body.following === entries.length - followers;
}

/** Each name once a list: the owner's own program writes no name twice. */
function once(entries: readonly ListEntry[]): ListEntry[] {
  const seen = new Map<string, ListEntry>();
  for (const entry of entries) seen.set(`${entry.list}/${entry.username}`, entry);
  return [...seen.values()];
}
