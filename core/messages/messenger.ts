/**
 * Messages between peers, in and out (design, section 6).
 *
 * @module
 */

import { toHex } from "../model/bytes.ts";
import type { Message, MessageKind, MessageOf } from "../model/message.ts";
import type { UserRef } from "../model/user.ts";
import type { DeviceEntry } from "../model/record_body.ts";
import type { Endpoint } from "../ports.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import type { Lists, Messenger, People, Session } from "../session/interfaces.ts";
import { Inbox, type Refusal, type Standing } from "./inbox.ts";
import { Claims } from "./sender_claims.ts";
import { Outbox, type SendOrder, type SendReport } from "./outbox.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { warn } from "../session/warn.ts";

/** What the messenger needs. */
export interface MessengerParts {
  /** The session. */
  readonly session: Session;
  /** Devices, and who has which name. */
  readonly people: Pick<People, "devices" | "find" | "forgetDevices" | "renewDevices">;
  /** The pins of followed users and followers. */
  readonly lists: Pick<Lists, "get">;
}

/** Acknowledgements awaited at once, and for how long; see {@linkcode PeerMessenger.onAck}. */
const awaitedAcksMax = 4096;
const awaitedAckMs = 60_000;

/** Users of whom it is remembered when they were heard last. */
const heardMax = 8192;

/** A handler as the messenger keeps it. */
type Handler = (message: Message) => void | Promise<void>;

/** Who is told of an acknowledgement: the sender and, where something was refused, the reason. */
export type AckListener = (from: UserRef, reason: string | undefined) => void;

interface AwaitedAck {
  readonly listener: AckListener;
  /** On the monotonic clock. */
  readonly since: number;
}

/**
 * {@linkcode Messenger} over the links. Handlers are registered first, then it is started.
 *
 * What a handler may rely on: the key of `from` signed the message. The name is the pinned one of
 * that key, or, in `follow` and `unfollow`, confirmed by the network; in `want`, `posts` and `ack` of
 * senders without a pin the name is only what the sender says. `hello` comes from pinned senders only.
 */
export class PeerMessenger implements Messenger {
  readonly #parts: MessengerParts;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #claims: Claims;
  readonly #handlers = new Map<MessageKind, Handler>();
  readonly #acks = new BoundedMap<string, AwaitedAck>(awaitedAcksMax);
  /** How many answers are awaited from a key (hexadecimal). */
  readonly #awaited = new Map<string, number>();
  /** When a key (hexadecimal) was heard last, on the monotonic clock. */
  readonly #heard = new BoundedMap<string, number>(heardMax);
  readonly #background = new Set<Promise<void>>();

  /** The messenger of one session. */
  constructor(parts: MessengerParts) {
    this.#parts = parts;
    this.#outbox = new Outbox(parts.session, parts.people);
    this.#claims = new Claims(parts.session, parts.people);
    this.#inbox = new Inbox({
      session: parts.session,
      pinOf: (username) => this.pinOf(username),
      isAwaited: (sender) => this.#awaited.has(sender),
      dispatch: (message, standing) => this.#dispatch(message, standing),
    });
  }

  /** How many frames were refused since the start, by reason. */
  get refused(): ReadonlyMap<Refusal, number> {
    return this.#inbox.refused;
  }

  /**
   * Opens the links under this device's link key. Called again after {@linkcode stop} when the
   * device number was drawn anew.
   *
   * @returns Where it listens.
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`.
   */
  start(): Promise<Endpoint> {
    const { identity, device, ports } = this.#parts.session;
    const { secretKey } = identity.linkKeys(device);
    return ports.links.open(secretKey, (frame) => this.#inbox.receive(frame));
  }

  /** Closes the links; what waits is forgotten. */
  async stop(): Promise<void> {
    this.#inbox.clear();
    await this.#parts.session.ports.links.close();
  }

  /** Registers what deals with a kind of message. */
  handle<K extends MessageKind>(
    kind: K,
    handler: (message: MessageOf<K>) => void | Promise<void>,
  ): void {
    if (this.#handlers.has(kind)) {
      throw new TypeError(`Cannot handle ${kind}: it has a handler already`);
    }
    this.#handlers.set(kind, handler as Handler);
  }

  /** Signs a message and queues it; see the contract. Rejects only with the signal's reason. */
  send<K extends MessageKind>(order: SendOrder<K>, signal?: AbortSignal): Promise<SendReport> {
    return this.#outbox.send(order, signal);
  }

  /** Devices of a user that a message can be sent to; this one is never among them. */
  devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    return this.#outbox.devices(user, signal);
  }

  /**
   * Calls back for acknowledgements of the message with that id, which then do not reach the handler
   * of `ack`; until the returned function is called, and for a minute or 4,096 later ones at most.
   */
  onAck(id: Uint8Array, listener: AckListener): () => void {
    const now = this.#parts.session.ports.clock.monotonic();
    // Whoever takes in a post says nothing: most of these would never be called.
    for (const [name, { since }] of this.#acks.entries()) {
      if (now - since < awaitedAckMs) break;
      this.#acks.delete(name);
    }
    const name = toHex(id);
    this.#acks.set(name, { listener, since: now });
    return () => this.#acks.delete(name);
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
    return this.pinOf(user.username) !== undefined || this.#awaited.has(toHex(user.key));
  }

  /** Whether there is a look-up left for the sake of somebody who is not known; takes it. */
  mayLookUp(): boolean {
    return this.#claims.takeLookUp();
  }

  /** When a message of that user came in last, on the monotonic clock; undefined if none is remembered. */
  heardAt(user: UserRef): number | undefined {
    return this.#heard.get(toHex(user.key));
  }

  /** The pinned key of a name: own, followed, followers', in this order. */
  pinOf(username: string): Uint8Array | undefined {
    const { session: { self }, lists } = this.#parts;
    if (username === self.username) return self.key;
    const followed = lists.get("following", username);
    if (followed?.present) return followed.key;
    const follower = lists.get("followers", username);
    return follower?.present ? follower.key : undefined;
  }

  /** Waits until what has come in is dealt with and what goes out is handed over, so long at most. */
  async drain(timeoutMs: number): Promise<void> {
    const { clock, links } = this.#parts.session.ports;
    const untilMs = clock.monotonic() + timeoutMs;
    await settledWithin(clock, this.#settled(), timeoutMs);
    await links.flush(Math.max(untilMs - clock.monotonic(), 0));
  }

  async #settled(): Promise<void> {
    await this.#inbox.idle();
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  async #dispatch(message: Message, standing: Standing): Promise<void> {
    this.#heard.set(toHex(message.from.key), this.#parts.session.ports.clock.monotonic());
    if (message.kind === "ack") {
      const awaited = this.#acks.get(toHex(message.body.id));
      if (awaited !== undefined) return awaited.listener(message.from, message.body.reason);
    }
    const handler = this.#handlers.get(message.kind);
    if (handler === undefined) return;
    if (standing !== "pinned") {
      if (message.kind === "hello") return;
      if (message.kind === "follow" || message.kind === "unfollow") {
        return this.#confirm(message, handler);
      }
    }
    await handler(message);
  }

  /** Hands the message on once the network has confirmed its sender, without keeping others waiting. */
  #confirm(message: Message, handler: Handler): void {
    const work = this.#claims.check(message.from)
      .then((holds) => holds ? handler(message) : undefined)
      .catch((error: unknown) => this.#report(error));
    this.#background.add(work);
    work.finally(() => this.#background.delete(work));
  }

  #report(error: unknown): void {
    warn(this.#parts.session, error);
  }
}
