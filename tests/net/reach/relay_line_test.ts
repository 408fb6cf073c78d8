import assert from "node:assert/strict";
import { ByteReader, writeAll } from "../../../net/links/byte_reader.ts";
import { stepMsMax } from "../../../net/reach/relay_limits.ts";
import {
  circuitNameBytes,
  headBytes,
  keyBytes,
  sayings,
} from "../../../net/reach/relay_protocol.ts";
import { makeLinkKeyPair } from "../../../net/links/link_keys.ts";
import { pipe, type PipeEnd } from "./pipes.ts";
import { RelayWorld } from "./relay_world.ts";

const place = { ip: "80.0.0.1", port: 7000 };

/** A device whose only relay does what a test says with each connection, from the first one on. */
function withRelay(serve: (end: PipeEnd, n: number) => Promise<unknown>) {
  const world = new RelayWorld();
  const dialled: { readonly atMs: number; readonly end: PipeEnd; readonly signal: AbortSignal }[] =
    [];
  const device = world.device("81.0.0.1", [], {
    find: () => Promise.resolve([place]),
    connect(_to, signal) {
      const [end, there] = pipe(place);
      const n = dialled.push({ atMs: world.clock.monotonic(), end, signal }) - 1;
      const answered = Promise.withResolvers<Deno.TcpConn>();
      void serve(there, n).then(() => answered.resolve(end.conn), () => {});
      // A relay whose manners have no end takes no connection at all.
      return answered.promise;
    },
  });
  device.client.start();
  return { ...world, clock: world.clock, device, dialled };
}

/** Reads what the device says first, and challenges it; a proof is not looked at. */
async function reserve(there: PipeEnd): Promise<ByteReader> {
  const reader = new ByteReader(there);
  await reader.take(headBytes + keyBytes);
  const { publicKey } = makeLinkKeyPair(new Uint8Array(keyBytes).fill(7));
  await writeAll(
    there,
    Uint8Array.of(sayings.challenge, ...publicKey, ...new Uint8Array(keyBytes)),
  );
  await reader.take(keyBytes);
  await writeAll(there, Uint8Array.of(sayings.reserved));
  return reader;
}

const nothing = () => new Promise<never>(() => {});
/** The connection is there, and the relay goes on in the background. */
const meanwhile = (task: Promise<unknown>): Promise<void> => {
  task.catch(() => {});
  return Promise.resolve();
};

const silent: Readonly<Record<string, (there: PipeEnd) => Promise<unknown>>> = {
  "takes no connection": nothing,
  "gives no challenge": () => Promise.resolve(),
  "gives half a challenge": (there) =>
    meanwhile(writeAll(there, Uint8Array.of(sayings.challenge, 7))),
  "says nothing to the proof": (there) =>
    meanwhile(writeAll(there, new Uint8Array(1 + 2 * keyBytes).fill(9).fill(1, 0, 1))),
};

for (const [what, serve] of Object.entries(silent)) {
  Deno.test(`A relay that ${what} is given up after 5 s, and asked again 4 s later`, async () => {
    const { clock, device, dialled } = withRelay(serve);
    await clock.advance(stepMsMax + 3_900);
    assert.equal(dialled.length, 1);
    await clock.advance(2_000);
    assert.equal(dialled.length, 2);
    assert.equal(device.client.count, 0);
    device.client.close();
  });
}

Deno.test("Attack: a device proves nothing to a relay that gives no challenge but says something else", async () => {
  const { clock, device, dialled } = withRelay((there) =>
    meanwhile(writeAll(there, new Uint8Array(1 + 2 * keyBytes).fill(sayings.reserved)))
  );
  const written: number[] = [];
  await clock.advance(0);
  const { end } = dialled[0] ?? assert.fail();
  const { write } = end;
  end.write = (bytes) => {
    written.push(...bytes);
    return write.call(end, bytes);
  };
  await clock.advance(100);
  assert.ok(end.isClosed);
  assert.ok(written.length <= headBytes + keyBytes, `${written.length} bytes`);
  device.client.close();
});

Deno.test("A relay that calls and does not say for whom is given up after 5 s, and comes back", async () => {
  const { clock, device, dialled } = withRelay((there) =>
    meanwhile((async () => {
      await reserve(there);
      if (dialled.length > 1) return;
      clock.after(12_000, () => void writeAll(there, Uint8Array.of(sayings.call)));
      // Until then it answers signs of life, and then no more.
      for (let i = 0; i < 5; i++) {
        clock.after(2_000 * (i + 1), () => void writeAll(there, Uint8Array.of(sayings.alive)));
      }
    })())
  );
  await clock.advance(12_000 + stepMsMax - 100);
  assert.deepEqual([device.client.count, dialled.length], [1, 1]);
  await clock.advance(200);
  assert.deepEqual([device.client.count, dialled.length], [1, 2]);
  device.client.close();
});

Deno.test("A circuit that is not there within 5 s is left, and of those that a line took the last 128 end with it", async () => {
  const calls = 140;
  const { clock, device, dialled } = withRelay((there, n) => {
    // The first circuit's connection never comes about.
    if (n === 1) return nothing();
    return n > 0 ? Promise.resolve() : meanwhile((async () => {
      await reserve(there);
      const call = Uint8Array.of(sayings.call, ...new Uint8Array(circuitNameBytes));
      for (let i = 0; i < calls + 1; i++) await writeAll(there, call);
      clock.after(8_000, () => there.close());
    })());
  });
  await clock.advance(100);
  assert.equal(dialled.length, 1 + calls + 1);
  assert.equal(device.received.length, calls);
  await clock.advance(stepMsMax - 200);
  assert.equal(dialled[1]?.signal.aborted, false);
  await clock.advance(200);
  assert.equal(dialled[1]?.signal.aborted, true);
  assert.equal(device.received.filter(({ isClosed }) => isClosed).length, 0);
  await clock.advance(4_000);
  assert.equal(device.received.filter(({ isClosed }) => isClosed).length, 128);
  device.client.close();
});
