import assert from "node:assert/strict";
import { Outages } from "../../../net/reach/outages.ts";
import { aliveEveryMs, lateMsMax } from "../../../net/reach/relay_limits.ts";
import { VirtualClock } from "../../sim/clock.ts";

const momentMs = aliveEveryMs + lateMsMax;

function watched() {
  const clock = new VirtualClock();
  let told = 0;
  const outages = new Outages(clock, () => void told++);
  return { clock, outages, told: () => told };
}

Deno.test("Relays that are all silent for 4.5 s and then heard tell of an outage, the first one of nothing", async () => {
  const { clock, outages, told } = watched();
  await clock.advance(60_000);
  outages.heard();
  await clock.advance(momentMs - 1);
  outages.heard();
  assert.equal(told(), 0);
  await clock.advance(momentMs);
  outages.heard();
  assert.equal(told(), 1);
  outages.clear();
  await clock.advance(60_000);
  outages.heard();
  assert.equal(told(), 1, "there were none to hear");
});

Deno.test("Two lines that are lost within 4.5 s tell of an outage when one comes back, if no other has lasted", async () => {
  const { clock, outages, told } = watched();
  await clock.advance(60_000);
  const now = clock.monotonic();
  outages.lost("a");
  outages.cameBack([now]);
  assert.equal(told(), 0, "one may be its relay's fault");
  outages.lost("b");
  outages.cameBack([now, now - momentMs]);
  assert.equal(told(), 0, "a third one has lasted");
  outages.cameBack([now, now - momentMs + 1]);
  assert.equal(told(), 1);
  outages.lost("a");
  outages.lost("b");
  await clock.advance(momentMs - 1);
  outages.cameBack([clock.monotonic()]);
  assert.equal(told(), 1, "it is still the same one");
});

Deno.test("Lines that are lost 4.5 s apart tell of nothing, and what was told of counts no more", async () => {
  const { clock, outages, told } = watched();
  outages.lost("a");
  await clock.advance(momentMs);
  outages.lost("b");
  outages.cameBack([clock.monotonic()]);
  assert.equal(told(), 0);
  outages.lost("c");
  outages.cameBack([clock.monotonic()]);
  assert.equal(told(), 1);
  await clock.advance(momentMs - 1);
  outages.lost("d");
  await clock.advance(1);
  outages.cameBack([clock.monotonic()]);
  assert.equal(told(), 1, "one alone");
  outages.lost("e");
  outages.cameBack([clock.monotonic()]);
  assert.equal(told(), 2, "another outage");
  await clock.advance(momentMs);
  outages.lost("f");
  outages.lost("g");
  outages.clear();
  outages.cameBack([]);
  assert.equal(told(), 2, "there are no relays any more");
});

Deno.test("Losses before silence that was told of do not tell of it again", async () => {
  const { clock, outages, told } = watched();
  outages.heard();
  await clock.advance(momentMs);
  outages.lost("a");
  outages.lost("b");
  outages.heard();
  assert.equal(told(), 1);
  await clock.advance(momentMs - 1);
  outages.heard();
  await clock.advance(1);
  outages.lost("c");
  outages.cameBack([clock.monotonic()]);
  assert.equal(told(), 1);
});
