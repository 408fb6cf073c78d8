import { Exemption } from "../../../../lib/networks.ts";
import assert from "node:assert/strict";
import { RateLimits } from "../../../../net/kademlia/rpc/rate_limits.ts";

const stranger = { ip: "5.0.0.1", port: 1 };

Deno.test("One address gets 200 requests a second, and a burst of 400", () => {
  const limits = new RateLimits(new Exemption(true), true);
  let taken = 0;
  for (let i = 0; i < 1_000; i++) if (limits.takeRequest(stranger.ip, 0)) taken++;
  assert.equal(taken, 400);
  for (let i = 0; i < 1_000; i++) if (limits.takeRequest(stranger.ip, 1_000)) taken++;
  assert.equal(taken, 600);
  assert.ok(limits.takeRequest("5.0.0.2", 1_000), "another address has its own");
});

Deno.test("An IPv6 /64 has one allowance", () => {
  const limits = new RateLimits(new Exemption(true), true);
  let taken = 0;
  for (let i = 1; i < 1_000; i++) if (limits.takeRequest(`2001:db8::${i}`, 0)) taken++;
  assert.equal(taken, 400);
});

Deno.test("An address that never answered us gets 20 KB a second, whatever port it names", () => {
  const limits = new RateLimits(new Exemption(true), true);
  let bytes = 0;
  for (let i = 0; i < 100; i++) {
    if (limits.takeBytes({ ip: stranger.ip, port: 1 + i }, 1_000, 1_000, 0)) bytes += 1_000;
  }
  assert.equal(bytes, 20_000);
  for (let i = 0; i < 100; i++) {
    if (limits.takeBytes(stranger, 1_000, 1_000, 2_000)) bytes += 1_000;
  }
  assert.equal(bytes, 40_000);
});

Deno.test("An address that has answered us gets three times what it sent, and 64 KB at once", () => {
  const limits = new RateLimits(new Exemption(true), true);
  limits.answered(stranger);
  assert.ok(limits.hasAnswered(stranger));
  assert.equal(limits.hasAnswered({ ip: stranger.ip, port: 2 }), false);
  const answers = (nowMs: number): number => {
    let count = 0;
    while (limits.takeBytes(stranger, 1_000, 100, nowMs)) count++;
    return count;
  };
  assert.equal(answers(0), 93, "65,536 bytes beyond 300 for each");
  assert.ok(limits.takeBytes(stranger, 300, 100, 0), "three times what it sent goes on");
  assert.equal(answers(16_000), 93, "16 s later as much again");
});

Deno.test("A /24 gets four times what one of its addresses does, and other networks their own", () => {
  const limits = new RateLimits(new Exemption(true), true);
  const answers = (net: string): number => {
    let count = 0;
    for (let host = 1; host < 255; host++) {
      const to = { ip: `${net}.${host}`, port: 1 };
      limits.answered(to);
      while (limits.takeBytes(to, 1_000, 0, 0)) count++;
    }
    return count;
  };
  assert.equal(answers("5.0.0"), 262);
  assert.equal(answers("5.1.0"), 262);
});

Deno.test("Loopback is exempt by a setting of its own", () => {
  const exempt = new RateLimits(new Exemption(true), true);
  const strict = new RateLimits(new Exemption(true), false);
  let [free, limited] = [0, 0];
  for (let i = 0; i < 1_000; i++) {
    if (exempt.takeRequest("127.0.0.1", 0)) free++;
    if (strict.takeRequest("127.0.0.1", 0)) limited++;
  }
  assert.deepEqual([free, limited], [1_000, 400]);
});

function addressOf(i: number): string {
  return `6.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
}

Deno.test("What is remembered of strangers is bounded", () => {
  const limits = new RateLimits(new Exemption(true), true);
  for (let i = 0; i < 401; i++) limits.takeRequest(stranger.ip, 0);
  limits.answered(stranger);
  for (let i = 0; i < 4_096; i++) {
    assert.ok(limits.takeRequest(addressOf(i), 0));
    limits.answered({ ip: addressOf(i), port: 1 });
  }
  assert.ok(limits.takeRequest(stranger.ip, 0), "its allowance is a new one");
  assert.equal(limits.hasAnswered(stranger), false);
});

Deno.test("Addresses in use stay remembered, however many pass by", () => {
  const limits = new RateLimits(new Exemption(true), true);
  for (let i = 0; i < 400; i++) limits.takeRequest(stranger.ip, 0);
  limits.answered(stranger);
  for (let i = 0; i < 50_000; i++) {
    limits.takeRequest(addressOf(i), 0);
    limits.answered({ ip: addressOf(i), port: 1 });
    if (i % 4_000 !== 0) continue;
    assert.equal(limits.takeRequest(stranger.ip, 0), false);
    assert.ok(limits.hasAnswered(stranger));
  }
});
