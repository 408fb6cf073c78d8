/**
 * The page of a running peer, on while at least one command holds it.
 *
 * Its modules are loaded when it is asked for the first time.
 *
 * @module
 */

import { loadModule } from "../../lib/load_module.ts";
import type { PageOptions, PageServer } from "../web/page_server.ts";
import type { PeerApi } from "../../core/api.ts";
import type { Log } from "../settings/flags.ts";
import type { SettingsPort } from "../settings/settings_port.ts";
import type { DraftFiles } from "../views/drafts.ts";
import type { Host } from "./host.ts";
import type { PagePlace } from "./loopback_protocol.ts";

/** What the door is built from. */
export interface PageDoorOptions {
  /** The peer. */
  readonly api: PeerApi;
  /** Gives fresh random bytes. */
  readonly host: Pick<Host, "randomBytes">;
  /** Takes what goes wrong unexpectedly. */
  readonly log: Log;
  /** The settings of the data folder; absent where they cannot be shown. */
  readonly settings?: SettingsPort;
  /** Where drafts lie; absent: browsers alone keep them. */
  readonly drafts?: DraftFiles;
}

/** The page, on or off. */
export class PageDoor {
  readonly #options: PageOptions;
  /** The page while it is on, or being turned on. */
  #server: Promise<PageServer> | undefined;
  /** Called when the page is turned off. */
  readonly #holders = new Set<() => void>();

  /** Off. */
  constructor({ api, host, log, settings, drafts }: PageDoorOptions) {
    const randomBytes = (length: number) => host.randomBytes(length);
    this.#options = { api, log, settings, drafts, randomBytes };
  }

  /**
   * Turns it on for as long as the signal is not aborted.
   *
   * @returns Where it is, with a fresh one-time code; `ended` resolves when it is turned off.
   */
  async hold(signal: AbortSignal): Promise<{ place: PagePlace; ended: Promise<void> }> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#holders.add(end);
    const release = () => {
      if (!this.#holders.delete(end)) return;
      end();
      if (this.#holders.size === 0) void this.stop();
    };
    try {
      const server = await (this.#server ??= this.#open());
      if (signal.aborted) release();
      else signal.addEventListener("abort", release, { once: true });
      return { place: { port: server.port, code: server.code() }, ended };
    } catch (error) {
      this.#server = undefined;
      release();
      throw error;
    }
  }

  /** Turns it off, whatever commands hold it; whether it was on. */
  async stop(): Promise<boolean> {
    const server = this.#server;
    this.#server = undefined;
    for (const end of [...this.#holders]) end();
    this.#holders.clear();
    if (server === undefined) return false;
    await (await server.catch(() => undefined))?.close();
    return true;
  }

  async #open(): Promise<PageServer> {
    const { PageServer } = await loadModule<typeof import("../web/page_server.ts")>(
      new URL("../web/page_server.ts", import.meta.url),
    );
    return await PageServer.open(this.#options);
  }
}
