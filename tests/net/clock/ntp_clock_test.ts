import assert from "node:assert/strict";
import { NtpClock } from "../../../net/clock/ntp_clock.ts";
import type { NtpSample } from "../../../net/clock/judge.ts";
import type { NtpQuery } from "../../../net/clock/query.ts";
import type { ClockStatus } from "../../../core/ports.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { chronyMissing, startChrony } from "../../chrony.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { type NtpAnswer, startResponder } from "./ntp_responder.ts";

const missing = await chronyMissing();
const why = missing ? ` (ignored: ${missing})` : "";

/** The machine's clock and the server's run alike; what remains is rounding and load. */
const toleranceMs = 250;

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= toleranceMs, `${actual} instead of ${expected}`);
}

Deno.test({
  name: `The clock follows a real chrony that is 37 s ahead${why}`,
  ignore: missing !== undefined,
  async fn() {
    const chrony = await startChrony(37);
    const clock = new NtpClock({ servers: [chrony.address] });
    try {
      const before = clock.status();
      assert.deepEqual(before, { offsetMs: 0, source: "system" });
      const changed = new Promise((resolve) => clock.onChange(resolve));
      clock.start();
      await changed;
      const status = clock.status();
      assert.equal(status.source, "ntp");
      assertNear(status.offsetMs, 37_000);
      assertNear(clock.now(), Date.now() + 37_000);
      assertNear(status.syncedAt ?? 0, clock.now());
      assert.ok(Number.isInteger(clock.now()));
    } finally {
      clock.close();
      await chrony.stop();
    }
  },
});

Deno.test({
  name: `The clock takes the median of real servers and outvotes the wrong one${why}`,
  ignore: missing !== undefined,
  async fn() {
    const servers = await Promise.all([startChrony(-12), startChrony(500), startChrony(-12)]);
    const clock = new NtpClock({ servers: servers.map((server) => server.address) });
    try {
      assert.equal(await clock.sync(), true);
      assertNear(clock.status().offsetMs, -12_000);
    } finally {
      clock.close();
      await Promise.all(servers.map((server) => server.stop()));
    }
  },
});

/** Synchronises once with servers inside the test. */
async function syncWith(...answers: ((n: number) => NtpAnswer | undefined)[]): Promise<NtpClock> {
  const responders = answers.map(startResponder);
  const clock = new NtpClock({ servers: responders.map((responder) => responder.address) });
  try {
    await clock.sync();
    return clock;
  } finally {
    clock.close();
    await Promise.all(responders.map((responder) => responder.stop()));
  }
}

Deno.test("An NTP server that falls silent after its first answer still counts, in bounded time", async () => {
  const startedAt = performance.now();
  const clock = await syncWith((n) => n === 0 ? { offsetMs: 5_000 } : undefined);
  assertNear(clock.status().offsetMs, 5_000);
  assert.ok(performance.now() - startedAt < 10_000);
});

const hostile: Readonly<Record<string, NtpAnswer | undefined>> = {
  "the year 1900": { zeroTime: true },
  "an offset of twenty years": { offsetMs: 20 * 365 * 86_400_000 },
  "garbage": { bytes: new Uint8Array(48).fill(0xff) },
  "a flood of garbage": { bytes: new Uint8Array(60_000).fill(0xff) },
  "an empty packet": { bytes: new Uint8Array(0) },
  "a packet cut short": { bytes: new Uint8Array(20).fill(0x24) },
  "a kiss-o'-death": { stratum: 0, offsetMs: 9_000 },
  "an unsynchronised clock": { flags: 0xe4, offsetMs: 9_000 },
  "somebody else's answer": { wrongOrigin: true, offsetMs: 9_000 },
};

for (const [what, answer] of Object.entries(hostile)) {
  Deno.test(`An NTP server that sends ${what} changes nothing`, async () => {
    const clock = await syncWith(() => answer);
    assert.deepEqual(clock.status(), { offsetMs: 0, source: "system" });
  });
}

Deno.test("Closing the clock ends a query under way", async () => {
  const responder = startResponder(() => undefined);
  const clock = new NtpClock({ servers: [responder.address] });
  const synced = clock.sync();
  clock.close();
  assert.equal(await synced, false);
  await responder.stop();
});

/** Samples of a server that is ahead by that much. */
function samplesOf(base: { now(): number }, offsetMs: number): NtpSample[] {
  const at = base.now();
  const server = { receivedAt: at + offsetMs, transmittedAt: at + offsetMs };
  const good = { leap: 0, mode: 4, version: 4, stratum: 1, rootDistanceMs: 0 };
  return [{ askedAt: at, originAt: at, answeredAt: at, ...server, ...good }];
}

const hour = 3_600_000;

Deno.test("The clock asks every hour, and sooner, ever less often, while nobody answers", async () => {
  const base = new VirtualClock();
  const askedAt: number[] = [];
  let offsetMs: number | undefined;
  const query: NtpQuery = () => {
    askedAt.push(Math.floor(base.monotonic() / 60_000));
    return Promise.resolve(offsetMs === undefined ? [] : samplesOf(base, offsetMs));
  };
  const clock = new NtpClock({ servers: [{ host: "ntp.example", port: 123 }], base, query });
  const seen: string[] = [];
  clock.onChange((status) => seen.push(`${status.source} ${status.offsetMs}`));
  clock.start();
  await base.run(10 * 60_000);
  assert.deepEqual(askedAt, [0, 1, 3, 7]);
  offsetMs = 1_000;
  await base.run(16 * 60_000);
  assert.equal(askedAt.at(-1), 15);
  assert.equal(clock.now() - base.now(), 1_000);
  await base.run(16 * 60_000 + 2 * hour);
  assert.deepEqual(askedAt.slice(-2), [75, 135]);
  offsetMs = undefined;
  await base.run(16 * 60_000 + 3 * hour);
  assert.equal(clock.status().source, "ntp", "the last offset holds");
  assert.deepEqual(seen.slice(0, 5), ["system 0", "system 0", "system 0", "system 0", "ntp 1000"]);
  clock.close();
  assert.equal(base.pending, 0);
});

Deno.test("The clock asks nobody while its peer starts, and never if it is closed meanwhile", async () => {
  const base = new VirtualClock();
  const askedAt: number[] = [];
  const query: NtpQuery = () => {
    askedAt.push(base.monotonic());
    return Promise.resolve(samplesOf(base, 0));
  };
  const servers = [{ host: "ntp.example", port: 123 }];
  const brief = new NtpClock({ servers, base, query });
  brief.start();
  await base.run(900);
  brief.close();
  assert.equal(base.pending, 0);
  const startedAt = base.monotonic();
  const clock = new NtpClock({ servers, base, query });
  clock.start();
  await base.run(10_000);
  assert.deepEqual(askedAt, [startedAt + 1_000]);
  clock.close();
});

Deno.test("The clock asks anew soon after the system's clock jumped", async () => {
  const base = new VirtualClock();
  const system = base.view();
  let asked = 0;
  const query: NtpQuery = () => {
    asked++;
    return Promise.resolve(samplesOf(system, base.now() - system.now()));
  };
  const clock = new NtpClock({
    servers: [{ host: "ntp.example", port: 123 }],
    base: system,
    query,
  });
  clock.start();
  await base.run(600_000);
  assert.equal(asked, 1);
  system.step(-90_000);
  await base.run(660_000);
  assert.equal(asked, 2);
  assert.equal(clock.now(), base.now());
  clock.close();
});

Deno.test("NTP can be turned off", async () => {
  const clock = new NtpClock({ servers: [] });
  clock.start();
  assert.equal(await clock.sync(), false);
  assert.deepEqual(clock.status(), { offsetMs: 0, source: "system" });
  clock.close();
});

Deno.test("The clock asks other servers as soon as they are named, and none is the system's clock again", async () => {
  const base = new VirtualClock();
  const asked: string[] = [];
  const late = Promise.withResolvers<void>();
  const query: NtpQuery = async ({ host }) => {
    asked.push(host);
    if (host === "slow.example") await late.promise;
    return samplesOf(base, host === "far.example" ? hour : 1_000);
  };
  const server = (host: string) => [{ host, port: 123 }];
  const clock = new NtpClock({ servers: [], base, query });
  const seen: string[] = [];
  clock.onChange(({ source, offsetMs, doubtedMs }) =>
    seen.push(`${source} ${offsetMs} ${doubtedMs ?? 0}`)
  );
  clock.start();
  clock.use({ servers: server("slow.example"), trustFar: false });
  await base.run(1);
  clock.use({ servers: server("far.example"), trustFar: false });
  late.resolve();
  await base.run(2);
  assert.deepEqual(asked, ["slow.example", "far.example"]);
  assert.deepEqual(seen, [`system 0 ${hour}`], "the answer of the one before does not count");
  clock.use({ servers: server("far.example"), trustFar: true });
  await base.run(3);
  assert.equal(clock.now() - base.now(), hour);
  clock.use({ servers: server("far.example"), trustFar: true });
  await base.run(4);
  assert.equal(asked.length, 3, "nothing has changed");
  clock.use({ servers: [], trustFar: true });
  assert.equal(clock.now(), base.now());
  await base.run(2 * hour);
  assert.equal(asked.length, 3);
  assert.deepEqual(seen.slice(1), [`ntp ${hour} 0`, "system 0 0"]);
  clock.close();
  assert.equal(base.pending, 0);
});

Deno.test("The system's clock runs timers once, or not when cancelled", async () => {
  const clock = new SystemClock();
  const fired: string[] = [];
  await new Promise<void>((resolve) => {
    clock.after(3, () => fired.push("cancelled")).cancel();
    const far = clock.after(2 ** 40, () => fired.push("far"));
    clock.after(-1, () => fired.push("now"));
    clock.after(10, () => {
      far.cancel();
      resolve();
    });
  });
  assert.deepEqual(fired, ["now"]);
  assert.ok(Math.abs(clock.now() - Date.now()) < 1_000);
  assert.equal(clock.status().source, "system");
});

Deno.test("Attack: forged time servers say that it is 400 days later, and the clock does not move unasked", async () => {
  const base = new VirtualClock();
  let offsetMs = 400 * 86_400_000;
  const query: NtpQuery = () => Promise.resolve(samplesOf(base, offsetMs));
  const servers = [{ host: "ntp.example", port: 123 }];
  const clock = new NtpClock({ servers, base, query });
  const seen: ClockStatus[] = [];
  clock.onChange((status) => seen.push(status));
  for (let i = 0; i < 3; i++) await clock.sync();
  assert.equal(clock.now(), base.now());
  assert.deepEqual(seen, [{ offsetMs: 0, source: "system", doubtedMs: offsetMs }]);
  offsetMs = 599_000;
  await clock.sync();
  assert.equal(clock.now() - base.now(), offsetMs);
  assert.equal(clock.status().source, "ntp");
  offsetMs = -601_000;
  await clock.sync();
  assert.equal(clock.now(), base.now());
  clock.close();
  const trusting = new NtpClock({ servers, base, query, trustFar: true });
  await trusting.sync();
  assert.equal(trusting.now() - base.now(), offsetMs);
  trusting.close();
});
