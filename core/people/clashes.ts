/**
 * Knowing, and telling once each, that another user claims a name whose key is pinned (design, section 4).
 *
 * @module
 */

import type { ClashView } from "../api.ts";
import { fingerprintOf } from "../model/identity.ts";
import type { UserRef } from "../model/user.ts";
import type { Session } from "../session/interfaces.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";

/** Clashes remembered; beyond that the oldest is forgotten, and may be told again. */
const clashesMax = 1_000;

/** Remembers clashes and emits `clash` events. */
export class Clashes {
  readonly #session: Pick<Session, "emit">;
  /** The latest, by username. */
  readonly #clashes = new BoundedMap<string, ClashView>(clashesMax);
  /** Each that has been told: name and both fingerprints. */
  readonly #told = new BoundedMap<string, true>(clashesMax);

  /** Clashes of one session. */
  constructor(session: Pick<Session, "emit">) {
    this.#session = session;
  }

  /** Others claim the name of a user whose key is pinned. */
  report({ username, key }: UserRef, otherKeys: readonly Uint8Array[]): void {
    const pinned = fingerprintOf(key);
    for (const other of otherKeys.map(fingerprintOf)) {
      if (other === pinned) continue;
      this.#clashes.set(username, { pinned, other });
      const clash = `${username}/${pinned}/${other}`;
      if (this.#told.has(clash)) continue;
      this.#told.set(clash, true);
      this.#session.emit({ event: "clash", username, pinned, other });
    }
  }

  /** The latest clash over a user's name, as long as the key is still the one believed. */
  of({ username, key }: UserRef): ClashView | undefined {
    const clash = this.#clashes.get(username);
    // This is asked for every post shown: clashes are rare, and a fingerprint takes a hash.
    return clash !== undefined && clash.pinned === fingerprintOf(key) ? clash : undefined;
  }
}
