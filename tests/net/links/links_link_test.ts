import assert from "node:assert/strict";
import { readRoute } from "../../../net/links/addresses.ts";
import { Dialler } from "../../../net/links/dialler.ts";
import { ByteBudget } from "../../../net/links/frame_queue.ts";
import { idleMsMax, queuedFramesDownMax, stallMsMax } from "../../../net/links/link_limits.ts";
import { Link } from "../../../net/links/link.ts";
import type { PushSocket } from "../../../net/links/sockets.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** What the network does: changed by the tests as they go. */
interface Weather {
  /** Whether a TCP connect is accepted. */
  listens: boolean;
  /** Whether sockets become and stay writable. */
  shakes: boolean;
  /** Whether frames are taken. */
  takes: boolean;
  /** Whether the way of sockets is known to be broken. */
  breaks?: boolean;
}

class FakeSocket implements PushSocket {
  /** Says that nothing arrives. */
  onSilence = (): void => {};
  readonly #weather: Weather;
  readonly #sent: number[];
  #isOpen = true;
  #waiting = false;
  constructor(weather: Weather, sent: number[]) {
    this.#weather = weather;
    this.#sent = sent;
  }
  get writable(): boolean {
    if (this.#waiting && this.#weather.takes) this.#waiting = false;
    return this.#isOpen && this.#weather.shakes && !this.#waiting;
  }
  get isBroken(): boolean {
    return this.#weather.breaks ?? false;
  }
  whenSilent(onSilence: () => void): void {
    this.onSilence = onSilence;
  }
  send(frame: Uint8Array): Promise<void> {
    this.#sent.push(frame[0] ?? -1);
    this.#waiting = true;
    return Promise.resolve();
  }
  close(): void {
    this.#isOpen = false;
  }
}

function simLink(weather: Weather, address = "10.0.0.1", budgetBytes = 1e9) {
  const clock = new VirtualClock();
  const budget = new ByteBudget(budgetBytes);
  const sent: number[] = [];
  const dialledAt: number[] = [];
  let idle = 0;
  const dialler = new Dialler(clock, () => {
    dialledAt.push(clock.monotonic());
    return weather.listens ? Promise.resolve() : Promise.reject(new Error("refused"));
  });
  const route = readRoute(address, 7);
  assert.ok(route);
  const link = new Link({
    key: "device",
    linkKey: new Uint8Array(32),
    routes: [route],
    clock,
    dialler,
    connect: () => new FakeSocket(weather, sent),
    budget,
    soon: (fn) => void clock.after(0, fn),
    onIdle: () => idle++,
  });
  const send = (index: number) => link.send(Uint8Array.of(index));
  return { clock, link, sent, dialledAt, budget, send, idle: () => idle };
}

const fair: Weather = { listens: true, shakes: true, takes: true };

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

Deno.test("What was sent through a relay is sent once more if the link dies soon after", async () => {
  const weather = { ...fair };
  const { clock, link, send, sent } = simLink(weather, "relay/10.0.0.1:7");
  for (const index of [1, 2]) send(index);
  await clock.advance(12_000);
  assert.deepEqual(sent, [1, 2]);
  for (let death = 0; death < 2; death++) {
    weather.shakes = false;
    await clock.advance(2_000);
    weather.shakes = true;
    await clock.advance(15_000);
    assert.deepEqual(sent, [1, 2, 1, 2], "each frame once more, and never again");
  }
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
  assert.equal(budget.usedBytes, 0, "none is kept for a third time");
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

/** A link over three relays, of which those in `honest` shake hands. */
function threeRelays(honest: Set<string>) {
  const clock = new VirtualClock();
  const tried: string[] = [];
  const routes = [1, 2, 3].map((n) => {
    const route = readRoute(`relay/10.0.0.${n}:7`, 7);
    assert.ok(route);
    return route;
  });
  const sent: number[] = [];
  const sockets: FakeSocket[] = [];
  const link = new Link({
    key: "device",
    linkKey: new Uint8Array(32),
    routes,
    clock,
    dialler: new Dialler(clock, () => Promise.resolve()),
    connect(_key, { name }) {
      tried.push(name);
      const socket = new FakeSocket(honest.has(name) ? fair : { ...fair, shakes: false }, sent);
      sockets.push(socket);
      return socket;
    },
    budget: new ByteBudget(1e9),
    soon: (fn) => void clock.after(0, fn),
    onIdle: () => {},
  });
  const [first = "", second = "", third = ""] = routes.map(({ name }) => name);
  return { clock, link, tried, sent, sockets, first, second, third };
}

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

Deno.test("Where nothing arrives through a relay any more, what was sent goes through another one at once", async () => {
  const { clock, link, tried, sent, sockets, first, second } = threeRelays(
    new Set(["relay/10.0.0.1:7", "relay/10.0.0.2:7"]),
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
  link.close();
  sockets[1]?.onSilence();
  await clock.advance(5_000);
  assert.equal(link.state, "closed");
});

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
  await clock.advance(1_000);
  link.renew();
  await clock.advance(1_000);
  assert.deepEqual(sent.slice(5), [2], "each once more, and never again");
  link.close();
});
