/**
 * Sealed keys as files, and Argon2id off the event loop.
 *
 * @module
 */

import { join } from "node:path";
import { utf8 } from "../core/model/bytes.ts";
import { fingerprintOf } from "../core/model/identity.ts";
import { attempt } from "../lib/msgpack.ts";
import { openRecord, recordBytesMax } from "../core/model/record.ts";
import { type KeyDerivation, keyDerivationMax } from "../core/model/record_body.ts";
import { isUsername } from "../core/model/username.ts";
import type { Keys } from "../core/ports.ts";
import { onDisk } from "./storage_errors.ts";
import {
  makePrivateFolder,
  readPrivateFile,
  removePrivateFile,
  removeStrayFiles,
  writePrivateFile,
} from "./private_file.ts";

/** Bytes of a derived key. */
const derivedBytes = 32;

/** WebCrypto's Argon2id, which TypeScript's library does not know yet. */
interface Argon2idParams extends Algorithm {
  readonly name: "Argon2id";
  readonly nonce: BufferSource;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** {@linkcode Keys} in the folder `keys` of a data folder: 0700, each file 0600. */
export class KeyFiles implements Keys {
  readonly #folder: string;
  readonly #lastUserFile: string;

  private constructor(data: string) {
    this.#folder = join(data, "keys");
    this.#lastUserFile = join(data, "last-user");
  }

  /**
   * Creates the folder if need be and removes what a crash left half-written.
   *
   * @throws {CamelliaError} `folder_read_only`, `disk_full` or `disk_failed`.
   */
  static async open(data: string): Promise<KeyFiles> {
    const keys = new KeyFiles(data);
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
    if (await this.lastUser() === username) await removePrivateFile(this.#lastUserFile);
  }

  async lastUser(): Promise<string | undefined> {
    const bytes = await readPrivateFile(this.#lastUserFile);
    const name = new TextDecoder().decode(bytes).trim();
    return isUsername(name) ? name : undefined;
  }

  async setLastUser(username: string): Promise<void> {
    assertUsername(username);
    await writePrivateFile(this.#lastUserFile, utf8(`${username}\n`));
  }

  /**
   * Argon2id (RFC 9106) as WebCrypto runs it, on a thread of its own. The password counts in its NFC
   * form (as RFC 8265 has it), so that it does not matter which keyboard wrote an accent.
   *
   * @throws {RangeError} beyond {@linkcode keyDerivationMax}, or below what RFC 9106 allows.
   */
  async derive(password: string, derivation: KeyDerivation): Promise<Uint8Array<ArrayBuffer>> {
    const { memoryKiB, passes, lanes, salt } = derivation;
    assertRange("lanes", lanes, 1, keyDerivationMax.lanes);
    assertRange("passes", passes, 1, keyDerivationMax.passes);
    // RFC 9106, section 3.1: at least 8 KiB a lane.
    assertRange("memory in KiB", memoryKiB, 8 * lanes, keyDerivationMax.memoryKiB);
    assertRange("salt length", salt.length, 16, 16);
    const secret = utf8(password.normalize("NFC"));
    const parameters: Argon2idParams = {
      name: "Argon2id",
      nonce: new Uint8Array(salt),
      memory: memoryKiB,
      passes,
      parallelism: lanes,
    };
    try {
      // "raw-secret" is the Modern Algorithms draft's format; the types know only the older ones.
      const format = "raw-secret" as "raw";
      const key = await crypto.subtle.importKey(format, secret, "Argon2id", false, ["deriveBits"]);
      return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, derivedBytes * 8));
    } finally {
      secret.fill(0);
    }
  }

  #file(username: string): string {
    assertUsername(username);
    return join(this.#folder, `${username}.key`);
  }
}

/** Names become paths: anything but a username is a programming error. */
function assertUsername(username: string): void {
  if (!isUsername(username)) {
    throw new TypeError(`Cannot keep keys: ${JSON.stringify(username)} is no username`);
  }
}

function assertRange(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`Cannot derive a key: ${what} is ${value}, not from ${min} to ${max}`);
  }
}
