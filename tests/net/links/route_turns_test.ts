import assert from "node:assert/strict";
import { readRoute } from "../../../net/links/addresses.ts";
import {
  handshakeMsMax,
  metLatelyMs,
  redialMsMax,
  relayedHandshakeMsMax,
  relayedRedialMsMax,
} from "../../../net/links/link_limits.ts";
import { RouteTurns } from "../../../net/links/route_turns.ts";

function turnsOf(...places: readonly string[]) {
  const routes = places.map((place) => readRoute(place, 7) ?? assert.fail());
  const [first = assert.fail(), second = first] = routes;
  return { routes, first, second, turns: new RouteTurns(routes) };
}

const [relay, other, direct] = ["relay/10.0.0.1:7", "relay/10.0.0.2:7", "10.0.0.3"];

Deno.test("Each route has its turn before any wait, and all of them after one", () => {
  const { turns, routes, first, second } = turnsOf(relay, other);
  assert.deepEqual(turns.inTurn, routes);
  assert.equal(turns.leave(first), true);
  assert.deepEqual(turns.inTurn, [second]);
  assert.equal(turns.leave(second), false);
  assert.deepEqual(turns.inTurn, routes);
  turns.leave(first);
  turns.met();
  assert.deepEqual(turns.inTurn, routes);
  turns.leave(first);
  turns.refused();
  assert.deepEqual(turns.inTurn, routes);
});

Deno.test("A relay has 2 s while there are others, and 5 s once all have failed, until the device is met", () => {
  const { turns, first, second } = turnsOf(relay, other);
  const short = () => turns.handshakeMs(first) === relayedHandshakeMsMax;
  assert.ok(short());
  turns.refused();
  assert.ok(short(), "none has failed: none was there");
  turns.leave(first);
  assert.equal(turns.handshakeMs(second), handshakeMsMax, "the last one");
  turns.leave(second);
  assert.ok(!short());
  turns.met();
  assert.ok(short());
  turns.leave(first);
  turns.refused();
  assert.ok(!short(), "the other one refused");
  turns.refused();
  assert.ok(!short());
  assert.equal(turnsOf(relay).turns.handshakeMs(first), handshakeMsMax, "there is no other");
  const { turns: direct1, first: one } = turnsOf(direct, relay);
  assert.equal(direct1.handshakeMs(one), handshakeMsMax, "it is the device itself");
});

Deno.test("Waits grow less for a device behind relays that was met less than five minutes ago", () => {
  const { turns } = turnsOf(direct, relay);
  assert.equal(turns.redialMs(metLatelyMs - 1), relayedRedialMsMax);
  assert.equal(turns.redialMs(metLatelyMs), redialMsMax);
  assert.equal(turns.redialMs(Infinity), redialMsMax);
  assert.equal(turnsOf(direct).turns.redialMs(0), redialMsMax);
});

Deno.test("Two relays of different families one behind the other are one relay with two addresses", () => {
  const places = [
    ...["10.0.0.9", "fd00::9", "relay/10.0.0.1:7", "relay/[fd00::1]:7", "relay/10.0.0.2:7"],
    ...["fd00::8", "relay/10.0.0.3:7", "relay/10.0.0.4:7", "relay/[fd00::4]:7"],
  ];
  const { turns, routes } = turnsOf(...places);
  const twins = routes.map((route) => turns.twinOf(route)?.name);
  assert.deepEqual(twins, [
    ...[undefined, undefined, "relay/[fd00::1]:7", "relay/10.0.0.1:7", undefined],
    ...[undefined, undefined, "relay/[fd00::4]:7", "relay/10.0.0.4:7"],
  ]);
});
