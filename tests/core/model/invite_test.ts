import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { concat } from "../../../core/model/bytes.ts";
import { CamelliaError } from "../../../core/model/errors.ts";
import {
  type Invite,
  inviteLengthMax,
  inviteNodesMax,
  invitePrefix,
  inviteTokenBytes,
  readInvite,
  refuseExpired,
  usableNodes,
  writeInvite,
} from "../../../core/model/invite.ts";
import { encode } from "../../../lib/msgpack.ts";
import { userNamed } from "../../sim/users.ts";

const alice = userNamed("alice");
const seed = 20261127;

const port = fc.integer({ min: 1, max: 65_535 });
const ip4 = fc.tuple(fc.integer({ min: 1, max: 126 }), fc.nat(255), fc.nat(255), fc.nat(255))
  .map((parts) => parts.join("."));
const ip6 = fc.tuple(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffff }))
  .map(([a, b]) => `2001:db8:${a.toString(16)}::${b.toString(16)}`);
const node = fc.record({ ip: fc.oneof(ip4, ip6), port }, { noNullPrototype: true });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const invites: fc.Arbitrary<Invite> = fc.record({
  inviter: fc.constantFrom("bob", "a_name_of_twenty_let").map(userNamed),
  nodes: fc.array(node, { maxLength: inviteNodesMax }),
  token: bytes(inviteTokenBytes),
  expires: fc.nat(4_000_000_000_000),
}, { requiredKeys: ["inviter", "nodes"], noNullPrototype: true });

/** A string with these bytes and a right checksum. */
function sealed(body: unknown, version = 1): string {
  const said = concat(Uint8Array.of(version), encode(body));
  const sum = createHash("sha256").update(said).digest().subarray(0, 4);
  return invitePrefix + concat(said, sum).toBase64({ alphabet: "base64url", omitPadding: true });
}

function refusal(text: string): string {
  try {
    readInvite(text);
  } catch (error) {
    assert(error instanceof CamelliaError, String(error));
    assert.equal(error.code, "invalid_invite");
    return error.message;
  }
  throw new assert.AssertionError({ message: `${text.slice(0, 80)} passed` });
}

Deno.test("An invite is read back as it was written, also with line breaks of a mail in it", () => {
  fc.assert(
    fc.property(invites, fc.nat(400), (invite, at) => {
      const text = writeInvite(invite);
      assert.deepEqual(readInvite(text), invite);
      assert.deepEqual(readInvite(` ${text.slice(0, at)}\r\n  ${text.slice(at)}\n`), invite);
      assert.match(text, /^camellia:[\w-]+$/);
      assert(text.length <= inviteLengthMax);
    }),
    { seed, numRuns: 200 },
  );
});

Deno.test("The longest invite has 341 characters", () => {
  const nodes = Array.from({ length: 8 }, (_, i) => ({
    ip: `2001:db8:1111:2222:3333:4444:5555:${(0x1111 + i).toString(16)}`,
    port: 65_535,
  }));
  const token = new Uint8Array(inviteTokenBytes);
  const inviter = { ...alice, username: "a_name_of_twenty_let" };
  assert.equal(writeInvite({ inviter, nodes, token, expires: 4e12 }).length, 341);
});

Deno.test("A cut, altered or lengthened invite is called so", () => {
  const token = new Uint8Array(inviteTokenBytes).fill(7);
  const text = writeInvite({ inviter: alice, nodes: [{ ip: "192.0.2.7", port: 8000 }], token });
  for (let length = invitePrefix.length; length < text.length; length++) {
    assert.match(refusal(text.slice(0, length)), /cut or altered/);
  }
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (let i = invitePrefix.length; i < text.length; i++) {
    const other = digits[(digits.indexOf(text[i] ?? "") + 1) % 64];
    assert.match(refusal(text.slice(0, i) + other + text.slice(i + 1)), /cut or altered/);
  }
  for (const more of ["A", "AAAA", "=", "+", "ä", "\0"]) {
    assert.match(refusal(text + more), /cut or altered/);
  }
});

Deno.test("What is no invite is refused in words, however long", () => {
  assert.match(refusal(""), /does not begin with camellia:/);
  assert.match(refusal("http://example.org"), /camellia invite/);
  assert.match(refusal("camellia:"), /cut or altered/);
  assert.match(refusal(invitePrefix + "A".repeat(1_000)), /cut or altered/);
  assert.match(refusal(invitePrefix + "A".repeat(1_000_000)), /far longer/);
  assert.match(refusal(" ".repeat(1_000_000)), /far longer/);
});

Deno.test("An invite of another version asks for a newer program", () => {
  assert.match(refusal(sealed(["whatever"], 2)), /has the format 2, .*newer/);
  assert.match(refusal(sealed(["whatever"], 0)), /has the format 0/);
});

Deno.test("An invite that says what cannot be is refused, whatever its checksum", () => {
  const home = Uint8Array.of(192, 0, 2, 7, 31, 64);
  const good = ["alice", alice.key, [home], null, null];
  readInvite(sealed(good));
  const bad: readonly (readonly unknown[])[] = [
    ["Alice", alice.key, [home], null, null],
    ["alice\x1b[2J", alice.key, [home], null, null],
    ["alice", alice.key.subarray(1), [home], null, null],
    ["alice", new Uint8Array(32), [home], null, null],
    ["alice", alice.key, Array(9).fill(home), null, null],
    ["alice", alice.key, "nodes", null, null],
    ["alice", alice.key, [Uint8Array.of(192, 0, 2, 7, 0, 0)], null, null],
    ["alice", alice.key, [Uint8Array.of(0, 0, 0, 0, 31, 64)], null, null],
    ["alice", alice.key, [Uint8Array.of(224, 0, 0, 1, 31, 64)], null, null],
    ["alice", alice.key, [Uint8Array.of(255, 255, 255, 255, 31, 64)], null, null],
    ["alice", alice.key, [Uint8Array.of(169, 254, 0, 1, 31, 64)], null, null],
    ["alice", alice.key, [new Uint8Array(7)], null, null],
    ["alice", alice.key, [home], new Uint8Array(15), null],
    ["alice", alice.key, [home], null, -1],
    ["alice", alice.key, [home], null, Number.MAX_SAFE_INTEGER],
    [...good, null],
    good.slice(1),
  ];
  for (const body of bad) assert.match(refusal(sealed(body)), /makes no sense/);
  // A thousand nodes do not fit into the longest string.
  assert.match(refusal(sealed(["alice", alice.key, Array(1_000).fill(home), null, null])), /far/);
});

Deno.test("Random bytes under a right checksum never make the reader throw anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      const said = concat(Uint8Array.of(1), noise);
      const sum = createHash("sha256").update(said).digest().subarray(0, 4);
      refusal(
        invitePrefix + concat(said, sum).toBase64({ alphabet: "base64url", omitPadding: true }),
      );
    }),
    { seed, numRuns: 500 },
  );
});

Deno.test("An invite cannot be written with a place where no node can be, or with too many", () => {
  const write = (ip: string, port: number, count = 1) =>
    writeInvite({ inviter: alice, nodes: Array(count).fill({ ip, port }) });
  for (const [ip, port] of [["0.0.0.0", 1], ["host", 1], ["192.0.2.1", 0], ["::", 1]] as const) {
    assert.throws(() => write(ip, port), TypeError);
  }
  assert.throws(() => write("192.0.2.1", 8000, 9), TypeError);
});

Deno.test("An invite is refused from the moment on at which it expires", () => {
  const invite = { inviter: alice, nodes: [], expires: 1_800_000_000_000 };
  refuseExpired(invite, invite.expires - 1);
  refuseExpired({ inviter: alice, nodes: [] }, 9e15);
  const late = { code: "invite_expired", message: /good until 2027-01-15T08:00:00.*Ask alice/ };
  assert.throws(() => refuseExpired(invite, invite.expires), late);
});

Deno.test("Private and loopback nodes are used only where the peer's own address is of that kind", () => {
  const at = (ip: string) => ({ ip, port: 8000 });
  const all = { nodes: ["192.0.2.7", "10.0.0.1", "fd00::1", "127.0.0.1", "::1"].map(at) };
  const used = (own: Partial<Parameters<typeof usableNodes>[1]>, invite = all) =>
    usableNodes(invite, { addresses: [], home: [], ...own }).map(({ ip }) => ip);
  assert.deepEqual(used({}), ["192.0.2.7"]);
  assert.deepEqual(used({ addresses: ["::", "198.51.100.1"] }), ["192.0.2.7"]);
  assert.deepEqual(used({ addresses: ["10.9.9.9"] }), ["192.0.2.7", "10.0.0.1", "fd00::1"]);
  assert.deepEqual(used({ addresses: ["127.0.0.1"] }), ["192.0.2.7", "127.0.0.1", "::1"]);
  // In a home, a stranger's invite into the open network must not name the router.
  assert.deepEqual(used({ home: ["192.168.1.5"] }), ["192.0.2.7"]);
  const local = { nodes: ["10.0.0.1", "127.0.0.1"].map(at) };
  assert.deepEqual(used({ home: ["192.168.1.5"] }, local), ["10.0.0.1"]);
  assert.deepEqual(used({}, local), []);
});
