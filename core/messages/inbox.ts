/**
 * What comes in, through the checks of design section 6, cheapest first, to whoever deals with it.
 *
 * A frame passes size, form, addressee, age, id, pin and budget the moment it arrives; then it waits
 * in one of two bounded queues, those of senders whose key is known and of all others, until its
 * signature is verified and its message handed on. The two take turns, so that strangers can fill
 * their own queue only.
 *
 * @module
 */

import { equalBytes, toHex } from "../model/bytes.ts";
import { isSame } from "../model/user.ts";
import { attempt } from "../../lib/msgpack.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { InboundBudget } from "./budget.ts";
import { type Frame, messageBytesMax, readFrame, readFrameBody, verifyFrame } from "./frame.ts";
import type { Message } from "./kinds/mod.ts";
import type { Session } from "../session/interfaces.ts";
import { messageAgeMsMax, SeenIds } from "./seen_ids.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { Slices } from "../../lib/slices.ts";
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

/** How well a sender is known: the pinned key, one whose answer is awaited, or anybody. */
export type Standing = "pinned" | "awaited" | "unknown";

/** Frames waiting in one queue at most, and their bytes: some two seconds of work. */
const queuedFramesMax = 2048;
const queuedBytesMax = 32 * 1024 * 1024;

/** Messages dealt with at once, of known senders and of others: enough to bridge waits for the disk. */
const handledMax = { known: 12, unknown: 4 };

/** A handler that takes longer loses its place; it may go on, unwatched. */
const handlerMsMax = 30_000;

/** A sender in whose name somebody forged a message counts as a stranger for so long. */
const suspectMs = 10_000;

/** The same error is reported at most once in so long; so many are remembered. */
const sameErrorMs = 60_000;
const errorsMax = 64;

/** Senders under suspicion, at most. */
const suspectsMax = 1024;

/** What the inbox needs. */
export interface InboxParts {
  /** The session. */
  readonly session: Session;
  /** The pinned key of a name. */
  readonly pinOf: (username: string) => Uint8Array | undefined;
  /** Whether an answer is awaited from whoever has that key (hexadecimal). */
  readonly isAwaited: (sender: string) => boolean;
  /** Deals with a message that passed. May reject: it is reported. */
  readonly dispatch: (message: Message, standing: Standing) => Promise<void>;
}

/** A frame that waits. */
interface Arrival {
  readonly frame: Frame;
  readonly bytes: number;
  /** The signing key, in hexadecimal. */
  readonly sender: string;
  readonly standing: Standing;
  readonly lane: Lane;
}

/** One of the two queues. */
class Lane {
  readonly known: boolean;
  readonly #waiting: Arrival[] = [];
  #bytes = 0;
  running = 0;

  constructor(known: boolean) {
    this.known = known;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get isReady(): boolean {
    const most = this.known ? handledMax.known : handledMax.unknown;
    return this.#waiting.length > 0 && this.running < most;
  }

  push(arrival: Arrival): boolean {
    const isFull = this.#waiting.length >= queuedFramesMax ||
      this.#bytes + arrival.bytes > queuedBytesMax;
    if (isFull) return false;
    this.#waiting.push(arrival);
    this.#bytes += arrival.bytes;
    return true;
  }

  shift(): Arrival | undefined {
    const arrival = this.#waiting.shift();
    this.#bytes -= arrival?.bytes ?? 0;
    return arrival;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#bytes = 0;
  }
}

/** See the module. */
export class Inbox {
  readonly #parts: InboxParts;
  readonly #budget: InboundBudget;
  readonly #slices: Slices;
  readonly #seen: { readonly known: SeenIds; readonly unknown: SeenIds };
  readonly #lanes = { known: new Lane(true), unknown: new Lane(false) };
  readonly #suspects = new BoundedMap<string, number>(suspectsMax);
  readonly #reported = new BoundedMap<string, number>(errorsMax);
  readonly #idle: (() => void)[] = [];
  /** How many frames were refused, and why. */
  readonly refused: Map<Refusal, number> = new Map<Refusal, number>();
  #knownIsNext = true;

  /** An empty inbox. */
  constructor(parts: InboxParts) {
    this.#parts = parts;
    const { clock } = parts.session.ports;
    this.#budget = new InboundBudget(clock);
    this.#slices = new Slices(clock);
    this.#seen = { known: new SeenIds(clock), unknown: new SeenIds(clock) };
    parts.session.signal.addEventListener("abort", () => this.clear(), { once: true });
  }

  /** Takes in a frame. Never throws, never waits. */
  receive(bytes: Uint8Array): void {
    if (this.#parts.session.signal.aborted) return;
    const result = this.#check(bytes);
    if (typeof result === "string") return this.#refuse(result);
    if (!result.lane.push(result)) return this.#refuse("queue_full");
    this.#work();
  }

  /** Resolves when nothing waits and nothing is being dealt with. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Forgets what waits. */
  clear(): void {
    this.#lanes.known.clear();
    this.#lanes.unknown.clear();
    this.#tellIdle();
  }

  get #isIdle(): boolean {
    const { known, unknown } = this.#lanes;
    return known.length + known.running + unknown.length + unknown.running === 0;
  }

  #tellIdle(): void {
    if (this.#isIdle) { for (const resolve of this.#idle.splice(0)) resolve(); }
  }

  #refuse(why: Refusal): void {
    this.refused.set(why, (this.refused.get(why) ?? 0) + 1);
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
    if (this.#wasSeen(frame)) return "seen";
    if (pin !== undefined && !equalBytes(pin, frame.from.key)) return "wrong_key";
    const standing = this.#standingOf(sender, pin !== undefined);
    const known = standing !== "unknown";
    if (!this.#budget.admit(sender, known, bytes.length)) return "over_budget";
    const lane = known ? this.#lanes.known : this.#lanes.unknown;
    return { frame, bytes: bytes.length, sender, standing, lane };
  }

  #wasSeen(frame: Frame): boolean {
    return this.#seen.known.has(frame.id) || this.#seen.unknown.has(frame.id);
  }

  #standingOf(sender: string, isPinned: boolean): Standing {
    const suspectUntil = this.#suspects.get(sender);
    if (suspectUntil !== undefined) {
      if (suspectUntil > this.#parts.session.ports.clock.monotonic()) return "unknown";
      this.#suspects.delete(sender);
    }
    if (isPinned) return "pinned";
    return this.#parts.isAwaited(sender) ? "awaited" : "unknown";
  }

  #work(): void {
    for (;;) {
      const lane = this.#nextLane();
      const arrival = lane?.shift();
      if (lane === undefined || arrival === undefined) return this.#tellIdle();
      lane.running++;
      this.#deal(arrival).catch((error: unknown) => this.#report(error)).finally(() => {
        lane.running--;
        this.#work();
      });
    }
  }

  #nextLane(): Lane | undefined {
    const { known, unknown } = this.#lanes;
    const [first, second] = this.#knownIsNext ? [known, unknown] : [unknown, known];
    const lane = first.isReady ? first : second.isReady ? second : undefined;
    if (lane !== undefined) this.#knownIsNext = !lane.known;
    return lane;
  }

  async #deal(arrival: Arrival): Promise<void> {
    const { session, pinOf } = this.#parts;
    await this.#slices.next();
    if (session.signal.aborted) return;
    const { frame, sender, bytes, lane } = arrival;
    if (!verifyFrame(frame)) {
      this.#suspects.set(sender, session.ports.clock.monotonic() + suspectMs);
      return this.#refuse("bad_signature");
    }
    if (this.#wasSeen(frame)) return this.#refuse("seen");
    const isPinned = pinOf(frame.from.username) !== undefined;
    // A sender under suspicion has shown now that this one is no forgery.
    if (isPinned) this.#suspects.delete(sender);
    if (!this.#budget.charge(sender, lane.known, bytes)) return this.#refuse("over_budget");
    (lane.known ? this.#seen.known : this.#seen.unknown).add(frame.id);
    const message = attempt(() => readFrameBody(frame));
    if (message === undefined) return this.#refuse("malformed");
    const handled = this.#parts.dispatch(message, isPinned ? "pinned" : arrival.standing)
      .catch((error: unknown) => this.#report(error));
    await settledWithin(session.ports.clock, handled, handlerMsMax);
  }

  /** Tells of an error, of the same one at most once in a while: a full disk fails with every message. */
  #report(error: unknown): void {
    const { session } = this.#parts;
    const now = session.ports.clock.monotonic();
    const what = String(error);
    if (now - (this.#reported.get(what) ?? -Infinity) < sameErrorMs) return;
    this.#reported.set(what, now);
    warn(session, error, "Cannot deal with a message");
  }
}
