import assert from "node:assert/strict";
import { type Connect, connectTwice, secondConnectMs } from "../../../net/links/connect.ts";
import { VirtualClock } from "../../sim/clock.ts";

const place = { ip: "80.1.2.3", port: 7000 };

/** Attempts that take so long each; negative ones fail then. */
function simConnect(clock: VirtualClock, ...takeMs: number[]) {
  const conns: { number: number; closed: boolean }[] = [];
  let begun = 0;
  const once: Connect = (_to, signal) =>
    new Promise((resolve, reject) => {
      const number = begun++;
      const ms = takeMs[number] ?? Infinity;
      signal.addEventListener("abort", () => reject(signal.reason));
      if (signal.aborted) reject(signal.reason);
      if (Math.abs(ms) === Infinity) return;
      clock.after(Math.abs(ms), () => {
        if (ms < 0) return reject(new Error(`attempt ${number} is refused`));
        if (signal.aborted) return;
        const conn = { number, closed: false, close: () => void (conn.closed = true) };
        conns.push(conn);
        resolve(conn as unknown as Deno.TcpConn);
      });
    });
  const connect = async (signal = new AbortController().signal) => {
    const conn = await clock.drive(connectTwice(clock, place, signal, once));
    return (conn as unknown as { number: number }).number;
  };
  return { connect, conns, begun: () => begun };
}

Deno.test("A connection that comes about at once is the only attempt", async () => {
  const clock = new VirtualClock();
  const { connect, begun } = simConnect(clock, 40);
  assert.equal(await connect(), 0);
  await clock.advance(5_000);
  assert.equal(begun(), 1);
  assert.equal(clock.pending, 0);
});

Deno.test("A lost SYN costs a third of a second, and a slow line nothing", async () => {
  const clock = new VirtualClock();
  const lost = simConnect(clock, 1_040, 40);
  const before = clock.monotonic();
  assert.equal(await lost.connect(), 1);
  assert.equal(clock.monotonic() - before, secondConnectMs + 40);
  const slow = simConnect(clock, 600, 600);
  assert.equal(await slow.connect(), 0);
  const both = simConnect(clock, secondConnectMs + 40, 40);
  assert.equal(await both.connect(), 0);
  await clock.advance(5_000);
  for (const { conns } of [lost, slow, both]) {
    assert.equal(conns.filter(({ closed }) => !closed).length, 1, "one is used");
  }
});

Deno.test("Refused is refused, and a signal ends both attempts", async () => {
  const clock = new VirtualClock();
  const refused = simConnect(clock, -20);
  await assert.rejects(refused.connect(), /attempt 0 is refused/);
  assert.equal(refused.begun(), 1);
  const late = simConnect(clock, -900, -20);
  await assert.rejects(late.connect(), /is refused/);
  const { connect, conns, begun } = simConnect(clock);
  const abort = new AbortController();
  clock.after(1_000, () => abort.abort(new Error("no longer wanted")));
  await assert.rejects(connect(abort.signal), /no longer wanted/);
  assert.equal(begun(), 2);
  assert.deepEqual(conns, []);
  await assert.rejects(connect(abort.signal), /no longer wanted/);
  assert.equal(clock.pending, 0);
});
