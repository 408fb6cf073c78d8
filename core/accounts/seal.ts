/**
 * The sealed private record: Argon2id makes a key of the password, XChaCha20-Poly1305 seals the
 * user's secret under it (design, section 4).
 *
 * The associated data are name and namespace, so that sealed bytes moved under another name don't
 * open there. The record is signed as well: an attacker without the password cannot even damage it.
 *
 * @module
 */

import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { CamelliaError } from "../model/errors.ts";
import { equalBytes, utf8 } from "../model/bytes.ts";
import { Identity } from "../model/identity.ts";
import {
  asArray,
  asBytes,
  asInteger,
  attempt,
  decode,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";
import { openRecord, type SignedRecord } from "../model/record.ts";
import type { PrivateBody } from "../model/record_body.ts";
import type { Keys, Ports } from "../ports.ts";
import type { Settings } from "../session/interfaces.ts";

/** The version of the sealed plaintext: `[1, seed]`. */
const secretVersion = 1;

/** The plaintext at most: array and version 2, bin header 2, seed 32. */
const secretBytesMax = 36;

/** Argon2 needs at least 8 KiB a lane (RFC 9106, section 3.1). */
const memoryKiBPerLaneMin = 8;

function associatedData(username: string): Uint8Array<ArrayBuffer> {
  return utf8(`${username}:private`);
}

/** What {@linkcode sealSeed} and {@linkcode openSeed} need besides the bytes. */
export interface SealKey {
  /** 32 bytes, derived from the password. */
  readonly key: Uint8Array;
  /** 24 bytes, fresh for every sealing. */
  readonly nonce: Uint8Array;
  /** Whose secret it is. */
  readonly username: string;
}

/** Seals the 32 secret bytes of an identity. */
export function sealSeed(seed: Uint8Array, { key, nonce, username }: SealKey): Uint8Array {
  const plain = encode([secretVersion, seed]);
  try {
    return xchacha20poly1305(key, nonce, associatedData(username)).encrypt(plain);
  } finally {
    plain.fill(0);
  }
}

/** Opens what {@linkcode sealSeed} gave: the seed, to be wiped, or undefined if key or bytes are wrong. */
export function openSeed(
  sealed: Uint8Array,
  { key, nonce, username }: SealKey,
): Uint8Array | undefined {
  let plain: Uint8Array;
  try {
    plain = xchacha20poly1305(key, nonce, associatedData(username)).decrypt(sealed);
  } catch {
    return undefined; // The tag does not fit: a wrong password or changed bytes.
  }
  try {
    return attempt(() => {
      const parts = asArray(
        decode(plain, { maxBytes: secretBytesMax, maxArrayLength: 2 }),
        "secret",
        2,
      );
      asInteger(parts[0], "version of the secret", secretVersion, secretVersion);
      return asBytes(parts[1], "seed", 32);
    });
  } finally {
    plain.fill(0);
  }
}

/** A key derived ahead of its use, so that the slow function overlaps with the network. */
export interface PreparedSeal {
  /** Derivation with a fresh salt. */
  readonly derivation: PrivateBody["derivation"];
  /** The key; its user wipes it. */
  readonly key: Promise<Uint8Array>;
}

/** Starts to derive a key with a fresh salt, or takes the one that is being derived already. */
export function prepareSeal(
  password: string,
  parameters: Settings["derivation"],
  ports: Pick<Ports, "keys" | "random">,
): PreparedSeal {
  const early = ports.keys.prepared?.(password, parameters);
  if (early !== undefined) return early;
  const derivation = { ...parameters, salt: ports.random.bytes(16) };
  const key = ports.keys.derive(password, derivation);
  key.catch(() => {}); // Its user awaits it and hears of the failure; there is none where the name is taken.
  return { derivation, key };
}

/** Seals an identity under a prepared key, which is wiped; `isLocal` marks keys that stay off the network. */
export async function sealIdentity(
  user: { readonly username: string; readonly identity: Identity; readonly isLocal?: boolean },
  prepared: PreparedSeal,
  ports: Pick<Ports, "keys" | "random">,
): Promise<PrivateBody> {
  const key = await prepared.key;
  const seed = user.identity.exportSeed();
  try {
    const nonce = ports.random.bytes(24);
    const sealed = sealSeed(seed, { key, nonce, username: user.username });
    const mark = user.isLocal ? { isLocal: true as const } : {};
    return { derivation: prepared.derivation, nonce, sealed, ...mark };
  } finally {
    seed.fill(0);
    key.fill(0);
  }
}

/**
 * The identity sealed in a private record; undefined when the password does not open it.
 *
 * @throws {CamelliaError} `invalid_file` if it opens but has another key in it than the one that signed it,
 * or if it asks for what Argon2 cannot do.
 */
export async function unsealIdentity(
  record: SignedRecord<PrivateBody>,
  password: string,
  keys: Pick<Keys, "derive">,
): Promise<Identity | undefined> {
  const { derivation, nonce, sealed } = record.body;
  if (derivation.memoryKiB < memoryKiBPerLaneMin * derivation.lanes) throw unusable(record);
  const key = await keys.derive(password, derivation);
  const seed = openSeed(sealed, { key, nonce, username: record.username });
  key.fill(0);
  if (seed === undefined) return undefined;
  const identity = new Identity(seed);
  seed.fill(0);
  if (equalBytes(identity.publicKey, record.publicKey)) return identity;
  identity.wipe();
  throw unusable(record);
}

function unusable(record: SignedRecord): CamelliaError {
  return new CamelliaError(
    "invalid_file",
    `Cannot open the keys of ${record.username}: the sealed record is not one that this program makes.`,
  );
}

/**
 * Reads a private record from bytes: signature, name and namespace are checked, the expiry is not,
 * because the user's own keys count however old they are.
 *
 * @throws {DecodeError} if anything about it is not as it should be.
 */
export function readPrivate(value: Uint8Array, username?: string): SignedRecord<PrivateBody> {
  const record = openRecord(value);
  if (record.namespace !== "private") throw new DecodeError("record is not a private one");
  if (username !== undefined && record.username !== username) {
    throw new DecodeError("record is another user's");
  }
  return record as SignedRecord<PrivateBody>;
}
