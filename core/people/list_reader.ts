/**
 * Reading other users' lists from the pages that their public record names.
 *
 * A page counts only under its owner's key, its own generation and number; of an entry that does not
 * belong on its page nothing is believed. A page once seen is never exchanged for an older one, so
 * that a holder who serves a stale page changes nothing for a reader who has seen a newer one.
 *
 * @module
 */

import { nameOf, type UserRef } from "../model/user.ts";
import { type Layout, pageOf } from "../model/list_pages.ts";
import { isRecordOf, type SignedRecord } from "../model/record.ts";
import { type ListEntry, type PageBody, pageNamespaceOf } from "../model/record_body.ts";
import { compareRecords } from "../model/record_policy.ts";
import type { Person, Session } from "../session/interfaces.ts";
import { InFlight, TimedCache } from "../../lib/bounded_map.ts";
import { shuffled } from "../../lib/random.ts";
import { abortable, delay, mapBounded } from "../../lib/waiting.ts";

/** Pages read at a time: each is a lookup with three queries in flight. */
const pagesParallel = 8;

/** Attempts to read a page that is missing or cannot be reached. */
const attemptsMax = 3;

/** The wait before the second attempt, in milliseconds; doubled for the third. */
const retryMs = 250;

/** Pages remembered, at 8,000 bytes and some hundred entries each: 4 users of 5,000 and 5,000 entries. */
const pagesMax = 1_024;

/**
 * Of longer lists only some pages are read, drawn at random: twelve thousand entries are enough to find a
 * follower who is online, and a list of 100,000 followers would take thousands of look-ups.
 */
export const wholePagesMax = 256;
const drawnPages = 32;

/** How long pages are remembered, as the least that counts. */
const rememberedMs = 15 * 60_000;

/**
 * Within this time pages are not read again while they have as many entries as the public record
 * says: a profile and suggestions ask one after another.
 */
const freshMs = 30_000;

/** For so long a page tells whom a post is to be passed on to: who came since then is told otherwise. */
const followersFreshMs = 300_000;

/** A user's lists as read. */
export interface ListsRead {
  /** Present entries of both lists. */
  readonly entries: readonly ListEntry[];
  /** Whether every page that the public record names was read. */
  readonly complete: boolean;
}

/** A page with the time at which it was read, in monotonic milliseconds. */
interface PageRead {
  readonly record: SignedRecord<PageBody>;
  readonly readAt: number;
}

/** Reads lists. */
export class ListReader {
  readonly #session: Session;
  readonly #pages: TimedCache<PageRead>;
  readonly #inFlight = new InFlight<ListsRead>();
  readonly #onePage = new InFlight<SignedRecord<PageBody> | undefined>();

  /** Lists as one session reads them. */
  constructor(session: Session) {
    this.#session = session;
    this.#pages = new TimedCache(session.ports.clock, pagesMax);
  }

  /** Both lists of a user; only entries present. */
  read(person: Person, signal?: AbortSignal): Promise<ListsRead> {
    const { generation = 0 } = person.public ?? {};
    const name = pageName(person, generation, 0);
    return abortable(this.#inFlight.run(name, () => this.#read(person, generation)), signal);
  }

  async #read(person: Person, generation: number): Promise<ListsRead> {
    const { clock, random } = this.#session.ports;
    const freshAt = clock.monotonic() - freshMs;
    const numbers = [...Array(person.public?.pages ?? 0).keys()];
    if (numbers.length > wholePagesMax) {
      const drawn = new Set(shuffled(numbers, random).slice(0, drawnPages));
      const pages = await mapBounded(
        numbers,
        pagesParallel,
        (page) =>
          drawn.has(page) ? this.#page(person, generation, page) : Promise.resolve(undefined),
      );
      return entriesOf(person, pages);
    }
    const known = numbers.map((page) => this.#pages.get(pageName(person, generation, page)));
    const fresh = known.map((page) => page && page.readAt > freshAt ? page.record : undefined);
    const read = entriesOf(person, fresh);
    if (read.complete && hasLengths(read.entries, person)) return read;
    return entriesOf(
      person,
      await mapBounded(numbers, pagesParallel, (page) => this.#page(person, generation, page)),
    );
  }

  /**
   * The followers on one page of a user's list, as the user signed it within the last minutes; undefined where
   * it cannot be read.
   */
  async followersOn(
    user: UserRef,
    { generation, pages }: Layout,
    page: number,
  ): Promise<readonly ListEntry[] | undefined> {
    const name = pageName(user, generation, page);
    const known = this.#pages.get(name);
    const isFresh = known !== undefined &&
      known.readAt > this.#session.ports.clock.monotonic() - followersFreshMs;
    const record = isFresh ? known.record : await this.#onePage.run(name, () => {
      return this.#page(user, generation, page);
    });
    return record?.body.entries.filter(({ list, username, present }) => {
      return list === "followers" && present && username !== user.username &&
        pageOf(username, pages) === page;
    });
  }

  /** One page from the network, unless a newer one has been seen. */
  async #page(
    person: UserRef,
    generation: number,
    page: number,
  ): Promise<SignedRecord<PageBody> | undefined> {
    const { ports: { clock, directory }, signal } = this.#session;
    const namespace = pageNamespaceOf(generation, page);
    const name = pageName(person, generation, page);
    const known = this.#pages.get(name)?.record;
    const query = { username: person.username, namespace, pin: person.key };
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (attempt > 0) await delay(clock, retryMs * attempt, signal);
      const { record } = await directory.get(query, signal);
      if (!isRecordOf(record, person, namespace)) continue;
      const newest = known !== undefined && compareRecords(known, record) > 0 ? known : record;
      this.#pages.set(name, { record: newest, readAt: clock.monotonic() }, rememberedMs);
      return newest;
    }
    return known;
  }
}

function pageName(person: UserRef, generation: number, page: number): string {
  return `${nameOf(person)}/${generation}/${page}`;
}

/** The present entries of all pages, each on the page where its name belongs, each name once a list. */
function entriesOf(
  person: Person,
  pages: readonly (SignedRecord<PageBody> | undefined)[],
): ListsRead {
  const entries = new Map<string, ListEntry>();
  for (const [page, record] of pages.entries()) {
    for (const entry of record?.body.entries ?? []) {
      const { list, username, present } = entry;
      const belongs = pageOf(username, pages.length) === page;
      if (present && belongs && username !== person.username) {
        entries.set(`${list}/${username}`, entry);
      }
    }
  }
  return { entries: [...entries.values()], complete: !pages.includes(undefined) };
}

/** Whether there are as many entries as the public record says. */
function hasLengths(entries: readonly ListEntry[], person: Person): boolean {
  const followers = entries.filter((entry) => entry.list === "followers").length;
  const { public: body } = person;
  return body?.followers === followers && body.following === entries.length - followers;
}
