import assert from "node:assert/strict";
import { InviteTokens, openTokensMax } from "../../../core/follow/invite_tokens.ts";
import { toHex } from "../../../core/model/bytes.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { userNamed } from "../../sim/users.ts";
import { testSession } from "../doubles.ts";

const bob = userNamed("bob");
const carol = userNamed("carol");

function setUp(notes = new Map<string, Uint8Array>(), username = "alice") {
  const clock = new VirtualClock().view();
  const disk = { isFull: false };
  const session = testSession({
    clock,
    username,
    store: {
      getNote: (name) => Promise.resolve(notes.get(name)),
      putNote: (name, value) => {
        if (disk.isFull) return Promise.reject(new Error("the disk is full"));
        if (value === undefined) notes.delete(name);
        else notes.set(name, value);
        return Promise.resolve();
      },
    },
  });
  const uses: string[] = [];
  const tokens = new InviteTokens(session);
  const redeem = (token: Uint8Array, user = bob) =>
    tokens.redeem(token, user.key, () => {
      uses.push(user.username);
      return Promise.resolve();
    });
  return { clock, session, disk, notes, tokens, uses, redeem };
}

const weekMs = 7 * 86_400_000;

Deno.test("A token works once, for the first user who presents it, also after a restart", async () => {
  const made = setUp();
  const token = await made.tokens.issue(made.clock.now() + weekMs);
  assert.equal(token.length, 16);
  const later = setUp(made.notes);
  await later.redeem(token);
  await later.redeem(token);
  await later.redeem(token, carol);
  assert.deepEqual(later.uses, ["bob"]);
  assert.equal(later.notes.size, 0);
});

Deno.test("An unknown, expired or another inviter's token does nothing", async () => {
  const { tokens, clock, uses, redeem, notes } = setUp();
  await redeem(new Uint8Array(16));
  const token = await tokens.issue(clock.now() + 1);
  const others = setUp(notes, "dave");
  await others.redeem(token);
  assert.deepEqual(others.uses, []);
  const late = await tokens.issue(clock.now());
  await redeem(late);
  assert.deepEqual(uses, []);
  await redeem(token);
  assert.deepEqual(uses, ["bob"]);
});

Deno.test("The database has no token, only its hash", async () => {
  const { tokens, clock, notes } = setUp();
  const token = await tokens.issue(clock.now() + weekMs);
  for (const value of notes.values()) assert(!toHex(value).includes(toHex(token)));
});

Deno.test("A use that fails may be tried again by the same user, and by no other", async () => {
  const { tokens, clock, uses, redeem, notes } = setUp();
  const token = await tokens.issue(clock.now() + weekMs);
  const crash = () => Promise.reject(new Error("killed"));
  await assert.rejects(tokens.redeem(token, bob.key, crash), /killed/);
  const restarted = setUp(notes);
  await restarted.redeem(token, carol);
  assert.deepEqual(restarted.uses, []);
  await redeem(token);
  assert.deepEqual(uses, ["bob"]);
});

Deno.test("A token is not used where that cannot be written down", async () => {
  const { tokens, clock, uses, redeem, disk } = setUp();
  const token = await tokens.issue(clock.now() + weekMs);
  disk.isFull = true;
  await assert.rejects(redeem(token), /full/);
  await assert.rejects(tokens.issue(clock.now() + weekMs), /full/);
  assert.deepEqual(uses, []);
});

Deno.test("Two users who present a token at one moment get one use", async () => {
  const { tokens, clock, uses, redeem } = setUp();
  const token = await tokens.issue(clock.now() + weekMs);
  await Promise.all([redeem(token, carol), redeem(token)]);
  assert.deepEqual(uses, ["carol"]);
});

Deno.test("A hundred tokens may be open, and one that is used makes room", async () => {
  const { tokens, clock, redeem, uses, notes } = setUp();
  const first = clock.now() + 1_000;
  await tokens.issue(first);
  const last = [];
  for (let i = 1; i < openTokensMax; i++) last.push(await tokens.issue(first + i));
  await assert.rejects(tokens.issue(first + weekMs), {
    code: "invalid_argument",
    message: new RegExp(`100 are open.*${new Date(first).toISOString()}`),
  });
  await redeem(last[98] ?? new Uint8Array());
  assert.deepEqual(uses, ["bob"]);
  await tokens.issue(first + weekMs);
  // A note that the disk has damaged has no tokens, and stops nothing.
  notes.set("invites", Uint8Array.of(0xc1));
  await redeem(last[0] ?? new Uint8Array());
  assert.deepEqual(uses, ["bob"]);
  await tokens.issue(first);
});
