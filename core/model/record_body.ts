/**
 * The bodies of the four kinds of records, and their MessagePack forms.
 *
 * @module
 */

import { type About, readAbout, writeAbout } from "./about.ts";
import { equalBytes } from "./bytes.ts";
import {
  asArray,
  asBoolean,
  asBytes,
  asBytesUpTo,
  asInteger,
  asString,
  DecodeError,
  encode,
} from "../../lib/msgpack.ts";
import { deviceMax } from "./snowflake.ts";
import { asUsername } from "./username.ts";

/** The namespace of a list page: generation and page number. */
export type PageNamespace = `public:${number}:${number}`;

/** The namespaces of a user's records. */
export type Namespace = "private" | "public" | "connections" | PageNamespace;

/** Argon2id parameters and salt (RFC 9106). */
export interface KeyDerivation {
  /** Memory in KiB. */
  readonly memoryKiB: number;
  /** Passes over the memory. */
  readonly passes: number;
  /** Lanes. */
  readonly lanes: number;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

/** What a reader computes at most, even if a record asks for more (design, section 4). */
export const keyDerivationMax: Omit<KeyDerivation, "salt"> = {
  memoryKiB: 256 * 1024,
  passes: 10,
  lanes: 16,
};

/** `private`: the user's secret keys, sealed under the password. */
export interface PrivateBody {
  /** How the key is made from the password. */
  readonly derivation: KeyDerivation;
  /** XChaCha20 nonce, 24 bytes. */
  readonly nonce: Uint8Array;
  /** XChaCha20-Poly1305 ciphertext and tag. */
  readonly sealed: Uint8Array;
  /** Whether the record is for key files alone and never goes to the network; absent: it does. */
  readonly isLocal?: true;
}

/** The head of one feed: the number of the last post of a device. */
export interface Head {
  /** Device number. */
  readonly device: number;
  /** Number of the last post, 1 or more. */
  readonly head: number;
}

/** `public`: the claim of the name and what every reader may know. */
export interface PublicBody {
  /** Unix time in milliseconds of the registration. */
  readonly since: number;
  /** How many posts, followers and followed users there are. */
  readonly posts: number;
  /** Number of followers. */
  readonly followers: number;
  /** Number of followed users. */
  readonly following: number;
  /** The heads of all feeds, one a device that ever posted. */
  readonly heads: readonly Head[];
  /** Generation of the list pages; 0 while there are none. */
  readonly generation: number;
  /** Number of list pages, a power of two, or 0 while there are none. */
  readonly pages: number;
  /** Whether the user has closed the account; absent: not. */
  readonly isClosed?: true;
  /** What the user says of themselves; absent: nothing. A closed account says nothing. */
  readonly about?: About;
}

/** Whether a sealed record is that of a closed account: there are no keys in it any more. */
export function isEmptied({ sealed }: PrivateBody): boolean {
  return sealed.length === 0;
}

/** The two lists of a user. */
export type ListName = "followers" | "following";

/** One entry of a list, present or taken out. */
export interface ListEntry {
  /** Which list it belongs to. */
  readonly list: ListName;
  /** Who it is about. */
  readonly username: string;
  /** That user's identity key, 32 bytes: the pin. */
  readonly key: Uint8Array;
  /** Unix time in milliseconds of the last change; of two changes the later wins. */
  readonly updatedAt: number;
  /** False for an entry taken out, kept for 90 days so that merging does not bring it back. */
  readonly present: boolean;
}

/** `public:<generation>:<page>`: one page of both lists. */
export interface PageBody {
  /** The entries whose names hash to this page. */
  readonly entries: readonly ListEntry[];
}

/** One device in `connections`. */
export interface DeviceEntry {
  /** Device number. */
  readonly device: number;
  /** CURVE public key of its links, 32 bytes. */
  readonly linkKey: Uint8Array;
  /** IP addresses where it listens, the likeliest first. */
  readonly addresses: readonly string[];
  /** TCP port where it listens. */
  readonly port: number;
  /** Unix time in milliseconds until when the entry counts. */
  readonly until: number;
  /** Unix time in milliseconds of the last change; of two changes the later wins. */
  readonly updatedAt: number;
  /** False once the device has logged out. */
  readonly present: boolean;
}

/** Whether a device counts as one that listens: not logged out, and announced not too long ago. */
export function isAnnounced({ present, until }: DeviceEntry, nowMs: number): boolean {
  return present && until > nowMs;
}

/** The link key of an entry whose device was sent away: no device has it. */
const noLinkKey = new Uint8Array(32);

/** The entry of a device that another one sends away; the device itself is to log out when it sees it. */
export function sentAway(
  { device, port }: DeviceEntry,
  times: Pick<DeviceEntry, "until" | "updatedAt">,
): DeviceEntry {
  return { device, linkKey: noLinkKey, addresses: [], port, ...times, present: false };
}

/** Whether another device has sent this one away, rather than that it has logged out. */
export function isSentAway({ present, linkKey }: DeviceEntry): boolean {
  return !present && equalBytes(linkKey, noLinkKey);
}

/** `connections`: where the user's devices listen. */
export interface ConnectionsBody {
  /** One entry a device. */
  readonly devices: readonly DeviceEntry[];
}

/** Bodies by kind of namespace. */
export interface BodyOf {
  /** See {@linkcode PrivateBody}. */
  private: PrivateBody;
  /** See {@linkcode PublicBody}. */
  public: PublicBody;
  /** See {@linkcode PageBody}. */
  page: PageBody;
  /** See {@linkcode ConnectionsBody}. */
  connections: ConnectionsBody;
}

/** Any body. */
export type Body = BodyOf[keyof BodyOf];

/** The body of the record in a namespace. */
export type BodyIn<N extends Namespace> = BodyOf[N extends keyof BodyOf ? N : "page"];

/** How a body is written and read. */
export interface BodyKind {
  /** The MessagePack form. */
  write(body: Body): unknown;
  /** The body, from what was decoded; throws `DecodeError`. */
  read(value: unknown): Body;
}

/** List pages of one generation at most: 100,000 followers, at 75 % of a page's 7,900 bytes, next power of two. */
export const pagesMax = 2_048;

/** Devices listed in `connections` at most; more than that one person does not log in on. */
export const devicesListedMax = 32;

/** Addresses of one device at most: two outer ones, four in its home, two of each of three relays. */
export const deviceAddressesMax = 12;

/** `relay/[…]:65535` around the longest textual IPv6 address, which has 45 characters. */
export const addressLengthMax = 59;

/** The sealed secret keys at most; today's are about 50 bytes. */
const sealedBytesMax = 1024;

const pageNamespace = /^public:([1-9][0-9]{0,8}):(0|[1-9][0-9]{0,3})$/;

/** Which kind of body a namespace has, or undefined when there is no such namespace. */
export function kindOfNamespace(namespace: string): keyof BodyOf | undefined {
  if (namespace === "private" || namespace === "public" || namespace === "connections") {
    return namespace;
  }
  const match = pageNamespace.exec(namespace);
  return match !== null && Number(match[2]) < pagesMax ? "page" : undefined;
}

/** The namespace of a list page. */
export function pageNamespaceOf(generation: number, page: number): PageNamespace {
  return `public:${generation}:${page}`;
}

function writePrivate(body: PrivateBody): unknown {
  const { memoryKiB, passes, lanes, salt } = body.derivation;
  const local = body.isLocal ? [true] : [];
  return ["argon2id", [memoryKiB, passes, lanes], salt, body.nonce, body.sealed, ...local];
}

function readPrivate(value: unknown): PrivateBody {
  const [name, parameters, salt, nonce, sealed, local] = asArray(value, "private body", 5, 6);
  if (local !== undefined && local !== true) {
    throw new DecodeError("mark of local keys is not true");
  }
  if (name !== "argon2id") throw new DecodeError("key derivation is unknown");
  const [memoryKiB, passes, lanes] = asArray(parameters, "key derivation parameters", 3);
  return {
    derivation: {
      memoryKiB: asInteger(memoryKiB, "memory", 8, keyDerivationMax.memoryKiB),
      passes: asInteger(passes, "passes", 1, keyDerivationMax.passes),
      lanes: asInteger(lanes, "lanes", 1, keyDerivationMax.lanes),
      salt: asBytes(salt, "salt", 16),
    },
    nonce: asBytes(nonce, "nonce", 24),
    sealed: asBytesUpTo(sealed, "sealed keys", sealedBytesMax),
    ...(local === true ? { isLocal: true } : {}),
  };
}

/** The MessagePack form of heads; also used in messages. */
export function writeHeads(heads: readonly Head[]): unknown {
  return heads.map((head) => [head.device, head.head]);
}

/** Reads heads: at most one a device. */
export function readHeads(value: unknown): Head[] {
  const seen = new Set<number>();
  return asArray(value, "heads", 0, deviceMax + 1).map((entry) => {
    const [device, head] = asArray(entry, "head", 2);
    const result = {
      device: asInteger(device, "device", 0, deviceMax),
      head: asInteger(head, "head", 1),
    };
    if (seen.has(result.device)) throw new DecodeError("a device has two heads");
    seen.add(result.device);
    return result;
  });
}

/** The highest head of each device in these lists, in the order of the device numbers. */
export function highestHeads(...lists: (readonly Head[])[]): Head[] {
  const heads = new Map<number, number>();
  for (const { device, head } of lists.flat()) {
    if (head > (heads.get(device) ?? 0)) heads.set(device, head);
  }
  return [...heads]
    .map(([device, head]) => ({ device, head }))
    .sort((a, b) => a.device - b.device);
}

function writePublic(body: PublicBody): unknown {
  const { since, posts, followers, following, heads, generation, pages } = body;
  const end = body.isClosed ? [true] : body.about === undefined ? [] : [writeAbout(body.about)];
  return [since, posts, followers, following, writeHeads(heads), generation, pages, ...end];
}

function readPublic(value: unknown): PublicBody {
  const [since, posts, followers, following, heads, generation, pages, end] = asArray(
    value,
    "public body",
    7,
    8,
  );
  if (end !== undefined && end !== true && !(end instanceof Map)) {
    throw new DecodeError("what public ends with is neither true nor a map");
  }
  const body: PublicBody = {
    since: asInteger(since, "since"),
    posts: asInteger(posts, "posts"),
    followers: asInteger(followers, "followers"),
    following: asInteger(following, "following"),
    heads: readHeads(heads),
    generation: asInteger(generation, "generation", 0, 999_999_999),
    pages: asInteger(pages, "pages", 0, pagesMax),
    ...(end === true ? { isClosed: true } : {}),
    ...(end instanceof Map ? { about: readAbout(end) } : {}),
  };
  if ((body.pages & (body.pages - 1)) !== 0) throw new DecodeError("pages is not a power of two");
  if ((body.pages === 0) !== (body.generation === 0)) {
    throw new DecodeError("pages without generation");
  }
  return body;
}

function writePage(body: PageBody): unknown {
  return body.entries.map((entry) => [
    entry.list === "following" ? 1 : 0,
    entry.username,
    entry.key,
    entry.updatedAt,
    entry.present,
  ]);
}

function readPage(value: unknown): PageBody {
  const entries = asArray(value, "page body").map((item): ListEntry => {
    const [list, username, key, updatedAt, present] = asArray(item, "list entry", 5);
    return {
      list: asInteger(list, "list", 0, 1) === 1 ? "following" : "followers",
      username: asUsername(username, "listed username"),
      key: asBytes(key, "listed key", 32),
      updatedAt: asInteger(updatedAt, "when"),
      present: asBoolean(present, "present"),
    };
  });
  return { entries };
}

function writeConnections(body: ConnectionsBody): unknown {
  return body.devices.map((entry) => [
    entry.device,
    entry.linkKey,
    entry.addresses,
    entry.port,
    entry.until,
    entry.updatedAt,
    entry.present,
  ]);
}

function readConnections(value: unknown): ConnectionsBody {
  const devices = asArray(value, "connections body", 0, devicesListedMax).map(
    (item): DeviceEntry => {
      const [device, linkKey, addresses, port, until, updatedAt, present] = asArray(
        item,
        "device entry",
        7,
      );
      return {
        device: asInteger(device, "device", 0, deviceMax),
        linkKey: asBytes(linkKey, "link key", 32),
        addresses: asArray(addresses, "addresses", 0, deviceAddressesMax)
          .map((address) => asString(address, "address", addressLengthMax)),
        port: asInteger(port, "port", 1, 65_535),
        until: asInteger(until, "until"),
        updatedAt: asInteger(updatedAt, "when"),
        present: asBoolean(present, "present"),
      };
    },
  );
  return { devices };
}

/** Writers and readers by kind; the readers throw `DecodeError`. */
export const bodyKinds: Readonly<Record<keyof BodyOf, BodyKind>> = {
  private: { write: (body) => writePrivate(body as PrivateBody), read: readPrivate },
  public: { write: (body) => writePublic(body as PublicBody), read: readPublic },
  page: { write: (body) => writePage(body as PageBody), read: readPage },
  connections: {
    write: (body) => writeConnections(body as ConnectionsBody),
    read: readConnections,
  },
};

/** Whether two bodies of one kind say the same: their MessagePack forms are equal. */
export function isSameBody<K extends keyof BodyOf>(kind: K, a: BodyOf[K], b: BodyOf[K]): boolean {
  const { write } = bodyKinds[kind];
  return equalBytes(encode(write(a)), encode(write(b)));
}
