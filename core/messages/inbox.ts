/**
 * What comes in: every check, the cheapest first, before a message reaches the part that deals with it.
 *
 * A frame passes size, form, receiver, age, id, pin and budget the moment it arrives; then it waits in
 * one of two bounded lanes, that of senders whose key is known or that of all others, until its signature
 * is verified and its message handed on. So strangers can fill their own lane only. A frame that does not
 * verify changes nothing for the sender it names; how many come is bounded at the front door, by network.
 *
 * @module
 */

import { equalBytes, toHex } from "../model/bytes.ts";
import { isSame } from "../model/user.ts";
import { attempt } from "../../lib/msgpack.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { InboundBudget } from "./budget.ts";
import { type Frame, messageBytesMax, readFrame, readFrameBody, verifyFrame } from "./frame.ts";
import type { Message } from "./kinds/mod.ts";
import type { Session } from "../session/interfaces.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { Slices } from "../../lib/slices.ts";
import { Slots } from "../../lib/slots.ts";
import { Tasks } from "../../lib/tasks.ts";
import { warn } from "../session/warn.ts";

/** Why a frame was refused. */
export type Refusal =
  | "too_large"
  | "malformed"
  | "not_for_me"
  | "wrong_age"
  | "seen"
  | "wrong_key"
  | "over_budget"
  | "queue_full"
  | "bad_signature";

/** How well a sender is known: by a pinned key, because an answer of it is awaited, or not at all. */
export type Standing = "pinned" | "awaited" | "unknown";

/** Messages older or newer than this are refused. */
const messageAgeMsMax = 600_000;

/**
 * How long a message's id is remembered: a message dated as far ahead as is allowed stays acceptable for
 * twice the tolerance.
 */
const seenMs = 2 * messageAgeMsMax;

/**
 * Ids remembered in each lane, some 8 MB. Beyond that the oldest go: a replay then costs work, and
 * changes nothing, because every message can be dealt with twice.
 */
const seenMax = 65_536;

/** Frames waiting in one lane at most, and their bytes: some two seconds of work. */
const queuedFramesMax = 2048;
const queuedBytesMax = 32 * 1024 * 1024;

/** Messages dealt with at once, of known senders and of others: enough to bridge waits for the disk. */
const handledMax = { known: 12, unknown: 4 };

/** A handler that takes longer loses its place; it may go on, unwatched. */
const handlerMsMax = 30_000;

/** The same error is reported at most once in this time; so many errors are remembered. */
const sameErrorMs = 60_000;
const errorsMax = 64;

/** What the inbox needs. */
export interface InboxParts {
  /** The session. */
  readonly session: Session;
  /** The pinned key of a name. */
  readonly pinOf: (username: string) => Uint8Array | undefined;
  /** Whether an answer is awaited from the user with that key (hexadecimal). */
  readonly isAwaited: (sender: string) => boolean;
  /** Deals with a message that passed. May reject: it is reported. */
  readonly dispatch: (message: Message, standing: Standing) => Promise<void>;
}

/** One of the two queues. */
interface Lane {
  /** Signatures are verified one after another, and not behind messages that are being dealt with. */
  readonly checks: Slots;
  /** Messages dealt with at once. */
  readonly slots: Slots;
  /** Ids of messages that have been dealt with. */
  readonly seen: TimedCache<true>;
  /** Frames that wait, and their bytes. */
  frames: number;
  bytes: number;
}

/** A frame that passed the checks that cost next to nothing. */
interface Arrival {
  readonly frame: Frame;
  readonly bytes: number;
  /** The signing key, in hexadecimal. */
  readonly sender: string;
  readonly standing: Standing;
}

/** See the module. */
export class Inbox {
  readonly #parts: InboxParts;
  readonly #budget: InboundBudget;
  readonly #slices: Slices;
  readonly #known: Lane;
  readonly #unknown: Lane;
  readonly #reported: TimedCache<true>;
  readonly #tasks = new Tasks((error) => this.#report(error));
  /** Counts how often what waits was forgotten. */
  #clears = 0;
  /** How many frames were refused, and why. */
  readonly refused: Map<Refusal, number> = new Map<Refusal, number>();

  /** An empty inbox. */
  constructor(parts: InboxParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#budget = new InboundBudget(clock);
    this.#slices = new Slices(clock);
    const lane = (places: number): Lane => ({
      checks: new Slots(1),
      slots: new Slots(places),
      seen: new TimedCache(clock, seenMax),
      frames: 0,
      bytes: 0,
    });
    this.#known = lane(handledMax.known);
    this.#unknown = lane(handledMax.unknown);
    this.#reported = new TimedCache(clock, errorsMax);
  }

  /** Takes in a frame. Never throws, never waits. */
  receive(bytes: Uint8Array): void {
    if (this.#parts.session.signal.aborted) return;
    const arrival = this.#check(bytes);
    if (typeof arrival === "string") return this.#refuse(arrival);
    const lane = arrival.standing === "unknown" ? this.#unknown : this.#known;
    if (lane.frames >= queuedFramesMax || lane.bytes + arrival.bytes > queuedBytesMax) {
      return this.#refuse("queue_full");
    }
    lane.frames++;
    lane.bytes += arrival.bytes;
    this.#tasks.add(this.#pass(arrival, lane, this.#clears));
  }

  /** Takes a frame through its lane. */
  async #pass(arrival: Arrival, lane: Lane, clears: number): Promise<void> {
    const message = await lane.checks.run(() => this.#verified(arrival, lane));
    if (message === undefined) return this.#leave(arrival, lane, clears);
    await lane.slots.run(async () => {
      this.#leave(arrival, lane, clears);
      if (clears === this.#clears) await this.#deal(arrival, message);
    });
  }

  /** A frame waits no longer. */
  #leave({ bytes }: Arrival, lane: Lane, clears: number): void {
    if (clears !== this.#clears) return;
    lane.frames--;
    lane.bytes -= bytes;
  }

  /** Resolves when nothing waits and nothing is being dealt with. */
  idle(): Promise<void> {
    return this.#tasks.settled();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#clears++;
    for (const lane of [this.#known, this.#unknown]) lane.frames = lane.bytes = 0;
  }

  #refuse(why: Refusal): undefined {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1);
    this.#parts.session.settings.trace?.(`Refused a message: ${why.replaceAll("_", " ")}`);
  }

  /** The checks that cost next to nothing. */
  #check(bytes: Uint8Array): Arrival | Refusal {
    if (bytes.length > messageBytesMax) return "too_large";
    const frame = attempt(() => readFrame(bytes));
    if (frame === undefined) return "malformed";
    const { self, ports } = this.#parts.session;
    if (!isSame(frame.to, self)) return "not_for_me";
    if (Math.abs(ports.clock.now() - frame.time) > messageAgeMsMax) return "wrong_age";
    const sender = toHex(frame.from.key);
    const pin = this.#parts.pinOf(frame.from.username);
    if (this.#wasSeen(toHex(frame.id))) return "seen";
    if (pin !== undefined && !equalBytes(pin, frame.from.key)) return "wrong_key";
    const standing = this.#standingOf(sender, pin !== undefined);
    const isAdmitted = this.#budget.admit(sender, standing !== "unknown", bytes.length);
    return isAdmitted ? { frame, bytes: bytes.length, sender, standing } : "over_budget";
  }

  #wasSeen(id: string): boolean {
    return (this.#known.seen.get(id) ?? this.#unknown.seen.get(id)) !== undefined;
  }

  #standingOf(sender: string, isPinned: boolean): Standing {
    if (isPinned) return "pinned";
    return this.#parts.isAwaited(sender) ? "awaited" : "unknown";
  }

  /** The message, if its signature is good and the sender's own budget has room for it. */
  async #verified({ frame, sender, bytes }: Arrival, lane: Lane): Promise<Message | undefined> {
    await this.#slices.next();
    if (this.#parts.session.signal.aborted) return;
    if (!verifyFrame(frame)) return this.#refuse("bad_signature");
    const id = toHex(frame.id);
    if (this.#wasSeen(id)) return this.#refuse("seen");
    if (!this.#budget.charge(sender, lane === this.#known, bytes)) {
      return this.#refuse("over_budget");
    }
    lane.seen.set(id, true, seenMs);
    return attempt(() => readFrameBody(frame)) ?? this.#refuse("malformed");
  }

  async #deal({ standing }: Arrival, message: Message): Promise<void> {
    const { session, pinOf, dispatch } = this.#parts;
    if (session.signal.aborted) return;
    const isPinned = pinOf(message.from.username) !== undefined;
    const handled = dispatch(message, isPinned ? "pinned" : standing)
      .catch((error: unknown) => this.#report(error));
    await settledWithin(session.ports.clock, handled, handlerMsMax);
  }

  /** Tells of an error, of the same one at most once in a while: a full disk fails with every message. */
  #report(error: unknown): void {
    const what = String(error);
    if (this.#reported.get(what)) return;
    this.#reported.set(what, true, sameErrorMs);
    warn(this.#parts.session, error, "Cannot deal with a message");
  }
}
