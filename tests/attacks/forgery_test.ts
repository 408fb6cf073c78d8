/** Attacks with records that are not what they say. */

import assert from "node:assert/strict";
import { fromHex } from "../../core/model/bytes.ts";
import type { Identity } from "../../core/model/identity.ts";
import { encode } from "../../lib/msgpack.ts";
import { recordBytesMax, recordKey } from "../../core/model/record.ts";
import { bodyKinds } from "../../core/model/record_body.ts";
import { expiryFor } from "../../core/model/record_policy.ts";
import { openSigned, type Purpose, sealSigned } from "../../core/model/signed.ts";
import { type AttackNetwork, emptyPublic, onNetwork } from "./network.ts";
import { identityOf } from "../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];

/** What a record's payload can be made to say. */
interface RawRecord {
  readonly username?: unknown;
  readonly namespace?: unknown;
  readonly sequence?: unknown;
  readonly expiresAt?: unknown;
  readonly body?: unknown;
  readonly purpose?: Purpose;
}

/** A properly signed record of whatever content. */
function raw(net: AttackNetwork, owner: Identity, parts: RawRecord): Uint8Array {
  const payload = encode([
    parts.username ?? "alice",
    parts.namespace ?? "public",
    parts.sequence ?? 1,
    parts.expiresAt ?? expiryFor("public", net.clock.now()),
    parts.body ?? bodyKinds.public.write(emptyPublic),
  ]);
  return sealSigned(parts.purpose ?? "record", payload, owner);
}

/** An envelope of any parts. */
function envelope(payload: Uint8Array, key: Uint8Array, signature: Uint8Array): Uint8Array {
  return encode([1, payload, key, signature]);
}

Deno.test("Attack: a record signed for another key, name or namespace is stored nowhere", () =>
  onNetwork(21, async (net) => {
    await net.addPeers(4);
    const record = net.sign("alice", alice);
    for (
      const [username, namespace] of [
        ["bob", "public"],
        ["alice", "private"],
        ["alice", "connections"],
        ["alice", "public:1:0"],
      ] as const
    ) {
      const key = recordKey(username, namespace);
      assert.equal(await net.inject(key, record.value), 0, `${username}:${namespace}`);
    }
    const { payload, signature } = openSigned(record.value, recordBytesMax);
    const resigned = envelope(payload, mallory.publicKey, signature);
    assert.equal(await net.inject(recordKey("alice", "public"), resigned), 0);
    assert.equal(await net.inject(recordKey("alice", "public"), record.value), 4);
  }));

Deno.test("Attack: a signature made for a post or a message is used for a record, and does not verify", () =>
  onNetwork(22, async (net) => {
    await net.addPeers(4);
    for (const purpose of ["post", "message"] as const) {
      const value = raw(net, alice, { purpose });
      assert.equal(await net.inject(recordKey("alice", "public"), value), 0, purpose);
    }
    const right = raw(net, alice, {});
    assert.equal(await net.inject(recordKey("alice", "public"), right), 4);
  }));

Deno.test("Attack: small-order and non-canonical keys and signatures are refused", () =>
  onNetwork(23, async (net) => {
    await net.addPeers(4);
    const key = recordKey("alice", "public");
    const good = raw(net, alice, {});
    const { payload, signature } = openSigned(good, recordBytesMax);
    const smallOrder = [
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    // R the neutral element and S zero: valid for every message under a key of order one.
    const universal = new Uint8Array(64);
    universal[0] = 1;
    for (const hex of smallOrder) {
      const publicKey = fromHex(hex);
      assert(publicKey);
      assert.equal(await net.inject(key, envelope(payload, publicKey, universal)), 0, hex);
    }
    const malleable = signature.slice();
    const order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    assert(order);
    for (let i = 0, carry = 0; i < 32; i++) {
      carry += (malleable[32 + i] ?? 0) + (order[i] ?? 0);
      malleable[32 + i] = carry & 0xff;
      carry >>= 8;
    }
    assert.equal(await net.inject(key, envelope(payload, alice.publicKey, malleable)), 0, "S + L");
    assert.equal(await net.inject(key, good), 4);
  }));

Deno.test("Attack: a record one byte over the limit is refused, at the limit taken", () =>
  onNetwork(24, async (net) => {
    await net.addPeers(4);
    const namespace = "private";
    await net.inject(recordKey("alice", "public"), raw(net, alice, {}));
    const salt = new Uint8Array(16);
    const sealed = (length: number) =>
      raw(net, alice, {
        namespace,
        body: ["argon2id", [8, 1, 1], salt, new Uint8Array(24), new Uint8Array(length)],
      });
    const key = recordKey("alice", namespace);
    assert.equal(await net.inject(key, sealed(1_024)), 4);
    assert.equal(await net.inject(key, sealed(1_025)), 0);
    const page = (bytes: number): Uint8Array => {
      for (let letters = 0; letters < 3 * 17 * 20; letters++) {
        // Three names of 3 to 20 letters fill what whole entries leave open.
        const lengths = [0, 1, 2].map((n) => 3 + Math.min(17, Math.max(0, letters % 51 - 17 * n)));
        for (let i = 0; i < 120 + Math.floor(letters / 51); i++) lengths.push(20);
        const body = lengths.map((n) => [0, "x".repeat(n), alice.publicKey, 1, true]);
        const value = raw(net, alice, { namespace: "public:1:0", body });
        if (value.length === bytes) return value;
      }
      assert.fail(`no page of ${bytes} bytes`);
    };
    const pageKey = recordKey("alice", "public:1:0");
    assert.equal(await net.inject(pageKey, page(recordBytesMax)), 4);
    assert.equal(await net.inject(pageKey, page(recordBytesMax + 1)), 0);
  }));

Deno.test("Attack: malformed usernames from the network are refused, as owners, in lists and in samples", () =>
  onNetwork(25, async (net) => {
    await net.addPeers(4);
    const names: unknown[] = [
      "al\u0000ice",
      "alice\n",
      "\u001b[31malice",
      "Alice",
      "ali\u0441e",
      "al",
      "a".repeat(21),
      "a".repeat(10_240 / 2),
      "",
      "1alice",
      " alice",
      "alice\u202e",
      "\ud800",
      17,
      null,
      ["alice"],
      new Uint8Array(5),
    ];
    for (const username of names) {
      const value = raw(net, mallory, { username });
      const key = recordKey(String(username), "public");
      assert.equal(await net.inject(key, value), 0, JSON.stringify(username));
    }
    await net.inject(recordKey("alice", "public"), raw(net, alice, {}));
    for (const username of names) {
      const body = [[1, username, mallory.publicKey, 1, true]];
      const value = raw(net, alice, { namespace: "public:1:0", body });
      assert.equal(await net.inject(recordKey("alice", "public:1:0"), value), 0);
    }
  }));
