/**
 * One request by HTTP/1.1 (RFC 9112) to a program of this machine, over a connection of its own.
 *
 * node:http would take more time to load than a command takes for all its work, and `fetch` takes a proxy
 * from the environment. The answer may come from any program that listens on the port, so all of it is bounded.
 *
 * @module
 */

import { utf8 } from "../../core/model/bytes.ts";

/** The lines of an answer's head, or of its trailer, have so many bytes at most; the peer's has some 300. */
const headBytesMax = 16_384;

/** What is asked. */
export interface HttpQuestion {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** The path, without characters that would have to be escaped. */
  readonly path: string;
  /** Headers besides those that every request has. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body of a POST request, which is sent only once the other program has asked for it (RFC 9110, section
   * 10.1.1). Without it the request is a GET request.
   */
  readonly body?: string;
  /** Called before the body is sent. */
  readonly onContinue?: () => void;
}

/** What is answered. */
export interface HttpAnswer {
  /** The status code, 200 to 599. */
  readonly status: number;
  /** Headers; their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body as it comes; it throws where the connection ends too early. The connection ends with it. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Bytes that come in, read by line and by number. */
class Input {
  readonly #conn: Deno.Conn;
  #bytes: Uint8Array = new Uint8Array();

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Takes in more; whether there was more. */
  async #more(): Promise<boolean> {
    const part = new Uint8Array(16_384);
    const length = await this.#conn.read(part);
    if (length === null) return false;
    const all = new Uint8Array(this.#bytes.length + length);
    all.set(this.#bytes);
    all.set(part.subarray(0, length), this.#bytes.length);
    this.#bytes = all;
    return true;
  }

  /** Some bytes, at most so many; undefined at the end. */
  async some(lengthMax: number): Promise<Uint8Array | undefined> {
    if (this.#bytes.length === 0 && !await this.#more()) return undefined;
    const taken = this.#bytes.subarray(0, lengthMax);
    this.#bytes = this.#bytes.subarray(taken.length);
    return taken;
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    let end: number;
    while ((end = this.#bytes.indexOf(0x0a)) < 0) {
      if (this.#bytes.length > headBytesMax) throw new RangeError("a line is too long");
      if (!await this.#more()) throw new TypeError("the answer ends too early");
    }
    const line = String.fromCharCode(...this.#bytes.subarray(0, end)).replace(/\r$/, "");
    this.#bytes = this.#bytes.subarray(end + 1);
    return line;
  }

  /** Lines up to an empty one. */
  async lines(): Promise<string[]> {
    const lines: string[] = [];
    let left = headBytesMax;
    for (let line = await this.line(); line !== ""; line = await this.line()) {
      left -= line.length;
      if (left < 0) throw new RangeError("the head is too long");
      lines.push(line);
    }
    return lines;
  }

  /** So many bytes, as they come. */
  async *exactly(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0;) {
      const part = await this.some(left);
      if (part === undefined) throw new TypeError("the answer ends too early");
      left -= part.length;
      yield part;
    }
  }
}

async function readHead(input: Input): Promise<Pick<HttpAnswer, "status" | "headers">> {
  const [first = "", ...lines] = await input.lines();
  const status = Number(/^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new TypeError("this is no answer by HTTP");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new TypeError("a header has no name");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status, headers: new Map(headers) };
}

/** A body in chunks (RFC 9112, section 7.1). */
async function* chunksOf(input: Input): AsyncGenerator<Uint8Array> {
  while (true) {
    const digits = /^([0-9a-f]{1,8})\s*(?:;|$)/i.exec(await input.line())?.[1];
    if (digits === undefined) throw new TypeError("a chunk has no length");
    const length = parseInt(digits, 16);
    if (length === 0) return void await input.lines();
    yield* input.exactly(length);
    if (await input.line() !== "") throw new TypeError("a chunk has another length than it says");
  }
}

/** A body that ends with the connection. */
async function* restOf(input: Input): AsyncGenerator<Uint8Array> {
  for (let part = await input.some(Infinity); part; part = await input.some(Infinity)) yield part;
}

function bodyOf(input: Input, headers: HttpAnswer["headers"]): AsyncGenerator<Uint8Array> {
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding === undefined) {
    if (length === undefined) return restOf(input);
    if (/^[0-9]{1,15}$/.test(length)) return input.exactly(Number(length));
  } else if (coding.toLowerCase() === "chunked" && length === undefined) return chunksOf(input);
  throw new TypeError("the length of the answer is not clear");
}

async function writeAll(conn: Deno.Conn, text: string): Promise<void> {
  let bytes = utf8(text);
  while (bytes.length > 0) bytes = bytes.subarray(await conn.write(bytes));
}

/** A request that is on its way, and its answer. */
export class HttpRequest {
  /** The answer, once its head is there. Rejects with any error where there is none. */
  readonly answer: Promise<HttpAnswer>;
  #conn: Deno.Conn | undefined;
  #isClosed = false;

  /** Sends it. */
  constructor(question: HttpQuestion) {
    this.answer = this.#run(question).catch((error) => {
      this.close();
      throw error;
    });
    // It may be closed before the answer is waited for.
    this.answer.catch(() => {});
  }

  /** Whether it was given up, or has come to its end. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Gives it up, wherever it is. */
  close(): void {
    this.#isClosed = true;
    this.#conn?.close();
    this.#conn = undefined;
  }

  async #run({ port, path, headers, body, onContinue }: HttpQuestion): Promise<HttpAnswer> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    if (this.#isClosed) {
      conn.close();
      throw new TypeError("the request was given up");
    }
    this.#conn = conn;
    const lines = [
      `${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1`,
      `host: 127.0.0.1:${port}`,
      "connection: close",
      `content-length: ${utf8(body ?? "").length}`,
      ...(body === undefined ? [] : ["expect: 100-continue"]),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    await writeAll(conn, `${lines.join("\r\n")}\r\n\r\n`);
    const input = new Input(conn);
    let head = await readHead(input);
    if (head.status === 100 && body !== undefined) {
      onContinue?.();
      await writeAll(conn, body);
      head = await readHead(input);
    }
    if (head.status < 200) throw new TypeError("this is no answer of a peer");
    return { ...head, body: this.#untilEnd(bodyOf(input, head.headers)) };
  }

  async *#untilEnd(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } finally {
      this.close();
    }
  }
}
