import assert from "node:assert/strict";
import { CarrierChoice } from "../../../net/streams/carrier_choice.ts";
import {
  firstSilenceMs,
  laterSilenceMs,
  laterSilenceRequests,
  surenessMs,
  udpAgain,
} from "../../../net/streams/stream_limits.ts";

const udp = { udp: true, tcp: false };
const tcp = { udp: false, tcp: true };
const both = { udp: true, tcp: true };

/** A choice that has found, at time 1,000, that TCP alone answers. */
function byTcp(): CarrierChoice {
  const choice = new CarrierChoice();
  choice.ways(1, 0);
  assert.deepEqual(choice.ways(2, firstSilenceMs), both);
  choice.answered("tcp", 1, 1_000);
  assert.equal(choice.mode, "tcp");
  return choice;
}

Deno.test("Requests go by UDP, and by TCP as well once UDP has been silent for a while", () => {
  const choice = new CarrierChoice();
  assert.deepEqual(choice.ways(1, 0), udp);
  assert.deepEqual(choice.ways(2, firstSilenceMs - 1), udp);
  assert.equal(choice.look(firstSilenceMs - 1), false);
  assert.equal(choice.look(firstSilenceMs), true);
  assert.equal(choice.look(firstSilenceMs), false, "it is told once");
  assert.deepEqual(choice.ways(3, firstSilenceMs), both);
  assert.equal(choice.isUdpBlocked(1e9), false, "TCP has not answered");
});

Deno.test("A choice that nothing is asked of does not doubt UDP", () => {
  const choice = new CarrierChoice();
  assert.equal(choice.look(1e9), false);
  choice.ways(1, 1e9);
  choice.answered("udp", 1, 1e9);
  assert.equal(choice.look(2e9), false);
  assert.equal(choice.hasUdp, true);
});

Deno.test("UDP that has answered is doubted after several requests and seconds without an answer", () => {
  const choice = new CarrierChoice();
  choice.ways(1, 0);
  choice.answered("udp", 1, 100);
  for (let i = 1; i < laterSilenceRequests; i++) choice.ways(1 + i, 1_000);
  assert.equal(choice.look(1_000 + 2 * laterSilenceMs), false, "too few requests");
  assert.deepEqual(choice.ways(50, 1_000 + laterSilenceMs - 1), udp, "too soon");
  assert.deepEqual(choice.ways(51, 1_000 + laterSilenceMs), both);
  choice.answered("udp", 50, 7_000);
  assert.deepEqual(choice.ways(52, 7_000), udp);
});

Deno.test("Where TCP answers and UDP does not, TCP is used, and UDP called blocked after three seconds", () => {
  const choice = byTcp();
  assert.deepEqual(choice.ways(3, 1_001), both, "UDP has lost one datagram, perhaps");
  assert.equal(choice.isUdpBlocked(1_000 + surenessMs - 1), false);
  assert.equal(choice.isUdpBlocked(1_000 + surenessMs), true);
  assert.deepEqual(choice.ways(4, 1_000 + surenessMs), tcp);
});

Deno.test("UDP is tried again every 30 seconds, and its first answer ends the way by TCP", () => {
  const choice = byTcp();
  const again = 1_000 + surenessMs + udpAgain.everyMs;
  assert.deepEqual(choice.ways(3, again - 1), tcp);
  choice.answered("tcp", 3, again - 1);
  assert.deepEqual(choice.ways(4, again), both);
  assert.deepEqual(choice.ways(5, again + udpAgain.forMs - 1), both);
  assert.deepEqual(choice.ways(6, again + udpAgain.forMs), tcp);
  choice.answered("tcp", 6, again + udpAgain.forMs);
  assert.deepEqual(choice.ways(7, again + udpAgain.everyMs), both);
  choice.answered("udp", 7, again + udpAgain.everyMs + 1);
  assert.deepEqual(choice.ways(8, again + udpAgain.everyMs + 2), udp);
  assert.equal(choice.hasUdp, true);
});

Deno.test("An answer by TCP that comes once UDP has answered changes nothing", () => {
  const choice = new CarrierChoice();
  choice.ways(1, 0);
  choice.ways(2, firstSilenceMs);
  choice.answered("udp", 1, 800);
  choice.answered("tcp", 1, 801);
  assert.equal(choice.mode, "udp");
});

Deno.test("Attack: what answers no request by UDP is no sign that UDP works", () => {
  const choice = byTcp();
  choice.answered("udp", 77, 1_100);
  assert.equal(choice.mode, "tcp");
  const sure = 1_000 + surenessMs;
  choice.ways(78, sure);
  choice.answered("udp", 78, sure);
  assert.equal(choice.mode, "tcp", "that request went by TCP alone");
  choice.answered("udp", 2, sure);
  assert.equal(choice.mode, "udp");
});

Deno.test("TCP that falls silent is doubted, too, and both ways are asked", () => {
  const choice = byTcp();
  const sure = 1_000 + surenessMs;
  for (let i = 0; i < laterSilenceRequests; i++) choice.ways(100 + i, sure);
  assert.deepEqual(choice.ways(200, sure + laterSilenceMs), both);
  assert.equal(choice.mode, "both");
  assert.equal(choice.isUdpBlocked(1e9), false);
});
