/**
 * The own `public` record: the claim of the name, counts, heads, and which list pages are in force.
 *
 * @module
 */

import { equalBytes } from "../model/bytes.ts";
import type { Job } from "../../lib/scheduler.ts";
import { lastNumber } from "../model/feed.ts";
import type { Layout } from "../model/list_pages.ts";
import { attempt, encode } from "../model/msgpack.ts";
import { openRecord, type SignedRecord } from "../model/record.ts";
import { bodyKinds, type Head, type PublicBody } from "../model/record_body.ts";
import type { Session } from "../session/interfaces.ts";
import type { RecordWriter, WriteOutcome } from "./own_records_writer.ts";
import { isWorn } from "./own_records_writer.ts";

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

/** What the lists tell the public record. */
export interface ListsView {
  /** The lengths as published; undefined while they are not known, or changes wait to be published. */
  counts(): Counts | undefined;
  /** Another device has written `public`: what it did to the lists is merged; whether that was complete. */
  merge(body: PublicBody): Promise<boolean>;
}

/** Keeps `public` in step with what this device knows. */
export class PublicRecord {
  readonly #session: Session;
  readonly #writer: RecordWriter;
  readonly #heads = new Map<number, number>();
  #lists: ListsView | undefined;
  #since: number;
  #layout: Layout = { generation: 0, pages: 0 };
  readonly #job: Job;
  #publishedAt: number | undefined;
  #pending = false;
  #noted: Uint8Array | undefined;
  #readOnce = false;
  /** Payload hash of the last record that the lists agree with. */
  #merged: Uint8Array | undefined;

  private constructor(session: Session, writer: RecordWriter) {
    this.#session = session;
    this.#writer = writer;
    this.#since = Math.floor(session.ports.clock.now());
    this.#job = session.scheduler.job(() => this.#publishQuietly());
  }

  /** Takes up what the database knows. */
  static async open(session: Session, writer: RecordWriter): Promise<PublicRecord> {
    const record = new PublicRecord(session, writer);
    const saved = await session.store.getNote(note);
    const known = saved === undefined ? undefined : attempt(() => openRecord(saved));
    if (known !== undefined && known.namespace === "public" && writer.note(known)) {
      record.#noted = known.value;
    }
    const seen = writer.seen("public", "public");
    if (seen !== undefined) record.#take(seen.body);
    await record.refreshHeads();
    await record.#save();
    return record;
  }

  /** Who knows the lists. */
  attach(lists: ListsView): void {
    this.#lists = lists;
  }

  /** Which list pages are in force. */
  layout(): Layout {
    return this.#layout;
  }

  /** The pages of a new generation have all been written: from now on it is named. */
  adopt(layout: Layout): void {
    if (layout.generation > this.#layout.generation) this.#layout = layout;
  }

  /** Heads by device number. */
  heads(): Head[] {
    return listed(this.#heads);
  }

  /** Takes in the heads that the database has: own posts of other devices arrive there. */
  async refreshHeads(): Promise<void> {
    const { store, self } = this.#session;
    for (const feed of await store.feeds(self.username)) this.#raise(feed.device, lastNumber(feed));
  }

  /** A head moved: published at once for the first, then at most every 30 s. */
  headMoved(head: Head): void {
    if (!this.#raise(head.device, head.head)) return;
    this.#pending = true;
    if (this.#job.isDue) return;
    const { clock } = this.#session.ports;
    const dueAt = this.#publishedAt === undefined ? 0 : this.#publishedAt + headsEveryMs;
    // Marked before the write: posts that follow within its round trip wait for the next one.
    this.#publishedAt = Math.max(clock.monotonic(), dueAt);
    this.#job.dueIn(dueAt - clock.monotonic());
  }

  /** The node has joined the network: what waits is published. */
  joined(): void {
    if (this.#pending) this.#publishQuietly();
  }

  /** Reads `public` unless this session has seen the network's; whether the layout can be relied on. */
  async ensureRead(signal?: AbortSignal): Promise<boolean> {
    if (this.#readOnce) return true;
    this.#readOnce = await this.#writer.read("public", signal);
    const seen = this.#writer.seen("public", "public");
    if (seen !== undefined) this.#take(seen.body);
    return this.#readOnce;
  }

  /** Whether something waits to be published. */
  get pending(): boolean {
    return this.#pending;
  }

  /** Reads what is in force, merges it, and writes if anything is missing there or it is to be renewed. */
  pull(signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#write({ force: true }, signal);
  }

  /** Writes now, if anything differs from what is in force. */
  publish(signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#write({}, signal);
  }

  /**
   * Writes now, even if it says the same as before: pages have changed, and that is what other devices
   * look at to learn of it.
   */
  announceLists(signal?: AbortSignal): Promise<WriteOutcome> {
    return this.#write({ touch: true }, signal);
  }

  async #write(
    { force = false, touch = false }: { readonly force?: boolean; readonly touch?: boolean },
    signal?: AbortSignal,
  ): Promise<WriteOutcome> {
    this.#pending = true;
    // Heads that move while this write is read back wait for their own time.
    let heads: Head[] | undefined;
    let isTouched = touch;
    const outcome = await this.#writer.write({
      namespace: "public",
      kind: "public",
      force,
      // As with list pages: where this device has never seen it, it may be held and not have been shown.
      sequenceMin: (now) => this.#writer.seen("public", "public") === undefined ? 1 : now,
      build: async (seen) => {
        if (heads === undefined) await this.refreshHeads();
        if (seen !== undefined) {
          this.#take(seen.body);
          await this.#mergeLists(seen);
        }
        heads ??= this.heads();
        return this.#build({ heads, isTouched }, seen);
      },
    }, signal);
    isTouched = false; // Reading it back repeats the write only if something is lost.
    if (outcome === "written" || outcome === "unchanged") {
      this.#readOnce = true;
      this.#pending = false;
      if (outcome === "written") this.#merged = this.#writer.seen("public", "public")?.payloadHash;
      await this.#save();
    }
    return outcome;
  }

  #build(
    own: { readonly heads: readonly Head[]; readonly isTouched: boolean },
    seen: SignedRecord<PublicBody> | undefined,
  ): PublicBody | undefined {
    const heads = highest(own.heads, seen?.body.heads ?? []);
    const counts = this.#lists?.counts() ?? seen?.body ?? { followers: 0, following: 0 };
    const body: PublicBody = {
      since: this.#since,
      // Numbers have no gaps and own posts are never removed: the heads tell how many there are.
      posts: heads.reduce((sum, { head }) => sum + head, 0),
      followers: counts.followers,
      following: counts.following,
      heads,
      ...this.#layout,
    };
    const same = seen !== undefined && !own.isTouched && isSame(seen.body, body) &&
      !isWorn(seen, this.#session.ports.clock.now());
    return same ? undefined : body;
  }

  /** What this session wrote itself, and what it has merged, needs no look at the lists. */
  async #mergeLists(seen: SignedRecord<PublicBody>): Promise<void> {
    if (this.#merged !== undefined && equalBytes(this.#merged, seen.payloadHash)) return;
    if (await this.#lists?.merge(seen.body)) this.#merged = seen.payloadHash;
  }

  /** Merges: the earliest registration, the highest heads, the highest generation. */
  #take(body: PublicBody): void {
    if (body.since < this.#since) this.#since = body.since;
    for (const { device, head } of body.heads) this.#raise(device, head);
    this.adopt({ generation: body.generation, pages: body.pages });
  }

  #raise(device: number, head: number): boolean {
    if (head <= (this.#heads.get(device) ?? 0)) return false;
    this.#heads.set(device, head);
    return true;
  }

  async #save(): Promise<void> {
    const value = this.#writer.seen("public", "public")?.value;
    if (value === undefined || this.#session.signal.aborted) return;
    if (this.#noted !== undefined && equalBytes(this.#noted, value)) return;
    this.#noted = value;
    await this.#session.store.putNote(note, value);
  }

  #publishQuietly(): void {
    this.publish().catch(() => {}); // Aborted by the logout; a disk error shows wherever it matters.
  }
}

function listed(heads: ReadonlyMap<number, number>): Head[] {
  return [...heads]
    .map(([device, head]) => ({ device, head }))
    .sort((a, b) => a.device - b.device);
}

function highest(...lists: (readonly Head[])[]): Head[] {
  const heads = new Map<number, number>();
  for (const { device, head } of lists.flat()) {
    heads.set(device, Math.max(head, heads.get(device) ?? 0));
  }
  return listed(heads);
}

function isSame(a: PublicBody, b: PublicBody): boolean {
  return equalBytes(encode(bodyKinds.public.write(a)), encode(bodyKinds.public.write(b)));
}
