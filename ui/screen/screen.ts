/**
 * The full screen on a real terminal: opened, drawn when something changes, and closed whatever happens.
 *
 * @module
 */

import { join } from "node:path";
import { utf8 } from "../../core/model/bytes.ts";
import type { PeerEvent } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Timer } from "../../lib/time.ts";
import type { Access } from "../peer/access.ts";
import { draftFiles } from "../peer/draft_files.ts";
import { SettingsFile } from "../peer/settings_file.ts";
import type { Context } from "../peer/host.ts";
import type { RawTerminal } from "../terminal/raw_terminal.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { Views } from "../views/views.ts";
import { App } from "./app.ts";
import { TerminalInput } from "./input.ts";
import { type KeyChoice, Keymap, keysNamed, mistakeInKeys } from "./keymap.ts";
import { editors, stopper } from "../terminal/outside.ts";
import { Painter } from "./painter.ts";
import { Connection } from "./connection.ts";

/** Ages are drawn anew so often: "just now" becomes "1 min" without a key. */
const redrawMs = 20_000;

/** Bytes of a text that comes back from an editor. */
const editedBytesMax = 100_000;

/** Why some things are not done in the process of a peer (docs/SECURITY.md, “What the program itself may do”). */
const ownPeer = "this process is your peer, which others wait for, and starts no program. " +
  "Leave it, type `camellia up`, and then `camellia tui` in another terminal";

/** Why the screen was left. */
export type Left =
  | { readonly why: "quit" }
  /** An entry of the menu is to be done, and the screen opened again. */
  | { readonly why: "menu"; readonly entry: string }
  /** The user logged in or out, here or elsewhere. */
  | { readonly why: "user" };

/** What the screen is opened with. */
export interface ScreenParts {
  /** The process, and what the adapters do. */
  readonly context: Context;
  /** The peer. */
  readonly access: Access;
  /** The terminal. */
  readonly terminal: RawTerminal;
  /** The user who is logged in. */
  readonly self: string;
  /** Keys that config.ini changes. */
  readonly keys?: KeyChoice;
}

/** A screen that is open. */
class OpenScreen {
  readonly #parts: ScreenParts;
  readonly #left = Promise.withResolvers<Left>();
  readonly #leaving = new AbortController();
  readonly #input: TerminalInput;
  readonly #painter: Painter;
  readonly #views: Views;
  readonly #connection: Connection;
  readonly #app: App;

  constructor(parts: ScreenParts) {
    this.#parts = parts;
    const { context: { io }, access, terminal, self, keys } = parts;
    const chosen = keysNamed(keys ?? {});
    const mistake = mistakeInKeys(chosen);
    this.#connection = new Connection(parts.context, access);
    const { api } = this.#connection;
    this.#views = new Views({
      ...{ api, time: io, self, files: draftFiles(parts.context) },
      onChange: () => this.#guard(() => this.#painter.paint()),
    });
    this.#input = new TerminalInput((event) => this.#guard(() => this.#app.input(event)));
    this.#painter = new Painter(terminal, {
      handlers: {
        onData: (data) => this.#input.feed(data),
        onRedraw: () => this.#guard(() => this.#painter.paint(true)),
      },
      draw: (size) => this.#app.draw(size),
      onError: (error) => this.#left.reject(error),
    });
    this.#app = new App({
      ...{ views: this.#views, api, self, time: io, signal: this.#leaving.signal },
      settings: new SettingsFile(parts.context),
      theme: { colours: io.colours("output"), links: io.env("TERM") !== "linux" },
      keymap: new Keymap(mistake === undefined ? chosen : {}),
      paint: (all) => this.#guard(() => this.#painter.paint(all)),
      quit: () => this.#left.resolve({ why: "quit" }),
      suspend: () => void this.#suspend(),
      edit: (text) => this.#edit(text),
      inMenu: (entry) => this.#left.resolve({ why: "menu", entry }),
    });
    if (mistake !== undefined) {
      this.#app.stage.say(`[KEYS] of config.ini is not used: ${mistake}.`, "error");
    }
  }

  /** A mistake in the drawing closes the screen, and is then thrown where the screen was opened. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#left.reject(error);
    }
  }

  /** Shows the screen until it is left. */
  async run(): Promise<Left> {
    const { io, signal, output } = this.#parts.context;
    const onEnd = () => this.#left.resolve({ why: "quit" });
    signal.addEventListener("abort", onEnd);
    const restore = () => this.#painter.abandon();
    globalThis.addEventListener("error", restore);
    globalThis.addEventListener("unload", restore);
    let timer: Timer | undefined;
    const tick = () => {
      this.#painter.paint();
      timer = io.after(redrawMs, tick);
    };
    output.divert((text) => this.#app.stage.say(text, "error"));
    try {
      this.#painter.open();
      tick();
      // Not before events are told of: the timeline is on the screen a moment sooner, and read again then.
      this.#views.open();
      await this.#connection.subscribe({
        onEvent: (event) => this.#happened(event),
        onGone: () => {
          this.#views.refresh();
          this.#app.stage.say(
            "The peer has stopped; the screen waits for it to come back.",
            "error",
          );
        },
        onBack: (self) => {
          // A peer that starts logs its user in a moment later.
          if (self === undefined) this.#app.stage.say("The peer is back, and logs in.", "good");
          else this.#back(self);
        },
      });
      if (this.#views.home.view().isLive) this.#views.home.newest();
      if (signal.aborted) onEnd();
      return await this.#left.promise;
    } finally {
      timer?.cancel();
      output.divert(undefined);
      signal.removeEventListener("abort", onEnd);
      globalThis.removeEventListener("error", restore);
      globalThis.removeEventListener("unload", restore);
      this.#leaving.abort();
      this.#connection.close();
      this.#input.close();
      await this.#painter.close();
      await this.#app.close();
      this.#views.close();
    }
  }

  #happened(event: PeerEvent): void {
    if (event.event === "logout") this.#left.resolve({ why: "user" });
    if (event.event === "login") this.#back(event.user.username);
    this.#views.event(event);
  }

  /** A user is logged in to a peer that was gone, or to this one. */
  #back(username: string): void {
    if (username !== this.#parts.self) return this.#left.resolve({ why: "user" });
    this.#app.stage.say("The peer is back.", "good");
    this.#views.missed();
  }

  /** Gives the terminal to something else for a while. */
  async #without<T>(work: () => Promise<T>): Promise<T> {
    await this.#painter.close();
    try {
      return await work();
    } finally {
      if (!this.#leaving.signal.aborted) this.#painter.open();
    }
  }

  /** Stops this process and those that started it, as the shell's Ctrl+Z does. */
  async #suspend(): Promise<void> {
    const { context: { io, host }, access } = this.#parts;
    if (io.os === "windows") return this.#app.stage.say("Windows has no such thing.", "error");
    if (access.own) return this.#app.stage.say(`The screen cannot stop: ${ownPeer}.`, "error");
    await this.#without(async () => {
      // Signalling a process takes a permission that would let this one start any program.
      const done = await host.tools.run(stopper, ["-TSTP", "0"]).catch(() => undefined);
      if (done === undefined) {
        this.#app.stage.say("There is no program kill to stop with.", "error");
      }
    });
  }

  async #edit(text: string): Promise<string | undefined> {
    const { context: { io, host, dataFolder, signal }, terminal, access } = this.#parts;
    const [program, ...args] = (io.env("VISUAL") ?? io.env("EDITOR") ?? "vi").split(/\s+/);
    const path = join(dataFolder, "post.txt");
    const say = (why: string) => {
      this.#app.stage.say(why, "error");
      return undefined;
    };
    if (program === undefined || program === "") return say("EDITOR names no program.");
    if (access.own) return say(`No editor can be started: ${ownPeer}.`);
    return await this.#without(async () => {
      try {
        await host.writePrivate(path, utf8(text));
        const code = await terminal.run(program, [...args, path], signal);
        if (code === undefined) {
          return say(
            `Cannot start ${safeLine(program)}. EDITOR may name ${editors.join(", ")}.`,
          );
        }
        if (code !== 0) return say(`${safeLine(program)} ended with the code ${code}.`);
        const bytes = await io.readFile(path, editedBytesMax);
        return new TextDecoder().decode(bytes?.subarray(0, editedBytesMax)).replace(/\n$/, "");
      } catch (error) {
        if (error instanceof CamelliaError) return say(error.message);
        throw error;
      } finally {
        await host.tools.remove(path).catch(() => {});
      }
    });
  }
}

/** Opens the screen, and resolves to why it was left. The terminal is then as it was. */
export async function showScreen(parts: ScreenParts): Promise<Left> {
  return await new OpenScreen(parts).run();
}
