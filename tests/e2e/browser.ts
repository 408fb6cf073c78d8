/**
 * A real Chromium without a window, spoken to by its DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol/).
 *
 * It reaches this machine alone: every other name resolves to nothing.
 */

import assert from "node:assert/strict";

/** What a page has not come to by then it never will. */
const waitMs = 60_000;

/** What Chromium is called by the systems that have it. */
const names = ["chromium", "chromium-browser", "google-chrome"];

/** The path of Chromium; undefined where it is missing. */
export const chromium: string | undefined = (Deno.env.get("PATH") ?? "").split(":")
  .flatMap((folder) => names.map((name) => `${folder}/${name}`))
  .find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });

type Params = Record<string, unknown>;

/** An event of the protocol. */
interface Told {
  readonly method: string;
  readonly params: Params;
  readonly sessionId?: string;
}

/** What a page's scripts and its policy complained of. */
export interface Complaint {
  readonly kind: string;
  readonly text: string;
}

/** Keys that are no letters: their code, their number, and the text that they bring. */
const specialKeys: Readonly<
  Record<string, readonly [code: string, number: number, text?: string]>
> = {
  Enter: ["Enter", 13, "\r"],
  Escape: ["Escape", 27],
  Tab: ["Tab", 9],
  Backspace: ["Backspace", 8],
  ArrowDown: ["ArrowDown", 40],
  ArrowUp: ["ArrowUp", 38],
};

/** A tab. */
export class Tab {
  readonly complaints: Complaint[] = [];
  /** Requests that came to nothing. */
  readonly failures: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;

  constructor(browser: Browser, session: string) {
    this.#browser = browser;
    this.#session = session;
    browser.onTold((told) => {
      if (told.sessionId === session) this.#told(told);
    });
  }

  #told({ method, params }: Told): void {
    if (method === "Runtime.exceptionThrown") {
      this.complaints.push({ kind: "exception", text: JSON.stringify(params) });
    }
    if (
      method === "Audits.issueAdded" && JSON.stringify(params).includes("ContentSecurityPolicy")
    ) {
      this.complaints.push({ kind: "policy", text: JSON.stringify(params) });
    }
    if (method === "Network.loadingFailed" && params["canceled"] !== true) {
      this.failures.push(JSON.stringify(params));
    }
    if (method === "Log.entryAdded") {
      const { level, text, source } = params["entry"] as Record<string, string>;
      if (level === "error" && source === "security") {
        this.complaints.push({ kind: "policy", text: text ?? "" });
      }
    }
  }

  /** Calls a method of the protocol. */
  send(method: string, params: Params = {}): Promise<Params> {
    return this.#browser.send(method, params, this.#session);
  }

  /** What an expression comes to in the page. */
  async value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }) as { result: { value?: unknown }; exceptionDetails?: unknown };
    assert.equal(exceptionDetails, undefined, `${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result.value as T;
  }

  /** Waits until an expression is true in the page, whatever document it shows meanwhile. */
  async until(expression: string): Promise<void> {
    const giveUpAt = performance.now() + waitMs;
    while (true) {
      const isSo = await this.value<boolean>(`Boolean(${expression})`).catch(() => false);
      if (isSo) return;
      if (performance.now() > giveUpAt) {
        const text = await this.value("document.body?.innerText.slice(0, 2000)").catch(() => "");
        assert.fail(
          `not so: ${expression}\n${text}\n${JSON.stringify(this.complaints)}\n${
            this.failures.join("\n")
          }`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Opens an address. */
  async open(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
  }

  /** Opens the page at an address with a code, and waits until it is live. */
  async enter(url: string): Promise<void> {
    await this.open(url);
    await this.ready();
  }

  /** Waits until the page's script runs. */
  async ready(): Promise<void> {
    await this.until("document.documentElement.dataset.ready !== undefined");
  }

  /** Presses a key: a letter, or one that {@linkcode specialKeys} names. */
  async press(key: string, { ctrl = false } = {}): Promise<void> {
    const [code, number, text] = specialKeys[key] ??
      [`Key${key.toUpperCase()}`, key.toUpperCase().charCodeAt(0), key];
    const event = {
      ...{ key, code, windowsVirtualKeyCode: number, modifiers: ctrl ? 2 : 0 },
      ...(ctrl || text === undefined ? {} : { text }),
    };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { ...event, text: undefined, type: "keyUp" });
  }

  /** Types a text where the cursor is. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  /** A picture, PNG. */
  async picture(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Uint8Array.fromBase64(data as string);
  }

  /** The size of the window, and whether it is dark. */
  async look(
    { width = 900, height = 900, isDark = false, scale = 1 }: {
      width?: number;
      height?: number;
      isDark?: boolean;
      scale?: number;
    },
  ): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...{ width, height, deviceScaleFactor: scale, mobile: false },
    });
    await this.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }],
    });
  }
}

/** A process of Chromium, with a profile that ends with it. */
export class Chromium {
  /** Where it speaks the protocol. */
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(process: Deno.ChildProcess, folder: string, url: string) {
    this.#process = process;
    this.#folder = folder;
    this.url = url;
  }

  /** Starts one. */
  static async start(): Promise<Chromium> {
    assert.ok(chromium !== undefined);
    const folder = await Deno.makeTempDir({ prefix: "camellia-browser-" });
    const process = new Deno.Command(chromium, {
      args: [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--no-first-run",
        "--no-default-browser-check",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--remote-debugging-port=0",
        `--user-data-dir=${folder}`,
        "about:blank",
      ],
      env: { HOME: folder },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const giveUpAt = performance.now() + waitMs;
    while (performance.now() < giveUpAt) {
      // Read from a file: to read what it prints would go on through all tests that share it.
      const text = await Deno.readTextFile(`${folder}/DevToolsActivePort`).catch(() => "");
      const [port, path] = text.split("\n");
      if (port && path) return new Chromium(process, folder, `ws://127.0.0.1:${port}${path}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill("SIGKILL");
    assert.fail("Chromium does not say where it listens");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }
}

/** A connection to the browser, with people of its own: what they open is closed with it. */
export class Browser {
  readonly #socket: WebSocket;
  readonly #people = new Set<string>();
  readonly #waiting = new Map<number, PromiseWithResolvers<Params>>();
  readonly #listeners = new Set<(told: Told) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  /** Connects. */
  static async of({ url }: Chromium): Promise<Browser> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Browser(socket);
  }

  #take(
    message: { id?: number; result?: Params; error?: { message: string } } & Partial<Told>,
  ): void {
    if (message.id === undefined) {
      for (const listener of [...this.#listeners]) listener(message as Told);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error !== undefined) waiting?.reject(new Error(message.error.message));
    else waiting?.resolve(message.result ?? {});
  }

  /** Calls back for events. */
  onTold(listener: (told: Told) => void): void {
    this.#listeners.add(listener);
  }

  /** Calls a method of the protocol. */
  send(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    const id = ++this.#last;
    const waiting = Promise.withResolvers<Params>();
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    return waiting.promise;
  }

  /** A tab of a person of its own, who shares nothing with others; or another one of a person. */
  async tab(person?: string): Promise<Tab & { readonly person: string }> {
    const browserContextId = person ??
      (await this.send("Target.createBrowserContext"))["browserContextId"] as string;
    this.#people.add(browserContextId);
    const { targetId } = await this.send("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab(this, sessionId as string);
    await Promise.all(
      ["Page.enable", "Runtime.enable", "Log.enable", "Audits.enable", "Network.enable"]
        .map((method) => tab.send(method)),
    );
    await tab.look({});
    return Object.assign(tab, { person: browserContextId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const browserContextId of this.#people) {
      await this.send("Target.disposeBrowserContext", { browserContextId }).catch(() => {});
    }
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }
}
