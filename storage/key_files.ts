/**
 * Sealed keys as files.
 *
 * @module
 */

import { utf8 } from "../core/model/bytes.ts";
import { fingerprintOf } from "../core/model/identity.ts";
import { attempt } from "../lib/msgpack.ts";
import { openRecord, recordBytesMax } from "../core/model/record.ts";
import type { KeyDerivation } from "../core/model/record_body.ts";
import { isUsername } from "../core/model/username.ts";
import type { Keys } from "../core/ports.ts";
import type { EarlyKey } from "./early_key.ts";
import { deriveKey } from "./key_derivation.ts";
import { keyFile, keyFolder, lastUserFile, readLastUser } from "./key_places.ts";
import { onDisk } from "./storage_errors.ts";
import {
  makePrivateFolder,
  readPrivateFile,
  removePrivateFile,
  removeStrayFiles,
  writePrivateFile,
} from "./private_file.ts";

/** {@linkcode Keys} in the folder `keys` of a data folder: 0700, each file 0600. */
export class KeyFiles implements Keys {
  readonly #folder: string;
  readonly #data: string;
  readonly #early: EarlyKey | undefined;

  private constructor(data: string, early?: EarlyKey) {
    this.#data = data;
    this.#folder = keyFolder(data);
    this.#early = early;
  }

  /**
   * Creates the folder if need be and removes what a crash left half-written.
   *
   * @param early A key that is being derived for the login to come; its caller drops it in the end.
   * @throws {CamelliaError} `folder_read_only`, `disk_full` or `disk_failed`.
   */
  static async open(data: string, early?: EarlyKey): Promise<KeyFiles> {
    const keys = new KeyFiles(data, early);
    await makePrivateFolder(keys.#folder, { tighten: true });
    await removeStrayFiles(keys.#folder);
    return keys;
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    await onDisk({ doing: "list the users", path: this.#folder }, async () => {
      for await (const entry of Deno.readDir(this.#folder)) {
        const name = entry.name.endsWith(".key") ? entry.name.slice(0, -".key".length) : "";
        if (entry.isFile && isUsername(name)) names.push(name);
      }
    });
    return names.sort();
  }

  /** Users whose sealed keys are undamaged, the one who logged in last first, then by name. */
  async accounts(): Promise<{ username: string; fingerprint: string }[]> {
    const last = await this.lastUser();
    const names = await this.list();
    if (last !== undefined) names.sort((a, b) => Number(b === last) - Number(a === last));
    const accounts: { username: string; fingerprint: string }[] = [];
    for (const username of names) {
      const sealed = await this.read(username);
      const record = sealed && attempt(() => openRecord(sealed));
      if (record?.username !== username) continue;
      accounts.push({ username, fingerprint: fingerprintOf(record.publicKey) });
    }
    return accounts;
  }

  /** The sealed bytes; undefined when there are none. */
  async read(username: string): Promise<Uint8Array | undefined> {
    return await readPrivateFile(this.#file(username), recordBytesMax);
  }

  async write(username: string, sealed: Uint8Array): Promise<void> {
    if (sealed.length > recordBytesMax) {
      throw new RangeError(`Cannot keep the sealed keys: ${sealed.length} bytes are too many`);
    }
    await writePrivateFile(this.#file(username), sealed);
  }

  /** Removes them, and forgets the user as the last one. */
  async remove(username: string): Promise<void> {
    await removePrivateFile(this.#file(username));
    if (await this.lastUser() === username) await removePrivateFile(lastUserFile(this.#data));
  }

  async lastUser(): Promise<string | undefined> {
    return await readLastUser(this.#data);
  }

  async setLastUser(username: string): Promise<void> {
    assertUsername(username);
    // Most logins are of the same user, and a write that is on disk takes a while.
    if (await readLastUser(this.#data) === username) return;
    await writePrivateFile(lastUserFile(this.#data), utf8(`${username}\n`));
  }

  /**
   * Argon2id: the key that was derived ahead of this, if it is the same one, else a fresh derivation.
   *
   * @throws {RangeError} as {@linkcode deriveKey}.
   */
  async derive(password: string, derivation: KeyDerivation): Promise<Uint8Array<ArrayBuffer>> {
    return await (this.#early?.take(password, derivation) ?? deriveKey(password, derivation));
  }

  /** The key that was derived ahead of a registration, with its fresh salt, if it is the same one. */
  prepared(
    password: string,
    parameters: Omit<KeyDerivation, "salt">,
  ): ReturnType<EarlyKey["takeNew"]> {
    return this.#early?.takeNew(password, parameters);
  }

  #file(username: string): string {
    assertUsername(username);
    return keyFile(this.#data, username);
  }
}

/** Names become paths: anything but a username is a programming error. */
function assertUsername(username: string): void {
  if (!isUsername(username)) {
    throw new TypeError(`Cannot keep keys: ${JSON.stringify(username)} is no username`);
  }
}
