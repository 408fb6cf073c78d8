import assert from "node:assert/strict";
import type { Clock } from "../../../core/ports.ts";
import type { HostPort } from "../../../lib/host_port.ts";
import { Membership } from "../../../net/directory/membership.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";

const bootstrap = [{ host: "bootstrap.example", port: 8000 }];

/** A node whose fortune the test decides. */
class FakeNode {
  joined = false;
  /** What the next attempts lead to. */
  reachable = false;
  readonly attempts: number[] = [];
  readonly asked: (readonly HostPort[])[] = [];
  readonly clock = new VirtualClock();
  readonly states: boolean[] = [];
  fail = false;
  hang = false;

  /** What the last attempt calls when it knows the neighbourhood. */
  foundNear: () => void = () => {};

  bootstrap(
    addresses: readonly HostPort[],
    signal?: AbortSignal,
    onNear: () => void = () => {},
  ): Promise<boolean> {
    this.foundNear = onNear;
    this.attempts.push(this.clock.monotonic());
    this.asked.push(addresses);
    if (this.hang) {
      return new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    }
    if (this.fail) return Promise.reject(new Error("the disk is on fire"));
    if (this.reachable) this.joined = true;
    return Promise.resolve(this.joined);
  }

  join(clock: Clock = this.clock): Membership {
    return new Membership({
      node: this,
      clock,
      random: new SeededRandom(1),
      bootstrap,
      onChange: () => this.states.push(this.joined),
    });
  }
}

function intervals(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}

Deno.test("Membership tries again after 2 s, then less and less often, once a minute at last", async () => {
  const node = new FakeNode();
  const joining = node.join();
  await node.clock.advance(400_000);
  assert.deepEqual(node.asked[0], bootstrap);
  const expected = [2, 4, 8, 16, 32, 60, 60, 60];
  for (const [i, interval] of intervals(node.attempts).slice(0, expected.length).entries()) {
    const most = (expected[i] ?? 0) * 1_000;
    assert(interval <= most && interval >= 0.9 * most, `attempt ${i} came after ${interval} ms`);
  }
  assert.deepEqual(node.states, []);
  joining.stop();
  await node.clock.advance(1);
  assert.equal(node.clock.pending, 0);
});

Deno.test("Nobody waits for the far end of the table once the neighbourhood is known", async () => {
  const node = new FakeNode();
  node.hang = true;
  const joining = node.join();
  let isReady = false;
  joining.firstAttempt.then(() => isReady = true);
  await node.clock.advance(100);
  assert.equal(isReady, false);
  node.joined = true;
  node.foundNear();
  await node.clock.advance(1);
  assert.equal(isReady, true);
  assert.deepEqual(node.states, [true]);
  assert.equal(node.attempts.length, 1);
  joining.stop();
  node.joined = false;
  node.foundNear();
  assert.deepEqual(node.states, [true], "it is stopped");
});

Deno.test("Membership tells when the network is found, by an attempt or by others", async () => {
  const node = new FakeNode();
  const joining = node.join();
  await node.clock.advance(3_000);
  node.reachable = true;
  await node.clock.advance(4_000);
  assert.deepEqual(node.states, [true]);
  joining.stop();

  const found = new FakeNode();
  const other = found.join();
  await found.clock.advance(20_000);
  found.joined = true;
  await found.clock.advance(1_000);
  assert.deepEqual(found.states, [true]);
  other.stop();
});

Deno.test("Membership starts over at once when the network is lost", async () => {
  const node = new FakeNode();
  node.reachable = true;
  const joining = node.join();
  await joining.firstAttempt;
  await node.clock.advance(100_000);
  assert.equal(node.attempts.length, 1);
  node.joined = false;
  node.reachable = false;
  await node.clock.advance(10_000);
  assert.deepEqual(node.states, [true, false]);
  assert.equal(node.attempts.length, 2, "at once");
  await node.clock.advance(2_000);
  assert.equal(node.attempts.length, 3, "and 2 s later again");
  node.reachable = true;
  await node.clock.advance(4_000);
  assert.deepEqual(node.states, [true, false, true]);
  joining.stop();
});

Deno.test("Membership asks its bootstrap nodes again every ten minutes, so that split networks meet", async () => {
  const node = new FakeNode();
  node.reachable = true;
  const joining = node.join();
  await node.clock.advance(3_600_000);
  assert(node.attempts.length >= 6 && node.attempts.length <= 7, `${node.attempts.length}`);
  assert.deepEqual(node.states, [true]);
  joining.stop();
});

Deno.test("Membership survives an attempt that fails, and stops for good when told", async () => {
  const node = new FakeNode();
  node.fail = true;
  const joining = node.join();
  await joining.firstAttempt;
  await node.clock.advance(2_000);
  assert.equal(node.attempts.length, 2);
  joining.stop();
  await node.clock.advance(1_000_000);
  assert.equal(node.attempts.length, 2);
});

Deno.test("Membership keeps nobody waiting for more than 5 s, and a hanging attempt ends when told", async () => {
  const node = new FakeNode();
  node.hang = true;
  const joining = node.join();
  await node.clock.drive(joining.firstAttempt);
  assert.equal(node.clock.monotonic(), 5_000);
  joining.stop();
  await node.clock.advance(1_000_000);
  assert.equal(node.attempts.length, 1);
});

Deno.test("After a sleep the network is joined again at once, whatever was to come next", async () => {
  const node = new FakeNode();
  node.reachable = true;
  const clock = node.clock.view();
  const joining = node.join(clock);
  await node.clock.advance(30_000);
  assert.equal(node.attempts.length, 1);
  clock.freeze();
  await node.clock.advance(120_000);
  clock.thaw();
  await node.clock.advance(1_000);
  assert.equal(node.attempts.length, 2);
  joining.stop();
});

Deno.test("Nodes named later are joined through at once, and in every attempt from then on", async () => {
  const node = new FakeNode();
  const joining = node.join();
  await node.clock.advance(100);
  const named = [{ host: "192.0.2.7", port: 8000 }];
  node.reachable = true;
  await joining.join(named);
  assert.equal(node.attempts.length, 2);
  assert.deepEqual(node.asked[1], [...named, ...bootstrap]);
  assert.deepEqual(node.states, [true]);
  await joining.join(named);
  await node.clock.advance(700_000);
  assert.deepEqual(node.asked.at(-1), [...named, ...bootstrap]);
  const many = Array.from({ length: 40 }, (_, i) => ({ host: `192.0.2.${i}`, port: 8000 }));
  await joining.join(many);
  assert.deepEqual(node.asked.at(-1), [...many.slice(0, 16), ...bootstrap]);
  joining.stop();
  await joining.join(named);
  await node.clock.advance(1);
  assert.equal(node.clock.pending, 0);
});

Deno.test("Nodes named while an attempt goes on are joined through after it", async () => {
  const node = new FakeNode();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const first = node.bootstrap;
  let begun = 0;
  node.bootstrap = (addresses, signal) => {
    begun++;
    return promise.then(() => first.call(node, addresses, signal));
  };
  const joining = node.join();
  const done = joining.join([{ host: "192.0.2.7", port: 8000 }]);
  await node.clock.advance(1);
  assert.equal(begun, 1);
  resolve(true);
  await done;
  assert.deepEqual(node.asked.map((asked) => asked.length), [1, 2]);
  joining.stop();
});
