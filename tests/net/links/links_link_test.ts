import assert from "node:assert/strict";
import { idleMsMax, queuedFramesDownMax, stallMsMax } from "../../../net/links/link_limits.ts";
import { fair, simLink } from "./link_world.ts";

Deno.test("A link redials after 1 s, growing to 60 s, while there is something to send", async () => {
  const { clock, dialledAt, send, link } = simLink({ ...fair, listens: false });
  await clock.advance(500_000);
  assert.deepEqual(dialledAt, [0], "nothing to send, nothing to dial for");
  link.close();
  const weather = { ...fair, listens: false };
  const other = simLink(weather);
  for (let s = 0; s < 300; s++) {
    other.send(1);
    await other.clock.advance(1_000);
  }
  const gaps = other.dialledAt.slice(1).map((at, i) => at - (other.dialledAt[i] ?? 0));
  assert.deepEqual(gaps.slice(0, 7), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
  assert.equal(other.link.state, "down");
  weather.listens = true;
  await other.clock.advance(60_000);
  assert.equal(other.link.state, "up");
  assert.equal(send(1), "unreachable", "closed");
  other.link.close();
  assert.equal(other.clock.pending, 0);
  assert.equal(other.budget.usedBytes, 0);
});

Deno.test("A link says that frames are delayed once the device did not answer, until it does", async () => {
  const weather = { ...fair, listens: false };
  const { clock, link, send } = simLink(weather);
  assert.equal(send(1), "queued", "nothing is known yet");
  await clock.advance(100);
  assert.equal(send(2), "delayed");
  weather.listens = true;
  await clock.advance(2_000);
  assert.equal(link.state, "up");
  assert.equal(send(3), "queued");
  link.close();
});

Deno.test("A handshake that fails for 5 s closes the socket and counts as a failed attempt", async () => {
  const weather = { ...fair, shakes: false };
  const { clock, dialledAt, link, send, sent } = simLink(weather);
  send(1);
  await clock.advance(4_900);
  assert.equal(link.state, "shaking");
  await clock.advance(1_000);
  assert.equal(link.state, "down");
  assert.deepEqual(dialledAt.length, 1, "the wait of 1 s is not over yet");
  weather.shakes = true;
  await clock.advance(200);
  assert.deepEqual(dialledAt.length, 2);
  assert.equal(link.state, "up");
  assert.deepEqual(sent, [1]);
  link.close();
});

Deno.test("A link whose connection has gone dials at once when it was good, and waits when not", async () => {
  const weather = { ...fair };
  const { clock, dialledAt, link, send, sent } = simLink(weather);
  send(1);
  await clock.advance(20_000);
  weather.shakes = false;
  send(2);
  assert.equal(link.state, "dialling");
  weather.shakes = true;
  // Long enough for the look that finds that the frame was taken.
  await clock.advance(30);
  assert.deepEqual(sent, [1, 2]);
  assert.equal(dialledAt.length, 2);
  weather.shakes = false;
  send(3);
  assert.equal(link.state, "down");
  assert.equal(link.isBusy, false);
  weather.shakes = true;
  await clock.advance(2_000);
  assert.deepEqual(sent, [1, 2, 3]);
  link.close();
});

Deno.test("A frame that isn't taken for 10 s means that the link is dead", async () => {
  const weather = { ...fair, takes: false };
  const { clock, dialledAt, link, send } = simLink(weather);
  send(1);
  send(2);
  await clock.advance(stallMsMax - 100);
  assert.equal(link.state, "up");
  assert.equal(link.isBusy, true);
  await clock.advance(200);
  assert.equal(dialledAt.length, 2);
  link.close();
  assert.equal(clock.pending, 0);
});

Deno.test("A frame that a dead connection did not take is sent once more, those before are not", async () => {
  const weather = { ...fair };
  const { clock, link, send, sent } = simLink(weather);
  send(1);
  await clock.advance(2_000);
  for (const index of [2, 3]) {
    weather.takes = false;
    send(index);
    await clock.advance(stallMsMax - 100);
    assert.equal(link.state, "up");
    weather.takes = true;
    weather.shakes = false;
    await clock.advance(200);
    weather.shakes = true;
    await clock.advance(15_000);
  }
  assert.deepEqual(sent, [1, 2, 2, 3, 3]);
  link.close();
  assert.equal(clock.pending, 0);
});

Deno.test("A link to a peer that is down keeps few frames, and goes when nobody uses it", async () => {
  const { clock, link, send, budget, idle } = simLink({ ...fair, listens: false });
  await clock.advance(10);
  for (let i = 0; i < queuedFramesDownMax; i++) assert.equal(send(i), "delayed");
  assert.equal(send(99), "full");
  await clock.advance(idleMsMax + 1_000);
  assert.equal(link.state, "closed");
  assert.equal(idle(), 1);
  assert.equal(budget.usedBytes, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("A link closes two minutes after its last frame", async () => {
  const { clock, link, send, idle } = simLink(fair);
  send(1);
  await clock.advance(idleMsMax - 1_000);
  send(2);
  await clock.advance(idleMsMax - 2_000);
  assert.equal(link.state, "up");
  await clock.advance(4_000);
  assert.equal(link.state, "closed");
  assert.equal(idle(), 1);
});

Deno.test("A link in a long wait dials at once when its device is heard, and never more than once a second", async () => {
  const weather = { ...fair };
  const { clock, link, sent, dialledAt, send } = simLink(weather);
  send(0);
  await clock.advance(11_000);
  weather.listens = weather.shakes = false;
  for (let s = 0; s < 60; s++) {
    send(1);
    await clock.advance(1_000);
  }
  const failed = dialledAt.length;
  for (let i = 0; i < 100; i++) {
    link.hurry();
    await clock.advance(100);
  }
  const hurried = dialledAt.length - failed;
  assert(hurried >= 9 && hurried <= 11, `${hurried} dials in ten seconds`);
  weather.listens = weather.shakes = true;
  await clock.advance(1_000);
  link.hurry();
  await clock.advance(1_000);
  assert.equal(link.state, "up");
  assert.equal(sent.filter((frame) => frame === 1).length, 60);
  link.close();
});

Deno.test("A device that was never met is not dialled sooner because somebody speaks in its name", async () => {
  const { clock, link, dialledAt, send } = simLink({ ...fair, listens: false });
  for (let s = 0; s < 60; s++) {
    send(1);
    link.hurry();
    link.renew();
    await clock.advance(1_000);
  }
  assert(dialledAt.length < 8, `${dialledAt.length} dials`);
  link.close();
});

Deno.test("After a sleep a link is made anew, with what waits in it and what was sent last", async () => {
  const weather = { ...fair };
  const { clock, link, sent, dialledAt, send } = simLink(weather);
  send(0);
  await clock.advance(11_000);
  weather.takes = false;
  send(1);
  send(2);
  await clock.advance(100);
  assert.deepEqual([sent, link.state], [[0, 1], "up"]);
  weather.takes = true;
  link.renew();
  await clock.advance(100);
  assert.deepEqual([sent, dialledAt.length], [[0, 1, 2, 0, 1], 2], "it may not have arrived");
  for (let times = 0; times < 5; times++) {
    await clock.advance(1_000);
    link.renew();
  }
  await clock.advance(1_000);
  const counts = [0, 1, 2].map((index) => sent.filter((one) => one === index).length);
  assert.deepEqual(counts, [4, 4, 4], "each three times more, and never again");
  link.close();
});
