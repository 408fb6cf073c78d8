/**
 * The door of the page: a port on 127.0.0.1 at which the browser of the person at this machine is answered.
 *
 * It is node:http and not `Deno.serve`, for the reasons of decision 19. What comes in passes `guard.ts` and has
 * bounds here; `page_app.ts` answers it.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { PeerApi } from "../../core/api.ts";
import { Strangers } from "../../lib/strangers.ts";
import type { Time } from "../../lib/time.ts";
import { detailsOf } from "../output/failure.ts";
import type { Log } from "../settings/flags.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import type { DraftFiles } from "../views/drafts.ts";
import { bodyBytesMax, refusalOf, safetyHeaders } from "./guard.ts";
import { PageApp } from "./page_app.ts";
import type { RandomBytes } from "./secrets.ts";

/**
 * Connections that have not shown a session at a time: beyond them the oldest is closed, so that other users of
 * this machine can neither keep the person out nor use up the descriptors.
 */
const strangersMax = 32;

/** Connections at most. A browser opens six to a host, and keeps one of them for each tab's live news. */
const connectionsMax = 96;

/** How long a request may take to come, in milliseconds. */
const arrival = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 30_000,
};

/** Bytes of live news that wait for a tab that does not read. */
const streamBytesMax = 262_144;

/** How long {@linkcode PageServer.close} waits for answers that are on their way. */
const closeTimeoutMs = 1_000;

/** The system's time. */
const systemTime: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** What the page is served from. */
export interface PageOptions {
  /** The peer. */
  readonly api: PeerApi;
  /** The settings of the data folder; absent where they cannot be shown. */
  readonly settings?: SettingsPort | undefined;
  /** Where drafts lie; absent: browsers alone keep them. */
  readonly drafts?: DraftFiles | undefined;
  /** Gives fresh random bytes. */
  readonly randomBytes: RandomBytes;
  /** Takes what goes wrong unexpectedly. */
  readonly log: Log;
  /** The clock; the system's where it is absent. */
  readonly time?: Time;
}

/** A body that is longer than it may be. */
class TooLong extends Error {}

/** The body of a request, at most {@linkcode bodyBytesMax} bytes. */
async function readBody(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > bodyBytesMax) throw new TooLong();
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/** Names in lower case and values, in the order in which they came. */
function headersOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    pairs.push([(rawHeaders[i] ?? "").toLowerCase(), rawHeaders[i + 1] ?? ""]);
  }
  return pairs;
}

/** The page while it is on. */
export class PageServer {
  readonly #options: PageOptions;
  readonly #server: Server;
  readonly #app: PageApp;
  /** Connections that have not shown a session. */
  readonly #strangers = new Strangers<Socket>(strangersMax);
  #closing: Promise<void> | undefined;

  private constructor(options: PageOptions, app: PageApp) {
    this.#options = options;
    this.#app = app;
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response);
    this.#server = createServer(arrival, handle).on("checkExpectation", handle);
    this.#server.maxConnections = connectionsMax;
    this.#server.on("connection", (socket: Socket) => this.#strangers.greet(socket));
  }

  /** Listens on any free port of 127.0.0.1. */
  static async open(options: PageOptions): Promise<PageServer> {
    const app = new PageApp({ ...options, time: options.time ?? systemTime });
    const server = new PageServer(options, app);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** A fresh one-time code, for one browser. */
  code(): string {
    return this.#app.codes.issue();
  }

  /** Ends all sessions, and no longer listens. */
  close(): Promise<void> {
    return this.#closing ??= this.#end();
  }

  async #end(): Promise<void> {
    this.#app.close();
    this.#strangers.close();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), closeTimeoutMs);
    await closed.promise;
    clearTimeout(timer);
  }

  /** See {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Both end with the connection, which a browser may break off at any time.
    request.on("error", () => {});
    response.on("error", () => {});
    const { method = "", url = "" } = request;
    const headers = headersOf(request);
    const refusal = refusalOf({ method, path: url, headers }, this.port);
    if (refusal !== undefined) return this.#refuse(response, refusal.status, refusal.message);
    try {
      const hasBody = method === "POST";
      const asked = new Request(`http://127.0.0.1:${this.port}${url}`, {
        method,
        headers: headers.filter(([name]) => name !== "connection"),
        ...(hasBody ? { body: await readBody(request) } : {}),
      });
      const answer = await this.#app.answer(asked, () => this.#strangers.know(request.socket));
      await this.#send(answer, response, method === "HEAD");
    } catch (error) {
      if (error instanceof TooLong) return this.#refuse(response, 413, "That is too long.");
      this.#options.log("error", `The page failed: ${detailsOf(error)}`);
      this.#refuse(response, 500, "This should not have happened.");
    }
  }

  /** Answers what is not looked at any further, and ends the connection: what follows on it may be part of it. */
  #refuse(response: ServerResponse, status: number, message: string): void {
    if (response.headersSent) return void response.destroy();
    response.writeHead(status, {
      ...safetyHeaders,
      "content-type": "text/plain; charset=utf-8",
      connection: "close",
    });
    response.end(`${message}\n`);
  }

  async #send(answer: Response, response: ServerResponse, isHead: boolean): Promise<void> {
    response.writeHead(answer.status, { ...safetyHeaders, ...Object.fromEntries(answer.headers) });
    const { body } = answer;
    const isStream = answer.headers.get("content-type") === "text/event-stream";
    if (body === null || !isStream) {
      // A whole answer is handed over at once: only news are as long as a tab stays.
      const bytes = new Uint8Array(await answer.arrayBuffer());
      return void response.end(isHead ? undefined : bytes);
    }
    const reader = body.getReader();
    const gone = new Promise<{ done: true; value?: undefined }>((resolve) =>
      response.once("close", () => resolve({ done: true }))
    );
    while (true) {
      const { done, value } = await Promise.race([reader.read(), gone]);
      // A tab that does not read is dropped; it comes back, and looks at what there is.
      if (response.writableLength > streamBytesMax) response.destroy();
      if (done || response.destroyed) break;
      response.write(value);
    }
    await reader.cancel().catch(() => {});
    response.end();
  }
}
