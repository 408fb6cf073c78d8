/**
 * The port on 127.0.0.1 at which commands reach the peer that runs on their data folder.
 *
 * Whoever can read the token in the data folder is the owner. Web pages cannot get here: a request that
 * carries an `Origin`, or names another host than this one (DNS rebinding), is refused.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { PeerApi } from "../core/api.ts";
import { CamelliaError } from "../core/errors.ts";
import { toHex, utf8 } from "../core/model/bytes.ts";
import { failureOf } from "./failure.ts";
import type { Log, OpenFolder } from "./host.ts";
import { bodyBytesMax, perform, portFileName, tokenBytes } from "./loopback_protocol.ts";

/** Requests that are worked on at a time, watchers included; one person's scripts need a few. */
const requestsMax = 64;

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
  /** Fresh random bytes. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Takes what goes wrong unexpectedly. */
  readonly log: Log;
}

const headers = { "content-type": "application/json", "cache-control": "no-store" };

function respond(status: number, value: unknown): Response {
  return new Response(JSON.stringify(value), { status, headers });
}

function refuse(status: number, message: string): Response {
  return respond(status, { error: { code: "unauthorized", message } });
}

/** Equal in a time that does not depend on where they differ. */
function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** The body as JSON; at most {@linkcode bodyBytesMax} bytes are read. */
async function readBody(request: Request): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > bodyBytesMax) {
      const message = `Cannot do that: the request has more than ${bodyBytesMax} bytes`;
      throw new CamelliaError("invalid_argument", message);
    }
    parts.push(part);
  }
  const bytes = await new Blob(parts as Uint8Array<ArrayBuffer>[]).bytes();
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const message = "Cannot do that: the request is not JSON in UTF-8";
    throw new CamelliaError("invalid_argument", message, { cause: error });
  }
}

/** A running peer's door for commands. */
export class LoopbackServer {
  readonly #options: LoopbackOptions;
  readonly #token: string;
  /** Ends the watchers. */
  readonly #closing = new AbortController();
  /** Ends the calls. */
  readonly #stopping = new AbortController();
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  #requests = 0;

  private constructor(options: LoopbackOptions) {
    this.#options = options;
    this.#token = toHex(options.randomBytes(tokenBytes));
  }

  /** Listens on any free port of 127.0.0.1, and writes port and token into the data folder. */
  static async open(options: LoopbackOptions): Promise<LoopbackServer> {
    const server = new LoopbackServer(options);
    server.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => respond(500, null) },
      (request) => server.#handle(request),
    );
    const content = JSON.stringify({ port: server.port, token: server.#token });
    try {
      await options.folder.writePrivate(portFileName, utf8(`${content}\n`));
    } catch (error) {
      await server.#server.shutdown();
      throw error;
    }
    return server;
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#server?.addr.port ?? 0;
  }

  /**
   * Removes the port file, ends watchers, and lets calls that are being worked on finish (such as the
   * logout that ends this peer); those that take too long are aborted.
   */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await this.#options.folder.remove(portFileName).catch(() => {});
    this.#closing.abort();
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#stopping.abort(new CamelliaError("interrupted", "The peer is stopping"));
      giveUp();
    }, closeTimeoutMs);
    await Promise.race([this.#server?.shutdown(), late]);
    clearTimeout(timer);
  }

  async #handle(request: Request): Promise<Response> {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      await request.body?.cancel().catch(() => {});
      return refusal;
    }
    if (this.#requests >= requestsMax) return refuse(503, "Too many commands at once. Try again");
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname === "/call") return await this.#call(request);
    if (request.method === "GET" && pathname === "/events") return this.#events();
    return respond(404, { error: { code: "invalid_argument", message: "There is nothing here" } });
  }

  #refusalOf(request: Request): Response | undefined {
    if (request.headers.has("origin")) return refuse(403, "Cannot do that for a web page");
    const host = request.headers.get("host");
    if (host !== `127.0.0.1:${this.port}` && host !== `localhost:${this.port}`) {
      return refuse(403, "Cannot do that for another host");
    }
    const authorization = request.headers.get("authorization") ?? "";
    if (equalSecrets(authorization, `Bearer ${this.#token}`)) return undefined;
    return refuse(401, "Cannot do that without the token in the data folder");
  }

  async #call(request: Request): Promise<Response> {
    this.#requests++;
    try {
      const signal = AbortSignal.any([request.signal, this.#stopping.signal]);
      return respond(200, {
        result: await perform(this.#options.api, await readBody(request), signal),
      });
    } catch (error) {
      const failure = failureOf(error);
      if (failure.code === "internal") {
        const details = error instanceof Error ? error.stack ?? error.message : String(error);
        this.#options.log("error", `A command failed: ${details}`);
      }
      return respond(failure.code === "internal" ? 500 : 400, { error: failure });
    } finally {
      this.#requests--;
    }
  }

  #events(): Response {
    this.#requests++;
    let stop = () => {};
    const end = once(() => {
      stop();
      this.#closing.signal.removeEventListener("abort", close);
      this.#requests--;
    });
    let close = () => {};
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        close = () => {
          end();
          controller.close();
        };
        this.#closing.signal.addEventListener("abort", close);
        controller.enqueue(utf8("\n"));
        stop = this.#options.api.subscribe((event) => {
          if ((controller.desiredSize ?? 0) <= 0) {
            end();
            controller.error(new Error("Cannot keep up: the watcher does not read"));
          } else controller.enqueue(utf8(`${JSON.stringify(event)}\n`));
        });
      },
      cancel: end,
    }, { highWaterMark: eventsWaitingMax });
    return new Response(body, { headers: { ...headers, "content-type": "application/x-ndjson" } });
  }
}

function once(fn: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    fn();
  };
}
