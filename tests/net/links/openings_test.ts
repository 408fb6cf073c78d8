import assert from "node:assert/strict";
import type { Timer } from "../../../core/ports.ts";
import { readRoute } from "../../../net/links/addresses.ts";
import { Dialler } from "../../../net/links/dialler.ts";
import { ByteBudget } from "../../../net/links/frame_queue.ts";
import {
  handshakeMsMax,
  openingsMax,
  openingTurn,
  slowOpeningMs,
} from "../../../net/links/link_limits.ts";
import { Link } from "../../../net/links/link.ts";
import { Openings } from "../../../net/links/openings.ts";
import { ZmqLinks } from "../../../net/links/zmq_links.ts";
import { Scheduler } from "../../../lib/scheduler.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** Links of one process; sockets become writable where `shakes` says so. */
class Crowd {
  readonly clock: VirtualClock;
  /** Numbers of the links whose handshakes have begun, in order. */
  readonly begun: number[] = [];
  /** Those whose devices say nothing. */
  readonly shaking = new Set<number>();
  /** Devices that were dialled, in order. */
  readonly dialled: string[] = [];
  /** Whether connects are answered. */
  takesConnects = true;
  /** Whether there are sockets left. */
  hasSockets = true;
  #openings = new Openings();

  constructor(clock = new VirtualClock()) {
    this.clock = clock;
  }

  link(number: number): Link {
    const route = readRoute(`10.0.${number >> 8}.${number & 255}`, 7);
    assert.ok(route);
    const link = new Link({
      key: `device ${number}`,
      linkKey: new Uint8Array(32),
      routes: [route],
      clock: this.clock,
      scheduler: new Scheduler(this.clock, reportError),
      dialler: new Dialler(this.clock, (ip) => {
        this.dialled.push(ip);
        return this.takesConnects ? Promise.resolve() : new Promise(() => {});
      }),
      openings: this.#openings,
      connect: () => {
        if (!this.hasSockets) throw new Error("out of sockets");
        this.begun.push(number);
        const { shaking } = this;
        return {
          get writable() {
            return !shaking.has(number);
          },
          send: () => Promise.resolve(),
          close: () => {},
        };
      },
      budget: new ByteBudget(1e9),
      soon: (fn) => void this.clock.after(0, fn),
      onIdle: () => {},
    });
    return link;
  }

  /** So many links, whose handshakes do not come to their end. */
  stuck(count: number): Link[] {
    for (let i = 0; i < count; i++) this.shaking.add(i);
    return Array.from({ length: count }, (_, i) => this.link(i));
  }
}

Deno.test("So many links shake hands at once and no more, and the next when one of them is up", async () => {
  const crowd = new Crowd();
  const links = crowd.stuck(openingsMax + 3);
  await crowd.clock.advance(openingTurn.msMin - 50);
  assert.equal(crowd.begun.length, openingsMax);
  crowd.shaking.delete(5);
  await crowd.clock.advance(30);
  assert.equal(links[5]?.state, "up");
  assert.equal(crowd.begun.length, openingsMax + 1);
  assert.equal(crowd.begun.at(-1), openingsMax, "in the order in which they came");
  for (const link of links) link.close();
  await crowd.clock.advance(0);
  assert.equal(crowd.clock.pending, 0);
});

Deno.test("So many links look for an address at once, and one that finds none keeps others waiting for half a second", async () => {
  const crowd = new Crowd();
  crowd.takesConnects = false;
  const links = Array.from({ length: openingsMax + 3 }, (_, i) => crowd.link(i));
  await crowd.clock.advance(openingTurn.msMin - 1);
  assert.equal(crowd.dialled.length, openingsMax);
  await crowd.clock.advance(2);
  assert.equal(crowd.dialled.length, openingsMax + 3);
  for (const link of links) link.close();
});

Deno.test("Devices that take connections and say nothing keep others waiting for a second", async () => {
  const crowd = new Crowd();
  const links = crowd.stuck(2 * openingsMax);
  const honest = crowd.link(1_000);
  await crowd.clock.advance(2 * openingTurn.msMin - 1);
  assert.notEqual(honest.state, "up");
  await crowd.clock.advance(2);
  assert.equal(honest.state, "up");
  await crowd.clock.advance(handshakeMsMax);
  assert.ok(links.every(({ state }) => state === "down"));
  for (const link of [...links, honest]) link.close();
});

/** After links that took so long, as many as may open at once are stuck, and one more waits for its turn. */
async function behindStuckOnes(crowd: Crowd, tookMs: number) {
  const slow = crowd.stuck(20);
  await crowd.clock.advance(tookMs);
  crowd.shaking.clear();
  await crowd.clock.advance(30);
  assert.ok(slow.every(({ state }) => state === "up"));
  for (let i = 100; i < 100 + openingsMax; i++) crowd.shaking.add(i);
  const stuck = Array.from({ length: openingsMax }, (_, i) => crowd.link(100 + i));
  const next = crowd.link(1_000);
  return { next, links: [...slow, ...stuck, next] };
}

Deno.test("Where handshakes take long, the next ones begin when they are over, and not beside them", async () => {
  const crowd = new Crowd();
  const took = 400;
  const { next, links } = await behindStuckOnes(crowd, took);
  await crowd.clock.advance(3 * took - 50);
  assert.equal(next.state, "dialling");
  await crowd.clock.advance(200);
  assert.equal(next.state, "up");
  for (const link of links) link.close();
});

Deno.test("However long handshakes take, a turn ends after two seconds", async () => {
  const crowd = new Crowd();
  const { next, links } = await behindStuckOnes(crowd, handshakeMsMax - 100);
  await crowd.clock.advance(openingTurn.msMax - 1);
  assert.equal(next.state, "dialling");
  await crowd.clock.advance(2);
  assert.equal(next.state, "up");
  for (const link of links) link.close();
});

/** A clock whose timers are late, as on a busy machine. */
class LateClock extends VirtualClock {
  lateMs = 0;
  override after(ms: number, fn: () => void): Timer {
    return super.after(ms + this.lateMs, fn);
  }
}

Deno.test("Where timers are late, fewer open at once, and turns last longer", async () => {
  const clock = new LateClock();
  const crowd = new Crowd(clock);
  clock.lateMs = 20;
  const links = crowd.stuck(3 * openingsMax);
  await crowd.clock.advance(slowOpeningMs - 1);
  assert.equal(crowd.begun.length, openingsMax, "turns are not over after half a second");
  await crowd.clock.advance(openingTurn.msMax);
  assert.equal(crowd.begun.length, openingsMax + openingsMax / 2);
  for (const link of links) link.close();
  await crowd.clock.advance(0);
  assert.equal(crowd.clock.pending, 0);
});

Deno.test("A link that is closed before its turn does not begin, and a handshake that fails ends its turn", async () => {
  const crowd = new Crowd();
  const links = crowd.stuck(openingsMax);
  const closed = crowd.link(2_000);
  const next = crowd.link(2_001);
  await crowd.clock.advance(1);
  closed.close();
  links[0]?.close();
  await crowd.clock.advance(1);
  assert.equal(next.state, "up", "the turn of a closed link is over");
  assert.ok(!crowd.begun.includes(2_000));
  crowd.hasSockets = false;
  const refused = Array.from({ length: 3 * openingsMax }, (_, i) => crowd.link(3_000 + i));
  links[1]?.close();
  await crowd.clock.advance(1);
  assert.ok(refused.every(({ state }) => state === "down"));
  for (const link of [...links, ...refused, next]) link.close();
});

Deno.test("All links of a process take turns, whichever peer's they are", async () => {
  const clock = new SystemClock();
  const peers = [1, 2].map(() =>
    new ZmqLinks({
      listen: { ip: "127.0.0.1", port: 0 },
      clock,
      ownAddresses: () => ["127.0.0.1"],
      tcpConnect: () => Promise.resolve(),
    })
  );
  const conns: Deno.TcpConn[] = [];
  const accepted = Promise.withResolvers<void>();
  // They take connections and say nothing.
  const listeners = Array.from(
    { length: openingsMax + 2 },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const accepting = listeners.map(async (listener) => {
    const conn = await listener.accept().catch(() => undefined);
    if (conn !== undefined && conns.push(conn) > openingsMax) accepted.resolve();
  });
  for (const [i, links] of peers.entries()) {
    await links.open(new Uint8Array(32).fill(i + 1), () => {});
  }
  const sentAt = clock.monotonic();
  for (const [i, listener] of listeners.entries()) {
    const linkKey = new Uint8Array(32).fill(i + 1);
    const { port } = listener.addr;
    peers[i % 2]?.send({ linkKey, addresses: ["127.0.0.1"], port }, new Uint8Array(100));
  }
  await accepted.promise;
  assert.ok(clock.monotonic() - sentAt >= openingTurn.msMin - 1);
  for (const links of peers) await links.close();
  for (const listener of listeners) listener.close();
  await Promise.all(accepting);
  for (const conn of conns) conn.close();
});
