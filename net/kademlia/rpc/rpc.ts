/**
 * Requests and their answers.
 *
 * @module
 */
import { type Endpoint, unicastAddress } from "../../../lib/ip_address.ts";
import type { Entry, Scheduler } from "../../../lib/scheduler.ts";
import {
  datagramBytesMax,
  headerBytes,
  idBytes,
  lateAnswerMsMax,
  openRequestsMax,
  requestKind,
  responseKind,
  timeoutMsMax,
} from "../constants.ts";
import type { Datagrams, Random, Sender, Time } from "../ports.ts";
import type { NodeContact } from "../space/contact.ts";
import { Id } from "../space/id.ts";
import type { Arguments, Method } from "./methods/method.ts";
import type { RateLimits } from "./rate_limits.ts";
import { decodeAnswer, encodeRequest } from "./wire.ts";

/**
 * Hears of the fate of the requests that it sent: no promise is made for each datagram. `Tag` is what the
 * caller keeps with each request.
 */
export interface Caller<Answer, Tag> {
  /**
   * An answer came from the address that was asked, maybe after `silent`. Byte arrays in it are views of
   * the datagram, valid during the call. False when the answer cannot be true.
   */
  answered(call: Call<Answer, Tag>, answer: Answer): boolean;
  /** The timeout has passed; an answer may still come. */
  silent(call: Call<Answer, Tag>): void;
  /** No answer will be taken any more, or the one that came made no sense. */
  lost(call: Call<Answer, Tag>): void;
}

/** What a node learns from the fate of its requests. */
export interface CallObserver {
  /** How long to wait for this contact, in ms. */
  timeoutMsOf(contact: NodeContact): number;
  answered(call: Call, roundTripMs: number, nowMs: number): void;
  silent(call: Call): void;
}

/** A request to send. */
export interface CallOptions<Args extends Arguments, Answer, Tag> {
  readonly contact: NodeContact;
  readonly method: Method<string, Args, Answer>;
  readonly args: Args;
  readonly caller: Caller<Answer, Tag>;
  readonly tag: Tag;
  /** Default: what the observer says of the contact. */
  readonly timeoutMs?: number;
  /** Whether it is sent from the second socket, to which nothing was sent from there. Default: no. */
  readonly isOutside?: boolean;
}

/**
 * When a request is looked after next. The scheduler keeps it until then, long after most answers have come,
 * and the tables that a `Map` has outgrown may keep it still longer: it lets go of the request, and with it of
 * the operation that asked, as soon as that is over.
 */
class Deadline implements Entry {
  dueMs: number;
  call: Call | undefined;

  constructor(dueMs: number, call: Call) {
    this.dueMs = dueMs;
    this.call = call;
  }

  get cancelled(): boolean {
    return this.call === undefined;
  }

  run(nowMs: number): void {
    this.call?.run(nowMs);
  }
}

/** One request in flight. */
export class Call<Answer = unknown, Tag = unknown> {
  readonly contact: NodeContact;
  readonly method: Method<string, Arguments, Answer>;
  readonly caller: Caller<Answer, Tag>;
  readonly tag: Tag;
  readonly isOutside: boolean;
  readonly messageId: Id;
  readonly sentMs: number;
  readonly deadline: Deadline;
  readonly #rpc: Rpc;
  /** Whether its timeout has passed. */
  isLate = false;
  /** The id of the node that answered, where the answer says so. */
  answeredBy: Id | undefined;
  /** How often its timeout was put off because this process stood still. */
  postponed = 0;

  constructor(
    rpc: Rpc,
    messageId: Id,
    sentMs: number,
    dueMs: number,
    options: Omit<CallOptions<Arguments, Answer, Tag>, "args">,
  ) {
    this.#rpc = rpc;
    this.messageId = messageId;
    this.contact = options.contact;
    this.method = options.method;
    this.caller = options.caller;
    this.tag = options.tag;
    this.isOutside = options.isOutside ?? false;
    this.sentMs = sentMs;
    this.deadline = new Deadline(dueMs, this as Call);
  }

  /** When it is looked after next, in monotonic ms. */
  get dueMs(): number {
    return this.deadline.dueMs;
  }

  run(nowMs: number): void {
    this.#rpc.due(this, nowMs);
  }

  /** Hands the answer in a datagram to the caller; false when it makes no sense. */
  take(data: Uint8Array): boolean {
    const answer = decodeAnswer(data, this.method, this);
    return answer !== undefined && this.caller.answered(this, answer);
  }
}

/** Counters of datagrams. */
export interface Traffic {
  /** Datagrams received. */
  datagramsIn: number;
  /** Datagrams sent. */
  datagramsOut: number;
  /** Bytes received. */
  bytesIn: number;
  /** Bytes sent. */
  bytesOut: number;
  /** Datagrams dropped as malformed, unasked for, or beyond a rate. */
  dropped: number;
}

/** What an {@link Rpc} is built from. */
export interface RpcOptions {
  readonly time: Time;
  readonly random: Random;
  readonly datagrams: Datagrams;
  /**
   * A second socket, whose address no node was told: a node at home that answers there is reached by
   * others too. Default: none.
   */
  readonly outside?: Datagrams;
  readonly scheduler: Scheduler;
  readonly limits: RateLimits;
  readonly onError: (error: unknown) => void;
}

/** Answers requests of others. */
export type RequestHandler = (data: Uint8Array, from: Sender, nowMs: number) => void;

/** Timers of an idle process come within a millisecond or two. */
const stallMs = 4;
/** A process that stands still again and again gives up at last. */
const postponementsMax = 3;

/** Message ids drawn at once: a call for random bytes costs more than the bytes. */
const idsDrawn = 32;

/** Sends requests, matches answers, and hands requests of others to their handler. */
export class Rpc {
  readonly traffic: Traffic = {
    datagramsIn: 0,
    datagramsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    dropped: 0,
  };
  readonly #options: RpcOptions;
  readonly #open = new Map<number, Deadline>();
  #observer: CallObserver | undefined;
  #onRequest: RequestHandler | undefined;
  #pool: Uint8Array = new Uint8Array(0);
  #poolAt = 0;
  #closed = false;

  constructor(options: RpcOptions) {
    this.#options = options;
    options.datagrams.onReceive((data, from) => this.#receive(data, from, false));
    options.outside?.onReceive((data, from) => this.#receive(data, from, true));
  }

  /** Sets who learns from answers and who answers requests. */
  attach(observer: CallObserver, onRequest: RequestHandler): void {
    this.#observer = observer;
    this.#onRequest = onRequest;
  }

  /** Whether there is a second socket. */
  get hasOutside(): boolean {
    return this.#options.outside !== undefined;
  }

  /** Requests in flight. */
  get openRequests(): number {
    return this.#open.size;
  }

  /** Monotonic ms. */
  nowMs(): number {
    return this.#options.time.monotonic();
  }

  /**
   * Sends a request. Undefined, and nothing sent, when too many are in flight or the node is closed.
   */
  call<Args extends Arguments, Answer, Tag>(
    options: CallOptions<Args, Answer, Tag>,
  ): Call<Answer, Tag> | undefined {
    if (this.#closed || this.#open.size >= openRequestsMax) return undefined;
    const nowMs = this.#options.time.monotonic();
    const messageId = this.#messageId();
    const timeoutMs = options.timeoutMs ?? this.#observer?.timeoutMsOf(options.contact) ??
      timeoutMsMax;
    const call = new Call(this, messageId, nowMs, nowMs + timeoutMs, options);
    this.#open.set(messageId.w0, call.deadline);
    this.#options.scheduler.add(call.deadline);
    const request = encodeRequest(messageId, options.method, options.args);
    this.#send(request, options.contact, call.isOutside ? this.#options.outside : undefined);
    return call;
  }

  /**
   * Sends the answer to a request of `asked` bytes; false, and nothing sent, where its receiver has had its
   * share of bytes.
   */
  respond(data: Uint8Array, to: Sender, asked: number, nowMs: number): boolean {
    const allowed = this.#options.limits.takeBytes(to, data.length, asked, nowMs);
    if (allowed) this.send(data, to);
    else this.traffic.dropped++;
    return allowed;
  }

  /** Sends a datagram. */
  send(data: Uint8Array, to: Sender): void {
    this.#send(data, to);
  }

  #send(data: Uint8Array, to: Sender, socket: Datagrams = this.#options.datagrams): void {
    if (this.#closed) return;
    this.traffic.datagramsOut++;
    this.traffic.bytesOut += data.length;
    socket.send(data, to);
  }

  /** Called by the scheduler when a request's timeout, or the time for late answers, has passed. */
  due(call: Call, nowMs: number): void {
    const { deadline } = call;
    // A timer that comes late means that this process stood still: the answer may lie unread in the
    // socket, which is read once timers had their turn.
    if (nowMs - deadline.dueMs > stallMs && call.postponed < postponementsMax) {
      call.postponed++;
      deadline.dueMs = nowMs + stallMs;
      this.#options.scheduler.add(deadline);
      return;
    }
    if (call.isLate) {
      this.#open.delete(call.messageId.w0);
      deadline.call = undefined;
      call.caller.lost(call);
      return;
    }
    call.isLate = true;
    deadline.dueMs = Math.max(call.sentMs + lateAnswerMsMax, nowMs);
    this.#options.scheduler.add(deadline);
    this.#observer?.silent(call);
    call.caller.silent(call);
  }

  /** Sends a request that is never answered. */
  tell<Args extends Arguments>(
    contact: NodeContact,
    method: Method<string, Args, undefined>,
    args: Args,
  ): void {
    this.#send(encodeRequest(this.#messageId(), method, args), contact);
  }

  /** Forgets all requests; their callers hear no more of them. Requests of others are left unanswered. */
  close(): void {
    this.#closed = true;
    this.#open.clear();
  }

  #messageId(): Id {
    for (;;) {
      if (this.#poolAt + idBytes > this.#pool.length) {
        this.#pool = this.#options.random.bytes(idBytes * idsDrawn);
        this.#poolAt = 0;
      }
      const id = Id.from(this.#pool, this.#poolAt);
      this.#poolAt += idBytes;
      if (!this.#open.has(id.w0)) return id;
    }
  }

  /** Takes whatever comes in; throws nothing. */
  #receive(data: Uint8Array, from: Sender, isOutside: boolean): void {
    if (this.#closed) return;
    const traffic = this.traffic;
    traffic.datagramsIn++;
    traffic.bytesIn += data.length;
    try {
      if (!this.#take(data, from, isOutside)) traffic.dropped++;
    } catch (error) {
      traffic.dropped++;
      this.#options.onError(error);
    }
  }

  #take(data: Uint8Array, from: Sender, isOutside: boolean): boolean {
    if (data.length <= headerBytes || data.length > datagramBytesMax) return false;
    const kind = data[0];
    if (kind === responseKind) return this.#takeAnswer(data, from, isOutside);
    if (kind !== requestKind || isOutside) return false;
    const ip = unicastAddress(from.ip)?.ip;
    if (ip === undefined) return false;
    const nowMs = this.#options.time.monotonic();
    if (!this.#options.limits.takeRequest(ip, nowMs)) return false;
    this.#onRequest?.(data, ip === from.ip ? from : { ...from, ip }, nowMs);
    return true;
  }

  #takeAnswer(data: Uint8Array, from: Endpoint, isOutside: boolean): boolean {
    const messageId = Id.from(data, 1);
    const call = this.#open.get(messageId.w0)?.call;
    if (call === undefined || !call.messageId.equals(messageId)) return false;
    if (call.isOutside !== isOutside) return false;
    const { contact } = call;
    if (from.port !== contact.port) return false;
    if (from.ip !== contact.ip && unicastAddress(from.ip)?.ip !== contact.ip) return false;
    this.#open.delete(messageId.w0);
    call.deadline.call = undefined;
    const nowMs = this.#options.time.monotonic();
    // The caller looks first: only an answer that makes sense speaks for the contact.
    if (!call.take(data)) {
      call.caller.lost(call);
      return false;
    }
    this.#observer?.answered(call, nowMs - call.sentMs, nowMs);
    return true;
  }
}
