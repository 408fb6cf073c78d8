import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { forgottenMs } from "../../../net/streams/stream_limits.ts";
import { UdpSockets } from "../../../net/streams/udp_sockets.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { answer, numberOf, request, Wire } from "./wire.ts";

const node: Endpoint = { ip: "80.0.0.1", port: 8000 };

/** Two sockets, the first of which has had an answer, and what the node got. */
function world() {
  const clock = new VirtualClock();
  const [first, second] = [new Wire(), new Wire()];
  const sockets = new UdpSockets({ time: clock, first, second });
  const [received, outside]: [number[], number[]] = [[], []];
  sockets.onReceive((data) => void received.push(numberOf(data)));
  sockets.onOutside((data) => void outside.push(numberOf(data)));
  sockets.ask(request(1), node, false);
  first.receive(answer(1), node);
  return { clock, first, second, sockets, received, outside };
}

Deno.test("Requests leave by the second socket once the first is silent and the second is answered, until routers have forgotten", async () => {
  const { clock, first, second, sockets, received, outside } = world();
  assert.deepEqual([first.numbers, second.numbers, received], [[1], [], [1]]);
  sockets.ask(request(2), node, true);
  assert.deepEqual([first.numbers, second.numbers], [[1, 2], [2]], "by both while UDP is silent");
  second.receive(answer(2), node);
  assert.deepEqual(received, [1, 2]);
  sockets.ask(request(3), node, false);
  second.receive(answer(3), node);
  assert.deepEqual([first.numbers, second.numbers], [[1, 2], [2, 3]]);
  // The two have changed places: what comes in, and what is asked from outside.
  second.receive(request(4), node);
  sockets.answer(answer(4), node);
  sockets.askOutside(request(5), node);
  assert.deepEqual([first.numbers, second.numbers], [[1, 2, 5], [2, 3, 4]]);
  first.receive(answer(5), node);
  assert.deepEqual([received, outside], [[1, 2, 3, 4], [5]]);
  first.receive(request(6), node);
  sockets.answer(answer(6), node);
  assert.deepEqual(first.numbers, [1, 2, 5, 6]);
  await clock.advance(forgottenMs - 1);
  sockets.ask(request(7), node, false);
  await clock.advance(1);
  sockets.ask(request(8), node, false);
  sockets.askOutside(request(9), node);
  second.receive(answer(9), node);
  assert.deepEqual([first.numbers, second.numbers], [[1, 2, 5, 6, 8], [2, 3, 4, 7, 9]]);
  assert.deepEqual(outside, [5, 9]);
});

Deno.test("An answer to the first socket ends that the second stands in for it", () => {
  const { first, second, sockets, received } = world();
  sockets.ask(request(2), node, true);
  second.receive(answer(2), node);
  first.receive(answer(2), node);
  assert.deepEqual(received, [1, 2, 2]);
  sockets.ask(request(3), node, false);
  assert.deepEqual([first.numbers, second.numbers], [[1, 2, 3], [2]]);
});

Deno.test("A socket that never had an answer is not doubted for a router's memory", () => {
  const clock = new VirtualClock();
  const [first, second] = [new Wire(), new Wire()];
  const sockets = new UdpSockets({ time: clock, first, second });
  sockets.ask(request(1), node, true);
  sockets.askBySecond(request(1), node);
  assert.deepEqual([first.numbers, second.numbers], [[1], []]);
});

Deno.test("Attack: requests to the second socket reach the node only while it stands in, and answers that nothing asked for never", () => {
  const { second, sockets, received, outside } = world();
  second.receive(request(2), node);
  second.receive(answer(3), node);
  sockets.ask(request(4), node, false);
  sockets.askOutside(request(5), node);
  assert.deepEqual([received, outside, second.numbers], [[1], [3], [5]]);
});
