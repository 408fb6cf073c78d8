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
  const { shares, seconds } = dealOut({
    users: users("user", 300),
    relays: users("relay", 64),
    copies: 2,
    tokenOf: (name) => tokens.ofUser(name, deal.epoch ?? 0),
    seed: tokens.of("post"),
    isDealt: () => false,
    ...deal,
  });
  const found = new Map<string, string[]>();
  for (const { relay, users } of [...shares, ...seconds]) {
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

Deno.test("Each user is in one share of first copies and in another relay's of second ones", () => {
  const tokens = new SecretTokens(new SeededRandom(1));
  const { shares, seconds } = dealOut({
    users: users("user", 300),
    relays: users("relay", 64),
    copies: 2,
    tokenOf: (name) => tokens.ofUser(name, 0),
    seed: 7,
    isDealt: () => false,
  });
  assert.equal(shares.length, 64);
  const relaysIn = (dealt: typeof shares) =>
    new Map(
      dealt.flatMap(({ relay, users }) => users.map(({ username }) => [username, relay.username])),
    );
  const count = (dealt: typeof shares) => dealt.reduce((sum, { users }) => sum + users.length, 0);
  assert.deepEqual([count(shares), count(seconds)], [300, 300]);
  const [first, second] = [relaysIn(shares), relaysIn(seconds)];
  assert.deepEqual([first.size, second.size], [300, 300]);
  for (const [name, relay] of first) assert.notEqual(second.get(name), relay);
  assert.ok(seconds.every(({ users }) => users.length > 0));
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
  const { shares, seconds, left } = dealOut(many);
  for (const { relay, users: firsts } of shares) {
    const others = seconds.filter((share) => share.relay === relay).flatMap(({ users }) => users);
    const all = [...firsts, ...others];
    assert.equal(all.length, relayShareMax);
    assert.ok(!all.some(({ username }) => username === relay.username));
  }
  assert.ok(left.some(({ username }) => username === "user500"));
  assert.ok(left.length > 1_000 - 3 * relayShareMax);
});
