/**
 * Messages between peers, in and out (docs/PROTOCOL.md, section 4).
 *
 * @module
 */

import { equalBytes, toHex } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import type { DeviceEntry } from "../model/record_body.ts";
import type { Endpoint } from "../ports.ts";
import { BoundedMap, TimedCache } from "../../lib/bounded_map.ts";
import { Tasks } from "../../lib/tasks.ts";
import { TokenBucket } from "../../lib/token_bucket.ts";
import type { Parts, People, Session } from "../session/interfaces.ts";
import { Inbox, type Refusal, type Standing } from "./inbox.ts";
import {
  type AnyKind,
  type HandlerParts,
  type KindName,
  kindNamed,
  type Message,
  messageKinds,
  type MessageOf,
} from "./kinds/mod.ts";
import { SenderClaims } from "./sender_claims.ts";
import { Outbox, type SendOrder, type SendReport } from "./outbox.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { warn } from "../session/warn.ts";

/** The parts of a login, and the messenger. */
export interface MessagingParts extends Parts {
  /** Messages in and out. */
  readonly messenger: PeerMessenger;
}

/** Acknowledgements awaited at once, and for how long; see `onAck`. */
const awaitedAcksMax = 4096;
const awaitedAckMs = 60_000;

/** Users of whom it is remembered when they were heard last. */
const heardMax = 8192;

/** What is taken even from a user who is blocked. */
const isAnswered: ReadonlySet<KindName> = new Set(["follow", "unfollow", "ack"]);

/** Is told of an acknowledgement: the sender, the reason where something was refused, and who passed posts on. */
export type AckListener = (
  from: UserRef,
  reason: string | undefined,
  by: readonly string[],
) => void;

/**
 * Sends messages over the links, and hands those that come in, checked, to the part that deals with
 * their kind.
 *
 * What a part may rely on: the key of `from` signed the message. The name is the pinned one of that
 * key, or one that the network has confirmed, unless `anyone` may send the kind: then the name of a
 * sender without a pin is only what the sender says.
 */
export class PeerMessenger {
  readonly #session: Session;
  readonly #people: People;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #claims: SenderClaims;
  readonly #isBlocked: (user: UserRef) => boolean;
  #onHeard: ((user: UserRef) => void) | undefined;
  #handlers: HandlerParts | undefined;
  /** What strangers may still bring, by kind. */
  readonly #strangers = new Map<KindName, TokenBucket>();
  /** By message id (hexadecimal). Most are never called: a receiver takes in a post without a word. */
  readonly #acks: TimedCache<AckListener>;
  /** How many answers are awaited from a key (hexadecimal). */
  readonly #awaited = new Map<string, number>();
  /** When a key (hexadecimal) was heard last, on the monotonic clock. */
  readonly #heard = new BoundedMap<string, number>(heardMax);
  readonly #background: Tasks;

  /**
   * The messenger of one session.
   *
   * @param isBlocked From whom nothing is taken.
   */
  constructor(
    { session, people }: Pick<Parts, "session" | "people">,
    isBlocked: (user: UserRef) => boolean = () => false,
  ) {
    this.#session = session;
    this.#isBlocked = isBlocked;
    this.#people = people;
    const { clock } = session.ports;
    this.#acks = new TimedCache(clock, awaitedAcksMax);
    this.#background = new Tasks((error) => warn(session, error));
    this.#outbox = new Outbox(session, people, (user) => this.heardAt(user));
    this.#claims = new SenderClaims(session, people);
    this.#inbox = new Inbox({
      session,
      pinOf: (username) => people.pin(username),
      isAwaited: (sender) => this.#awaited.has(sender),
      dispatch: (message, standing) => this.#dispatch(message, standing),
    });
    for (const { kind, strangers } of messageKinds as readonly AnyKind[]) {
      if (strangers !== undefined) {
        this.#strangers.set(kind, new TokenBucket(clock, strangers.rate));
      }
    }
  }

  /** How many frames were refused since the start, by reason. */
  get refused(): ReadonlyMap<Refusal, number> {
    return this.#inbox.refused;
  }

  /** Names the parts that deal with messages. What comes in before is dropped. */
  serve(handlers: HandlerParts): void {
    this.#handlers = handlers;
  }

  /**
   * Opens the links under this device's link key. Called again after {@linkcode stop} when the
   * device number was drawn anew.
   *
   * @returns Where it listens.
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  start(): Promise<Endpoint> {
    const { identity, device, ports } = this.#session;
    const { secretKey } = identity.linkKeys(device);
    return ports.links.open(secretKey, (frame) => this.#inbox.receive(frame));
  }

  /** Closes the links; what waits is forgotten. */
  async stop(): Promise<void> {
    this.#inbox.clear();
    await this.#session.ports.links.close();
  }

  /**
   * Signs a message and queues it to the user's devices, or to one of them. Rejects only with the
   * signal's reason or what `order.committed` rejects with.
   */
  send<K extends KindName>(order: SendOrder<K>, signal?: AbortSignal): Promise<SendReport> {
    return this.#outbox.send(order, signal);
  }

  /** Devices of a user that a message can be sent to; this one is never among them. */
  devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    return this.#outbox.devices(user, signal);
  }

  /**
   * Calls back for acknowledgements of the message with that id, until the returned function is called,
   * and for a minute or 4,096 later ones at most.
   */
  onAck(id: Uint8Array, listener: AckListener): () => void {
    const name = toHex(id);
    this.#acks.set(name, listener, awaitedAckMs);
    return () => this.#acks.delete(name);
  }

  /** Tells the part that waits for this acknowledgement; whether one does. */
  acknowledge({ from, body: { id, reason, by = [] } }: MessageOf<"ack">): boolean {
    const listener = this.#acks.get(toHex(id));
    if (reason !== undefined) {
      this.#session.settings.trace?.(`${from.username} refused a message: ${reason}`);
    }
    listener?.(from, reason, by);
    return listener !== undefined;
  }

  /** Counts the user as known until the returned function is called: an answer is awaited. */
  expect(user: UserRef): () => void {
    const sender = toHex(user.key);
    this.#awaited.set(sender, (this.#awaited.get(sender) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#awaited.get(sender) ?? 1) - 1;
      if (left > 0) this.#awaited.set(sender, left);
      else this.#awaited.delete(sender);
    };
  }

  /** Whether the user's key is pinned, or an answer awaited from it. */
  isKnown(user: UserRef): boolean {
    return this.#people.pin(user.username) !== undefined || this.#awaited.has(toHex(user.key));
  }

  /** Whether there is a look-up left for the sake of a user who is not known; takes it. */
  mayLookUp(): boolean {
    return this.#claims.takeLookUp();
  }

  /**
   * Whether a name is that key's: by the pin where there is one, else by the network. False also where no time
   * is left to ask it, as so many look-ups for strangers are made in a second.
   */
  async confirms(user: UserRef): Promise<boolean> {
    const pin = this.#people.pin(user.username);
    return pin === undefined ? await this.#claims.check(user) : equalBytes(pin, user.key);
  }

  /**
   * Whether a name is that key's, as far as is known without asking: by the pin, or by what the network said
   * within the last minutes.
   */
  claimOf(user: UserRef): boolean | undefined {
    const pin = this.#people.pin(user.username);
    return pin === undefined ? this.#claims.known(user) : equalBytes(pin, user.key);
  }

  /** Calls back whenever a user whose key is pinned says something of itself. */
  onHeard(fn: (user: UserRef) => void): void {
    this.#onHeard = fn;
  }

  /** When a message of that user came in last, on the monotonic clock; undefined if none is remembered. */
  heardAt(user: UserRef): number | undefined {
    return this.#heard.get(toHex(user.key));
  }

  /** Waits until what has come in is dealt with and what goes out is handed over, so long at most. */
  async drain(timeoutMs: number): Promise<void> {
    const { clock, links } = this.#session.ports;
    const untilMs = clock.monotonic() + timeoutMs;
    await settledWithin(clock, this.#settled(), timeoutMs);
    await links.flush(Math.max(untilMs - clock.monotonic(), 0));
  }

  async #settled(): Promise<void> {
    await this.#inbox.idle();
    await this.#background.settled();
  }

  /** Hands a message on if its kind allows that sender, in the order: who, how much, whether confirmed. */
  async #dispatch(message: Message, standing: Standing): Promise<void> {
    const { from, kind, body } = message;
    this.#heard.set(toHex(from.key), this.#session.ports.clock.monotonic());
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    if (standing === "pinned" && kind !== "ack") this.#onHeard?.(from);
    // A follow is refused in words, and acknowledgements are awaited; nothing else is taken.
    if (!isAnswered.has(kind) && this.#isBlocked(from)) return;
    const declaration = kindNamed(kind);
    const { allowedFrom, strangers } = declaration;
    if (standing !== "pinned" && allowedFrom === "pinned") return;
    if (strangers !== undefined && !this.isKnown(from)) {
      if (!this.#strangers.get(kind)?.take(strangers.units(body))) return;
    }
    if (standing === "pinned" || allowedFrom === "anyone") {
      await declaration.handle(message, handlers);
    } else {
      // The network is asked for the name in the background: other messages do not wait for that.
      const confirmed = this.#claims.check(from);
      this.#background.add(
        confirmed.then((holds) => holds ? declaration.handle(message, handlers) : undefined),
      );
    }
  }
}
