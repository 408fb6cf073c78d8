/**
 * `Keys` in memory, with a derivation that costs nothing: for the simulation and for fast tests.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import type { KeyDerivation } from "../../core/model/record_body.ts";
import type { Keys } from "../../core/ports.ts";

/** Sealed keys of one simulated data folder; they outlive the peer. */
export class MemoryKeys implements Keys {
  readonly #sealed = new Map<string, Uint8Array>();
  #lastUser: string | undefined;

  list(): Promise<string[]> {
    return Promise.resolve([...this.#sealed.keys()].sort());
  }

  read(username: string): Promise<Uint8Array | undefined> {
    const sealed = this.#sealed.get(username);
    return Promise.resolve(sealed === undefined ? undefined : new Uint8Array(sealed));
  }

  write(username: string, sealed: Uint8Array): Promise<void> {
    this.#sealed.set(username, new Uint8Array(sealed));
    return Promise.resolve();
  }

  remove(username: string): Promise<void> {
    this.#sealed.delete(username);
    if (this.#lastUser === username) this.#lastUser = undefined;
    return Promise.resolve();
  }

  lastUser(): Promise<string | undefined> {
    return Promise.resolve(this.#lastUser);
  }

  setLastUser(username: string): Promise<void> {
    this.#lastUser = username;
    return Promise.resolve();
  }

  /** One HMAC over password and parameters: as distinct as Argon2id's keys, and not slow at all. */
  derive(password: string, derivation: KeyDerivation): Promise<Uint8Array<ArrayBuffer>> {
    const { memoryKiB, passes, lanes, salt } = derivation;
    const hmac = createHmac("sha256", password.normalize("NFC"));
    hmac.update(`${memoryKiB} ${passes} ${lanes} `).update(salt);
    return Promise.resolve(new Uint8Array(hmac.digest()));
  }
}
