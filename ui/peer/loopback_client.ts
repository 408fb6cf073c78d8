/**
 * The methods of a peer that runs in another process on the same data folder.
 *
 * A call may take as long as its work takes; a peer that answers nothing at all is given up in words.
 *
 * @module
 */

import { methods, type PeerCalls, type PeerEvent } from "../../core/api.ts";
import { nothing } from "../../core/model/arguments.ts";
import { CamelliaError, type ErrorCode } from "../../core/model/errors.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { startTimer } from "../terminal/timer.ts";
import { type HttpAnswer, HttpRequest } from "./http_request.ts";
import {
  type PagePlace,
  type PortFile,
  proofOf,
  readJson,
  responseBytesMax,
} from "./loopback_protocol.ts";

/** One line of events at most: an event with a post of 2,000 bytes, escaped, has some 13,000. */
const eventLineLengthMax = 65_536;

/** The line that says where the page is has some 60 characters. */
const placeLengthMax = 1000;

/** Statuses of a peer, or of another program on its port, that has done nothing with the request. */
const refusals: ReadonlySet<number> = new Set([401, 403, 503]);

/** How long a client waits for a peer that says nothing. */
export interface Patience {
  /** After so long without an answer the client looks whether the peer is alive, and so again and again. */
  readonly lookMs: number;
  /** A peer that does not answer that question within this time is given up. */
  readonly aliveMs: number;
}

/** Nine seconds at most: a register or login takes longer, but the peer answers other requests meanwhile. */
const patienceOfPeople: Patience = { lookMs: 4_000, aliveMs: 5_000 };

const time = { after: startTimer };

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

function gone(cause: unknown): CamelliaError {
  return new CamelliaError(
    "no_peer",
    "Cannot reach the peer that runs on this data folder: it has stopped. Try again",
    { cause },
  );
}

function silent(): CamelliaError {
  return new CamelliaError(
    "no_peer",
    "The peer that runs on this data folder does not answer. End its process, and try again",
  );
}

/** Reads events, one a line, to the end; calls `onReady` when the first, empty line has come. */
async function readEvents(
  { status, body }: HttpAnswer,
  onReady: () => void,
  tell: (event: PeerEvent) => void,
): Promise<void> {
  if (status !== 200) return;
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of body) {
    onReady();
    text += decoder.decode(part, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    if (text.length > eventLineLengthMax) throw new RangeError("an event is too long");
    for (const line of lines) {
      if (line !== "") tell(JSON.parse(line));
    }
  }
}

/** Reads where the page is from the first line of an answer, and then to its end. */
async function readPlace(
  status: number,
  body: AsyncIterable<Uint8Array>,
  tell: (place: PagePlace) => void,
): Promise<void> {
  if (status !== 200) return;
  const decoder = new TextDecoder();
  let text = "";
  let isTold = false;
  for await (const part of body) {
    if (isTold) continue;
    text += decoder.decode(part, { stream: true });
    if (text.length > placeLengthMax) throw new RangeError("that is no place of a page");
    if (!text.includes("\n")) continue;
    const { port, code } = JSON.parse(text) as PagePlace;
    if (!Number.isInteger(port) || typeof code !== "string") {
      throw new TypeError("that is no place");
    }
    isTold = true;
    tell({ port, code });
  }
}

/** A call of a method, with what is passed to it before the signal. */
type Call = (name: string, argument: unknown, signal?: AbortSignal) => Promise<unknown>;

/** The peer's methods, each as a call to the peer that runs elsewhere. */
function remoteCalls(call: Call): PeerCalls {
  const remote = Object.entries(methods).map(([name, method]) => {
    if (method.gives === "events") return [];
    const { takes, gives } = method;
    const run = async (...passed: unknown[]) => {
      const [argument, signal] = takes === nothing ? [undefined, ...passed] : passed;
      const sent = argument instanceof Uint8Array ? argument.toBase64() : argument;
      const result = await call(name, sent, signal as AbortSignal | undefined);
      return gives === "bytes" ? Uint8Array.fromBase64(result as string) : result;
    };
    return [name, run];
  });
  // The table has an entry for each method.
  return Object.fromEntries(remote);
}

/** The client of a running peer. */
export class LoopbackClient {
  /** The running peer. */
  readonly api: PeerCalls = remoteCalls((...call) => this.#call(...call));
  /** No peer of this process: it goes on when the command is done. */
  readonly own = false;
  /** Where the peer is spoken to. */
  get place(): string {
    return `127.0.0.1:${this.#port.port}`;
  }

  readonly #port: PortFile;
  readonly #user: string | undefined;
  readonly #patience: Patience;
  #isUntouched = true;
  /** Whether the server has proven that it is the peer. Before, it is shown neither token nor call. */
  #isMet = false;
  readonly #nonce = crypto.randomUUID();
  /** The open subscriptions. */
  readonly #watching = new Set<HttpRequest>();
  readonly #ended = Promise.withResolvers<void>();

  /**
   * A client; nothing is sent yet.
   *
   * @param port What the peer's port file says.
   * @param user Who has to be logged in for the calls to be done, if that matters.
   * @param patience How long to wait; shorter in tests.
   */
  constructor(port: PortFile, user?: string, patience = patienceOfPeople) {
    this.#port = port;
    this.#user = user;
    this.#patience = patience;
  }

  /** Whether no peer has taken a request yet: then another way to a peer can be tried without harm. */
  get isUntouched(): boolean {
    return this.#isUntouched;
  }

  /** Resolves when the peer has stopped, provided that this client is subscribed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Calls back for events; resolves to how to stop that, once no event is missed any more. */
  async subscribe(listener: (event: PeerEvent) => void): Promise<() => void> {
    await this.meet();
    const sent = this.#send("/events");
    this.#watching.add(sent);
    const ready = Promise.withResolvers<void>();
    let hasLeft = false;
    const tell = (event: PeerEvent) => sent.isClosed || listener(event);
    sent.answer.then((answer) => readEvents(answer, ready.resolve, tell)).catch(() => {}).finally(
      () => {
        // A subscriber that stops listening has ended nothing: others may listen on.
        if (!hasLeft) this.#ended.resolve();
        sent.close();
        ready.reject(gone(undefined));
      },
    );
    await this.#answered(sent, ready.promise);
    return () => {
      hasLeft = true;
      sent.close();
    };
  }

  /**
   * Has the peer turn the page on, for as long as this client holds it; where it is, with a fresh one-time code.
   *
   * @throws {CamelliaError} `no_peer`.
   */
  async holdPage(): Promise<{ readonly place: PagePlace; readonly ended: Promise<void> }> {
    await this.meet();
    const sent = this.#send("/page");
    this.#watching.add(sent);
    const first = Promise.withResolvers<PagePlace>();
    const ended = sent.answer.then(({ status, body }) => readPlace(status, body, first.resolve))
      .catch(() => {}).finally(() => {
        sent.close();
        first.reject(gone(undefined));
      });
    return { place: await this.#answered(sent, first.promise), ended };
  }

  /** Has the peer turn the page off; whether it was on. */
  async stopPage(): Promise<boolean> {
    await this.meet();
    const sent = this.#send("/page/stop", "{}");
    const { status, body } = await this.#answered(sent, sent.answer);
    const { result } = await readJson(body, responseBytesMax) as Answer;
    sent.close();
    if (status !== 200) throw gone(undefined);
    return (result as { was_on?: unknown } | undefined)?.was_on === true;
  }

  /** Ends the subscriptions. */
  close(): void {
    for (const sent of this.#watching) sent.close();
  }

  /** Sends a POST request with a body, or else a GET request. */
  #send(path: string, body?: string): HttpRequest {
    const wasUntouched = this.#isUntouched;
    const sent = new HttpRequest({
      port: this.#port.port,
      path,
      headers: this.#isMet
        ? { authorization: `Bearer ${this.#port.token}` }
        : { "camellia-nonce": this.#nonce },
      // What is to be done is told only to a peer that has seen the token: a connection that other users of this
      // machine have pushed out before has done nothing.
      ...(body === undefined ? {} : { body, onContinue: () => this.#isUntouched = false }),
    });
    sent.answer.then(({ status }) => {
      // What was refused was not done, also by a stranger's server that had asked for the body.
      this.#isUntouched = wasUntouched && (!this.#isMet || refusals.has(status));
    }, () => {});
    return sent;
  }

  /**
   * Lets the server prove that it knows the token. The port may be another program's: that of a peer that died,
   * or on another machine that shares the folder.
   *
   * @throws {CamelliaError} `no_peer` if it does not.
   */
  async meet(): Promise<void> {
    if (this.#isMet) return;
    const sent = this.#send("/");
    const { headers } = await this.#answered(sent, sent.answer);
    sent.close();
    if (headers.get("camellia-proof") !== await proofOf(this.#port, this.#nonce)) {
      throw gone(new Error("another program listens there"));
    }
    this.#isMet = true;
  }

  /**
   * What the promise resolves to, which the request is waiting for.
   *
   * @throws {CamelliaError} `no_peer` when the peer answers nothing at all any more.
   */
  async #answered<T>(sent: HttpRequest, promise: Promise<T>): Promise<T> {
    while (!await settledWithin(time, promise, this.#patience.lookMs)) {
      if (await this.#isAlive()) continue;
      // The peer may still do what it was asked for.
      this.#isUntouched = false;
      promise.catch(() => {});
      sent.close();
      throw silent();
    }
    return await promise.catch((error) => {
      throw error instanceof CamelliaError ? error : gone(error);
    });
  }

  /** Whether the peer answers a request that costs it nothing. */
  async #isAlive(): Promise<boolean> {
    const sent = this.#send("/");
    try {
      return await settledWithin(time, sent.answer, this.#patience.aliveMs);
    } finally {
      sent.close();
    }
  }

  async #call(method: string, argument: unknown, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    const body = JSON.stringify({ method, argument, user: this.#user });
    try {
      await this.meet();
      signal?.throwIfAborted();
      const sent = this.#send("/call", body);
      const giveUp = () => sent.close();
      signal?.addEventListener("abort", giveUp);
      try {
        const answer = await this.#answered(sent, sent.answer);
        const { result, error } = await readJson(answer.body, responseBytesMax) as Answer;
        if (error !== undefined) throw new CamelliaError(error.code, error.message);
        if (answer.status !== 200) throw new TypeError("this is no answer of a peer");
        return result ?? undefined;
      } finally {
        signal?.removeEventListener("abort", giveUp);
        sent.close();
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof CamelliaError ? error : gone(error);
    }
  }
}
