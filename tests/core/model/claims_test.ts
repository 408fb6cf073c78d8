import assert from "node:assert/strict";
import { limitedNetworks } from "../../../lib/networks.ts";
import {
  claimFirmMs,
  ClaimLedger,
  claimMemoryMs,
  claimSettledMs,
} from "../../../core/model/claims.ts";
import { countVotes, type Vote } from "../../../core/model/vote.ts";
import { hasClaim, MemoryClaims } from "../../attacks/network.ts";
import { userNamed } from "../../sim/users.ts";

const alice = userNamed("alice").key;
const mallory = userNamed("mallory").key;
const yearMs = 365 * 86_400_000;

function ledger(claimsMax = 100, store = new MemoryClaims()) {
  const time = { now: Date.UTC(2026, 0, 1) };
  const claims = new ClaimLedger({ store, now: () => time.now, claimsMax });
  const enter = (username: string, net = "192.0.2", key = alice) =>
    claims.enter({ username, key, expiresAt: time.now + yearMs, net });
  return { time, claims, enter, store };
}

Deno.test("ClaimLedger knows whose a name is until a year after the last record expired", () => {
  const { time, claims, enter } = ledger();
  assert(enter("alice"));
  assert(hasClaim(claims, "alice", alice));
  assert(!hasClaim(claims, "alice", mallory));
  assert(!hasClaim(claims, "bob", alice));
  time.now += yearMs + claimMemoryMs;
  assert(hasClaim(claims, "alice", alice));
  time.now += 1;
  assert.equal(claims.get("alice"), undefined);
  assert.equal(claims.size, 0);
});

Deno.test("ClaimLedger lengthens a claim with the owner's later records", () => {
  const { time, claims, enter, store } = ledger();
  enter("alice");
  const first = claims.get("alice")?.expiresAt ?? 0;
  claims.extend("alice", first + 60_000);
  assert.equal(claims.get("alice")?.expiresAt, first, "a minute more is not worth a write");
  time.now += yearMs / 2;
  claims.extend("alice", time.now + yearMs);
  assert.equal(claims.get("alice")?.expiresAt, time.now + yearMs);
  assert.deepEqual(store.claims.get("alice"), claims.get("alice"));
  claims.extend("bob", time.now);
  assert.equal(claims.size, 1);
});

Deno.test("A claim is settled after a day, also when the clock was set back", () => {
  const { time, claims, enter } = ledger();
  enter("alice");
  const claim = claims.get("alice");
  assert(claim);
  time.now -= 60_000;
  assert.equal(claims.ageMs(claim), 0);
  time.now += 60_000 + claimSettledMs - 1;
  assert(!claims.owns("alice", alice));
  time.now += 1;
  assert(claims.owns("alice", alice));
  assert(claimFirmMs < claimSettledMs);
});

Deno.test("ClaimLedger finds its claims again after a restart, without the lapsed ones", async () => {
  const { time, enter, store } = ledger();
  enter("alice");
  time.now += yearMs;
  const again = new ClaimLedger({ store, now: () => time.now });
  await again.load();
  assert(again.owns("alice", alice));
  time.now += 2 * yearMs;
  const late = new ClaimLedger({ store, now: () => time.now });
  await late.load();
  assert.equal(late.size, 0);
  assert.equal(store.claims.size, 0);
});

Deno.test("A full ledger keeps settled claims and drops the newest of the busiest network", () => {
  const { time, claims, enter } = ledger(100);
  for (let i = 0; i < 10; i++) assert(enter(`settled${i}`));
  time.now += claimSettledMs;
  for (let i = 0; i < 200; i++) enter(`flood${i}`, "198.51.100");
  assert.equal(claims.size, 30, "one in five may be young");
  assert(hasClaim(claims, "flood0", alice));
  assert(!hasClaim(claims, "flood199", alice), "its own network was the busiest");
  assert(enter("honest", "203.0.113"));
  assert(hasClaim(claims, "honest", alice));
  assert(!hasClaim(claims, "flood19", alice), "its place was taken");
  for (let i = 0; i < 10; i++) assert(claims.owns(`settled${i}`, alice));
});

Deno.test("A ledger full of settled claims takes no more, and has room again when they lapse", () => {
  const { time, claims, enter } = ledger(10);
  for (let i = 0; i < 10; i++) {
    assert(enter(`settled${i}`));
    time.now += claimSettledMs;
  }
  assert.equal(claims.size, 10);
  assert(!enter("late"));
  assert.equal(claims.size, 10);
  time.now += 3 * yearMs;
  assert(enter("late"));
  assert.equal(claims.size, 1);
});

Deno.test("A stored excess of claims is cut to the bound, the longest held first", async () => {
  const { time, enter, store } = ledger(1_000);
  for (let i = 0; i < 30; i++) {
    enter(`name${i}`);
    time.now += 1_000;
  }
  const small = new ClaimLedger({ store, now: () => time.now, claimsMax: 5 });
  await small.load();
  assert.equal(small.size, 5);
  assert(hasClaim(small, "name0", alice) && hasClaim(small, "name4", alice));
  assert.equal(store.claims.size, 5);
});

Deno.test("A claim entered anew replaces the other key's", () => {
  const { claims, enter } = ledger();
  enter("alice", "192.0.2", mallory);
  enter("alice", "192.0.2", alice);
  assert(hasClaim(claims, "alice", alice));
  assert.equal(claims.size, 1);
  claims.drop("alice");
  claims.drop("alice");
  assert.equal(claims.size, 0);
});

Deno.test("The majority of votes wins, whatever the order of the votes", () => {
  const votes = [
    { key: mallory, since: 1, networks: [] },
    { key: alice, since: 50, networks: [] },
    { key: alice, since: 60, networks: [] },
  ];
  assert.deepEqual(countVotes("alice", votes), [alice, mallory]);
  assert.deepEqual(countVotes("alice", votes.toReversed()), [alice, mallory]);
  assert.deepEqual(countVotes("alice", []), []);
});

Deno.test("A tie goes to the key held for longer, by what half of its voters say", () => {
  const votes = [
    { key: alice, since: 100, networks: [] },
    { key: alice, since: 110, networks: [] },
    { key: alice, since: 120, networks: [] },
    { key: mallory, since: 200, networks: [] },
    { key: mallory, since: 210, networks: [] },
    { key: mallory, since: 220, networks: [] },
  ];
  assert.deepEqual(countVotes("alice", votes)[0], alice);
  const oneLiar = votes.map((vote) => vote.since === 200 ? { ...vote, since: 0 } : vote);
  assert.deepEqual(countVotes("alice", oneLiar)[0], alice);
});

Deno.test("A tie at the same time is decided alike by everybody, for each name on its own", () => {
  const votes = [{ key: alice, since: 1, networks: [] }, { key: mallory, since: 1, networks: [] }];
  const winners = Array.from({ length: 20 }, (_, i) => countVotes(`name${i}`, votes)[0]);
  for (const [i, winner] of winners.entries()) {
    assert.deepEqual(countVotes(`name${i}`, votes.toReversed())[0], winner);
  }
  const alices = winners.filter((key) => key === alice).length;
  assert(alices > 0 && alices < 20, "no key wins every name");
});

Deno.test("One network has one vote, and a site three, however many holders it runs", () => {
  const at = (ip: string) => limitedNetworks(ip, false) ?? [];
  const votes = (count: number, key: Uint8Array, ipOf: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => ({ key, since: 1, networks: at(ipOf(i)) }));
  const honest = (count: number) => votes(count, alice, (i) => `203.${i}.113.1`);
  const winner = (list: readonly Vote[]) => countVotes("alice", list)[0];
  for (
    const [counted, ipOf] of [
      [1, (i: number) => `198.51.100.${i}`],
      [1, (i: number) => `2001:db8:0:${i.toString(16)}::1`],
      [3, (i: number) => `198.51.${i}.1`],
      [3, (i: number) => `2001:db8:0:${(i << 8).toString(16)}::1`],
      [6, (i: number) => `2001:db8:${i.toString(16)}::1`],
    ] as const
  ) {
    const many = votes(200, mallory, ipOf);
    assert.deepEqual(winner([...many, ...honest(counted + 1)]), alice, ipOf(0));
    assert.deepEqual(winner([...many, ...honest(counted - 1)]), mallory, ipOf(0));
  }
});

Deno.test("A holder whose clock has fractions of a millisecond votes with whole ones", () => {
  const { time, claims, enter } = ledger();
  time.now += 0.25;
  enter("alice");
  assert.equal(claims.get("alice")?.since, Date.UTC(2026, 0, 1));
});
