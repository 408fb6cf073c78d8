import assert from "node:assert/strict";
import { relayShareMax } from "../../../core/messages/kinds/posts.ts";
import { nameOf, type UserRef } from "../../../core/model/user.ts";
import { type Deal, dealOut, SecretTokens } from "../../../core/timeline/draw.ts";
import { SeededRandom } from "../../sim/random.ts";

const key = new Uint8Array(32);

function users(prefix: string, count: number): UserRef[] {
  return Array.from({ length: count }, (_, i) => ({ username: `${prefix}${i}`, key }));
}

/** The relays of each user. */
function relaysOf(deal: Partial<Deal> & { secret: number; epoch?: number }): Map<string, string[]> {
  const tokens = new SecretTokens(new SeededRandom(deal.secret));
  const { shares } = dealOut({
    users: users("user", 300),
    relays: users("relay", 64),
    copies: 2,
    tokenOf: (name) => tokens.ofUser(name, deal.epoch ?? 0),
    seed: tokens.of("post"),
    isDealt: () => false,
    ...deal,
  });
  const found = new Map<string, string[]>();
  for (const { relay, users } of shares) {
    for (const { username } of users) {
      found.set(username, [...found.get(username) ?? [], relay.username].sort());
    }
  }
  return found;
}

function same(a: Map<string, string[]>, b: Map<string, string[]>): number {
  return [...a].filter(([name, relays]) => b.get(name)?.join() === relays.join()).length;
}

Deno.test("Which relay a follower gets is drawn with a secret, changes with each post, and two differ", () => {
  const first = relaysOf({ secret: 1 });
  assert.equal(first.size, 300);
  for (const relays of first.values()) assert.equal(new Set(relays).size, 2);
  assert.equal(same(first, relaysOf({ secret: 1 })), 300, "the same draw is the same");
  assert.ok(same(first, relaysOf({ secret: 2 })) < 10, "another secret");
  assert.ok(same(first, relaysOf({ secret: 1, epoch: 1 })) < 10, "another hour");
  const next = relaysOf({ secret: 1, seed: new SecretTokens(new SeededRandom(1)).of("next") });
  // Two of three: one draw in three is the same.
  assert.ok(same(first, next) > 60 && same(first, next) < 140, `${same(first, next)}`);
});

Deno.test("Within an hour a follower has three relays, so that links stay open", () => {
  const pools = new Map<string, Set<string>>();
  const tokens = new SecretTokens(new SeededRandom(1));
  for (let post = 0; post < 40; post++) {
    for (const [name, relays] of relaysOf({ secret: 1, seed: tokens.of(`post ${post}`) })) {
      const pool = pools.get(name) ?? new Set();
      for (const relay of relays) pool.add(relay);
      pools.set(name, pool);
    }
  }
  for (const [name, pool] of pools) assert.equal(pool.size, 3, name);
});

Deno.test("Each user is in the first part of one share and in the second of another", () => {
  const tokens = new SecretTokens(new SeededRandom(1));
  const { shares } = dealOut({
    users: users("user", 300),
    relays: users("relay", 10),
    copies: 2,
    tokenOf: (name) => tokens.ofUser(name, 0),
    seed: 7,
    isDealt: () => false,
  });
  const met = new Set<string>();
  let firsts = 0;
  // Read in turns, as the relays work: the first copies of all come before the second ones of any.
  for (let place = 0; place < 60; place++) {
    for (const { users } of shares) {
      const user = users[place];
      if (user === undefined || met.has(user.username)) continue;
      met.add(user.username);
      if (place < 45) firsts++;
    }
  }
  assert.equal(met.size, 300);
  assert.equal(firsts, 300);
});

Deno.test("Shares are even, none is longer than a message allows, and nobody relays to itself", () => {
  const lengths = new Map<string, number>();
  for (const relays of relaysOf({ secret: 1 }).values()) {
    for (const relay of relays) lengths.set(relay, (lengths.get(relay) ?? 0) + 1);
  }
  assert.ok(Math.max(...lengths.values()) <= 25, `${Math.max(...lengths.values())}`);
  const many = {
    users: users("user", 1_000),
    relays: users("user", 3),
    copies: 2,
    tokenOf: (name: string) => name.length,
    seed: 1,
    isDealt: (user: string) => user === nameOf({ username: "user500", key }),
  };
  const { shares, left } = dealOut(many);
  for (const { relay, users } of shares) {
    assert.equal(users.length, relayShareMax);
    assert.ok(!users.some(({ username }) => username === relay.username));
  }
  assert.ok(left.some(({ username }) => username === "user500"));
  assert.ok(left.length > 1_000 - 3 * relayShareMax);
});
