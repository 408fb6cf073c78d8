import assert from "node:assert/strict";
import { type SignedRecord, signRecord } from "../../../core/model/record.ts";
import { expiryFor, recordLifetimeMs } from "../../../core/model/record_policy.ts";
import type { PutReport } from "../../../core/ports.ts";
import { isWorn, RecordWriter, type WriteOrder } from "../../../core/records/record_writer.ts";
import { World } from "../accounts_world.ts";
import { identityOf } from "../../sim/users.ts";

const order = {
  namespace: "connections",
  build: (seen) => Promise.resolve(seen === undefined ? { devices: [] } : undefined),
} as const satisfies WriteOrder<"connections">;

/** A writer over a directory whose `put` answers as told. */
async function writerWith(put: (record: SignedRecord) => PutReport | undefined) {
  const world = new World();
  const device = world.device();
  const { session } = await world.run(device.register("alice"));
  const real = device.directory.put.bind(device.directory);
  let puts = 0;
  device.directory.put = (record, signal) => {
    puts++;
    const report = put(record);
    return report === undefined ? real(record, signal) : Promise.resolve(report);
  };
  return { world, device, session, writer: new RecordWriter(session, () => {}), puts: () => puts };
}

Deno.test("A write that is refused for ever is given up after a bounded number of tries", async () => {
  const refused = { accepted: 0, refused: 20, asked: 20 };
  const { world, session, writer, puts } = await writerWith(() => refused);
  const before = world.clock.monotonic();
  assert.equal(await world.run(writer.write(order)), "refused");
  assert.equal(puts(), 6);
  // 100, 200, 400, 800 and 1,600 ms, of each at least the half.
  const waitedMs = world.clock.monotonic() - before;
  assert.ok(waitedMs >= 1_550 && waitedMs <= 3_100, String(waitedMs));
  await session.close();
});

Deno.test("A write that as many holders refuse as accept is tried again", async () => {
  const reports = [{ accepted: 10, refused: 10, asked: 20 }, {
    accepted: 11,
    refused: 9,
    asked: 20,
  }];
  const { world, session, writer, puts } = await writerWith(() => reports.shift());
  assert.equal(await world.run(writer.write(order)), "written");
  assert.equal(puts(), 2);
  await session.close();
});

Deno.test("A write that nobody answers is one without a network", async () => {
  const silence = { accepted: 0, refused: 0, asked: 20 };
  const { world, device, session, writer, puts } = await writerWith(() => silence);
  assert.equal(await world.run(writer.write(order)), "offline");
  assert.equal(puts(), 1);
  device.directory.reachable = false;
  const force = { ...order, force: true };
  assert.equal(await world.run(writer.write(force)), "offline");
  assert.equal(puts(), 1, "without anybody to read from nothing is written");
  await session.close();
});

Deno.test("A superseded write takes a higher number than what it met", async () => {
  const identity = identityOf("unused");
  identity.wipe();
  const { world, session, writer } = await writerWith(() => undefined);
  const now = world.clock.now();
  const ahead = signRecord({
    username: "alice",
    namespace: "connections",
    sequence: now + 86_400_000,
    expiresAt: expiryFor("connections", now),
    body: { devices: [] },
  }, session.identity);
  await world.run(writer.read("connections"));
  await world.run(session.ports.directory.put(ahead));
  const seen: (number | undefined)[] = [];
  const outcome = await world.run(writer.write({
    ...order,
    build: (record) => {
      seen.push(record?.sequence);
      return Promise.resolve({ devices: [] });
    },
  }));
  assert.equal(outcome, "written");
  assert.deepEqual(seen, [undefined, ahead.sequence]);
  assert.equal(world.network.peek("alice", "connections")?.sequence, ahead.sequence + 1);
  await session.close();
});

Deno.test("A record that claims to be newer but is another's changes nothing", async () => {
  const mallory = identityOf("mallory");
  const now = Date.UTC(2026, 0, 1);
  const foreign = signRecord({
    username: "alice",
    namespace: "connections",
    sequence: Number.MAX_SAFE_INTEGER,
    expiresAt: expiryFor("connections", now),
    body: { devices: [] },
  }, mallory);
  const { world, session, writer } = await writerWith(() => ({
    accepted: 12,
    refused: 8,
    asked: 20,
    newer: foreign,
  }));
  assert.equal(await world.run(writer.write(order)), "written");
  assert.notEqual(writer.seen("connections")?.sequence, foreign.sequence);
  await session.close();
});

Deno.test("Two devices that keep overwriting one another stop after a bounded number of writes", async () => {
  const { world, session, writer, puts } = await writerWith(() => undefined);
  let wanted = 0;
  const stubborn: WriteOrder<"connections"> = {
    ...order,
    build: () => {
      wanted++;
      return Promise.resolve({ devices: [] });
    },
  };
  await world.run(writer.write(stubborn));
  await world.clock.advance(3_600_000);
  assert.ok(puts() <= 7, `${puts()} writes`);
  assert.equal(wanted, puts());
  await session.close();
});

Deno.test("However many pages are written, a bounded number of records is remembered", async () => {
  const { world, session, writer } = await writerWith(() => undefined);
  for (let generation = 1; generation <= 3; generation++) {
    for (let page = 0; page < 256; page++) {
      await world.run(writer.write({
        namespace: `public:${generation}:${page}`,
        build: () => Promise.resolve({ entries: [] }),
      }));
    }
  }
  assert.equal(writer.seen("public:1:0"), undefined);
  assert.ok(writer.seen("public:3:255"));
  await session.close();
  assert.equal(writer.seen("public:3:255"), undefined, "nothing is left after logout");
});

Deno.test("Where others have to accept, one's own node does not count", async () => {
  const cases: readonly [PutReport, byOthers: boolean, outcome: string][] = [
    [{ accepted: 1, refused: 0, asked: 1, own: true }, true, "written"],
    [{ accepted: 3, refused: 0, asked: 4, own: true }, true, "written"],
    [{ accepted: 2, refused: 0, asked: 3, own: true }, true, "refused"],
    [{ accepted: 2, refused: 0, asked: 3 }, true, "written"],
    [{ accepted: 2, refused: 0, asked: 4 }, true, "refused"],
    [{ accepted: 1, refused: 0, asked: 5, own: true }, true, "offline"],
    [{ accepted: 1, refused: 0, asked: 5, own: true }, false, "written"],
    [{ accepted: 1, refused: 1, asked: 5, own: true }, true, "refused"],
  ];
  const { world, session, device } = await writerWith(() => undefined);
  for (const [report, byOthers, outcome] of cases) {
    device.directory.put = () => Promise.resolve(report);
    const writer = new RecordWriter(session, () => {});
    const build = () => Promise.resolve({ devices: [] });
    const written = await world.run(writer.write({ ...order, build, byOthers }));
    assert.equal(written, outcome, JSON.stringify(report));
    writer.forget("connections");
  }
  await session.close();
});

Deno.test("What was read or written within five seconds is not read again before a write", async () => {
  const { world, device, session, writer, puts } = await writerWith(() => undefined);
  const gets = () => device.directory.calls.get;
  const build = () => Promise.resolve({ devices: [] });
  const write = async (changes: Partial<WriteOrder<"connections">> = {}) => {
    const before = gets();
    assert.equal(await world.run(writer.write({ ...order, build, ...changes })), "written");
    return gets() - before;
  };
  assert.equal(await write(), 1);
  assert.equal(await write(), 0);
  assert.equal(await write({ force: true }), 1);
  // Reading back, which comes two seconds after a write at the earliest, keeps a record fresh as well.
  const seen = writer.seen("connections");
  assert.ok(seen && writer.inForce("connections") === seen);
  assert.equal(writer.note(seen), false, "known already");
  assert.equal(puts(), 3);
  writer.forget("connections");
  assert.equal(writer.seen("connections"), undefined);
  assert.ok(writer.note(seen));
  assert.equal(writer.inForce("connections"), undefined, "noted is not in force");
  const at = gets();
  await world.clock.advance(60_000);
  assert.equal(gets(), at, "what was forgotten is not read back");
  await world.run(writer.read("connections"));
  await world.clock.advance(4_999);
  assert.equal(await write(), 0);
  writer.forget("connections");
  await world.run(writer.read("connections"));
  await world.clock.advance(5_000);
  assert.equal(await write(), 1);
  await session.close();
});

Deno.test("A write is read back two to three seconds later, and what was lost is written again", async () => {
  const { world, device, session, writer, puts } = await writerWith(() => undefined);
  let repaired = 0;
  const lost = { ...order, repaired: () => void repaired++ };
  await world.run(writer.write(lost));
  const gets = device.directory.calls.get;
  await world.clock.advance(1_999);
  assert.equal(device.directory.calls.get, gets);
  await world.clock.advance(1_001);
  assert.equal(device.directory.calls.get, gets + 1);
  assert.deepEqual([puts(), repaired], [1, 0], "it is still there");
  writer.forget("connections");
  await world.run(writer.read("connections"));
  let missing = true;
  await world.run(writer.write({
    ...lost,
    build: () => Promise.resolve(missing ? { devices: [] } : undefined),
  }));
  await world.clock.advance(3_000);
  missing = false;
  assert.deepEqual([puts(), repaired], [3, 1]);
  await world.clock.advance(60_000);
  assert.deepEqual([puts(), repaired], [3, 1]);
  await session.close();
});

Deno.test("A record is worn after a twelfth of its life", async () => {
  const { world, session, writer } = await writerWith(() => undefined);
  await world.run(writer.write(order));
  const record = writer.seen("connections");
  assert.ok(record);
  const wornAt = record.expiresAt - recordLifetimeMs.connections * 11 / 12;
  assert.equal(isWorn(record, wornAt), false);
  assert.equal(isWorn(record, wornAt + 1), true);
  await session.close();
});

Deno.test("Reading tells whether the network answered, and who else claims the name", async () => {
  const { world, device, session } = await writerWith(() => undefined);
  const told: (readonly Uint8Array[])[] = [];
  const writer = new RecordWriter(session, (keys) => told.push(keys));
  const other = identityOf("mallory").publicKey;
  const answer = { answered: 0, isAbsent: false, otherKeys: [] as Uint8Array[], record: undefined };
  const status = { ...device.directory.status(), joined: true, contacts: 3 };
  device.directory.get = () => Promise.resolve(answer as never);
  device.directory.status = () => status;
  const reads = () => world.run(writer.read("connections"));
  assert.equal(await reads(), false);
  assert.equal(told.length, 0);
  answer.otherKeys.push(other);
  answer.answered = 1;
  assert.equal(await reads(), false, "one node of several does not speak for all");
  answer.isAbsent = true;
  assert.equal(await reads(), true);
  assert.deepEqual(told, [[other], [other]]);
  answer.isAbsent = false;
  status.contacts = 0;
  assert.equal(await reads(), true, "the only node there is");
  status.joined = false;
  assert.equal(await reads(), false);
  await session.close();
});
