/**
 * What is answered at each path of the page.
 *
 * @module
 */

import type { Html } from "./markup.ts";
import { type Context, Hono } from "hono";
import type { PeerApi, PostNameView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Time } from "../../lib/time.ts";
import { detailsOf, failureOf } from "../output/failure.ts";
import { actions } from "./actions.ts";
import { assets, edition } from "./assets.ts";
import { Codes } from "./codes.ts";
import {
  enterDocument,
  entranceDocument,
  mainHtml,
  type Screen,
  screenDocument,
} from "./layout.ts";
import { LiveHub, type News } from "./live.ts";
import { homeScreen, type Making, searchScreen, threadScreen } from "./screens.ts";
import { peopleScreen, profileScreen } from "./people_screens.ts";
import { PageDrafts } from "./page_drafts.ts";
import { settingsScreen } from "./settings_screen.ts";
import { notificationsScreen, requestsScreen } from "./told_screens.ts";
import { settingAction } from "./settings_section.ts";
import { Desk } from "../views/desk.ts";
import { keyOf } from "../views/post_row.ts";
import type { Reader } from "./post_html.ts";
import { equalSecrets } from "./secrets.ts";
import { cookieOf, readCookie, type Session, Sessions, tokenHeader } from "./sessions.ts";

import type { PageOptions } from "./page_server.ts";

/** Calls on their way at a time; one person has some tabs. */
const callsMax = 32;

/** Tabs with live news at a time. */
const tabsMax = 24;

/** How often a quiet tab is told that the peer is there. */
const heartbeatMs = 15_000;

/** Posts that a tab without news is told of by number; one more stands for more. */
const newerMax = 100;

/** The header by which the page's script asks for a screen without its frame. */
const partHeader = "camellia-part";

/** What routes have at hand. */
interface Env {
  Variables: { session: Session };
  Bindings: {
    /** The connection has shown a session. */
    readonly known: () => void;
  };
}

type Route = Context<Env>;

function failed(code: string, message: string) {
  return { error: { code, message } };
}

/** The page's paths, and what they share. */
export class PageApp {
  /** The one-time codes. */
  readonly codes: Codes;
  readonly #api: PeerApi;
  readonly #options: PageOptions;
  readonly #time: Time;
  readonly #sessions: Sessions;
  readonly #hub: LiveHub;
  readonly #app = new Hono<Env>();
  readonly #stopping = new AbortController();
  readonly #unsubscribe: () => void;
  #desk: Desk;
  #calls = 0;

  /** Listens to the peer; there is no session yet. */
  constructor(options: PageOptions & { readonly time: Time }) {
    const { api, time, randomBytes } = options;
    this.#options = options;
    this.#api = api;
    this.#time = time;
    this.#desk = this.#deskOf("");
    this.codes = new Codes(time, randomBytes);
    this.#sessions = new Sessions(time, randomBytes);
    this.#hub = new LiveHub({ time, unread: async () => (await api.status()).unread });
    this.#unsubscribe = api.subscribe((event) => {
      this.#hub.event(event, this.#desk.self);
      if (event.event === "deleted") this.#desk.forgetPost(event);
      // What one user sees is nothing for the next one.
      if (event.event === "logout" || event.event === "login") this.#endSessions();
    });
    this.#doors();
    this.#reading();
    this.#writing();
    this.#app.notFound((c) => c.text("There is nothing here.\n", 404));
    this.#app.onError((error, c) => this.#failure(c, error));
  }

  /** Answers a request that has passed the guard; calls back when it shows a session. */
  async answer(request: Request, known: () => void): Promise<Response> {
    if (this.#calls >= callsMax) return new Response("Too much at once.\n", { status: 503 });
    this.#calls++;
    try {
      return await this.#app.fetch(request, { known });
    } finally {
      this.#calls--;
    }
  }

  /** Ends all sessions, and what they wait for. */
  close(): void {
    this.#unsubscribe();
    this.#endSessions();
    this.#stopping.abort(new CamelliaError("interrupted", "The page is being closed"));
  }

  /** What is remembered from screen to screen, for one user. */
  #deskOf(self: string): Desk {
    const nothing = () => {};
    return new Desk({
      ...{ api: this.#api, time: this.#time, self, onChange: nothing, onCounts: nothing },
    });
  }

  /** Called for each stream of news: ends it. */
  readonly #streams = new Set<() => void>();

  #endSessions(): void {
    this.#sessions.clear();
    this.#desk = this.#deskOf("");
    this.#hub.close();
    for (const end of [...this.#streams]) end();
  }

  /** The session of a request; undefined where it shows none, or another user's. */
  #sessionOf(c: Route): Session | undefined {
    const { key = "" } = c.req.param() as { key?: string };
    const session = this.#sessions.find(key, readCookie(c.req.header("cookie")));
    if (session !== undefined) c.env.known();
    return session;
  }

  /** Lets a browser in that gives a code; undefined where it gives none that is open. */
  async #enter(code: unknown): Promise<Session | undefined> {
    if (typeof code !== "string" || !this.codes.redeem(code.trim().replace(/^.*#/s, ""))) {
      return undefined;
    }
    const { username } = await this.#api.whoami();
    if (this.#desk.self !== username) {
      this.#desk = this.#deskOf(username);
      void this.#learnNames(this.#desk);
    }
    return this.#sessions.begin(username);
  }

  /** Names to be shown, and who follows: they take some seconds, and no screen waits for them. */
  async #learnNames(desk: Desk): Promise<void> {
    for (const list of ["following", "followers"] as const) {
      const users = await this.#api.people({ list }, this.#stopping.signal).catch(() => []);
      for (const { username, name } of users) if (name !== null) desk.learnName(username, name);
    }
  }

  #failure(c: Route, error: unknown): Response | Promise<Response> {
    const failure = failureOf(error);
    if (failure.code === "internal") {
      this.#options.log("error", `The page failed: ${detailsOf(error)}`);
    }
    const status = failure.code === "internal" ? 500 : 400;
    return c.json(failed(failure.code, failure.message), status);
  }

  /** What is answered without a session. */
  #doors(): void {
    const wrong = "That code is wrong, used, or too old. Run camellia web for a new one.";
    this.#app.get("/", (c) => c.html(entranceDocument(edition)));
    this.#app.post("/session", async (c) => {
      if (c.req.header("content-type") !== "application/json") {
        return c.json(failed("invalid_argument", "That is no JSON"), 415);
      }
      const body: unknown = await c.req.json().catch(() => undefined);
      const code = typeof body === "object" && body !== null && "code" in body ? body.code : "";
      const session = await this.#enter(code);
      if (session === undefined) return c.json(failed("unauthorized", wrong), 403);
      const { key, token } = session;
      return c.json({ at: `/${key}/`, key, token }, 200, { "set-cookie": cookieOf(session) });
    });
    // Browsers name the page of a form only where it may be named; the address has nothing to hide.
    const named = { "referrer-policy": "same-origin" };
    this.#app.get("/enter", (c) => c.html(enterDocument(edition), 200, named));
    this.#app.post("/enter", async (c) => {
      const form = new URLSearchParams(await c.req.text());
      const session = await this.#enter(form.get("code"));
      if (session === undefined) return c.html(enterDocument(edition, wrong), 403, named);
      return c.body(null, 303, {
        location: `/${session.key}/`,
        "set-cookie": cookieOf(session),
      });
    });
    this.#app.get("/assets/:name", (c) => {
      const asset = assets.get(c.req.param("name"));
      if (asset === undefined) return c.text("There is nothing here.\n", 404);
      return c.body(asset.text, 200, {
        "content-type": asset.type,
        "cache-control": "private, max-age=86400",
      });
    });
  }

  /** Answers with a screen, in its frame or alone. */
  #screen(path: string, make: (c: Route, making: Making) => Promise<Screen>): void {
    this.#app.get(`/:key${path}`, async (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined) {
        const gone = "This session is over. Run camellia web, and open the address that it prints.";
        return c.html(entranceDocument(edition, gone), 401);
      }
      const { key, username } = session;
      const base = `/${key}`;
      // A text behind a warning is sent along: the browser shows it when the person asks for it.
      const desk = this.#desk;
      const known = desk.known({ isRevealed: () => true });
      const reader: Reader = { base, known, offers: (name) => desk.relations.offers(name) };
      // All of it is on this machine; the person may have followed or muted elsewhere meanwhile.
      const making = desk.relations.read(this.#api)
        .then(() => make(c, { api: this.#api, reader, desk }))
        .catch((error) => this.#sorry(error));
      // The page's script has the frame already.
      if (c.req.header(partHeader) !== undefined) return c.html(await mainHtml(await making));
      const [status, screen] = await Promise.all([this.#api.status(), making]);
      return c.html(await screenDocument(screen, { base, username, status, edition }));
    });
  }

  /** The screen in place of one that could not be made. */
  #sorry(error: unknown): Screen {
    const { code, message } = failureOf(error);
    if (code === "internal") this.#options.log("error", `The page failed: ${detailsOf(error)}`);
    return { title: "That did not work", main: message as unknown as Html };
  }

  #reading(): void {
    const isFull = (c: Route) => c.req.query("full") !== undefined;
    this.#screen("/", (c, making) => homeScreen(making, { before: c.req.query("before") }));
    this.#screen("/thread/:author/:id", (c, making) => {
      const name = c.req.param() as unknown as PostNameView;
      return threadScreen(making, { name, isFull: isFull(c) });
    });
    this.#screen("/search", (c, making) => {
      return searchScreen(making, { query: c.req.query("q") ?? "", before: c.req.query("before") });
    });
    this.#screen("/notifications", (_, making) => notificationsScreen(making));
    this.#screen("/requests", (_, making) => requestsScreen(making));
    this.#screen("/people", (c, making) => {
      const list = c.req.query("list") ?? "following";
      return peopleScreen(making, { list, isFull: isFull(c), signal: this.#stopping.signal });
    });
    this.#screen("/profile/:username", (c, making) => {
      const { username } = c.req.param() as { username: string };
      const before = c.req.query("before");
      return profileScreen(making, {
        ...{ username, before, isFull: isFull(c), signal: this.#stopping.signal },
      });
    });
    this.#screen("/settings", (c, making) => {
      const { settings } = this.#options;
      return settingsScreen(making, {
        ...{ isFull: isFull(c), signal: this.#stopping.signal, settings },
      });
    });
    this.#app.get("/:key/live", (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined) return c.text("This session is over.\n", 401);
      if (this.#streams.size >= tabsMax) return c.text("Too many tabs.\n", 503);
      return this.#live();
    });
    this.#app.get("/:key/names", async (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined) return c.json(failed("unauthorized", "This session is over"), 401);
      return c.json({ names: await this.#api.followed() });
    });
    this.#app.get("/:key/draft", async (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined) return c.json(failed("unauthorized", "This session is over"), 401);
      return c.json({ text: await this.#draftsOf(session)?.read(c.req.query("reply")) ?? null });
    });
    this.#app.get("/:key/news", async (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined) return c.json(failed("unauthorized", "This session is over"), 401);
      const [posts, { unread }] = await Promise.all([
        this.#newerThan(c.req.query("after") ?? "", session.username),
        this.#api.status(),
      ]);
      return c.json({ posts, unread });
    });
  }

  /** Names of the posts of others that are newer than one; {@linkcode newerMax} stand for more. */
  async #newerThan(after: string, username: string): Promise<string[]> {
    if (!/^\d{1,20}$/.test(after)) return [];
    const { posts } = await this.#api.timeline({ limit: newerMax, after });
    return posts.filter(({ author }) => author !== username).map(keyOf);
  }

  /** News as server-sent events (WHATWG HTML, section 9.2). */
  #live(): Response {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const message = (news: News) => bytes(`data: ${JSON.stringify(news)}\n\n`);
    let end = () => {};
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (chunk: Uint8Array) => controller.enqueue(chunk);
        const stop = this.#hub.watch((news) => send(message(news)));
        const beat = () => {
          send(bytes(": here\n\n"));
          timer = this.#time.after(heartbeatMs, beat);
        };
        let timer = this.#time.after(heartbeatMs, beat);
        end = () => {
          if (!this.#streams.delete(end)) return;
          timer.cancel();
          stop();
          controller.close();
        };
        this.#streams.add(end);
        send(bytes("retry: 1000\n\n"));
      },
      cancel: () => end(),
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  }

  #draftsOf({ username }: Session): PageDrafts | undefined {
    const { drafts } = this.#options;
    return drafts && new PageDrafts(drafts, this.#time, username);
  }

  #writing(): void {
    this.#app.post("/:key/do/:action", async (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined) {
        return c.json(failed("unauthorized", "This session is over: run camellia web"), 401);
      }
      if (!equalSecrets(c.req.header(tokenHeader) ?? "", session.token)) {
        return c.json(failed("unauthorized", "Cannot change anything without the token"), 403);
      }
      if (c.req.header("content-type") !== "application/json") {
        return c.json(failed("invalid_argument", "That is no JSON"), 415);
      }
      const { settings } = this.#options;
      if (c.req.param("action") === "draft") {
        const drafts = this.#draftsOf(session);
        if (drafts === undefined) return c.json(failed("invalid_argument", "No drafts"), 404);
        await drafts.keep(await c.req.json().catch(() => undefined));
        return c.json({ said: "" });
      }
      const action = c.req.param("action") === "setting"
        ? settings && settingAction(settings)
        : actions.get(c.req.param("action"));
      if (action === undefined) return c.json(failed("invalid_argument", "No such action"), 404);
      const argument: unknown = await c.req.json().catch(() => undefined);
      const done = await action(this.#api, argument, this.#stopping.signal);
      if (c.req.param("action") === "read") this.#hub.read();
      // Its argument was checked where it was done.
      const { replyTo } = argument as { readonly replyTo?: PostNameView };
      if (c.req.param("action") === "post") await this.#draftsOf(session)?.published(replyTo);
      return c.json(done);
    });
    this.#app.post("/:key/end", (c) => {
      const session = this.#sessionOf(c);
      if (session === undefined || !equalSecrets(c.req.header(tokenHeader) ?? "", session.token)) {
        return c.json(failed("unauthorized", "Cannot end what is no session"), 403);
      }
      this.#sessions.end(session);
      return c.json({ said: "This browser is logged out of the page." });
    });
  }
}
