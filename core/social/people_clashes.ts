/**
 * Telling, once each, that somebody else claims a name whose key is pinned (design, section 4).
 *
 * @module
 */

import { fingerprintOf } from "../model/identity.ts";
import type { UserName } from "../model/message.ts";
import type { Session } from "./contracts.ts";

/** Clashes remembered as told; beyond that the oldest may be told again. */
const toldMax = 1_000;

/** Emits `clash` events. */
export class Clashes {
  readonly #session: Pick<Session, "emit">;
  readonly #told = new Set<string>();

  /** Clashes of one session. */
  constructor(session: Pick<Session, "emit">) {
    this.#session = session;
  }

  /** Others claim the name of a user whose key is pinned. */
  report(user: UserName, otherKeys: readonly Uint8Array[]): void {
    const pinned = fingerprintOf(user.key);
    for (const key of otherKeys) {
      const other = fingerprintOf(key);
      const name = `${user.username}/${pinned}/${other}`;
      if (other === pinned || this.#told.has(name)) continue;
      if (this.#told.size >= toldMax) {
        for (const oldest of this.#told) {
          this.#told.delete(oldest);
          break;
        }
      }
      this.#told.add(name);
      this.#session.emit({ event: "clash", username: user.username, pinned, other });
    }
  }
}
