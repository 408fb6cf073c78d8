/**
 * The peer that the screen is attached to, across its restarts.
 *
 * @module
 */

import { methods, type PeerCalls, type PeerEvent } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import type { Timer } from "../../lib/time.ts";
import { type Access, runningPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";

/** How long after a peer has gone it is looked for again: soon, then less often. */
const retryMsMin = 200;
const retryMsMax = 2_000;

/** What is told of a connection. */
export interface ConnectionHandlers {
  /** Something has happened in the peer. */
  onEvent(event: PeerEvent): void;
  /** The peer has stopped. */
  onGone(): void;
  /** A peer runs on the data folder again; its user, if one is logged in. */
  onBack(self: string | undefined): void;
}

/** A peer, or the place where one will be again. */
export class Connection {
  readonly #context: Context;
  readonly #api: PeerCalls;
  #access: Access | undefined;
  #handlers: ConnectionHandlers | undefined;
  #stop: () => void = () => {};
  #close: () => void = () => {};
  #timer: Timer | undefined;
  #isClosed = false;

  /** A connection that stands. */
  constructor(context: Context, access: Access) {
    this.#context = context;
    this.#access = access;
    this.#api = this.#caller();
  }

  /** The peer that there is now; its methods reject with `no_peer` while there is none. */
  get api(): PeerCalls {
    return this.#api;
  }

  #caller(): PeerCalls {
    const call = (name: string) => (...passed: unknown[]): Promise<unknown> => {
      const access = this.#access;
      if (access === undefined) {
        return Promise.reject(
          new CamelliaError("no_peer", "The peer has stopped; it is waited for"),
        );
      }
      const method = Reflect.get(access.api, name) as (...passed: unknown[]) => Promise<unknown>;
      return method.apply(access.api, passed);
    };
    const names = Object.keys(methods).filter((name) => name !== "subscribe");
    // The table of methods has the names of all of them.
    return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as PeerCalls;
  }

  /** Tells of all events from now on, and of a peer that goes and comes. */
  async subscribe(handlers: ConnectionHandlers): Promise<void> {
    this.#handlers = handlers;
    const access = this.#access;
    if (access !== undefined) await this.#attach(access);
  }

  async #attach(access: Access): Promise<void> {
    const handlers = this.#handlers;
    if (handlers === undefined) return;
    const stop = await access.subscribe((event) => handlers.onEvent(event));
    if (this.#isClosed) return stop();
    this.#stop = stop;
    void access.ended.then(() => {
      if (this.#access !== access || this.#isClosed) return;
      this.#access = undefined;
      this.#close();
      this.#close = () => {};
      handlers.onGone();
      this.#retry(retryMsMin);
    });
  }

  #retry(ms: number): void {
    this.#timer = this.#context.io.after(ms, () => void this.#look(ms));
  }

  async #look(ms: number): Promise<void> {
    const client = await runningPeer(this.#context);
    let wasGone = false;
    try {
      if (client === undefined) throw new CamelliaError("no_peer", "No peer runs there.");
      await client.meet();
      this.#access = client;
      this.#close = () => client.close();
      void client.ended.then(() => wasGone = true);
      // In this order no login is missed.
      await this.#attach(client);
      const { user } = await client.api.status();
      if (this.#isClosed) return client.close();
      this.#handlers?.onBack(user?.username);
    } catch {
      client?.close();
      // A peer that was there for a moment and has gone again is looked for already.
      if (this.#isClosed || wasGone) return;
      this.#access = undefined;
      this.#retry(Math.min(2 * ms, retryMsMax));
    }
  }

  /** Nothing is told any more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#stop();
    this.#close();
  }
}
