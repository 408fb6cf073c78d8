import assert from "node:assert/strict";
import { RoundTrip } from "../../../../net/kademlia/rpc/round_trip.ts";

Deno.test("Without a measurement the timeout is the initial second", () => {
  assert.equal(new RoundTrip().timeoutMs, 1_000);
});

Deno.test("The first measurement R makes the timeout 3 R, as RFC 6298 2.2 says", () => {
  const trip = new RoundTrip();
  trip.add(100);
  assert.equal(trip.timeoutMs, 300);
});

Deno.test("Later measurements follow RFC 6298 2.3", () => {
  const trip = new RoundTrip();
  trip.add(100);
  trip.add(140);
  // RTTVAR = 3/4 * 50 + 1/4 * |100 - 140| = 47.5; SRTT = 7/8 * 100 + 1/8 * 140 = 105.
  assert.equal(trip.timeoutMs, 105 + 4 * 47.5);
});

Deno.test("The timeout stays between its floor of 20 ms and its ceiling of 2 s", () => {
  const fast = new RoundTrip();
  for (let i = 0; i < 50; i++) fast.add(0.1);
  assert.equal(fast.timeoutMs, 20);
  const slow = new RoundTrip();
  slow.add(60_000);
  assert.equal(slow.timeoutMs, 2_000);
});
