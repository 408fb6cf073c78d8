/**
 * Own posts on their way to the users whom they mention or answer: sent again until acknowledged, also
 * after a restart (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import type { PendingMention } from "../conversation_store.ts";
import { mentionRetry } from "../messages/kinds/mention.ts";
import type { PeerMessenger } from "../messages/messenger.ts";
import { addresseesOf, mentionsMax, namedIn } from "../model/mentions.ts";
import type { Post, PostContent } from "../model/post.ts";
import { parseSnowflake, snowflakeTimeMs } from "../model/snowflake.ts";
import { isSame, refOf } from "../model/user.ts";
import type { People, Person, Session } from "../session/interfaces.ts";
import type { Job } from "../../lib/scheduler.ts";
import { Slots } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { warn } from "../session/warn.ts";
import { type HolderSearch, holdersWanted } from "./holder_search.ts";
import { mentionMsMax } from "./limits.ts";

/** Mentions on their way at once; beyond, the oldest are given up. */
export const pendingMax = 500;

/** Sent at once; each may need a look-up in the DHT. */
const sendingMax = 8;

/** A user who says hello again and again is sent the same mention no more often. */
const againMsMin = 1_000;

/** A receiver who is there acknowledges within this; else its followers are asked to keep the post. */
const ackMsMax = 3_000;

/**
 * A name is given up when the network has said for so long that no user has it: a part of the network that is
 * cut off says so too. The author is told at once.
 */
const absentMsMax = 3_600_000;

/**
 * The wait before followers are looked for again where fewer than three keep it, doubling from the first to the
 * longest: followers come online, and a list that was read may have been an old one.
 */
const searchMs = { first: 30_000, longest: 3_600_000 };

/** Searches at once: each reads a list, and where some users are. */
const searchesMax = 2;

/** What {@linkcode OutgoingMentions} needs. */
export interface OutgoingParts {
  /** The session. */
  readonly session: Session;
  /** Finds the users. */
  readonly people: Pick<People, "find" | "isAbsent">;
  /** Sends. */
  readonly messenger: Pick<PeerMessenger, "send" | "onAck">;
  /** Finds followers who keep a mention. */
  readonly search: Pick<HolderSearch, "ask">;
}

/** One mention and its repetitions. */
interface Pending {
  readonly to: string;
  readonly id: bigint;
  readonly number: number;
  holders: readonly string[];
  /** Sends it, and then is due again. */
  readonly job: Job;
  /** How long to wait before the next repetition, in milliseconds. */
  waitMs: number;
  isSending: boolean;
  /** When it was sent last, on the monotonic clock. */
  sentAt: number;
  /** Whether its acknowledgement is waited for, or followers are looked for who keep it. */
  isKeeping: boolean;
  /** When followers are asked to keep it, at the earliest, on the monotonic clock, and the wait after that. */
  searchAt: number;
  searchMs: number;
  /** Since when the network says that no user has the name, on the monotonic clock. */
  absentSince: number | undefined;
  /** Resolves when it need not be sent any more. */
  readonly over: PromiseWithResolvers<void>;
}

/** See the module. */
export class OutgoingMentions {
  readonly #parts: OutgoingParts;
  readonly #pending = new Map<string, Pending>();
  readonly #slots = new Slots(sendingMax);
  readonly #searches = new Slots(searchesMax);
  /** The first attempts for posts of this session. */
  readonly #first: Tasks;

  /** The mentions of one session; {@linkcode load} takes in those of earlier ones. */
  constructor(parts: OutgoingParts) {
    this.#parts = parts;
    this.#first = new Tasks((error) => warn(parts.session, error));
    parts.session.signal.addEventListener("abort", () => {
      for (const { over } of this.#pending.values()) over.resolve();
    }, { once: true });
  }

  /** How many are on their way. */
  get size(): number {
    return this.#pending.size;
  }

  /** Takes in what earlier sessions left in the store; nothing is sent before {@linkcode send}. */
  async load(): Promise<void> {
    const all = await this.#parts.session.store.conversations.pendingMentions();
    for (const mention of all) this.#take(mention);
    await this.#bound();
  }

  /** Users to whom an own post is to go. Where it names more than count, its author is told. */
  named(post: PostContent): string[] {
    const { session } = this.#parts;
    const count = namedIn(post.text).filter((name) => name !== post.author).length;
    if (count > mentionsMax) {
      const message =
        `The post names ${count} users: only the first ${mentionsMax} are told of it.`;
      session.emit({ event: "warning", code: "too_many_mentions", message });
    }
    return addresseesOf(post);
  }

  /** Those who have a post that is taken back: whom it speaks to, and who keeps it for them. */
  concerned(post: Post): string[] {
    const holders = [...this.#pending.values()].filter(({ id }) => id === post.id)
      .flatMap((pending) => pending.holders);
    return [...new Set([...addresseesOf(post), ...holders])];
  }

  /** An own post has been committed together with those to whom it is to go. */
  added({ id, number }: Post, names: readonly string[]): void {
    for (const to of names) {
      const pending = this.#take({ to, id, number, holders: [] });
      if (pending !== undefined) this.#first.add(this.#repeat(pending));
    }
    if (this.size <= pendingMax) return;
    this.#bound().catch((error: unknown) => warn(this.#parts.session, error));
  }

  /**
   * Resolves when the first attempts for new posts have ended: they were acknowledged, or followers have been asked
   * to keep them. A peer that runs for one command alone has no second one.
   */
  settled(): Promise<void> {
    return this.#first.settled();
  }

  /** Sends what is on its way to a user now, or in a second where it was sent just before, whatever its turn would have been; to all without a name. */
  send(username?: string): void {
    for (const pending of this.#pending.values()) {
      if (username !== undefined && pending.to !== username) continue;
      pending.waitMs = mentionRetry.firstMs;
      const since = this.#parts.session.ports.clock.monotonic() - pending.sentAt;
      pending.job.dueIn(Math.max(againMsMin - since, 0));
    }
  }

  #take({ to, id, number, holders }: PendingMention): Pending | undefined {
    const name = nameOf({ to, id });
    if (this.#pending.has(name)) return undefined;
    const pending: Pending = {
      to,
      id,
      number,
      holders,
      job: this.#parts.session.scheduler.job(() => this.#repeat(pending)),
      waitMs: mentionRetry.firstMs,
      isSending: false,
      sentAt: -Infinity,
      isKeeping: false,
      searchAt: -Infinity,
      searchMs: searchMs.first,
      absentSince: undefined,
      over: Promise.withResolvers<void>(),
    };
    this.#pending.set(name, pending);
    return pending;
  }

  /** Gives up the oldest where there are too many. */
  async #bound(): Promise<void> {
    const tooMany = [...this.#pending.values()].slice(0, Math.max(this.size - pendingMax, 0));
    await Promise.all(
      tooMany.map((pending) => this.#drop(pending, `${pendingMax} later ones wait`)),
    );
  }

  /** It need not be sent any more; `why` tells where it was given up. */
  async #drop(pending: Pending, why?: string): Promise<void> {
    const { session } = this.#parts;
    if (!this.#pending.delete(nameOf(pending))) return;
    pending.job.cancel();
    pending.over.resolve();
    if (why !== undefined) {
      session.settings.trace?.(`The mention of ${pending.to} in post ${pending.id}: ${why}`);
    }
    await session.store.conversations.dropPendingMention(pending);
  }

  /** Sends it once there is a slot, and has it kept by others; the next repetition does not wait for that. */
  async #repeat(pending: Pending): Promise<void> {
    if (pending.isSending) {
      // Asked to send now: soon after the sending under way has ended.
      pending.waitMs = againMsMin;
      return;
    }
    const { session } = this.#parts;
    pending.isSending = true;
    // It is sent again.
    const sent = await this.#slots.run(() => this.#send(pending))
      .catch((error: unknown) => this.#failed(pending, error));
    pending.isSending = false;
    pending.sentAt = session.ports.clock.monotonic();
    if (!this.#isPending(pending)) return;
    pending.job.dueIn(pending.waitMs);
    const { firstMs, longestMs } = mentionRetry;
    pending.waitMs = Math.min(Math.max(pending.waitMs * 2, firstMs), longestMs);
    if (sent === undefined || pending.isKeeping) return;
    pending.isKeeping = true;
    await this.#haveKept(pending, sent).catch((error: unknown) => this.#failed(pending, error));
    pending.isKeeping = false;
  }

  #isPending(pending: Pending): boolean {
    return this.#pending.get(nameOf(pending)) === pending && !this.#parts.session.signal.aborted;
  }

  #failed({ to }: Pending, error: unknown): undefined {
    const { settings, signal } = this.#parts.session;
    if (!signal.aborted) settings.trace?.(`No mention of ${to}: ${error}`);
  }

  /** Asks followers to keep what the user's devices do not acknowledge. */
  async #haveKept(pending: Pending, sent: Sent): Promise<void> {
    const { clock } = this.#parts.session.ports;
    if (sent.devices > 0) await settledWithin(clock, pending.over.promise, ackMsMax);
    if (!this.#isPending(pending)) return;
    // Those who keep the post are told themselves that it is taken back.
    if (sent.post.deletes !== undefined || pending.holders.length >= holdersWanted) return;
    if (clock.monotonic() < pending.searchAt) return;
    pending.searchAt = clock.monotonic() + pending.searchMs;
    pending.searchMs = Math.min(2 * pending.searchMs, searchMs.longest);
    await this.#searches.run(() => this.#search(pending, sent));
  }

  /** Sends it to the user's devices; undefined where there is nothing more to do for now. */
  async #send(pending: Pending): Promise<Sent | undefined> {
    const { session, people, messenger } = this.#parts;
    const { self, store, ports: { clock, random }, signal } = session;
    if (!this.#isPending(pending)) return undefined;
    const { to, id, number } = pending;
    if (clock.now() - snowflakeTimeMs(id) > mentionMsMax) {
      await this.#drop(pending, "it was on its way for too long");
      return undefined;
    }
    const { device } = parseSnowflake(id);
    const place = { author: self.username, device, from: number, to: number, limit: 1 };
    const [post] = await store.feedPosts(place);
    if (post?.id !== id) {
      await this.#drop(pending, "the post is no longer there");
      return undefined;
    }
    const person = await people.find(to, signal);
    if (person === undefined) {
      if (people.isAbsent(to)) await this.#unknown(pending);
      return undefined;
    }
    pending.absentSince = undefined;
    const messageId = random.bytes(16);
    messenger.onAck(messageId, (from, reason) => {
      if (reason !== undefined || !isSame(from, person)) return;
      this.#drop(pending).catch((error: unknown) => warn(session, error));
    });
    const body = { post: post.signed };
    const order = { kind: "mention" as const, to: refOf(person), body, id: messageId };
    const { devices } = await messenger.send(order, signal);
    return { person, post, devices };
  }

  async #unknown(pending: Pending): Promise<void> {
    const { session } = this.#parts;
    const now = session.ports.clock.monotonic();
    if (pending.absentSince === undefined) {
      pending.absentSince = now;
      const message = `No user has the name ${pending.to}, which a post of yours names.`;
      session.emit({ event: "warning", code: "unknown_user", message });
    } else if (now - pending.absentSince >= absentMsMax) {
      await this.#drop(pending, "no user has that name");
    }
  }

  async #search(pending: Pending, { person, post }: Sent): Promise<void> {
    const { session, search } = this.#parts;
    const { to, id, number } = pending;
    const found = await search.ask({ person, post, known: pending.holders }, session.signal);
    if (found.length === 0 || this.#pending.get(nameOf(pending)) !== pending) return;
    pending.holders = [...pending.holders, ...found];
    await session.store.conversations.putHolders({ to, id, number, holders: pending.holders });
  }
}

/** A mention that was handed to the links. */
interface Sent {
  readonly person: Person;
  readonly post: Post;
  /** To how many devices it was queued. */
  readonly devices: number;
}

function nameOf({ to, id }: Pick<PendingMention, "to" | "id">): string {
  return `${to}/${id}`;
}
