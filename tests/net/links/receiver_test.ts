import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import {
  receiveBusyPauseMs,
  receivePauseMsMax,
  receiveWatchedPauseMs,
  unsureMs,
} from "../../../net/links/link_limits.ts";
import { Receiver } from "../../../net/links/receiver.ts";
import type { PullSocket } from "../../../net/links/sockets.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** A socket on which messages appear when a test says so. */
class FakePull implements PullSocket {
  readonly address = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
  looks = 0;
  waiting = 0;
  /** Whether the system tells of messages. */
  tells: boolean;
  /** What becomes of a wait; absent where the system cannot tell. */
  wait?: () => boolean;
  #onNews: (() => void) | undefined;

  constructor(tells: boolean) {
    this.tells = tells;
  }

  get readable(): boolean {
    this.looks++;
    return this.waiting > 0;
  }

  receive(): Promise<Uint8Array[]> {
    this.waiting--;
    return Promise.resolve([Uint8Array.of(1)]);
  }

  watch(onNews: () => void): boolean {
    if (this.tells) this.#onNews = onNews;
    return this.tells;
  }

  unwatch(): void {
    this.#onNews = undefined;
  }

  /** Whether the system is to tell of the next message. */
  get isAsked(): boolean {
    return this.#onNews !== undefined;
  }

  arrive(): void {
    this.waiting++;
    this.#onNews?.();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function looksOf(tells: boolean) {
  const clock = new VirtualClock();
  const socket = new FakePull(tells);
  let frames = 0;
  const onFrame = () => void frames++;
  const receiver = new Receiver({
    socket,
    clock,
    onFrame,
    onFault: (error) => assert.fail(`${error}`),
  });
  await clock.advance(10_000);
  const idle = socket.looks;
  await clock.advance(10_000);
  const looks = socket.looks - idle;
  const before = clock.monotonic();
  socket.arrive();
  while (frames === 0) await clock.advance(1);
  const waitedMs = clock.monotonic() - before;
  // A message that nobody told of.
  socket.waiting++;
  await clock.advance(2 * receiveWatchedPauseMs);
  assert.equal(frames, 2);
  await receiver.close();
  assert.equal(clock.pending, 0);
  return { looks, waitedMs };
}

Deno.test("A socket that tells of news is hardly looked at, and at once when it does", async () => {
  const told = await looksOf(true);
  assert.ok(told.looks <= 11, `${told.looks} looks in 10 s`);
  assert.ok(told.waitedMs <= 1, `${told.waitedMs} ms`);
  const untold = await looksOf(false);
  assert.ok(untold.looks >= 400, `${untold.looks} looks in 10 s`);
  assert.ok(untold.waitedMs <= 25, `${untold.waitedMs} ms`);
});

Deno.test("After a single message the system is asked at once, in a burst the clock looks first", async () => {
  const clock = new VirtualClock();
  const socket = new FakePull(true);
  const onFault = (error: unknown) => assert.fail(`${error}`);
  const receiver = new Receiver({ socket, clock, onFrame: () => {}, onFault });
  await clock.advance(10_000);
  for (let i = 0; i < 10; i++) {
    const before = socket.looks;
    socket.arrive();
    await clock.advance(500);
    assert.equal(
      socket.looks - before,
      2,
      "one that finds the message, and one that finds no other",
    );
  }
  socket.waiting = 3;
  socket.arrive();
  await clock.advance(1);
  // Quick looks come with the turns of the event loop, not with the clock.
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(socket.waiting, 0);
  assert.equal(socket.isAsked, false);
  await clock.advance(receiveBusyPauseMs);
  assert.equal(socket.isAsked, true);
  await receiver.close();
});

/** A receiver whose front door tells of what comes; `waits` counts how often something was waited for. */
function withDoor({ tells = true, canWait = true } = {}) {
  const clock = new VirtualClock();
  const socket = new FakePull(tells);
  const made = { clock, socket, waits: 0, arrives: 1, frames: 0, asked: 0 };
  if (canWait) {
    socket.wait = () => {
      made.waits++;
      socket.waiting += made.arrives;
      return made.arrives > 0;
    };
  }
  const receiver = new Receiver({
    socket,
    clock,
    onFrame: () => void made.frames++,
    onFault: (error) => assert.fail(`${error}`),
  });
  return Object.assign(made, { receiver });
}

/** The turns of the event loop that quick looks take. */
async function turns(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
}

Deno.test("A message that the front door tells of is waited for, and the system is not asked", async () => {
  const it = withDoor();
  await it.clock.advance(10_000);
  for (let i = 1; i <= 5; i++) {
    it.receiver.expect(true);
    await turns();
    assert.deepEqual([it.waits, it.frames, it.socket.isAsked], [i, i, false]);
    // What the door did not tell of is found nevertheless, if late.
    await it.clock.advance(2 * receiveWatchedPauseMs);
    assert.equal(it.socket.isAsked, false);
  }
  it.socket.waiting++;
  await it.clock.advance(receiveWatchedPauseMs);
  assert.equal(it.frames, 6);
  await it.receiver.close();
  it.receiver.expect(true);
  assert.equal(it.waits, 5, "the descriptor may be that of another by now");
});

Deno.test("What is waited for in vain is told of by the system, and not waited for again at once", async () => {
  const it = withDoor();
  it.receiver.expect(true);
  await it.clock.advance(1_000);
  assert.equal(it.socket.isAsked, false);
  it.arrives = 0;
  it.receiver.expect(true);
  assert.deepEqual([it.waits, it.socket.isAsked], [2, true]);
  for (let i = 0; i < 5; i++) it.receiver.expect(true);
  assert.equal(it.waits, 2, "the program has stood still often enough");
  it.socket.arrive();
  await turns();
  assert.deepEqual([it.frames, it.socket.isAsked], [2, true], "others may still come");
  await it.clock.advance(unsureMs);
  it.arrives = 1;
  it.receiver.expect(true);
  await turns();
  assert.deepEqual([it.waits, it.frames, it.socket.isAsked], [3, 3, false]);
  await it.receiver.close();
});

Deno.test("Of anything but one whole message the system tells, also behind a message that came", async () => {
  const it = withDoor();
  it.receiver.expect(true);
  await it.clock.advance(1_000);
  it.receiver.expect(false);
  assert.deepEqual([it.waits, it.socket.isAsked], [1, true]);
  it.receiver.expect(true);
  await turns();
  assert.deepEqual([it.waits, it.socket.isAsked], [1, true]);
  await it.receiver.close();
});

Deno.test("What the front door tells of while a message is received is told of by the system", async () => {
  const it = withDoor();
  await it.clock.advance(1_000);
  it.receiver.expect(true);
  it.receiver.expect(true);
  await turns();
  assert.deepEqual([it.waits, it.frames, it.socket.isAsked], [1, 1, true]);
  it.socket.arrive();
  await turns();
  assert.equal(it.frames, 2);
  await it.receiver.close();
});

Deno.test("News that is no message is not taken for the one that the front door told of", async () => {
  const it = withDoor();
  await it.clock.advance(1_000);
  it.socket.wait = () => true;
  it.receiver.expect(true);
  await turns();
  assert.equal(it.socket.isAsked, true);
  it.socket.arrive();
  await turns();
  assert.equal(it.frames, 1);
  await it.receiver.close();
});

Deno.test("Where the system tells of nothing, a message that the front door tells of is looked for at once", async () => {
  const it = withDoor({ tells: false, canWait: false });
  await it.clock.advance(10_000);
  it.receiver.expect(true);
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  it.socket.waiting++;
  await turns();
  assert.equal(it.frames, 1);
  // One that takes longer is found by the clock.
  it.receiver.expect(true);
  await turns();
  it.socket.waiting++;
  await it.clock.advance(receivePauseMsMax);
  assert.equal(it.frames, 2);
  await it.receiver.close();
});
