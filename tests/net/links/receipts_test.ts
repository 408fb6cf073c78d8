import assert from "node:assert/strict";
import { receiptLateMs, receiptLooks, receiptPauseMs } from "../../../net/links/link_limits.ts";
import { ReceiptGiver, ReceiptTaker } from "../../../net/links/receipts.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";

/** A ZMTP greeting, as far as receipts know it. */
function greeting(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3]);
  return bytes;
}

/** A frame of so many bytes, the receipt's first byte among them. */
function frame(bytes: number): Uint8Array {
  return Uint8Array.of(4, bytes, ...new Uint8Array(bytes).fill(0x80));
}

function giver() {
  const clock = new VirtualClock();
  const written: number[] = [];
  const to = {
    write(bytes: Uint8Array) {
      written.push(...bytes);
      return Promise.resolve(bytes.length);
    },
  };
  return { clock, written, giver: new ReceiptGiver(clock, to) };
}

function taker() {
  const clock = new VirtualClock();
  let silences = 0;
  const made = new ReceiptTaker(clock, () => silences++);
  return { clock, taker: made, silences: () => silences };
}

/** A receipt for so many bytes. */
function receipt(count: number): Uint8Array {
  return Uint8Array.of(0x80, count >>> 24, count >>> 16, count >>> 8, count);
}

Deno.test("A device gives no receipts to a sender that has not asked for them", async () => {
  const { clock, written, giver: device } = giver();
  await device.write(greeting());
  device.received(greeting());
  device.received(frame(10));
  await clock.advance(10_000);
  assert.equal(written.length, 64);
  assert.equal(clock.pending, 0);
});

Deno.test("A device says how much has come, once for what comes in a moment, and between frames alone", async () => {
  const { clock, written, giver: device } = giver();
  const asked = taker().taker.sent(greeting());
  for (const piece of [asked.slice(0, 10), asked.slice(10, 63), asked.slice(63)]) {
    device.received(piece);
  }
  await clock.advance(5 * receiptPauseMs);
  assert.deepEqual(written, [], "its own greeting is not over");
  await device.write(greeting());
  await clock.advance(receiptPauseMs);
  assert.deepEqual(written.splice(0), [...greeting(), ...receipt(64)]);
  device.received(frame(200));
  device.received(frame(100));
  const answer = frame(5);
  await device.write(answer.subarray(0, 3));
  await clock.advance(receiptPauseMs);
  assert.deepEqual(written.splice(0), [...answer.subarray(0, 3)]);
  await device.write(answer.subarray(3));
  await clock.advance(receiptPauseMs);
  assert.deepEqual(written.splice(0), [...answer.subarray(3), ...receipt(64 + 202 + 102)]);
  device.received(frame(1));
  device.close();
  await clock.advance(10_000);
  assert.deepEqual([written.length, clock.pending], [0, 0]);
  const late = giver();
  late.giver.close();
  late.giver.received(taker().taker.sent(greeting()));
  assert.equal(late.clock.pending, 0, "closed is closed");
});

Deno.test("A sender takes receipts out of what comes back, however it is cut", () => {
  const said = [greeting(), receipt(64), frame(3), receipt(70), receipt(80), frame(0), frame(200)];
  const stream = Uint8Array.from(said.flatMap((part) => [...part]));
  const kept = said.filter((part) => part[0] !== 0x80).flatMap((part) => [...part]);
  for (let size = 1; size <= stream.length; size++) {
    const { taker: sender } = taker();
    const heard: number[] = [];
    for (let at = 0; at < stream.length; at += size) {
      heard.push(...sender.taken(stream.slice(at, at + size)));
    }
    assert.deepEqual(heard, kept, `pieces of ${size}`);
  }
});

Deno.test("A sender notices within two seconds that nothing comes any more, if the device gives receipts", async () => {
  const { clock, taker: sender, silences } = taker();
  sender.sent(greeting());
  sender.taken(greeting());
  await clock.advance(60_000);
  assert.equal(silences(), 0, "the device may know no receipts");
  sender.taken(receipt(64));
  await clock.advance(60_000);
  sender.sent(frame(100));
  await clock.advance(receiptLateMs - 1);
  sender.taken(receipt(166));
  await clock.advance(60_000);
  assert.equal(silences(), 0, "all has come");
  sender.sent(frame(100));
  await clock.advance(receiptLateMs - 1);
  sender.taken(receipt(200));
  await clock.advance(receiptLateMs - 1);
  assert.equal(silences(), 0, "some of it has come since");
  sender.taken(receipt(200));
  await clock.advance(1);
  assert.equal(silences(), 1, "no more came");
  assert.equal(clock.pending, 0);
});

Deno.test("Receipts are given and awaited as docs/PROTOCOL.md, section 5.2, says, and looked for in between", () => {
  assert.deepEqual([receiptPauseMs, receiptLateMs, receiptLooks], [200, 2_000, 4]);
});

Deno.test("After 4 GiB on one connection receipts begin anew, and still say that all has come", async () => {
  const { clock, taker: sender, silences } = taker();
  sender.sent(greeting());
  sender.taken(greeting());
  sender.taken(receipt(64));
  // So many bytes, as far as is counted.
  sender.sent({ length: 2 ** 32 } as Uint8Array);
  sender.taken(receipt(100));
  sender.taken(receipt(64));
  await clock.advance(60_000);
  assert.equal(silences(), 0);
  assert.equal(clock.pending, 0);
});

Deno.test("Nothing is awaited for a connection that is closed", async () => {
  const { clock, taker: sender, silences } = taker();
  sender.sent(greeting());
  sender.taken(greeting());
  sender.taken(receipt(10));
  sender.close();
  await clock.advance(60_000);
  assert.deepEqual([silences(), clock.pending], [0, 0]);
});

Deno.test("Attack: a relay's nonsense in place of receipts is passed on or taken out, and never thrown at", async () => {
  const random = new SeededRandom("nonsense");
  for (let round = 0; round < 300; round++) {
    const { clock, taker: sender, silences } = taker();
    sender.sent(greeting());
    let [said, heard] = [0, 0];
    for (let piece = 0; piece < 20; piece++) {
      const bytes = random.bytes(random.between(1, 300));
      // Many receipts, of which most are of nothing that was sent.
      if (piece % 2 === 0) bytes.fill(0x80);
      said += bytes.length;
      heard += sender.taken(bytes).length;
      sender.sent(frame(random.between(0, 255)));
    }
    assert.ok(heard >= 64 && heard <= said);
    await clock.advance(2 * receiptLateMs);
    assert.ok(silences() <= 1);
    sender.close();
    assert.equal(clock.pending, 0);
  }
});
