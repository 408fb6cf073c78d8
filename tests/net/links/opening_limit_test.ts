import assert from "node:assert/strict";
import {
  latenessMs,
  openingsMax,
  openingsMin,
  slowOpeningMs,
} from "../../../net/links/link_limits.ts";
import { OpeningLimit } from "../../../net/links/opening_limit.ts";

/** A process that opens links, so many at once. */
class Machine {
  readonly limit = new OpeningLimit();
  now = 0;

  /** So many links begin at once, and are judged when they are up, or slow to come up. */
  open(count: number, { ms, lateMs = 0 }: { ms: number; lateMs?: number }): void {
    const begunAt = this.now;
    this.now += Math.min(ms, slowOpeningMs);
    for (let i = 0; i < count; i++) this.limit.judge({ begunAt, lateMs }, this.now);
  }

  /** As many links as may begin at once, on a machine that takes so many milliseconds for one of them. */
  round(msEach: number): void {
    const { places } = this.limit;
    this.open(places, { ms: places * msEach, lateMs: msEach });
  }
}

const slow = { ms: slowOpeningMs, lateMs: latenessMs };

Deno.test("Half as many links open at once where they are slow and timers are late, once for all that began together", () => {
  const machine = new Machine();
  machine.open(openingsMax, slow);
  assert.equal(machine.limit.places, openingsMax / 2);
  machine.open(openingsMax / 2, slow);
  assert.equal(machine.limit.places, openingsMax / 4);
  for (let i = 0; i < 9; i++) machine.open(openingsMax, slow);
  assert.equal(machine.limit.places, openingsMin);
});

Deno.test("Long lines, and devices that say nothing, change nothing where timers are in time", () => {
  const machine = new Machine();
  for (let i = 0; i < 20; i++) machine.open(openingsMax, { ms: 5_000, lateMs: latenessMs - 1 });
  assert.equal(machine.limit.places, openingsMax);
});

Deno.test("Late timers change nothing where links open promptly", () => {
  const machine = new Machine();
  for (let i = 0; i < 20; i++) machine.open(openingsMax, { ms: slowOpeningMs - 1, lateMs: 500 });
  assert.equal(machine.limit.places, openingsMax);
});

Deno.test("A few devices that are slow on purpose change nothing on a busy machine", () => {
  const machine = new Machine();
  for (let i = 0; i < 40; i++) {
    machine.open(4, { ms: 200, lateMs: 100 });
    machine.open(4, slow);
  }
  assert.equal(machine.limit.places, openingsMax);
  machine.open(3, { ms: 200 });
  machine.open(5, slow);
  assert.equal(machine.limit.places, openingsMax / 2, "where most are slow it is not they alone");
});

Deno.test("More links open at once again when they open in time, twice as many where they take half of it, and all after fifteen seconds without a sign", () => {
  const machine = new Machine();
  const lower = () => {
    for (let i = 0; i < 9; i++) machine.open(openingsMax, slow);
    assert.equal(machine.limit.places, openingsMin);
  };
  lower();
  machine.open(openingsMin, { ms: slowOpeningMs - 1 });
  assert.ok(Math.abs(machine.limit.places - (openingsMin + 4)) <= 1, `${machine.limit.places}`);
  lower();
  machine.open(openingsMin, { ms: slowOpeningMs / 2 - 1 });
  assert.equal(machine.limit.places, 2 * openingsMin);
  for (let i = 0; i < 3; i++) machine.open(machine.limit.places, { ms: 100 });
  assert.equal(machine.limit.places, openingsMax);
  lower();
  machine.now += 15_000;
  machine.open(1, { ms: slowOpeningMs - 1 });
  assert.equal(machine.limit.places, openingsMax);
});

Deno.test("Where a link takes a tenth of a second of processor, as many open at once as come up in time; where it takes a millisecond, as many as ever", () => {
  const busy = new Machine();
  for (let i = 0; i < 4; i++) busy.round(100);
  for (let i = 0; i < 50; i++) {
    busy.round(100);
    const ms = busy.limit.places * 100;
    assert.ok(ms < 1.5 * slowOpeningMs, `${ms}`);
  }
  const quick = new Machine();
  for (let i = 0; i < 50; i++) quick.round(1);
  assert.equal(quick.limit.places, openingsMax);
});
