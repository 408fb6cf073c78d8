/**
 * The port on 127.0.0.1 at which commands reach the peer that runs on their data folder.
 *
 * Only the owner's programs can read the token in the data folder. Web pages cannot get here: a request
 * that carries an `Origin`, or names another host than this one (DNS rebinding), is refused.
 *
 * It is node:http and not `Deno.serve`, which tells that a client is gone only together with a warning on
 * standard error that this behaviour is about to change.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { methods, type PeerApi } from "../../core/api.ts";
import { fields, nothing, optional, type Reader, text } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { toHex, utf8 } from "../../core/model/bytes.ts";
import { Strangers } from "../../lib/strangers.ts";
import { detailsOf, failureOf } from "../output/failure.ts";
import type { Host, OpenFolder } from "./host.ts";
import type { Log } from "../settings/flags.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import type { DraftFiles } from "../views/drafts.ts";
import { PageDoor } from "./page_door.ts";
import {
  bodyBytesMax,
  type PagePlace,
  portFileName,
  provenText,
  readJson,
  tokenBytes,
} from "./loopback_protocol.ts";

/** Requests that are worked on at a time, watchers included; one person's scripts need a few. */
const requestsMax = 64;

/**
 * Connections that have not shown the token at a time: beyond them the oldest is closed, so that other
 * users of this machine can neither keep the owner out nor use up the descriptors.
 */
const strangersMax = 32;

/** Connections at most, whatever they have shown; each takes a descriptor. */
const connectionsMax = 128;

/** How long a request may take to come, and how often that is looked at, in milliseconds. */
export interface Arrival {
  /** Its head alone, from the beginning of the connection. */
  readonly headersTimeout: number;
  /** All of it. */
  readonly requestTimeout: number;
  /** How often requests that come are looked at. */
  readonly connectionsCheckingInterval: number;
}

/** A command sends its request within milliseconds; a machine that is very busy may need seconds. */
const arrivalOfCommands: Arrival = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
};

/** Events that wait for a watcher that does not read; beyond them it is dropped. */
const eventsWaitingMax = 1000;

/** How long {@linkcode LoopbackServer.close} waits for answers that are on their way. */
const closeTimeoutMs = 2000;

/** What the server is built from. */
export interface LoopbackOptions {
  /** The peer. */
  readonly api: PeerApi;
  /** Where the port file goes. */
  readonly folder: OpenFolder;
  /** Gives fresh random bytes. */
  readonly host: Pick<Host, "randomBytes">;
  /** Takes what goes wrong unexpectedly. */
  readonly log: Log;
  /** The settings of the data folder, for the page; absent where it does not show them. */
  readonly settings?: SettingsPort;
  /** The drafts of the data folder, for the page. */
  readonly drafts?: DraftFiles;
  /** How long requests may take; shorter in tests. */
  readonly arrival?: Arrival;
}

const headers = { "content-type": "application/json", "cache-control": "no-store" };

/** What a request is answered with. */
interface Answer {
  readonly status: number;
  readonly value: unknown;
}

function refuse(status: number, message: string, code = "unauthorized"): Answer {
  return { status, value: { error: { code, message } } };
}

/** Equal in a time that does not depend on where they differ. */
function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** A call; the argument is for its method's own reader. */
const call: Reader<{ method: string; argument: unknown; user?: string }> = fields({
  method: text(100),
  argument: (json) => json,
  user: optional(text(100)),
});

/** Throws unless this user is logged in. */
async function requireUser(api: PeerApi, wanted: string): Promise<void> {
  const { username } = await api.whoami();
  if (wanted === username) return;
  throw new CamelliaError(
    "already_logged_in",
    `Cannot act as ${wanted}: ${username} is logged in to the peer that runs on this data folder. ` +
      "Log out first, or give each user a folder with --data",
  );
}

/**
 * Does what the parsed body of a request asks for.
 *
 * @throws {CamelliaError} `invalid_argument` for what is no call, and whatever the peer throws.
 */
async function perform(api: PeerApi, body: unknown, signal: AbortSignal): Promise<unknown> {
  const { method: name, argument, user } = call(body, "the request");
  const method = Object.hasOwn(methods, name) ? methods[name as keyof PeerApi] : undefined;
  if (method === undefined || method.gives === "events") {
    throw new CamelliaError("invalid_argument", "Cannot do that: there is no such method");
  }
  // The table's type ties each reader to the parameters of its method.
  const run = api[name as keyof PeerApi] as (...passed: unknown[]) => Promise<unknown>;
  const passed = method.takes === nothing ? [] : [method.takes(argument, "the argument")];
  if (user !== undefined) await requireUser(api, user);
  const result = await run.call(api, ...passed, ...(method.abortable ? [signal] : []));
  return result instanceof Uint8Array ? result.toBase64() : result ?? null;
}

/** A running peer's door for commands. */
export class LoopbackServer {
  readonly #options: LoopbackOptions;
  readonly #token: string;
  readonly #server: Server;
  /** Ends the watchers. */
  readonly #closing = new AbortController();
  /** Ends the calls. */
  readonly #stopping = new AbortController();
  /** Connections that have not shown the token. */
  readonly #strangers = new Strangers<Socket>(strangersMax);
  /** Connections that a request has come on: a second one is not looked at. */
  readonly #used = new WeakSet<Socket>();
  readonly #page: PageDoor;
  #requests = 0;

  private constructor(options: LoopbackOptions) {
    this.#options = options;
    this.#page = new PageDoor(options);
    this.#token = toHex(options.host.randomBytes(tokenBytes));
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response);
    const arrival = options.arrival ?? arrivalOfCommands;
    this.#server = createServer({ ...arrival }, handle)
      .on("checkContinue", handle).on("checkExpectation", handle);
    this.#server.maxConnections = connectionsMax;
    this.#server.on("connection", (socket: Socket) => this.#strangers.greet(socket));
  }

  /** Listens on any free port of 127.0.0.1. Commands find it once it is {@linkcode publish published}. */
  static async listen(options: LoopbackOptions): Promise<LoopbackServer> {
    const server = new LoopbackServer(options);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** Listens, and is published. */
  static async open(options: LoopbackOptions): Promise<LoopbackServer> {
    const server = await LoopbackServer.listen(options);
    await server.publish();
    return server;
  }

  /** Writes port and token into the data folder. Where that fails, the server is closed. */
  async publish(): Promise<void> {
    const content = JSON.stringify({ port: this.port, token: this.#token });
    try {
      await this.#options.folder.writePrivate(portFileName, utf8(`${content}\n`));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /**
   * Removes the port file, ends watchers, and lets calls that are being worked on finish (such as the
   * logout that ends this peer); those that take too long are aborted.
   */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await this.#options.folder.remove(portFileName).catch(() => {});
    this.#closing.abort();
    await this.#page.stop();
    this.#strangers.close();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    const timer = setTimeout(() => {
      this.#stopping.abort(new CamelliaError("interrupted", "The peer is stopping"));
      this.#server.closeAllConnections();
    }, closeTimeoutMs);
    await closed;
    clearTimeout(timer);
  }

  /** See {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Turns the page on for as long as the signal is not aborted; where it is, with a fresh code. */
  holdPage(signal: AbortSignal): Promise<{ place: PagePlace; ended: Promise<void> }> {
    return this.#page.hold(signal);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Both end with the connection, which a client may break off at any time.
    request.on("error", () => {});
    response.on("error", () => {});
    // One request a connection: what stands behind it may be part of what another program wrote.
    if (this.#used.has(request.socket)) return void request.socket.destroy();
    this.#used.add(request.socket);
    const { method, url } = request;
    let answer = this.#refusalOf(request);
    if (answer === undefined) this.#strangers.know(request.socket);
    if (answer === undefined && this.#requests >= requestsMax) {
      answer = refuse(503, "Too many commands at once. Try again");
    }
    if (answer === undefined && method === "GET" && url === "/events") {
      return this.#events(response);
    }
    if (answer === undefined && method === "GET" && url === "/page") {
      return await this.#holdPage(response);
    }
    if (answer === undefined && method === "POST" && url === "/page/stop") {
      if (request.headers.expect !== undefined) response.writeContinue();
      request.resume();
      answer = { status: 200, value: { result: { was_on: await this.#page.stop() } } };
    }
    if (answer === undefined && method === "POST" && url === "/call") {
      if (request.headers.expect !== undefined) response.writeContinue();
      answer = await this.#call(request, response);
    }
    const { status, value } = answer ??
      refuse(404, "There is nothing here", "invalid_argument");
    const nonce = request.headers["camellia-nonce"];
    const proof = typeof nonce === "string" ? { "camellia-proof": this.#proofOf(nonce) } : {};
    response.writeHead(status, { ...headers, ...proof, connection: "close" });
    response.end(JSON.stringify(value));
  }

  /** As the protocol's `proofOf`, but at once: others may push the connection out meanwhile. */
  #proofOf(nonce: string): string {
    return createHmac("sha256", this.#token).update(provenText(this, nonce)).digest("hex");
  }

  #refusalOf(request: IncomingMessage): Answer | undefined {
    const { origin, host, authorization = "" } = request.headers;
    const hosts = request.rawHeaders.filter((name, i) => i % 2 === 0 && /^host$/i.test(name));
    if (origin !== undefined) return refuse(403, "Cannot do that for a web page");
    const isOurs = host === `127.0.0.1:${this.port}` || host === `localhost:${this.port}`;
    if (!isOurs || hosts.length !== 1) {
      return refuse(403, "Cannot do that for another host");
    }
    if (equalSecrets(authorization, `Bearer ${this.#token}`)) return undefined;
    return refuse(401, "Cannot do that without the token in the data folder");
  }

  async #call(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    this.#requests++;
    const gone = new AbortController();
    // Before the answer is sent, this can only mean that the client no longer waits for it.
    response.once("close", () => gone.abort());
    try {
      const signal = AbortSignal.any([gone.signal, this.#stopping.signal]);
      const body = await readJson(request, bodyBytesMax).catch((error) => {
        const message = `Cannot do that: the request is not JSON in UTF-8: ${error.message}`;
        throw new CamelliaError("invalid_argument", message, { cause: error });
      });
      const result = await perform(this.#options.api, body, signal);
      return { status: 200, value: { result } };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === "internal") {
        this.#options.log("error", `A command failed: ${detailsOf(error)}`);
      }
      return { status: failure.code === "internal" ? 500 : 400, value: { error: failure } };
    } finally {
      this.#requests--;
    }
  }

  async #holdPage(response: ServerResponse): Promise<void> {
    this.#requests++;
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
      this.#requests--;
    });
    try {
      const { place, ended } = await this.#page.hold(gone.signal);
      response.writeHead(200, { ...headers, "content-type": "application/x-ndjson" });
      response.write(`${JSON.stringify(place)}\n`);
      await ended;
      response.end();
    } catch (error) {
      this.#options.log("error", `Cannot turn the page on: ${detailsOf(error)}`);
      response.writeHead(500, { ...headers, connection: "close" });
      response.end(JSON.stringify({ error: failureOf(error) }));
    }
  }

  #events(response: ServerResponse): void {
    this.#requests++;
    let waiting = 0;
    const write = (text: string) => {
      waiting++;
      response.write(text, () => waiting--);
    };
    const stop = this.#options.api.subscribe((event) => {
      if (waiting < eventsWaitingMax) write(`${JSON.stringify(event)}\n`);
      else response.destroy();
    });
    const end = () => void response.end();
    this.#closing.signal.addEventListener("abort", end);
    response.once("close", () => {
      stop();
      this.#closing.signal.removeEventListener("abort", end);
      this.#requests--;
    });
    response.writeHead(200, { ...headers, "content-type": "application/x-ndjson" });
    write("\n");
  }
}
