import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import type { PostView } from "../../../core/api.ts";
import { SystemRandom } from "../../../net/system/system_random.ts";
import { bodyBytesMax, pathBytesMax } from "../../../ui/web/guard.ts";
import { PageServer } from "../../../ui/web/page_server.ts";
import { FakePeer } from "../fake_peer.ts";

/** An answer. */
interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What a request is made of. */
interface Asked {
  readonly method?: string;
  readonly path?: string;
  /** Names and values; a name may come twice. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

class Page {
  readonly api = new FakePeer();
  readonly logged: string[] = [];
  server!: PageServer;

  static async open(prepare: (api: FakePeer) => void = () => {}): Promise<Page> {
    const page = new Page();
    const random = new SystemRandom();
    page.api.user = FakePeer.view("alice");
    prepare(page.api);
    page.server = await PageServer.open({
      api: page.api,
      randomBytes: (length) => random.bytes(length),
      log: (_level, message) => page.logged.push(message),
    });
    return page;
  }

  get host(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  get origin(): string {
    return `http://${this.host}`;
  }

  /** Sends exactly that; `fetch` would not let a test forge these headers. */
  ask({ method = "GET", path = "/", headers = {}, body }: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          ...{ host: "127.0.0.1", port: this.server.port, method, path, agent: false },
          headers: { host: this.host, ...headers },
        },
        (response) => {
          let text = "";
          response.on("data", (part) => text += part);
          response.on(
            "end",
            () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
          );
          response.on("error", reject);
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** What the page's own scripts send. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask({
      ...{ method: "POST", path, body: JSON.stringify(body) },
      headers: { origin: this.origin, "content-type": "application/json", ...headers },
    });
  }

  /** Redeems a code as the page's script does. */
  async enter(code = this.server.code()): Promise<Session> {
    const answer = await this.post("/session", { code });
    assert.equal(answer.status, 200, answer.text);
    const { at, token } = JSON.parse(answer.text);
    const [cookie = ""] = answer.headers["set-cookie"] ?? [];
    return new Session(this, { at, token, cookie: cookie.split(";")[0] ?? "" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

class Session {
  readonly page: Page;
  readonly at: string;
  readonly token: string;
  readonly cookie: string;

  constructor(page: Page, parts: { at: string; token: string; cookie: string }) {
    this.page = page;
    this.at = parts.at;
    this.token = parts.token;
    this.cookie = parts.cookie;
  }

  get(path = "", headers: Record<string, string> = {}): Promise<Answer> {
    return this.page.ask({
      path: `${this.at}${path}`,
      headers: { cookie: this.cookie, ...headers },
    });
  }

  act(action: string, argument: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.page.post(`${this.at}do/${action}`, argument, {
      ...{ cookie: this.cookie, "camellia-token": this.token },
      ...headers,
    });
  }
}

const at = "2026-01-01T00:00:00.000Z";

function post(id: number, parts: Partial<PostView> = {}): PostView {
  return {
    id: String(id),
    author: "bob",
    text: `Text ${id}`,
    created_at: at,
    reply_to: null,
    ...parts,
  };
}

Deno.test("A code lets one browser in, once", async () => {
  await using page = await Page.open();
  const code = page.server.code();
  const { at, cookie, token } = await page.enter(code);
  assert.match(at, /^\/[A-Za-z0-9_-]{22}\/$/);
  assert.match(cookie, /^camellia=[A-Za-z0-9_-]{43}$/);
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  const again = await page.post("/session", { code });
  assert.equal(again.status, 403);
  assert.equal(again.headers["set-cookie"], undefined);
});

Deno.test("The cookie is for no script, no other site, and no path but the session's", async () => {
  await using page = await Page.open();
  const answer = await page.post("/session", { code: page.server.code() });
  const { key } = JSON.parse(answer.text);
  const [cookie] = answer.headers["set-cookie"] ?? [];
  assert.match(
    cookie ?? "",
    new RegExp(`^camellia=[^;]+; Path=/${key}; HttpOnly; SameSite=Strict$`),
  );
});

Deno.test("A code that is wrong, of another kind or missing lets no browser in, and guesses void it", async () => {
  await using page = await Page.open();
  const code = page.server.code();
  const tries = [{}, { code: "" }, { code: 7 }, [], null, { code: code.slice(1) }, "text"];
  for (const body of tries) assert.equal((await page.post("/session", body)).status, 403);
  for (let i = 0; i < 10; i++) await page.post("/session", { code: `guess${i}` });
  assert.equal((await page.post("/session", { code })).status, 403);
  await page.enter();
});

Deno.test("Without its session nothing of a peer can be read or done", async () => {
  await using page = await Page.open((api) => api.posts.push(post(7)));
  const session = await page.enter();
  const other = await page.enter();
  assert.match((await session.get()).text, /Text 7/);
  for (
    const cookie of [
      "",
      "camellia=",
      "camellia=x",
      other.cookie,
      `${other.cookie}; ${session.cookie}`,
    ]
  ) {
    const screen = await session.get("", { cookie });
    assert.equal(screen.status, 401);
    assert.ok(!screen.text.includes("Text 7"));
    assert.equal((await session.get("live", { cookie })).status, 401);
    assert.equal((await session.act("post", { text: "x" }, { cookie })).status, 401);
  }
  assert.equal(
    (await page.ask({ path: "/thread/bob/7", headers: { cookie: session.cookie } })).status,
    404,
  );
  assert.ok(!page.api.calls.includes("post"));
});

Deno.test("A write needs the token, in its header, and JSON", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  const other = await page.enter();
  for (const token of ["", "x", other.token, session.cookie]) {
    const answer = await session.act("post", { text: "x" }, { "camellia-token": token });
    assert.equal(answer.status, 403, answer.text);
  }
  const asText = await session.act("post", { text: "x" }, { "content-type": "text/plain" });
  assert.equal(asText.status, 415);
  assert.equal((await session.act("exportAccount", {})).status, 404);
  assert.equal((await session.act("constructor", {})).status, 404);
  assert.equal((await session.act("post", { text: 7 })).status, 400);
  assert.equal((await session.act("post", undefined)).status, 400);
  assert.ok(!page.api.calls.includes("post"));
  const done = await session.act("post", { text: "Hello" });
  assert.equal(done.status, 200, done.text);
  assert.equal(JSON.parse(done.text).said, "Posted.");
  assert.equal(page.api.posts[0]?.text, "Hello");
});

Deno.test("No other host, page or site is answered, whatever it shows", async () => {
  await using page = await Page.open((api) => api.posts.push(post(7)));
  const session = await page.enter();
  const refused: Record<string, string | string[]>[] = [
    { host: "localhost" },
    { host: `localhost:${page.server.port}` },
    { host: "evil.example" },
    { host: `evil.example:${page.server.port}` },
    { host: `127.0.0.1:${page.server.port}.evil.example` },
    { host: "127.0.0.1" },
    { host: `127.0.0.1:${page.server.port + 1}` },
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: `https://${page.host}` },
    { origin: `http://localhost:${page.server.port}` },
    { origin: `http://127.0.0.1:${page.server.port + 1}` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ];
  for (const headers of refused) {
    for (const path of ["/", session.at, `${session.at}live`, "/assets/page.js"]) {
      const answer = await page.ask({ path, headers: { cookie: session.cookie, ...headers } });
      assert.equal(answer.status, 403, JSON.stringify(headers));
      assert.ok(!answer.text.includes("Text 7"));
    }
    const written = await page.ask({
      ...{ method: "POST", path: `${session.at}do/post`, body: '{"text":"x"}' },
      headers: {
        ...{ origin: page.origin, cookie: session.cookie, "camellia-token": session.token },
        ...{ "content-type": "application/json", ...headers },
      },
    });
    assert.equal(written.status, 403, JSON.stringify(headers));
  }
  // A write names its page in any case.
  const nameless = await page.ask({
    ...{ method: "POST", path: `${session.at}do/post`, body: '{"text":"x"}' },
    headers: {
      ...{ cookie: session.cookie, "camellia-token": session.token },
      "content-type": "application/json",
    },
  });
  assert.equal(nameless.status, 403);
  assert.ok(!page.api.calls.includes("post"));
});

Deno.test("Two of a header that counts, odd methods, and addresses that are none are refused", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  const raw = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(page.server.port, "127.0.0.1", () => socket.end(text));
      let got = "";
      socket.on("data", (part) => got += part);
      socket.on("error", reject);
      socket.on("close", () => resolve(got));
    });
  const line = (name: string, value: string) => `${name}: ${value}\r\n`;
  const own = line("Host", page.host);
  for (
    const head of [
      `GET / HTTP/1.1\r\n${own}${line("Host", "evil.example")}`,
      `GET / HTTP/1.1\r\n${line("Host", "evil.example")}${own}`,
      `GET / HTTP/1.1\r\n`,
      `GET http://${page.host}/ HTTP/1.1\r\n${own}`,
      `OPTIONS * HTTP/1.1\r\n${own}`,
      `TRACE / HTTP/1.1\r\n${own}`,
      `PUT / HTTP/1.1\r\n${own}${line("Content-Length", "0")}`,
      `GET /${"a".repeat(pathBytesMax)} HTTP/1.1\r\n${own}`,
      `GET ${session.at} HTTP/1.1\r\n${own}${line("Cookie", session.cookie)}${
        line("Cookie", session.cookie)
      }`,
      "rubbish\r\n",
    ]
  ) {
    const answer = await raw(`${head}Connection: close\r\n\r\n`);
    assert.match(answer, /^(HTTP\/1\.1 4\d\d |$)/, head.slice(0, 60));
  }
});

Deno.test("Bodies are bounded, whether their length is said or not", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  const long = { text: "x".repeat(bodyBytesMax) };
  assert.equal((await session.act("post", long)).status, 413);
  const chunked = await session.act("post", long, { "transfer-encoding": "chunked" });
  assert.equal(chunked.status, 413);
  assert.equal((await page.post("/session", long)).status, 413);
  assert.ok(!page.api.calls.includes("post"));
});

Deno.test("Every answer says what a browser may do with it", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  const answers = [
    await page.ask({}),
    await page.ask({ path: "/nowhere" }),
    await page.ask({ headers: { host: "evil.example" } }),
    await page.ask({ path: "/assets/page.js" }),
    await page.post("/session", {}),
    await session.get(),
    await session.get("thread/bob/9"),
    await session.act("post", {}),
  ];
  for (const { headers } of answers) {
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /^default-src 'none'; script-src 'self'; /);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /base-uri 'none'/);
    assert.ok(!/unsafe|\*|data:|http/.test(policy), policy);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["x-frame-options"], "DENY");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    assert.equal(headers["access-control-allow-origin"], undefined);
  }
  assert.equal(answers[5]?.headers["cache-control"], "no-store");
});

Deno.test("Nothing in a page is script or style of its own, and nothing comes from elsewhere", async () => {
  await using page = await Page.open((api) => api.posts.push(post(7)));
  const session = await page.enter();
  const paths = [
    "",
    "thread/bob/7",
    "notifications",
    "requests",
    "people?full=1",
    "search?q=text",
    "profile/bob?full=1",
    "settings?full=1",
  ];
  for (const path of paths) {
    const { status, text } = await session.get(path);
    assert.equal(status, 200);
    assert.ok(!/<script(?![^>]*\ssrc="\/assets\/)/.test(text), path);
    assert.ok(!/<style|\sstyle=|\son[a-z]+=|javascript:/i.test(text), path);
    assert.ok(!/(src|<link[^>]*href)="(?!\/assets\/)/.test(text), path);
  }
});

Deno.test("A form lets a browser without scripts in, to read", async () => {
  await using page = await Page.open((api) => api.posts.push(post(7)));
  const form = await page.ask({ path: "/enter" });
  // With no-referrer browsers would not say which page a form comes from.
  assert.equal(form.headers["referrer-policy"], "same-origin");
  const send = (code: string) =>
    page.ask({
      ...{ method: "POST", path: "/enter", body: `code=${encodeURIComponent(code)}` },
      headers: { origin: page.origin, "content-type": "application/x-www-form-urlencoded" },
    });
  assert.equal((await send("wrong")).status, 403);
  // People paste the whole address, too.
  const { status, headers } = await send(` ${page.origin}/#${page.server.code()} `);
  assert.equal(status, 303);
  const cookie = headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
  const home = await page.ask({ path: String(headers.location), headers: { cookie } });
  assert.match(home.text, /Text 7/);
  assert.match(home.text, /<noscript>/);
});

Deno.test("A logout ends all sessions", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  page.api.emit({ event: "logout", username: "alice" });
  assert.equal((await session.get()).status, 401);
  page.api.user = undefined;
  assert.equal((await page.post("/session", { code: page.server.code() })).status, 400);
});

Deno.test("A browser can end its session", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  const end = (token: string) =>
    page.post(`${session.at}end`, {}, { cookie: session.cookie, "camellia-token": token });
  assert.equal((await end("")).status, 403);
  assert.equal((await session.get()).status, 200);
  assert.equal((await end(session.token)).status, 200);
  assert.equal((await session.get()).status, 401);
});

/** Reads server-sent events. */
class Stream {
  readonly news: Record<string, unknown>[] = [];
  isOpen = false;
  ended = false;
  #changed = Promise.withResolvers<void>();
  readonly #close: () => void;

  constructor({ page, at, cookie }: Session) {
    const sent = request({
      ...{
        host: "127.0.0.1",
        port: page.server.port,
        path: `${at}live`,
        agent: false,
      },
      headers: { host: page.host, cookie },
    }, (response) => {
      let text = "";
      response.on("data", (part) => {
        text += part;
        this.isOpen = true;
        const messages = text.split("\n\n");
        text = messages.pop() ?? "";
        for (const message of messages) {
          if (message.startsWith("data: ")) this.news.push(JSON.parse(message.slice(6)));
        }
        this.#tell();
      });
      response.on("error", () => {});
      response.on("close", () => {
        this.ended = true;
        this.#tell();
      });
    });
    sent.on("error", () => {});
    sent.end();
    this.#close = () => sent.destroy();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async until(is: () => boolean): Promise<void> {
    while (!is()) await this.#changed.promise;
  }

  close(): void {
    this.#close();
  }
}

Deno.test("A tab learns at once how much came since it was drawn, then of what comes, in few messages", async () => {
  await using page = await Page.open((api) => api.posts.push(post(9), post(8), post(7)));
  const session = await page.enter();
  const news = await session.get("news?after=7");
  assert.deepEqual(JSON.parse(news.text).posts, ["bob/9", "bob/8"]);
  assert.equal((await session.get("news?after=7", { cookie: "" })).status, 401);
  assert.deepEqual(JSON.parse((await session.get("news?after=x")).text).posts, []);
  const stream = new Stream(session);
  await stream.until(() => stream.isOpen);
  for (let i = 0; i < 1000; i++) page.api.emit({ event: "post", post: post(1000 + i) });
  page.api.emit({ event: "deleted", author: "bob", id: "8" });
  await stream.until(() => JSON.stringify(stream.news).includes('"deleted":["bob/8"]'));
  assert.ok(stream.news.length < 10, String(stream.news.length));
  assert.ok(!JSON.stringify(stream.news).includes("Text"));
  stream.close();
  await stream.until(() => stream.ended);
});

Deno.test("The page ends its streams when it is turned off, and when the user logs out", async () => {
  const page = await Page.open();
  const one = new Stream(await page.enter());
  await one.until(() => one.isOpen);
  page.api.emit({ event: "logout", username: "alice" });
  await one.until(() => one.ended);
  const two = new Stream(await page.enter());
  await two.until(() => two.isOpen);
  await page.server.close();
  await two.until(() => two.ended);
  assert.equal(page.api.listeners.size, 0);
});

Deno.test("Other users of this machine can neither keep the person out nor pile up connections", async () => {
  await using page = await Page.open();
  const session = await page.enter();
  const strangers = Array.from({ length: 60 }, () => connect(page.server.port, "127.0.0.1"));
  const closed = strangers.map((socket) =>
    new Promise((resolve) => socket.on("error", () => {}).on("close", resolve))
  );
  await Promise.all(closed.slice(0, 20));
  assert.equal((await session.get()).status, 200);
  for (const socket of strangers) socket.destroy();
  await Promise.all(closed);
});
