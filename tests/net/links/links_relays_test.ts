import assert from "node:assert/strict";
import { readRoute, type Route } from "../../../net/links/addresses.ts";
import { fair, simLink, threeRelays } from "./link_world.ts";

Deno.test("A relay that does not lead to the device is given up at once, not after 5 s", async () => {
  const weather = { ...fair, shakes: false, breaks: true };
  const { clock, dialledAt, link, send, sent } = simLink(weather);
  send(1);
  await clock.advance(100);
  assert.equal(link.state, "down");
  Object.assign(weather, fair, { breaks: false });
  await clock.advance(1_000);
  assert.equal(dialledAt.length, 2);
  assert.equal(link.state, "up");
  assert.deepEqual(sent, [1]);
  link.close();
});

Deno.test("After a relay that lies the others are tried at once, each one time, and then the link waits", async () => {
  const honest = new Set<string>();
  const { clock, link, tried, sent, first, second, third } = threeRelays(honest);
  link.send(Uint8Array.of(1));
  await clock.advance(9_900);
  assert.deepEqual(tried, [first, second, third], "handshakes of 2, 2 and 5 s");
  await clock.advance(1_000);
  assert.deepEqual(tried, [first, second, third, first], "after a wait of a second");
  await clock.advance(4_000);
  assert.equal(tried.length, 4, "now each has its 5 s");
  honest.add(second);
  await clock.advance(2_000);
  assert.equal(link.state, "up");
  assert.deepEqual(sent, [1]);
  assert.equal(tried.at(-1), second);
  link.close();
});

Deno.test("A relay that lies is not tried again before the others, however slowly they take a connect", async () => {
  const honest = new Set(["relay/10.0.0.2:7"]);
  const answersMs = { "10.0.0.2": 600, "10.0.0.3": Infinity };
  const { clock, link, tried, first, second } = threeRelays(honest, answersMs);
  link.send(Uint8Array.of(1));
  await clock.advance(2_800);
  assert.deepEqual([tried, link.state], [[first, second], "up"], "2 s and then 0.6 s");
  link.close();
});

Deno.test("A relay that lies is tried again when the others refuse, after a wait, and has its 5 s then", async () => {
  const honest = new Set<string>();
  const answersMs = { "10.0.0.2": Infinity, "10.0.0.3": Infinity };
  const { clock, link, tried, first } = threeRelays(honest, answersMs);
  link.send(Uint8Array.of(1));
  await clock.advance(2_900);
  assert.deepEqual([tried, link.state], [[first], "down"]);
  await clock.advance(200);
  assert.deepEqual([tried, link.state], [[first, first], "shaking"]);
  await clock.advance(4_500);
  assert.equal(link.state, "shaking");
  await clock.advance(500);
  assert.equal(link.state, "down");
  link.close();
});

Deno.test("A relay that lies costs one handshake though it has two addresses, for other devices none", async () => {
  const [liar, twin, other, last] = [
    "relay/10.0.0.1:7",
    "relay/[fd00::1]:7",
    "relay/10.0.0.2:7",
    "relay/[fd00::2]:7",
  ];
  const places = [liar, twin, other, last];
  const { clock, link, tried, dialler } = threeRelays(new Set([other]), {}, places);
  link.send(Uint8Array.of(1));
  await clock.advance(2_100);
  assert.deepEqual([tried, link.state], [[liar, other], "up"]);
  const routes = places.map((place) => readRoute(place, 7) ?? assert.fail());
  const reached = async (key: string, ...of: readonly Route[]) =>
    (await clock.drive(dialler.reach({ key, routes: of, timeoutMs: 2_000 })))?.name;
  assert.equal(await reached("another", ...routes), other);
  const [, second = assert.fail(), , fourth = assert.fail()] = routes;
  assert.equal(await reached("a third", second, fourth), last);
  link.close();
});

Deno.test("The other address of a relay that lies is tried before any wait, and last", async () => {
  const places = ["relay/10.0.0.1:7", "relay/[fd00::1]:7", "relay/10.0.0.2:7"];
  const [liar, twin, other] = places;
  const { clock, link, tried } = threeRelays(new Set(), {}, places);
  link.send(Uint8Array.of(1));
  await clock.advance(4_900);
  assert.deepEqual(tried, [liar, other, twin]);
  link.close();
});

Deno.test("Where nothing arrives through a relay any more, what was sent goes through another one at once", async () => {
  const { clock, link, tried, sent, sockets, first, second, third } = threeRelays(
    new Set(["relay/10.0.0.1:7", "relay/10.0.0.2:7", "relay/10.0.0.3:7"]),
  );
  link.send(Uint8Array.of(1));
  await clock.advance(15_000);
  assert.deepEqual([tried, sent], [[first], [1]]);
  sockets[0]?.onSilence();
  await clock.advance(100);
  assert.deepEqual([tried, sent], [[first, second], [1, 1]]);
  sockets[0]?.onSilence();
  await clock.advance(100);
  assert.deepEqual([link.state, tried], ["up", [first, second]], "it is another socket now");
  sockets[1]?.onSilence();
  await clock.advance(100);
  assert.deepEqual([tried, sent], [[first, second, third], [1, 1, 1]], "the second one lied, too");
  link.close();
  sockets[2]?.onSilence();
  await clock.advance(5_000);
  assert.equal(link.state, "closed");
});

Deno.test("What was sent through a relay is sent once more if the link dies soon after, three times at most", async () => {
  const weather = { ...fair };
  const { clock, link, send, sent } = simLink(weather, "relay/10.0.0.1:7");
  for (const index of [1, 2]) send(index);
  await clock.advance(12_000);
  assert.deepEqual(sent, [1, 2]);
  for (let death = 1; death <= 5; death++) {
    weather.shakes = false;
    await clock.advance(2_000);
    weather.shakes = true;
    await clock.advance(15_000);
    assert.equal(sent.length, 2 + 2 * Math.min(death, 3));
  }
  assert.deepEqual(sent, [1, 2, 1, 2, 1, 2, 1, 2]);
  link.close();
  assert.equal(clock.pending, 0);
});

Deno.test("What may have to be sent once more counts among the bytes of all links, and takes half at most", async () => {
  const weather = { ...fair };
  const { clock, link, sent, budget } = simLink(weather, "relay/10.0.0.1:7", 1_000);
  for (const index of [1, 2, 3]) {
    link.send(new Uint8Array(200).fill(index));
    await clock.advance(100);
  }
  assert.equal(budget.usedBytes, 400);
  weather.shakes = false;
  await clock.advance(2_000);
  weather.shakes = true;
  await clock.advance(15_000);
  assert.deepEqual(sent, [1, 2, 3, 1, 2]);
  assert.equal(budget.usedBytes, 400, "they may get lost again");
  await clock.advance(10_000);
  assert.equal(budget.usedBytes, 0, "they have arrived by then");
  link.send(new Uint8Array(200));
  await clock.advance(100);
  assert.equal(budget.usedBytes, 200);
  await clock.advance(25_000);
  assert.equal(budget.usedBytes, 0, "it has arrived by then");
  link.send(new Uint8Array(200));
  await clock.advance(100);
  link.close();
  assert.equal(budget.usedBytes, 0);
});

Deno.test("What was sent long ago, or to the device itself, is not sent again when the link dies", async () => {
  for (const [address, ms] of [["relay/10.0.0.1:7", 21_000], ["10.0.0.1", 5_000]] as const) {
    const weather = { ...fair };
    const { clock, link, send, sent } = simLink(weather, address);
    send(1);
    await clock.advance(ms);
    weather.shakes = false;
    await clock.advance(2_000);
    weather.shakes = true;
    send(2);
    await clock.advance(5_000);
    assert.deepEqual(sent, [1, 2]);
    link.close();
  }
});

/** Seconds between the dials of a link whose device, met just now, is gone, while a frame a second is sent. */
async function waitsOf(address: string, seconds = 700): Promise<number[]> {
  const weather = { ...fair };
  const { clock, link, send, dialledAt } = simLink(weather, address);
  send(1);
  // It may have been up for however long.
  for (let minute = 0; minute < 10; minute++) {
    await clock.advance(60_000);
    send(1);
  }
  Object.assign(weather, { listens: false, shakes: false });
  const before = dialledAt.length;
  for (let s = 0; s < seconds; s++) {
    send(1);
    await clock.advance(1_000);
  }
  link.close();
  const times = dialledAt.slice(before);
  return times.slice(1).map((at, i) => Math.round((at - (times[i] ?? 0)) / 1_000));
}

Deno.test("A device behind relays that was met in the last five minutes is dialled every 8 s, others ever more rarely", async () => {
  const waits = await waitsOf("relay/10.0.0.1:7");
  assert.deepEqual(waits.slice(0, 5), [2, 4, 8, 8, 8]);
  const met = waits.lastIndexOf(8) + 1;
  const metS = waits.slice(0, met).reduce((sum, wait) => sum + wait, 0);
  assert(metS > 290 && metS <= 310, `${metS} s`);
  assert.deepEqual(waits.slice(met, met + 4), [16, 32, 60, 60]);
  const direct = await waitsOf("10.0.0.1", 200);
  assert.deepEqual(direct, [2, 4, 8, 16, 32, 60, 60]);
});

Deno.test("A device that was never met through its relays is dialled ever more rarely", async () => {
  const weather = { ...fair, listens: false };
  const { clock, link, send, dialledAt } = simLink(weather, "relay/10.0.0.1:7");
  for (let s = 0; s < 200; s++) {
    send(1);
    await clock.advance(1_000);
  }
  const waits = dialledAt.slice(1).map((at, i) => (at - (dialledAt[i] ?? 0)) / 1_000);
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
  link.close();
});
