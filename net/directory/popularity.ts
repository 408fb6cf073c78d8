/**
 * Which users are most followed in the list pages that this node stores.
 *
 * @module
 */

import { copyOf } from "../../core/model/bytes.ts";
import { attempt } from "../../lib/msgpack.ts";
import { peekRecord, readRecord } from "../../core/model/record.ts";
import { kindOfNamespace, type PageBody } from "../../core/model/record_body.ts";
import { nameOf, type UserRef } from "../../core/model/user.ts";
import type { Clock, PopularUser, Timer } from "../../core/ports.ts";
import type { StoredValue } from "../kademlia/ports.ts";
import { byPopularity, sampleUsersMax } from "./sample.ts";

/** Pages counted at most: a random sample is enough, and 2,000 full ones take 0.2 s to decode. */
const pagesMax = 2_000;

/** Pages decoded before others get a turn: some 2 ms. */
const pagesATurn = 20;

/** Names told apart while counting: 40 MB if all were different, which a sample never is. */
const namesMax = 100_000;

/** A count is made anew this long after the last at the earliest … */
const restMsMin = 1_000;

/** … and only when a hundred times as long has passed as the last took: 1 % of a core. */
const restFactor = 100;

/** How a {@linkcode Popularity} is built. */
export interface PopularityOptions {
  /** Time for measuring, and turns. */
  readonly clock: Clock;
  /** The values stored. */
  readonly values: () => Iterable<StoredValue>;
}

/** A user whom the pages counted so far name as followed. */
interface Followed extends UserRef {
  followers: number;
  /** The owner counted last: one owner's pages come together, and count once. */
  owner: string;
}

/** A count under way. */
interface Count {
  /** Pages still to be looked at, those of one owner together. */
  readonly pages: { readonly owner: string; readonly value: Uint8Array }[];
  readonly users: Map<string, Followed>;
  workMs: number;
}

/**
 * Counts on demand, in turns, and answers from the last count: a stranger's datagrams cost a look at
 * a ready list. Popularity is the number of distinct owners who follow.
 */
export class Popularity {
  readonly #options: PopularityOptions;
  #users: readonly PopularUser[] = [];
  #restUntil = Number.NEGATIVE_INFINITY;
  #turn: Timer | undefined;

  /** Nothing has been counted yet. */
  constructor(options: PopularityOptions) {
    this.#options = options;
  }

  /** The most followed users as last counted; starts a new count where that is due. */
  most(): readonly PopularUser[] {
    const { clock } = this.#options;
    if (this.#turn === undefined && clock.monotonic() >= this.#restUntil) this.#start();
    return this.#users;
  }

  /** Stops counting. */
  close(): void {
    this.#turn?.cancel();
    this.#restUntil = Number.POSITIVE_INFINITY;
  }

  #start(): void {
    const { clock, values } = this.#options;
    const startedMs = clock.monotonic();
    const pages: Count["pages"] = [];
    for (const { value } of values()) {
      const names = peekRecord(value);
      if (names === undefined || kindOfNamespace(names.namespace) !== "page") continue;
      pages.push({ owner: names.username, value });
      if (pages.length >= pagesMax) break;
    }
    pages.sort((a, b) => a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0);
    const workMs = clock.monotonic() - startedMs;
    this.#goOn({ pages, users: new Map(), workMs });
  }

  #goOn(count: Count): void {
    const { clock } = this.#options;
    const startedMs = clock.monotonic();
    for (let i = 0; i < pagesATurn; i++) {
      const page = count.pages.pop();
      if (page === undefined) break;
      countPage(count.users, page.owner, page.value);
    }
    if (count.pages.length === 0) {
      this.#users = [...count.users.values()].sort(byPopularity).slice(0, sampleUsersMax)
        .map(({ username, key, followers }) => ({ username, key: copyOf(key), followers }));
    }
    count.workMs += clock.monotonic() - startedMs;
    if (count.pages.length > 0) {
      this.#turn = clock.after(0, () => this.#goOn(count));
      return;
    }
    this.#turn = undefined;
    this.#restUntil = clock.monotonic() + Math.max(restMsMin, restFactor * count.workMs);
  }
}

function countPage(users: Map<string, Followed>, owner: string, value: Uint8Array): void {
  // The signature was checked when the value was stored.
  const body = attempt(() => readRecord(value).record.body as PageBody);
  for (const { list, username, key, present } of body?.entries ?? []) {
    if (list !== "following" || !present) continue;
    const name = nameOf({ username, key });
    const user = users.get(name);
    if (user === undefined) {
      if (users.size < namesMax) users.set(name, { username, key, followers: 1, owner });
    } else if (user.owner !== owner) {
      user.followers++;
      user.owner = owner;
    }
  }
}
