/**
 * What the parts of the screens share: the peer, the time, who is logged in, names, posts that are quoted, and one
 * place that tells of changes.
 *
 * @module
 */

import type { PeerCalls, PeerEvent, PostNameView, PostView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Time, Timer } from "../../lib/time.ts";
import type { Deed } from "./deeds.ts";
import { keyOf, type RowKnown } from "./post_row.ts";
import { Relations } from "./relations.ts";

/** Changes are told of at most so often: 30 times a second look live, and leave the processor to others. */
export const tellEveryMs = 33;

/** Names to be shown that are remembered: of all that a user with 5,000 followed ones can meet. */
const namesMax = 10_000;

/** Posts remembered for quotes. */
const quotesMax = 500;

/** Events that wait to be dealt with together; more are dealt with at once. */
const eventsMax = 500;

/** Posts that are asked for in one question; see `postsNamed` of `core/api.ts`. */
const namesAtOnce = 100;

/** What a desk is made from. */
export interface DeskParts {
  /** The peer. */
  readonly api: PeerCalls;
  /** The time, and the timers that put changes together. */
  readonly time: Pick<Time, "now" | "monotonic" | "after">;
  /** The user who is logged in. */
  readonly self: string;
  /** Something that is shown has changed; called at most every {@linkcode tellEveryMs}. */
  readonly onChange: () => void;
  /** What is unread, and the state of the peer, may have changed. */
  readonly onCounts: () => void;
}

/** What the parts share. */
export class Desk {
  /** How the user stands to others. */
  readonly relations: Relations = new Relations();
  readonly #parts: DeskParts;
  readonly #names = new BoundedMap<string, string>(namesMax);
  readonly #quotes = new BoundedMap<string, PostView>(quotesMax);
  readonly #onMissed = new Set<() => void>();
  readonly #onDone = new Set<(deed: Deed) => Promise<void> | void>();
  readonly #listeners = new Set<(events: readonly PeerEvent[]) => void>();
  /** Posts that were asked for, so that those that are not here are not asked for again and again. */
  readonly #asked = new BoundedMap<string, true>(4 * quotesMax);
  #wanted = new Map<string, PostNameView>();
  #isAsking = false;
  #version = 0;
  #events: PeerEvent[] = [];
  #timer: Timer | undefined;
  #toldMs = -Infinity;
  #isClosed = false;

  /** A desk at which nothing is known yet. */
  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** The peer. */
  get api(): PeerCalls {
    return this.#parts.api;
  }

  /** The user who is logged in. */
  get self(): string {
    return this.#parts.self;
  }

  /** The time. */
  get time(): DeskParts["time"] {
    return this.#parts.time;
  }

  /** Changes when what {@linkcode known} tells of names and quotes may have changed. */
  get version(): number {
    return this.#version;
  }

  /** Whether the screens were closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Something has changed: it is told of soon, once for all that changes until then. */
  changed(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    const { time, onChange } = this.#parts;
    const wait = Math.max(0, this.#toldMs + tellEveryMs - time.monotonic());
    this.#timer = time.after(wait, () => {
      this.#timer = undefined;
      this.#toldMs = time.monotonic();
      this.#deal();
      onChange();
    });
  }

  /** Something has happened in the peer: the parts learn of it with what else happens until the next change is told. */
  event(event: PeerEvent): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    if (this.#events.length >= eventsMax) this.#deal();
    this.changed();
  }

  /** Calls back with what has happened, in its order; returns how to stop that. */
  onEvents(listener: (events: readonly PeerEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back when the user has done something; returns how to stop that. */
  onDone(listener: (deed: Deed) => Promise<void> | void): () => void {
    this.#onDone.add(listener);
    return () => this.#onDone.delete(listener);
  }

  /** Calls back when events may have been missed; returns how to stop that. */
  onMissed(listener: () => void): () => void {
    this.#onMissed.add(listener);
    return () => this.#onMissed.delete(listener);
  }

  /** Events may have been missed: what is loaded is read again. */
  missed(): void {
    for (const listener of [...this.#onMissed]) listener();
    void this.relations.read(this.api).then(() => this.changed());
    this.recount();
  }

  /** The user has done something: the lists that it concerns read anew. */
  async done(deed: Deed): Promise<void> {
    if ("username" in deed) await this.relations.read(this.api);
    await Promise.all([...this.#onDone].map((listener) => listener(deed)));
    this.recount();
  }

  #deal(): void {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    for (const listener of [...this.#listeners]) listener(events);
  }

  /** What is unread has changed. */
  recount(): void {
    if (!this.#isClosed) this.#parts.onCounts();
  }

  /** A user wants to be shown under a name, or under none. */
  learnName(username: string, shown: string | null | undefined): void {
    this.#version++;
    if (shown === null || shown === undefined || shown === "") this.#names.delete(username);
    else this.#names.set(username, shown);
  }

  /** Posts were met: they can be quoted, and those that they answer are looked for. */
  quote(posts: readonly PostView[]): void {
    this.#version++;
    for (const post of posts) this.#quotes.set(keyOf(post), post);
    for (const post of posts) {
      const { reply_to } = post.repost_of ?? post;
      if (reply_to === null || this.#wanted.size >= namesAtOnce) continue;
      const key = keyOf(reply_to);
      if (this.#quotes.has(key) || this.#asked.has(key)) continue;
      this.#asked.set(key, true);
      this.#wanted.set(key, reply_to);
    }
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#wanted.size > 0 && !this.#isClosed) {
      const names = [...this.#wanted.values()];
      this.#wanted = new Map();
      // A quote that cannot be read is left out, and no reason to disturb the reader.
      const found = await this.api.postsNamed({ names }).catch(() => []);
      for (const post of found) this.#quotes.set(keyOf(post), post);
      this.#version++;
      if (found.length > 0) this.changed();
    }
    this.#isAsking = false;
  }

  /** Names that begin so: the given one first, then users who are followed, then authors of posts that were met. */
  namesFor(begin: string, limit: number, first?: string): string[] {
    const met = [...this.#quotes.entries()].map(([, { author }]) => author).sort();
    const names = new Set([
      ...first === undefined ? [] : [first],
      ...this.relations.followed,
      ...met,
    ]);
    names.delete(this.self);
    return [...names].filter((name) => name.startsWith(begin)).slice(0, limit);
  }

  /** A post is no longer to be quoted. */
  forgetPost(name: PostNameView): void {
    this.#version++;
    this.#quotes.delete(keyOf(name));
  }

  /** What rows are made from. */
  known(
    own: Partial<Pick<RowKnown, "isRevealed" | "isDeleted" | "quoted">> = {},
  ): RowKnown {
    return {
      self: this.self,
      nowMs: this.time.now(),
      shownName: (username) => this.#names.get(username),
      isRevealed: own.isRevealed ?? (() => false),
      isDeleted: own.isDeleted ?? (() => false),
      quoted: (key) => own.quoted?.(key) ?? this.#quotes.get(key),
    };
  }

  /** Nothing is told any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#events = [];
    this.#listeners.clear();
    this.#onDone.clear();
    this.#onMissed.clear();
  }
}

/** What a failure says to the person; a programming error is thrown on. */
export function problemOf(error: unknown): string {
  if (error instanceof CamelliaError) return error.message;
  throw error;
}
