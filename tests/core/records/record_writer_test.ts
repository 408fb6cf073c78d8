import assert from "node:assert/strict";
import { type SignedRecord, signRecord } from "../../../core/model/record.ts";
import { expiryFor } from "../../../core/model/record_policy.ts";
import type { PutReport } from "../../../core/ports.ts";
import { RecordWriter, type WriteOrder } from "../../../core/records/record_writer.ts";
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
  assert.ok(puts() <= 6);
  assert.ok(world.clock.monotonic() - before < 5_000);
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
