import assert from "node:assert/strict";
import { type FeedState, readFeeds, writeFeeds } from "../../core/model/feed.ts";
import {
  type KindName,
  type Message,
  type MessageBodyOf,
  messageKinds,
} from "../../core/messages/kinds/mod.ts";
import { readFrame, readFrameBody, signMessage, verifyFrame } from "../../core/messages/frame.ts";
import { decode, DecodeError, encode } from "../../lib/msgpack.ts";
import { readPost, signPost } from "../../core/model/post.ts";
import { openPost } from "../core/model/open_post.ts";
import { openRecord, peekRecord, readRecord, signRecord } from "../../core/model/record.ts";
import type { Body, ListEntry, Namespace } from "../../core/model/record_body.ts";
import { openSigned } from "../../core/model/signed.ts";
import { composeSnowflake } from "../../core/model/snowflake.ts";
import { RecordValuePolicy } from "../../net/directory/record_values.ts";
import { readSample, writeSample } from "../../net/directory/sample.ts";
import { readWarrant, signWarrant } from "../../core/model/warrant.ts";
import { fuzz } from "./harness.ts";
import { identityOf } from "../sim/users.ts";

const alice = identityOf("alice");
const timeMs = Date.UTC(2026, 5, 1);
const expected = (error: unknown): boolean => error instanceof DecodeError;

function record(namespace: Namespace, body: Body): Uint8Array {
  return signRecord({
    username: "alice",
    namespace,
    sequence: timeMs,
    expiresAt: timeMs + 1_000,
    body,
  }, alice).value;
}

function entry(number: number): ListEntry {
  return {
    list: number % 2 === 0 ? "following" : "followers",
    username: `user_${number}`,
    key: alice.publicKey,
    updatedAt: timeMs + number,
    present: number % 3 !== 0,
  };
}

const device = {
  device: 7,
  linkKey: alice.publicKey,
  addresses: ["192.0.2.1", "2001:db8::1"],
  port: 7000,
  until: timeMs,
  updatedAt: timeMs,
  present: true,
};

const connections = record("connections", { devices: [device, { ...device, device: 8 }] });

const records = [
  record("private", {
    derivation: { memoryKiB: 65_536, passes: 3, lanes: 4, salt: new Uint8Array(16) },
    nonce: new Uint8Array(24),
    sealed: new Uint8Array(48),
  }),
  record("public", {
    since: timeMs,
    posts: 3,
    followers: 2,
    following: 1,
    heads: [{ device: 7, head: 3 }],
    generation: 1,
    pages: 4,
  }),
  record("public:1:3", { entries: [1, 2, 3, 4].map(entry) }),
  connections,
];

const id = composeSnowflake({ timeMs, device: 7, sequence: 1 });
const post = { author: "alice", device: 7, number: 3, id, text: "Grüße 🐪, and a good day" };
const posts = [post, { ...post, replyTo: { author: "bob", id: id - 5n } }]
  .map((content) => signPost(content, alice).signed);

const feeds: FeedState[] = [
  { device: 1, floor: 0, ranges: [] },
  { device: 7, floor: 12, ranges: [[14, 20], [25, 25], [300, 5_000]] },
];

const self = { username: "alice", key: alice.publicKey };
const id16 = new Uint8Array(16);
const heads = [{ device: 7, head: 3 }];
const seen = [{ device: 7, from: 1, to: 3, digest: id16 }];

const warrant = signWarrant(
  { author: self, posts: id16, generation: 17, pages: 2, depth: 8, root: id16 },
  alice,
);

/** What each kind may say: the compiler asks for a sample of every kind in the table. */
const bodies: { readonly [K in KindName]: MessageBodyOf[K] } = {
  follow: { updatedAt: timeMs, token: id16 },
  unfollow: { updatedAt: timeMs },
  ack: { id: id16, reason: "ahead" },
  hello: { device: 7, heads, connections },
  want: { author: self, feeds, since: 0, device: 7, connections, token: id16, seen },
  mention: { post: posts[0] ?? new Uint8Array(), for: "carol" },
  thread: {
    root: { author: "alice", id },
    key: alice.publicKey,
    had: [{ author: "alice", id }, { author: "bob", id }, { author: "bob", id: id + 1n }],
    device: 7,
    connections,
    token: id16,
  },
  replies: { inReplyTo: id16, root: { author: "alice", id }, posts, more: id16 },
  spread: {
    author: self,
    posts,
    heads,
    warrant,
    at: 128,
    path: [id16, id16],
    branches: [{ from: 5, to: 2 ** 33, relays: [self, self] }, { from: 0, to: 5, relays: [self] }],
  },
  posts: { author: self, posts, more: id16, inReplyTo: id16, heads, relay: [self] },
};

const messages = messageKinds.map(({ kind }) => {
  const to = { ...self, username: "bob" };
  const body = bodies[kind];
  return signMessage({ kind, from: self, to, time: timeMs, id: id16, body } as Message, alice);
});

/** The envelope of a mutated payload: what lies behind the signature must stand hostile input, too. */
function wrapped(read: (bytes: Uint8Array) => unknown): (payload: Uint8Array) => unknown {
  const signature = new Uint8Array(64);
  return (payload) => read(encode([1, payload, alice.publicKey, signature]));
}

/** The signed part of each envelope. */
function payloads(envelopes: readonly Uint8Array[]): Uint8Array[] {
  return envelopes.map((bytes) => openSigned(bytes, 1_000_000).payload);
}

/** Both must happen, or the inputs are no test. */
function assertBoth({ taken, refused }: { taken: number; refused: number }): void {
  assert(taken > 50, `${taken} taken`);
  assert(refused > 10_000, `${refused} refused`);
}

/** A message read to the end, whatever its signature is worth. */
function readMessage(bytes: Uint8Array): unknown {
  return readFrameBody(readFrame(bytes));
}

/** A message as a peer opens it. */
function openMessage(bytes: Uint8Array): unknown {
  const frame = readFrame(bytes);
  if (!verifyFrame(frame)) throw new DecodeError("signature does not verify");
  return readFrameBody(frame);
}

/** Half of the inputs hit the envelope, half what is inside. */
const half = { runs: 50_000, expected };

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of records", () => {
  fuzz({ ...half, seed: 1, samples: records, decode: openRecord });
  const decode = wrapped(readRecord);
  assertBoth(fuzz({ ...half, seed: 2, samples: payloads(records), decode }));
});

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of posts", () => {
  fuzz({ ...half, seed: 3, samples: posts, decode: openPost });
  assertBoth(fuzz({ ...half, seed: 4, samples: payloads(posts), decode: wrapped(readPost) }));
});

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of messages", () => {
  fuzz({ ...half, seed: 5, samples: messages, decode: openMessage });
  const decode = wrapped(readMessage);
  assertBoth(fuzz({ ...half, seed: 6, samples: payloads(messages), decode }));
});

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of warrants", () => {
  const half = { runs: 20_000, expected };
  fuzz({ ...half, seed: 10, samples: [warrant], decode: readWarrant });
  const decode = wrapped(readWarrant);
  const { taken } = fuzz({ ...half, seed: 11, samples: payloads([warrant]), decode });
  assert(taken > 50, `${taken} taken`);
});

Deno.test("Fuzz: nothing but DecodeError leaves the decoder of feed states", () => {
  const limits = { maxBytes: 10_000, maxArrayLength: 1_100 };
  assertBoth(fuzz({
    seed: 7,
    samples: [encode(writeFeeds(feeds)), encode(writeFeeds(feeds.slice(1)))],
    decode: (input) => readFeeds(decode(input, limits)),
    expected,
  }));
});

Deno.test("Fuzz: nothing at all leaves the rules of records, the peek and the sample", () => {
  const policy = new RecordValuePolicy({ owns: () => true });
  const key = new Uint8Array(20);
  fuzz({
    seed: 8,
    runs: 30_000,
    samples: records,
    decode: (input) => {
      peekRecord(input);
      policy.check(key, input, timeMs);
      policy.compare(input, records[0] ?? input);
    },
    expected: () => false,
  });
  const users = [1, 2, 3].map((n) => ({
    username: `user${n}`,
    key: alice.publicKey,
    followers: n,
  }));
  fuzz({
    seed: 9,
    runs: 30_000,
    samples: [encode(writeSample(users))],
    decode: (input) => readSample(decode(input, { maxBytes: 1_200, maxArrayLength: 100 })),
    expected,
  });
});
