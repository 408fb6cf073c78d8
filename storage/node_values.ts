/**
 * The keys and values of the node's database, and reading them as if a stranger had written them.
 *
 *     ["version"]          number: see `schema.ts`
 *     ["id"]               20 bytes: the node's id
 *     ["contacts", n]      bytes: contacts, 500 to an entry
 *     ["value", key]       bytes: a stored value with its dates
 *     ["claim", username]  bytes: key, since when, until when
 *
 * @module
 */

import {
  asArray,
  asBoolean,
  asBytes,
  asBytesUpTo,
  asInteger,
  asString,
  attempt,
  decode,
  encode,
} from "../lib/msgpack.ts";
import { isUsername } from "../core/model/username.ts";
import type { Claim } from "../core/model/claims.ts";
import type { Schema } from "./schema.ts";

/** A contact, as net/kademlia has it. */
export interface StoredContact {
  /** 20 bytes. */
  readonly id: Uint8Array;
  /** Canonical text. */
  readonly ip: string;
  /** UDP port. */
  readonly port: number;
}

/** A stored value, as net/kademlia has it. */
export interface StoredValue {
  /** 20 bytes. */
  readonly key: Uint8Array;
  /** At most 8,000 bytes. */
  readonly value: Uint8Array;
  /** Whether it is no `bin`. */
  readonly scalar?: boolean;
  /** Unix ms. */
  readonly expiresAtMs: number;
  /** Unix ms. */
  readonly firstStoredAtMs: number;
  /** Unix ms. */
  readonly storedAtMs: number;
  /** IP address of the node that brought it first. */
  readonly from?: string;
}

/** Schema of the node's database. */
export const nodeSchema: Schema = { version: 1, migrations: new Map() };

/** Bytes of a stored value at most (design, section 3), and of its entry with key and dates. */
export const storedValueBytesMax = 8_000;
const valueEntryBytesMax = 8_100;

/** Contacts in one entry: at 75 bytes each, under KV's 65,536. */
export const contactsPerEntry = 500;

/** Contacts kept at most: a full routing table has at most 160 buckets of 20. */
export const contactsMax = 3_200;

/** The longest textual IPv6 address. */
const ipLengthMax = 45;

/** Keys by what is stored under them. */
export const nodeKeys = {
  /** The node's id. */
  id: ["id"] as Deno.KvKey,
  /** A part of the contacts. */
  contacts: (part: number): Deno.KvKey => ["contacts", part],
  /** A stored value. */
  value: (key: Uint8Array): Deno.KvKey => ["value", key],
  /** A claim. */
  claim: (username: string): Deno.KvKey => ["claim", username],
} as const;

/** The id, unless damaged. */
export function readId(value: unknown): Uint8Array | undefined {
  return attempt(() => asBytes(value, "id", 20));
}

/** One entry of contacts. */
export function writeContacts(contacts: readonly StoredContact[]): Uint8Array {
  return encode(contacts.map(({ id, ip, port }) => [id, ip, port]));
}

/** The contacts of one entry that are undamaged. */
export function readContacts(value: unknown): StoredContact[] {
  const entries = attempt(() => asArray(open(value, 65_536), "contacts", 0, contactsPerEntry));
  return (entries ?? []).flatMap((entry) =>
    attempt(() => {
      const [id, ip, port] = asArray(entry, "contact", 3);
      return [{
        id: asBytes(id, "id", 20),
        ip: asString(ip, "ip", ipLengthMax),
        port: asInteger(port, "port", 1, 65_535),
      }];
    }) ?? []
  );
}

/** A stored value's entry; dates lose their fractions of a millisecond. */
export function writeValue(stored: StoredValue): Uint8Array {
  const { value, scalar = false, expiresAtMs, firstStoredAtMs, storedAtMs, from = "" } = stored;
  const dates = [expiresAtMs, firstStoredAtMs, storedAtMs].map((ms) => Math.max(0, Math.floor(ms)));
  return encode([value, scalar, ...dates, from]);
}

/** A stored value, unless damaged. */
export function readValue(key: unknown, value: unknown): StoredValue | undefined {
  return attempt(() => {
    const [bytes, scalar, expiresAtMs, firstStoredAtMs, storedAtMs, from = ""] = asArray(
      open(value, valueEntryBytesMax),
      "stored value",
      5,
      6,
    );
    const stored = {
      key: asBytes(key, "key", 20),
      value: asBytesUpTo(bytes, "value", storedValueBytesMax),
      expiresAtMs: asInteger(expiresAtMs, "expiry"),
      firstStoredAtMs: asInteger(firstStoredAtMs, "since"),
      storedAtMs: asInteger(storedAtMs, "stored"),
    };
    const ip = asString(from, "from", ipLengthMax);
    const isScalar = asBoolean(scalar, "scalar");
    return { ...stored, ...(isScalar && { scalar: true }), ...(ip !== "" && { from: ip }) };
  });
}

/** A claim's entry. */
export function writeClaim(claim: Claim): Uint8Array {
  return encode([claim.key, Math.floor(claim.since), Math.floor(claim.expiresAt)]);
}

/** A claim, unless damaged. */
export function readClaim(username: unknown, value: unknown): Claim | undefined {
  if (typeof username !== "string" || !isUsername(username)) return undefined;
  return attempt(() => {
    const [key, since, expiresAt] = asArray(open(value, 100), "claim", 3);
    return {
      username,
      key: asBytes(key, "key", 32),
      since: asInteger(since, "since"),
      expiresAt: asInteger(expiresAt, "expiry"),
    };
  });
}

function open(value: unknown, maxBytes: number): unknown {
  const bytes = asBytesUpTo(value, "entry", maxBytes);
  return decode(bytes, { maxBytes, maxArrayLength: contactsPerEntry });
}
