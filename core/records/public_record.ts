/**
 * The own `public` record: the claim of the name, counts, heads, and which list pages are in force.
 *
 * @module
 */

import type { About } from "../model/about.ts";
import { given } from "../model/arguments.ts";
import { equalBytes } from "../model/bytes.ts";
import { lastNumber } from "../model/feed.ts";
import type { Layout } from "../model/list_pages.ts";
import { attempt } from "../../lib/msgpack.ts";
import { openRecord, type SignedRecord } from "../model/record.ts";
import { numbersIn, postsStanding, takenBackIn } from "../model/post_count.ts";
import { type Head, highestHeads, isSameBody, type PublicBody } from "../model/record_body.ts";
import type { Session } from "../session/interfaces.ts";
import { accountClosed } from "../session/closed.ts";
import type { Job } from "../../lib/scheduler.ts";
import type { UserLists } from "./lists.ts";
import { isDone, isWorn, type RecordWriter, type WriteOutcome } from "./record_writer.ts";

/** Changes of heads alone go out at most this often (design, section 4). */
const headsEveryMs = 30_000;

/** The note with the last own record seen, so that a peer without a network knows its heads and pages. */
const note = "public";

/** How long the own lists are. */
export interface Counts {
  /** Followers present. */
  readonly followers: number;
  /** Followed users present. */
  readonly following: number;
}

/** When {@linkcode PublicRecord.publish} reads and writes although nothing seems to require it. */
export interface PublishOptions {
  /** Reads what is in force first, however fresh the last reading is. */
  readonly force?: boolean;
  /** Writes even what says the same as before: other devices look there to learn that pages have changed. */
  readonly touch?: boolean;
}

/** Keeps `public` in step with what this device knows. */
export class PublicRecord {
  readonly #session: Session;
  readonly #writer: RecordWriter;
  readonly #job: Job;
  #lists: Pick<UserLists, "counts" | "merge"> | undefined;
  #heads: readonly Head[] = [];
  #since: number;
  #about: About | undefined;
  #layout: Layout = { generation: 0, pages: 0 };
  #publishedAt: number | undefined;
  #pending = false;
  /** What the database has under that note. */
  #noted: Uint8Array | undefined;
  #readOnce = false;
  /** Payload hash of the last record that the lists agree with. */
  #merged: Uint8Array | undefined;

  /** A record of which nothing is known: see {@linkcode PublicRecord.load}. */
  constructor(session: Session, writer: RecordWriter) {
    this.#session = session;
    this.#writer = writer;
    this.#since = Math.floor(session.ports.clock.now());
    this.#job = session.scheduler.job(() => this.#publishQuietly());
  }

  /** Takes up what the database knows. */
  async load(): Promise<void> {
    const saved = await this.#session.store.getNote(note);
    this.#noted = saved;
    const known = saved === undefined ? undefined : attempt(() => openRecord(saved));
    if (known !== undefined) this.#writer.note(known, "public");
    this.#take(this.#writer.seen("public"));
    await this.#refreshHeads();
    await this.#save();
  }

  /** Makes the lists known, which are opened after this record. */
  attach(lists: Pick<UserLists, "counts" | "merge">): void {
    this.#lists = lists;
  }

  /** Whether the account is known to be closed: nothing is written any more. */
  get isClosed(): boolean {
    return this.#writer.seen("public")?.body.isClosed === true;
  }

  /** What the user says of themselves. */
  get about(): About | undefined {
    return this.#about;
  }

  /** Changes that, and publishes it; what other devices have not heard of yet waits for the network. */
  async setAbout(parts: Omit<About, "updatedAt">, signal?: AbortSignal): Promise<WriteOutcome> {
    const now = Math.floor(this.#session.ports.clock.now());
    this.#about = { ...parts, updatedAt: Math.max(now, (this.#about?.updatedAt ?? 0) + 1) };
    return await this.publish({}, signal);
  }

  /** Which list pages are in force. */
  layout(): Layout {
    return this.#layout;
  }

  /** The pages of a new generation have all been written: from now on it is named. */
  adopt({ generation, pages }: Layout): void {
    if (generation > this.#layout.generation) this.#layout = { generation, pages };
  }

  /** Heads by device number. */
  heads(): readonly Head[] {
    return this.#heads;
  }

  /** How many own posts stand. */
  async posts(): Promise<number> {
    const takenBack = await this.#takenBack(this.#writer.seen("public"));
    return postsStanding(numbersIn(this.heads()), takenBack);
  }

  /**
   * How many own posts have been taken back, as far as is known here. A device that has yet to fetch a delete of
   * another one does not undo what that has published.
   */
  async #takenBack(seen: SignedRecord<PublicBody> | undefined): Promise<number> {
    const { store, self } = this.#session;
    const known = await store.countTakenBack(self.username);
    return Math.max(known, seen === undefined ? 0 : takenBackIn(seen.body));
  }

  /** Heads in the best record seen. */
  published(): readonly Head[] {
    return this.#writer.seen("public")?.body.heads ?? [];
  }

  /** Takes in the heads that the database has: own posts of other devices arrive there. */
  async #refreshHeads(): Promise<void> {
    const { store, self } = this.#session;
    const feeds = await store.feeds(self.username);
    this.#raise(feeds.map((feed) => ({ device: feed.device, head: lastNumber(feed) })));
  }

  /** A head moved: published at once for the first, then at most every 30 s. */
  headMoved(moved: Head): void {
    if (this.#heads.some(({ device, head }) => device === moved.device && head >= moved.head)) {
      return;
    }
    this.#raise([moved]);
    this.#pending = true;
    if (this.#job.isDue) return;
    const now = this.#session.ports.clock.monotonic();
    const dueAt = this.#publishedAt === undefined ? now : this.#publishedAt + headsEveryMs;
    // Marked before the write: posts that follow within its round trip wait for the next one.
    this.#publishedAt = Math.max(now, dueAt);
    this.#job.dueIn(dueAt - now);
  }

  /** The node has joined the network: what waits is published. */
  joined(): void {
    if (this.#pending) this.#publishQuietly();
  }

  /** Reads `public` unless this session has seen the network's; whether the layout can be relied on. */
  async ensureRead(signal?: AbortSignal): Promise<boolean> {
    if (this.#readOnce) return true;
    this.#readOnce = await this.#writer.read("public", signal);
    this.#take(this.#writer.seen("public"));
    return this.#readOnce;
  }

  /** Whether something waits to be published. */
  get pending(): boolean {
    return this.#pending;
  }

  /** Merges what is in force, and writes if anything is missing there or it is to be renewed. */
  async publish(
    { force = false, touch = false }: PublishOptions = {},
    signal?: AbortSignal,
  ): Promise<WriteOutcome> {
    this.#pending = true;
    // Heads that move while this write is read back wait for their own time.
    let heads: readonly Head[] | undefined;
    let isTouched = touch;
    const outcome = await this.#writer.write({
      namespace: "public",
      force,
      // As with list pages: a record that this device has never been shown may still be stored.
      sequenceMin: (now) => this.#writer.seen("public") === undefined ? 1 : now,
      build: async (seen) => {
        if (seen?.body.isClosed) {
          // Another device has closed the account: nothing here may undo that.
          this.#session.leave(accountClosed("go on as", this.#session.self.username));
          return undefined;
        }
        if (heads === undefined) await this.#refreshHeads();
        this.#take(seen);
        if (seen !== undefined) await this.#mergeLists(seen);
        heads ??= this.heads();
        return this.#build({ heads, isTouched, takenBack: await this.#takenBack(seen) }, seen);
      },
    }, signal);
    isTouched = false; // Reading it back repeats the write only if something is lost.
    if (isDone(outcome)) {
      this.#readOnce = true;
      this.#pending = false;
      if (outcome === "written") this.#merged = this.#writer.seen("public")?.payloadHash;
      await this.#save();
    }
    return outcome;
  }

  #build(
    own: {
      readonly heads: readonly Head[];
      readonly isTouched: boolean;
      readonly takenBack: number;
    },
    seen: SignedRecord<PublicBody> | undefined,
  ): PublicBody | undefined {
    const heads = highestHeads(own.heads, seen?.body.heads ?? []);
    const { followers, following } = this.#lists?.counts() ?? seen?.body ??
      { followers: 0, following: 0 };
    const posts = postsStanding(numbersIn(heads), own.takenBack);
    const counts = { posts, followers, following };
    const about = given({ about: this.#about });
    const body = { since: this.#since, ...counts, heads, ...this.#layout, ...about };
    const same = seen !== undefined && !own.isTouched && isSameBody("public", seen.body, body) &&
      !isWorn(seen, this.#session.ports.clock.now());
    return same ? undefined : body;
  }

  /** What this session wrote itself, and what it has merged, needs no look at the lists. */
  async #mergeLists(seen: SignedRecord<PublicBody>): Promise<void> {
    if (this.#merged !== undefined && equalBytes(this.#merged, seen.payloadHash)) return;
    if (await this.#lists?.merge(seen.body)) this.#merged = seen.payloadHash;
  }

  /** Merges: the earliest registration, the highest heads, the highest generation, the later texts. */
  #take(record: SignedRecord<PublicBody> | undefined): void {
    if (record === undefined) return;
    const { body } = record;
    this.#since = Math.min(this.#since, body.since);
    this.#raise(body.heads);
    if ((body.about?.updatedAt ?? 0) > (this.#about?.updatedAt ?? 0)) this.#about = body.about;
    this.adopt(body);
  }

  #raise(heads: readonly Head[]): void {
    this.#heads = highestHeads(this.#heads, heads);
  }

  async #save(): Promise<void> {
    const value = this.#writer.seen("public")?.value;
    if (value === undefined || this.#session.signal.aborted) return;
    if (this.#noted !== undefined && equalBytes(this.#noted, value)) return;
    this.#noted = value;
    await this.#session.store.putNote(note, value);
  }

  #publishQuietly(): void {
    this.publish().catch(() => {}); // Aborted by the logout; a disk error shows wherever it matters.
  }
}
