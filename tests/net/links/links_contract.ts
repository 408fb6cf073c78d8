/**
 * What every implementation of `Links` must do: run on real sockets and on the simulated network.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CamelliaError } from "../../../core/model/errors.ts";
import type { Endpoint, Links, LinkTarget } from "../../../core/ports.ts";

/** A CURVE key pair, raw. */
export interface LinkKeys {
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** What a peer's links are made with. */
export interface MakeOptions {
  /** Where it listens; by default any free port on loopback. */
  readonly listen?: Endpoint;
  /** Its own addresses; by default loopback. */
  readonly ownAddresses?: readonly string[];
  /** Learns what a frame's receiver threw. */
  readonly onFault?: (error: unknown) => void;
}

/** Where the contract is tried. */
export interface LinksWorld {
  /** Fresh links, not open; the world closes them. */
  make(options?: MakeOptions): Links;
  /** Fresh keys. */
  keys(): LinkKeys;
  /** A loopback port on which nobody listens. */
  freePort(): Promise<number>;
  /** Resolves when the condition holds; rejects when it doesn't within a generous time. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Lets the promise finish, time passing. */
  finish<T>(promise: Promise<T>): Promise<T>;
  /** Milliseconds on the world's clock. */
  monotonic(): number;
  /** Closes everything. */
  close(): Promise<void>;
}

const loopback = "127.0.0.1";

/** A peer that listens. */
interface Listener {
  readonly links: Links;
  readonly keys: LinkKeys;
  readonly target: LinkTarget;
  readonly frames: Uint8Array[];
}

async function listen(world: LinksWorld, options: MakeOptions = {}): Promise<Listener> {
  const links = world.make(options);
  const keys = world.keys();
  const frames: Uint8Array[] = [];
  const { port } = await world.finish(links.open(keys.secretKey, (frame) => frames.push(frame)));
  const target = { linkKey: keys.publicKey, addresses: [loopback], port };
  return { links, keys, target, frames };
}

function numbered(index: number, bytes = 300): Uint8Array {
  const frame = new Uint8Array(bytes).fill(index);
  new DataView(frame.buffer).setUint32(0, index);
  return frame;
}

function indexes(frames: readonly Uint8Array[]): number[] {
  return frames.map((frame) => new DataView(frame.buffer, frame.byteOffset).getUint32(0));
}

const cases: Readonly<Record<string, (world: LinksWorld) => Promise<void>>> = {
  async "frames arrive whole and in the order of one sender"(world) {
    const receiver = await listen(world);
    const sender = await listen(world);
    for (let i = 0; i < 500; i++) {
      assert.equal(sender.links.send(receiver.target, numbered(i)), "queued");
    }
    await world.until(() => receiver.frames.length === 500, "500 frames");
    assert.deepEqual(indexes(receiver.frames), Array.from({ length: 500 }, (_, i) => i));
    assert.deepEqual(receiver.frames[7], numbered(7));
    assert.equal(sender.links.status().open, 1);
    assert.equal(sender.frames.length, 0);
  },

  async "a frame of 1 MiB arrives, a larger one is not taken, an empty one does no harm"(world) {
    const receiver = await listen(world);
    const sender = await listen(world);
    assert.equal(sender.links.send(receiver.target, numbered(1, 1_048_577)), "unreachable");
    assert.equal(sender.links.send(receiver.target, numbered(1, 1_048_576)), "queued");
    sender.links.send(receiver.target, new Uint8Array(0));
    sender.links.send(receiver.target, numbered(2));
    await world.until(() => receiver.frames.length === 3, "3 frames");
    assert.equal(receiver.frames[0]?.length, 1_048_576);
    assert.equal(receiver.frames[1]?.length, 0);
  },

  async "nothing reaches a device whose link key is another"(world) {
    const receiver = await listen(world);
    const sender = await listen(world);
    const wrong = { ...receiver.target, linkKey: world.keys().publicKey };
    assert.equal(sender.links.send(wrong, numbered(1)), "queued");
    sender.links.send(receiver.target, numbered(2));
    await world.until(() => receiver.frames.length > 0, "the right frame");
    await world.finish(sender.links.flush(50));
    assert.deepEqual(indexes(receiver.frames), [2]);
  },

  async "what is sent while nobody listens arrives when somebody does"(world) {
    const port = await world.freePort();
    const sender = await listen(world);
    const keys = world.keys();
    const target = { linkKey: keys.publicKey, addresses: [loopback], port };
    assert.equal(sender.links.send(target, numbered(1)), "queued");
    const before = world.monotonic();
    await world.finish(sender.links.flush(3_000));
    assert.ok(world.monotonic() - before < 2_900, "flush waits for nobody who is down");
    const late = world.make({ listen: { ip: loopback, port } });
    const frames: Uint8Array[] = [];
    await world.finish(late.open(keys.secretKey, (frame) => frames.push(frame)));
    await world.until(() => frames.length === 1, "the waiting frame");
    assert.deepEqual(frames[0], numbered(1));
  },

  async "what waits for a device where nobody listens goes to where it is met"(world) {
    const receiver = await listen(world);
    const sender = await listen(world);
    const before = { ...receiver.target, port: await world.freePort() };
    const other = { ...before, linkKey: world.keys().publicKey };
    for (const i of [1, 2]) sender.links.send(before, numbered(i));
    sender.links.send(other, numbered(3));
    await world.finish(sender.links.flush(3_000));
    sender.links.send(receiver.target, numbered(4));
    await world.until(() => receiver.frames.length === 3, "what was sent before and now");
    assert.deepEqual(indexes(receiver.frames).toSorted(), [1, 2, 4]);
    assert.equal(sender.links.status().open, 2);
  },

  async "a queue to a peer that is down is bounded, and others are served"(world) {
    const port = await world.freePort();
    const sender = await listen(world);
    const receiver = await listen(world);
    const down = { linkKey: world.keys().publicKey, addresses: [loopback], port };
    let queued = 0;
    while (queued < 5_000 && sender.links.send(down, numbered(queued)) === "queued") queued++;
    assert.ok(queued >= 16 && queued <= 1_024, `${queued} frames`);
    assert.equal(sender.links.send(receiver.target, numbered(1)), "queued");
    await world.until(() => receiver.frames.length === 1, "the other peer's frame");
  },

  async "a target that cannot be dialled is unreachable"(world) {
    const sender = await listen(world);
    const { target } = await listen(world);
    const impossible: LinkTarget[] = [
      { ...target, addresses: [] },
      {
        ...target,
        addresses: ["localhost", "127.1", "0.0.0.0", "224.0.0.1", "::", "", "x".repeat(99)],
      },
      { ...target, port: 0 },
      { ...target, port: 65_536 },
      { ...target, port: 1.5 },
      { ...target, linkKey: new Uint8Array(31) },
    ];
    for (const [i, bad] of impossible.entries()) {
      assert.equal(sender.links.send(bad, numbered(1)), "unreachable", `target ${i}`);
    }
    assert.equal(await world.finish(sender.links.probe({ ...target, addresses: [] }, 100)), false);
    assert.equal(sender.links.status().open, 0);
  },

  async "private and loopback addresses are dialled only from a peer of that kind"(world) {
    const receiver = await listen(world);
    const stranger = await listen(world, { ownAddresses: ["203.0.113.7", "10.0.0.1"] });
    assert.equal(stranger.links.send(receiver.target, numbered(1)), "unreachable");
    assert.equal(await world.finish(stranger.links.probe(receiver.target, 500)), false);
  },

  async "a probe tells whether somebody listens, and ends in time"(world) {
    const receiver = await listen(world);
    const sender = await listen(world);
    assert.equal(await world.finish(sender.links.probe(receiver.target, 1_000)), true);
    const nobody = { ...receiver.target, port: await world.freePort() };
    assert.equal(await world.finish(sender.links.probe(nobody, 1_000)), false);
    const reason = new Error("enough");
    await assert.rejects(
      world.finish(sender.links.probe(receiver.target, 1_000, AbortSignal.abort(reason))),
      reason,
    );
    assert.equal(receiver.frames.length, 0);
  },

  async "of several addresses one that takes a connect is used"(world) {
    const receiver = await listen(world);
    const sender = await listen(world, { ownAddresses: [loopback] });
    // 127.0.0.9 is loopback as well, and nobody listens there.
    const target = { ...receiver.target, addresses: ["127.0.0.9", loopback] };
    assert.equal(await world.finish(sender.links.probe(target, 1_000)), true);
    assert.equal(sender.links.send(target, numbered(1)), "queued");
    await world.until(() => receiver.frames.length === 1, "the frame");
  },

  async "flushing resolves when everything has been handed over"(world) {
    const receiver = await listen(world);
    const sender = await listen(world);
    for (let i = 0; i < 100; i++) sender.links.send(receiver.target, numbered(i, 10_000));
    await world.finish(sender.links.flush(5_000));
    await world.finish(sender.links.close());
    await world.until(() => receiver.frames.length === 100, "everything");
  },

  async "a restarted peer gets what is sent after its return"(world) {
    const first = await listen(world);
    const sender = await listen(world);
    sender.links.send(first.target, numbered(1));
    await world.until(() => first.frames.length === 1, "the first frame");
    await world.finish(first.links.close());
    const { port } = first.target;
    const second = world.make({ listen: { ip: loopback, port } });
    const frames: Uint8Array[] = [];
    await world.finish(openAgain(world, second, first.keys, frames));
    // What is sent before the loss of the old connection is noticed may be lost with it.
    let sent = 1;
    await world.until(() => {
      if (frames.length === 0 && sent < 1_000) sender.links.send(first.target, numbered(++sent));
      return frames.length > 0;
    }, "a later frame");
  },

  async "links open again after closing, on the same port, and are silent in between"(world) {
    const port = await world.freePort();
    const receiver = world.make({ listen: { ip: loopback, port } });
    const sender = await listen(world);
    const keys = world.keys();
    const frames: Uint8Array[] = [];
    const target = { linkKey: keys.publicKey, addresses: [loopback], port };
    for (let round = 0; round < 2; round++) {
      const endpoint = await world.finish(
        receiver.open(keys.secretKey, (frame) => frames.push(frame)),
      );
      assert.deepEqual(endpoint, { ip: loopback, port });
      assert.deepEqual(receiver.status(), { listening: endpoint, door: endpoint, open: 0 });
      assert.equal(await world.finish(sender.links.probe(target, 1_000)), true);
      await world.finish(receiver.close());
      assert.deepEqual(receiver.status(), { open: 0 });
      assert.equal(receiver.send(sender.target, numbered(1)), "unreachable");
    }
    await world.finish(receiver.close());
  },

  async "a port in use and an address of another machine are told apart"(world) {
    const { target } = await listen(world);
    const used = world.make({ listen: { ip: loopback, port: target.port } });
    const keys = world.keys();
    const open = (links: Links) => world.finish(links.open(keys.secretKey, () => {}));
    await assert.rejects(open(used), (error: CamelliaError) => {
      assert.ok(error instanceof CamelliaError);
      assert.equal(error.code, "tcp_port_in_use");
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1.*${target.port}`));
      return true;
    });
    for (const ip of ["203.0.113.7", "nonsense"]) {
      const foreign = world.make({ listen: { ip, port: 0 } });
      await assert.rejects(open(foreign), { code: "address_unavailable" });
    }
    await assert.rejects(open(world.make({ listen: { ip: loopback, port: 70_000 } })), {
      code: "address_unavailable",
    });
    await assert.rejects(world.make().open(new Uint8Array(31), () => {}), RangeError);
  },

  async "a receiver that throws is told of, and the next frame is delivered"(world) {
    const faults: unknown[] = [];
    const receiver = world.make({ onFault: (error) => faults.push(error) });
    const keys = world.keys();
    let frames = 0;
    const broken = new Error("broken");
    const endpoint = await world.finish(receiver.open(keys.secretKey, () => {
      if (++frames === 1) throw broken;
    }));
    const sender = await listen(world);
    const target = { linkKey: keys.publicKey, addresses: [loopback], port: endpoint.port };
    sender.links.send(target, numbered(1));
    sender.links.send(target, numbered(2));
    await world.until(() => frames === 2, "both frames");
    assert.deepEqual(faults, [broken]);
  },
};

/** A port that was closed a moment ago may take a moment to be free. */
async function openAgain(
  world: LinksWorld,
  links: Links,
  keys: LinkKeys,
  frames: Uint8Array[],
): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      await links.open(keys.secretKey, (frame) => frames.push(frame));
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await world.freePort();
    }
  }
}

/** Registers the whole contract as tests of the implementation named. */
export function linksContract(name: string, makeWorld: () => LinksWorld): void {
  for (const [behaviour, run] of Object.entries(cases)) {
    Deno.test(`${name}: ${behaviour}`, async () => {
      const world = makeWorld();
      try {
        await run(world);
      } finally {
        await world.close();
      }
    });
  }
}
