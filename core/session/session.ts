/**
 * One user, logged in: from the moment the keys are unsealed until logout wipes them.
 *
 * @module
 */

import { Scheduler } from "../../lib/scheduler.ts";
import type { PeerEvent } from "../api.ts";
import type { CamelliaError } from "../model/errors.ts";
import type { Identity } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { Ports, Store } from "../ports.ts";
import type { Session, Settings } from "./interfaces.ts";
import { saveDevice } from "./device_number.ts";
import { warn } from "./warn.ts";

/** What a {@linkcode UserSession} is made of. */
export interface SessionParts {
  /** Name and key. */
  readonly self: UserRef;
  /** The keys; the session wipes them when it closes. */
  readonly identity: Identity;
  /** This installation's device number. */
  readonly device: number;
  /** The user's database; the session closes it. */
  readonly store: Store;
  /** Everything from outside. */
  readonly ports: Ports;
  /** See {@linkcode Settings}. */
  readonly settings: Settings;
  /** Where events go. */
  readonly emit: (event: PeerEvent) => void;
}

/** {@linkcode Session} with its end and its device number that can change. */
export class UserSession implements Session {
  readonly self: UserRef;
  readonly identity: Identity;
  readonly store: Store;
  readonly ports: Ports;
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly #controller = new AbortController();
  readonly #deviceListeners = new Set<(device: number) => void>();
  readonly #emit: (event: PeerEvent) => void;
  readonly #eventListeners = new Set<(event: PeerEvent) => void>();
  readonly #leaving = Promise.withResolvers<CamelliaError>();
  #shown: (event: PeerEvent) => PeerEvent | undefined = (event) => event;
  #device: number;
  #closed: Promise<void> | undefined;

  /** A session that begins now. */
  constructor(parts: SessionParts) {
    this.self = parts.self;
    this.identity = parts.identity;
    this.store = parts.store;
    this.ports = parts.ports;
    this.settings = parts.settings;
    this.scheduler = new Scheduler(parts.ports.clock, (error) => warn(this, error));
    this.#device = parts.device;
    this.#emit = parts.emit;
  }

  get device(): number {
    return this.#device;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Tells the listeners of events; nothing after the end. What the user does not want to see goes no further. */
  emit(event: PeerEvent): void {
    if (this.signal.aborted) return;
    const shown = this.#shown(event);
    if (shown !== undefined) this.#emit(shown);
    for (const listener of this.#eventListeners) listener(event);
  }

  /** How events are shown from now on, from the first message that comes in to the end; undefined for not at all. */
  showAs(shown: (event: PeerEvent) => PeerEvent | undefined): void {
    this.#shown = shown;
  }

  /** Calls back for every event of this session, also for those that are not shown. */
  onEvent(fn: (event: PeerEvent) => void): void {
    this.#eventListeners.add(fn);
  }

  leave(why: CamelliaError): void {
    this.#leaving.resolve(why);
  }

  /** Resolves, to the reason, once the session is to end although its user did not ask for that. */
  get leaving(): Promise<CamelliaError> {
    return this.#leaving.promise;
  }

  /**
   * Calls back when the device number was drawn anew, so that the links open again under the new link
   * key and are announced; returns how to stop that.
   */
  onDeviceChange(fn: (device: number) => void): () => void {
    this.#deviceListeners.add(fn);
    return () => this.#deviceListeners.delete(fn);
  }

  /** Goes on under another device number, once the database knows it. Posts made so far stay as they are. */
  async changeDevice(device: number): Promise<void> {
    if (device === this.#device) return;
    await saveDevice(this.store, device);
    if (this.signal.aborted) return;
    this.#device = device;
    for (const listener of [...this.#deviceListeners]) listener(device);
  }

  /** Ends the session: aborts what goes on in the background, wipes the keys, closes the database. Idempotent. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#controller.abort(new DOMException("The user has logged out", "AbortError"));
    this.scheduler.close();
    this.#deviceListeners.clear();
    this.#eventListeners.clear();
    this.identity.wipe();
    await this.store.close();
  }
}
