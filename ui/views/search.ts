/**
 * A search in the posts of this machine.
 *
 * @module
 */

import type { PeerEvent, PostView, SearchView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseSearch } from "../../core/model/search_query.ts";
import type { Desk } from "./desk.ts";
import { Load, type LoadView } from "./load.ts";
import { keyOf, type PostRow, postRow } from "./post_row.ts";
import { pageLength } from "./post_window.ts";
import { hiddenText, indexedText } from "./words.ts";

/** Posts of one search at most: who has read so many asks for something narrower. */
export const foundMax = 1_000;

/** What can be searched for, to be shown where a query is typed. */
export const searchHelp: string =
  'words, "a phrase", camel*, #tag, @name, from:name, since:2026-01-31, before:…, sort:rank';

/** A search as it is shown. */
export interface SearchListView extends LoadView {
  /** What was typed. */
  readonly query: string;
  /** Why that is no query, in a sentence; null where it is one, or nothing. */
  readonly queryProblem: string | null;
  /** What was found, in the order that the query asks for. */
  readonly rows: readonly PostRow[];
  /** Whether there may be more. */
  readonly hasOlder: boolean;
  /** The key of the row that is read, or null. */
  readonly anchor: string | null;
  /** What else there is to say: that nothing is found, how much is hidden, that the index is being built; or empty. */
  readonly notice: string;
}

/** Why a text is no query; undefined if it is one, or nothing. */
export function queryProblem(typed: string): string | undefined {
  if (typed.trim() === "") return undefined;
  try {
    parseSearch(typed);
    return undefined;
  } catch (error) {
    if (error instanceof CamelliaError) return error.message;
    throw error;
  }
}

/** A search. */
export class Search {
  readonly #desk: Desk;
  readonly #load: Load;
  readonly #stops: (() => void)[];
  #query = "";
  /** What the posts were found with. */
  #asked: string | undefined;
  #posts: readonly PostView[] = [];
  #last: SearchView | undefined;
  #hidden = 0;
  #hasOlder = false;
  #anchor: string | undefined;
  #revealed = new Set<string>();
  #deleted = new Set<string>();

  /** Nothing was typed yet. */
  constructor(desk: Desk) {
    this.#desk = desk;
    this.#load = new Load(desk);
    this.#stops = [
      desk.onEvents((events) => this.#happened(events)),
      desk.onDone(() => this.#asked === undefined ? undefined : this.run()),
    ];
  }

  /** The query is typed; {@linkcode run} searches. */
  type(query: string): void {
    this.#query = query;
    this.#desk.changed();
  }

  /** Searches for what was typed; a search that is under way is superseded. Resolves when it is done. */
  async run(): Promise<void> {
    const query = this.#query;
    if (query.trim() === "" || queryProblem(query) !== undefined) {
      this.#load.stop();
      this.#desk.changed();
      return;
    }
    await this.#load.run(
      () => this.#desk.api.search({ query, limit: pageLength }),
      (found) => {
        this.#asked = query;
        this.#hidden = 0;
        this.#anchor = undefined;
        this.#deleted.clear();
        this.#take(found, []);
      },
    );
  }

  /** Searches on, below the last row. */
  older(): void {
    const last = this.#posts.at(-1);
    const query = this.#asked;
    if (!this.#hasOlder || last === undefined || query === undefined) return;
    if (this.#load.isLoading) return;
    void this.#load.run(
      () => this.#desk.api.search({ query, limit: pageLength, before: last.id }),
      (found) => this.#take(found, this.#posts),
    );
  }

  #take(found: SearchView, before: readonly PostView[]): void {
    this.#last = found;
    this.#hidden += found.hidden ?? 0;
    const all = new Map([...before, ...found.posts].map((post) => [keyOf(post), post]));
    this.#posts = [...all.values()].slice(0, foundMax);
    // What fits best is in no order that could go on.
    const isOrdered = parseSearch(this.#asked ?? "").sort === "newest";
    const isFull = found.posts.length >= pageLength && this.#posts.length < foundMax;
    this.#hasOlder = isOrdered && isFull;
    this.#desk.quote(found.posts);
  }

  /** The search as it is now. */
  view(): SearchListView {
    const held = new Map(this.#posts.map((post) => [keyOf(post), post]));
    const known = this.#desk.known({
      isRevealed: (key) => this.#revealed.has(key),
      isDeleted: (key) => this.#deleted.has(key),
      quoted: (key) => held.get(key),
    });
    return {
      ...this.#load.view(),
      query: this.#query,
      queryProblem: queryProblem(this.#query) ?? null,
      rows: this.#posts.map((post) => postRow(post, known)),
      hasOlder: this.#hasOlder,
      anchor: this.#anchor ?? null,
      notice: this.#notice(),
    };
  }

  #notice(): string {
    if (this.#last === undefined) return "";
    const { indexed } = this.#last;
    const parts = [
      ...indexed === undefined ? [] : [indexedText(indexed)],
      ...this.#posts.length === 0 ? ["Nothing is found."] : [],
      ...this.#hidden === 0 ? [] : [`${hiddenText(this.#hidden)}.`],
    ];
    return parts.join(" ");
  }

  /** The reader reads a row. */
  select(key: string): void {
    this.#anchor = key;
    this.#desk.changed();
  }

  /** Shows the text behind a warning, or hides it again. */
  reveal(key: string): void {
    if (!this.#revealed.delete(key)) this.#revealed.add(key);
    this.#desk.changed();
  }

  /** The search is no longer shown. */
  close(): void {
    for (const stop of this.#stops) stop();
    this.#load.stop();
  }

  #happened(events: readonly PeerEvent[]): void {
    if (this.#posts.length === 0) return;
    const held = new Set(this.#posts.map(keyOf));
    for (const event of events) {
      if (event.event === "deleted" && held.has(keyOf(event))) this.#deleted.add(keyOf(event));
    }
  }
}
