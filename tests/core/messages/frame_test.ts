import assert from "node:assert/strict";
import { postBytesMax } from "../../../core/model/post.ts";
import { encode as encodeAnything } from "@msgpack/msgpack";
import fc from "fast-check";
import type { Message } from "../../../core/messages/kinds/mod.ts";
import {
  messageBytesMax,
  readFrame,
  readFrameBody,
  signMessage,
  verifyFrame,
} from "../../../core/messages/frame.ts";
import { postsPerMessageMax, relayShareMax } from "../../../core/messages/kinds/posts.ts";
import { DecodeError, encode } from "../../../lib/msgpack.ts";
import { sealSigned } from "../../../core/model/signed.ts";
import { identityOf } from "../../sim/users.ts";

const identity = identityOf("bob");
const alice = { username: "alice", key: identity.publicKey };
const bob = { username: "bob", key: new Uint8Array(32).fill(9) };
const id = new Uint8Array(16).fill(1);
const head = { from: alice, to: bob, time: 1_800_000_000_000, id };

const messages: readonly Message[] = [
  { ...head, kind: "follow", body: { updatedAt: 0 } },
  { ...head, kind: "unfollow", body: { updatedAt: 2 ** 53 - 1 } },
  { ...head, kind: "ack", body: { id } },
  { ...head, kind: "ack", body: { id, reason: "future" } },
  {
    ...head,
    kind: "hello",
    body: { device: 1023, heads: [{ device: 3, head: 2 ** 53 - 1 }], connections: id },
  },
  {
    ...head,
    kind: "want",
    body: {
      author: bob,
      feeds: [{ device: 1, floor: 4, ranges: [[6, 8]] }],
      since: 17,
      device: 0,
      connections: new Uint8Array(8_000),
    },
  },
  { ...head, kind: "want", body: { author: bob, feeds: [], since: 0, device: 5 } },
  { ...head, kind: "want", body: { author: bob, feeds: [], since: 0, device: 5, token: id } },
  {
    ...head,
    kind: "want",
    body: {
      author: bob,
      feeds: [],
      since: 0,
      device: 5,
      seen: [{ device: 1, from: 33, to: 64, digest: id }],
    },
  },
  {
    ...head,
    kind: "posts",
    body: {
      author: alice,
      posts: [new Uint8Array(3), new Uint8Array(2_307)],
      more: id,
      inReplyTo: id,
      heads: [],
      relay: [bob],
    },
  },
  {
    ...head,
    kind: "posts",
    body: { author: alice, posts: [], heads: [{ device: 0, head: 1 }], relay: [] },
  },
];

/** A frame with this payload, signed by Alice. */
function seal(...payload: unknown[]): Uint8Array {
  return sealSigned("message", encode(payload), identity);
}

const user = (one: { username: string; key: Uint8Array }) => [one.username, one.key];

/** A frame with this kind and body. */
function frameOf(kind: string, body: unknown): Uint8Array {
  return seal(kind, user(alice), user(bob), head.time, id, body);
}

Deno.test("Messages of every kind survive the wire", () => {
  for (const message of messages) {
    const frame = readFrame(signMessage(message, identity));
    assert.equal(frame.kind, message.kind);
    assert(verifyFrame(frame));
    assert.deepEqual(readFrameBody(frame), { ...message, bytes: frame.bytes });
  }
});

Deno.test("Any changed bit of a frame is noticed", () => {
  const bytes = signMessage(messages[0] as Message, identity);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      try {
        assert(!verifyFrame(readFrame(changed)));
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }),
    { seed: 31, numRuns: 500 },
  );
});

Deno.test("A frame whose sender is not its signer is refused", () => {
  const frame = seal("follow", user(bob), user(alice), head.time, id, [1]);
  assert.throws(() => readFrame(frame), /sender is not the signer/);
});

Deno.test("Heads that make no sense are refused before anything dear is done", () => {
  const bad = [
    seal("poke", user(alice), user(bob), head.time, id, [1]),
    seal("__proto__", user(alice), user(bob), head.time, id, [1]),
    seal("follow", user(alice), user(bob), -1, id, [1]),
    seal("follow", user(alice), user(bob), head.time, id.subarray(1), [1]),
    seal("follow", ["Alice", alice.key], user(bob), head.time, id, [1]),
    seal("follow", user(alice), ["bob", id], head.time, id, [1]),
    seal("follow", user(alice), user(bob), head.time, id),
    seal("follow", user(alice), user(bob), head.time, id, [1], 2),
    encode([2, encode([]), alice.key, new Uint8Array(64)]),
    new Uint8Array(messageBytesMax + 1),
  ];
  for (const frame of bad) assert.throws(() => readFrame(frame), DecodeError);
});

Deno.test("Bodies that make no sense are refused", () => {
  const many = (count: number, value: unknown) => Array.from({ length: count }, () => value);
  const post = new Uint8Array(10);
  const bad: readonly (readonly [string, unknown])[] = [
    ["follow", []],
    ["follow", ["now"]],
    ["unfollow", [2 ** 60]],
    ["ack", [id]],
    ["ack", [id, "r".repeat(33)]],
    ["ack", [id.subarray(1), null]],
    ["hello", [1, [], new Uint8Array(8_001)]],
    ["hello", [1, [[1, 0]], id]],
    ["hello", [1, [[1, 1], [1, 2]], id]],
    ["want", [user(bob), [], 0, 1024, null, null, []]],
    ["want", [bob.username, [], 0, 1, null, null, []]],
    ["want", [user(bob), [], 0, 1, null, post, []]],
    ["want", [user(bob), [], 0, 1, null, null, many(17, [1, 1, 1, id])]],
    ["want", [user(bob), [], 0, 1, null, null, [[1, 1, 33, id]]]],
    ["want", [user(bob), [], 0, 1, null, null, [[1, 2, 1, id]]]],
    ["posts", [user(alice), many(postsPerMessageMax + 1, post), null, null, [], []]],
    ["posts", [user(alice), [new Uint8Array(postBytesMax + 1)], null, null, [], []]],
    ["posts", [user(alice), [], post, null, [], []]],
    ["posts", [user(alice), [], null, post, [], []]],
    ["posts", [user(alice), [], null, null, [], many(relayShareMax + 1, user(bob))]],
  ];
  for (const [kind, body] of bad) {
    const read = () => readFrameBody(readFrame(frameOf(kind, body)));
    assert.throws(read, DecodeError, `${kind} ${Deno.inspect(body)}`);
  }
  // Our own encoder writes no fractions.
  const parts = ["want", user(alice), user(bob), head.time, id, [
    user(bob),
    [],
    0.5,
    1,
    null,
    null,
  ]];
  const fraction = sealSigned("message", encodeAnything(parts), identity);
  assert.throws(() => readFrameBody(readFrame(fraction)), DecodeError);
});

Deno.test("A message over 1 MiB is not made", () => {
  const posts = Array.from({ length: 500 }, () => new Uint8Array(2_200));
  const body = { author: alice, posts, heads: [], relay: [] };
  assert.throws(() => signMessage({ ...head, kind: "posts", body }, identity), RangeError);
});

Deno.test("Nested or endless structure in a frame costs nothing", () => {
  const deep = new Uint8Array(1_000_000);
  for (let i = 0; i + 3 <= deep.length; i += 3) deep.set([0xdc, 0x03, 0xff], i);
  const frame = sealSigned("message", deep, identity);
  assert.throws(() => readFrame(frame), DecodeError);
  const wide = seal("want", user(alice), user(bob), head.time, id, Array(40_000).fill(0));
  assert.throws(() => readFrame(wide), DecodeError);
});

Deno.test("The largest honest messages pass", () => {
  const heads = Array.from({ length: 1_024 }, (_, device) => ({ device, head: 2 ** 53 - 1 }));
  const feeds = heads.map(({ device }) => ({
    device,
    floor: 2 ** 40,
    ranges: [[2 ** 41, 2 ** 42], [2 ** 43, 2 ** 44], [2 ** 45, 2 ** 46], [
      2 ** 47,
      2 ** 48,
    ]] as const,
  }));
  const posts = Array.from({ length: postsPerMessageMax }, () => new Uint8Array(1_900));
  const relay = Array.from({ length: relayShareMax }, () => bob);
  const largest: Message[] = [
    { ...head, kind: "want", body: { author: bob, feeds, since: 0, device: 1 } },
    { ...head, kind: "posts", body: { author: alice, posts, heads, relay } },
  ];
  for (const message of largest) {
    const frame = signMessage(message, identity);
    assert.deepEqual(readFrameBody(readFrame(frame)), { ...message, bytes: frame.length });
  }
});
