import assert from "node:assert/strict";
import fc from "fast-check";
import { decode, DecodeError, encode } from "../../../lib/msgpack.ts";
import {
  addressLengthMax,
  type Body,
  bodyKinds,
  type BodyOf,
  deviceAddressesMax,
  devicesListedMax,
  keyDerivationMax,
  kindOfNamespace,
  pageNamespaceOf,
  type PrivateBody,
  type PublicBody,
} from "../../../core/model/record_body.ts";

const limits = { maxBytes: 100_000, maxArrayLength: 2_000 };
const time = fc.nat({ max: 2 ** 45 });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const username = fc.stringMatching(/^[a-z][a-z0-9_]{2,19}$/);
const device = fc.integer({ min: 0, max: 1_023 });

const bodies: { readonly [K in keyof BodyOf]: fc.Arbitrary<BodyOf[K]> } = {
  private: fc.record<PrivateBody>({
    isLocal: fc.constant(true as const),
    derivation: fc.record({
      memoryKiB: fc.integer({ min: 8, max: keyDerivationMax.memoryKiB }),
      passes: fc.integer({ min: 1, max: keyDerivationMax.passes }),
      lanes: fc.integer({ min: 1, max: keyDerivationMax.lanes }),
      salt: bytes(16),
    }),
    nonce: bytes(24),
    sealed: fc.uint8Array({ maxLength: 1_024 }),
  }, { requiredKeys: ["derivation", "nonce", "sealed"] }),
  public: fc.record<PublicBody>({
    isClosed: fc.constant(true as const),
    since: time,
    posts: fc.nat(),
    followers: fc.nat(),
    following: fc.nat(),
    heads: fc.uniqueArray(fc.record({ device, head: fc.integer({ min: 1 }) }), {
      selector: (head) => head.device,
      maxLength: 20,
    }),
    generation: fc.constant(3),
    pages: fc.constantFrom(1, 2, 64, 256),
  }, {
    requiredKeys: ["since", "posts", "followers", "following", "heads", "generation", "pages"],
  }),
  page: fc.record({
    entries: fc.array(
      fc.record({
        list: fc.constantFrom("followers" as const, "following" as const),
        username,
        key: bytes(32),
        updatedAt: time,
        present: fc.boolean(),
      }),
      { maxLength: 10 },
    ),
  }),
  connections: fc.record({
    devices: fc.array(
      fc.record({
        device,
        linkKey: bytes(32),
        addresses: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: deviceAddressesMax }),
        port: fc.integer({ min: 1, max: 65_535 }),
        until: time,
        updatedAt: time,
        present: fc.boolean(),
      }),
      { maxLength: 5 },
    ),
  }),
};

function roundTrip(kind: keyof BodyOf, body: Body): Body {
  return bodyKinds[kind].read(decode(encode(bodyKinds[kind].write(body)), limits));
}

for (const kind of ["private", "public", "page", "connections"] as const) {
  Deno.test(`A ${kind} body reads back as it was written`, () => {
    fc.assert(
      fc.property(bodies[kind] as fc.Arbitrary<Body>, (body) => {
        // fast-check makes objects without a prototype; a clone has one.
        assert.deepEqual(roundTrip(kind, body), structuredClone(body));
      }),
      { seed: 4, numRuns: 200 },
    );
  });
}

function refuses(kind: keyof BodyOf, value: unknown): void {
  assert.throws(() => bodyKinds[kind].read(value), DecodeError, JSON.stringify(value));
}

Deno.test("A private record that asks for more memory, passes or lanes than allowed is refused", () => {
  const rest = [new Uint8Array(16), new Uint8Array(24), new Uint8Array(48)];
  const { memoryKiB, passes, lanes } = keyDerivationMax;
  assert.equal(memoryKiB, 262_144);
  for (
    const parameters of [
      [memoryKiB + 1, 3, 4],
      [100 * 1024 * 1024, 3, 4],
      [65_536, passes + 1, 4],
      [65_536, 3, lanes + 1],
      [7, 3, 4],
      [65_536, 0, 4],
      [65_536, 3, 0],
      [65_536, 3],
    ]
  ) refuses("private", ["argon2id", parameters, ...rest]);
  refuses("private", ["argon2i", [65_536, 3, 4], ...rest]);
  refuses("private", ["argon2id", [65_536, 3, 4], ...rest, false]);
  refuses("private", ["argon2id", [65_536, 3, 4], new Uint8Array(15), rest[1], rest[2]]);
  refuses("private", ["argon2id", [65_536, 3, 4], rest[0], rest[1], new Uint8Array(1_025)]);
});

Deno.test("A public body has one head a device, and pages a power of two with a generation", () => {
  const body = (heads: unknown, generation: number, pages: number) => [
    ...[1, 0, 0, 0],
    heads,
    generation,
    pages,
  ];
  assert.doesNotThrow(() => bodyKinds.public.read(body([], 0, 0)));
  for (const pages of [3, 5, 255, 257, 2_047, 4_096]) refuses("public", body([], 1, pages));
  refuses("public", body([], 1, 0));
  refuses("public", body([], 0, 1));
  refuses("public", body([], 1_000_000_000, 1));
  refuses("public", body([[1, 1], [1, 2]], 0, 0));
  refuses("public", body([[1_024, 1]], 0, 0));
  refuses("public", body([[1, 0]], 0, 0));
});

Deno.test("A page's entries have a list, a username, a key, a time and whether it is present", () => {
  const key = new Uint8Array(32);
  assert.doesNotThrow(() => bodyKinds.page.read([[1, "alice", key, 1, true]]));
  for (
    const entry of [
      [2, "alice", key, 1, true],
      [1, "Alice", key, 1, true],
      [1, "alice", key.subarray(1), 1, true],
      [1, "alice", key, -1, true],
      [1, "alice", key, 1, 1],
      [1, "alice", key, 1],
    ]
  ) refuses("page", [entry]);
});

Deno.test("A connections body bounds devices, addresses and their lengths", () => {
  const key = new Uint8Array(32);
  const entry = (addresses: unknown, port: unknown = 7000) => [1, key, addresses, port, 1, 1, true];
  assert.doesNotThrow(() => bodyKinds.connections.read([entry(["192.0.2.1"])]));
  refuses("connections", Array(devicesListedMax + 1).fill(entry([])));
  refuses("connections", [entry(Array(deviceAddressesMax + 1).fill("192.0.2.1"))]);
  const longest = `relay/[${"0".repeat(addressLengthMax - 14)}]:65535`;
  assert.equal(longest.length, addressLengthMax);
  assert.doesNotThrow(() => bodyKinds.connections.read([entry([longest])]));
  refuses("connections", [entry([longest + "0"])]);
  refuses("connections", [entry([7])]);
  for (const port of [0, 65_536, "80"]) refuses("connections", [entry([], port)]);
});

Deno.test("Namespaces are the three fixed ones and pages in their one form", () => {
  assert.equal(kindOfNamespace("private"), "private");
  assert.equal(kindOfNamespace("public"), "public");
  assert.equal(kindOfNamespace("connections"), "connections");
  assert.equal(kindOfNamespace(pageNamespaceOf(12, 2_047)), "page");
  for (
    const wrong of [
      ...["", "Public", "public ", "public:", "public:1", "public:0:0", "public:01:0"],
      ...[
        "public:1:00",
        "public:1:2048",
        "public:1:02",
        "public:1:-1",
        "public:1e3:0",
        "public:1:0:0",
      ],
      "public:1000000000:0",
    ]
  ) assert.equal(kindOfNamespace(wrong), undefined, wrong);
});

Deno.test("The mark of a closed account is true or left out", () => {
  const open = [0, 0, 0, 0, [], 0, 0];
  const { read, write } = bodyKinds.public;
  assert.ok(!("isClosed" in read(open)));
  assert.deepEqual(write(read([...open, true])), [...open, true]);
  for (const mark of [false, null, 1]) assert.throws(() => read([...open, mark]), DecodeError);
});
