/**
 * A key that is derived while the rest of the program loads.
 *
 * Argon2id takes a quarter of a second on a thread of its own; loading what runs a peer, and joining, take as
 * long. This module comes with little else, so that both can go on at once.
 *
 * @module
 */

import { equalBytes } from "../core/model/bytes.ts";
import { peekDerivation } from "../core/model/sealed_peek.ts";
import type { KeyDerivation } from "../core/model/record_body.ts";
import { isUsername } from "../core/model/username.ts";
import { deriveKey, newDerivation } from "./key_derivation.ts";
import { keyFile, readLastUser } from "./key_places.ts";
import { readPrivateFile } from "./private_file.ts";

/** A derivation for one login, or for the keys of one registration; see the module. */
export class EarlyKey {
  readonly #password: string;
  readonly #derivation: KeyDerivation;
  /** Whether the salt is a fresh one. */
  readonly #isNew: boolean;
  #key: Promise<Uint8Array<ArrayBuffer>> | undefined;

  private constructor(password: string, derivation: KeyDerivation, isNew: boolean) {
    this.#password = password;
    this.#derivation = derivation;
    this.#isNew = isNew;
    this.#key = deriveKey(password, derivation);
    // Where it fails, it fails again for the login that needs it.
    this.#key.catch(() => {});
  }

  /**
   * Begins to derive the key of a user's key file. The file's signature is not verified: that is for the
   * login, which takes the key only for the same salt and parameters. For a new user who has no such file the
   * key is one with a fresh salt.
   *
   * @param login The user, by default the one who logged in last, and the password, right or wrong.
   * @returns Undefined where there is no such file, or none that can be read. Never rejects.
   */
  static async begin(
    data: string,
    { username, password, isNew = false }: {
      readonly username?: string;
      readonly password: string;
      readonly isNew?: boolean;
    },
  ): Promise<EarlyKey | undefined> {
    try {
      const name = username ?? await readLastUser(data);
      if (name === undefined || !isUsername(name)) return undefined;
      const sealed = await readPrivateFile(keyFile(data, name));
      if (sealed === undefined && isNew) {
        const salt = crypto.getRandomValues(new Uint8Array(16));
        return new EarlyKey(password, { ...newDerivation, salt }, true);
      }
      const derivation = sealed && peekDerivation(sealed);
      return derivation && new EarlyKey(password, derivation, false);
    } catch {
      // Whatever is wrong with the folder, the login says it.
      return undefined;
    }
  }

  /** The key, once, if it is the one of this password, salt and parameters; its taker wipes it. */
  take(
    password: string,
    { memoryKiB, passes, lanes, salt }: KeyDerivation,
  ): Promise<Uint8Array<ArrayBuffer>> | undefined {
    const own = this.#derivation;
    const isSame = password === this.#password && memoryKiB === own.memoryKiB &&
      passes === own.passes && lanes === own.lanes && equalBytes(salt, own.salt);
    if (!isSame) return undefined;
    const key = this.#key;
    this.#key = undefined;
    return key;
  }

  /** The key with its fresh salt, once, if it is the one of this password and parameters; its taker wipes it. */
  takeNew(
    password: string,
    parameters: Omit<KeyDerivation, "salt">,
  ): { derivation: KeyDerivation; key: Promise<Uint8Array<ArrayBuffer>> } | undefined {
    if (!this.#isNew) return undefined;
    const derivation = { ...parameters, salt: this.#derivation.salt };
    const key = this.take(password, derivation);
    return key && { derivation, key };
  }

  /** Wipes the key, unless it was taken. */
  drop(): void {
    this.#key?.then((key) => key.fill(0), () => {});
    this.#key = undefined;
  }
}
