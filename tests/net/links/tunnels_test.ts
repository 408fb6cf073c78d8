import assert from "node:assert/strict";
import { readRoute, type Route } from "../../../net/links/addresses.ts";
import { connectPush } from "../../../net/links/sockets.ts";
import { ByteReader } from "../../../net/links/byte_reader.ts";
import { socksAnswer, socksChoice, socksGreeting, socksRequest } from "../../../net/links/socks.ts";
import { Tunnels } from "../../../net/links/tunnels.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { linkKeys, until } from "./links_world.ts";

type Manners = (conn: Deno.Conn, read: () => Promise<unknown>) => Promise<unknown> | void;

/** A relay of bad manners, which leaves with the test. */
class BadRelay {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #conns: Deno.Conn[] = [];
  readonly #serving: Promise<void>;
  readonly port = this.#listener.addr.port;

  constructor(manners: Manners) {
    this.#serving = (async () => {
      for await (const conn of this.#listener) {
        this.#conns.push(conn);
        const read = () => conn.read(new Uint8Array(1_024));
        void (async () => await manners(conn, read))().catch(() => {});
      }
    })();
  }

  get route(): Route {
    const route = readRoute(`relay/127.0.0.1:${this.port}`, 1);
    assert.ok(route?.isRelay);
    return route;
  }

  async end(): Promise<void> {
    try {
      this.#listener.close();
    } catch {
      // It was gone from the start.
    }
    await this.#serving;
    for (const conn of this.#conns) {
      try {
        conn.close();
      } catch {
        // It has hung up itself.
      }
    }
  }

  stopListening(): void {
    this.#listener.close();
  }
}

const rude: Readonly<Record<string, Manners>> = {
  "hangs up at once": (conn) => conn.close(),
  "hangs up after the greeting": (conn, read) => read().then(() => conn.close()),
  "wants to know more": (conn, read) => read().then(() => conn.write(Uint8Array.of(5, 0xff))),
  "hangs up after the question": async (conn, read) => {
    await read();
    await conn.write(socksChoice);
    conn.close();
  },
  "does not reach the device": async (conn, read) => {
    await read();
    await conn.write(socksChoice);
    await conn.write(socksAnswer("unreachable"));
  },
  "answers with half an answer": async (conn, read) => {
    await read();
    await conn.write(socksChoice);
    await conn.write(socksAnswer("granted").subarray(0, 5));
    conn.close();
  },
  "answers with garbage": async (conn, read) => {
    await read();
    await conn.write(new Uint8Array(100).fill(0x77));
  },
  "grants and hangs up": async (conn, read) => {
    await read();
    await conn.write(socksChoice);
    await conn.write(socksAnswer("granted"));
    conn.close();
  },
};

for (const [what, manners] of Object.entries(rude)) {
  Deno.test(`A relay that ${what} breaks a socket's way and nothing else`, async () => {
    const relay = new BadRelay(manners);
    const tunnels = new Tunnels(new SystemClock());
    try {
      for (let round = 0; round < 3; round++) {
        const sockets = [1, 2, 3].map(() =>
          connectPush(linkKeys().publicKey, relay.route, tunnels)
        );
        await until(() => sockets.every(({ isBroken }) => isBroken), "the end of all ways");
        assert.ok(sockets.every(({ writable }) => !writable));
        for (const socket of sockets) socket.close();
      }
    } finally {
      await tunnels.close();
      await relay.end();
    }
  });
}

Deno.test("A relay that is gone breaks a socket's way and nothing else", async () => {
  const relay = new BadRelay(() => {});
  const { route } = relay;
  relay.stopListening();
  const tunnels = new Tunnels(new SystemClock());
  for (let round = 0; round < 3; round++) {
    const socket = connectPush(linkKeys().publicKey, route, tunnels);
    await until(() => socket.isBroken === true, "the end of the way");
    socket.close();
  }
  await tunnels.close();
  await relay.end();
});

Deno.test("A relay that says nothing keeps no way open once the socket is closed", async () => {
  const asked = Promise.withResolvers<void>();
  const relay = new BadRelay((_conn, read) => read().then(() => asked.resolve()));
  const tunnels = new Tunnels(new SystemClock());
  const socket = connectPush(linkKeys().publicKey, relay.route, tunnels);
  await asked.promise;
  assert.equal(socket.isBroken, false);
  socket.close();
  await tunnels.close();
  await relay.end();
});

Deno.test("A relay that grants and joins nothing keeps no way open once the socket is closed", async () => {
  const greeted = Promise.withResolvers<void>();
  const relay = new BadRelay(async (conn) => {
    await conn.write(socksChoice);
    await conn.write(socksAnswer("granted"));
    // The question, and what zeromq says first, which does not wait for the answer.
    const reader = new ByteReader(conn);
    const asked = socksGreeting.length + socksRequest(linkKeys().publicKey).length;
    const said = await reader.take(asked + 1);
    assert.equal(said.at(-1), 0xff);
    greeted.resolve();
  });
  const tunnels = new Tunnels(new SystemClock());
  const socket = connectPush(linkKeys().publicKey, relay.route, tunnels);
  await greeted.promise;
  assert.equal(socket.writable, false);
  socket.close();
  socket.close();
  await tunnels.close();
  await relay.end();
});

Deno.test("A connection that showed that a relay is there serves the next way, or is closed", async () => {
  const heard: boolean[] = [];
  const relay = new BadRelay(async (conn, read) => {
    heard.push(await read() !== null);
    conn.close();
  });
  const place = { ip: "127.0.0.1", port: relay.port };
  const connect = () => Deno.connect({ hostname: place.ip, port: place.port });
  const clock = new VirtualClock();
  const tunnels = new Tunnels(clock);
  tunnels.spare(place, await connect());
  const socket = connectPush(linkKeys().publicKey, relay.route, tunnels);
  await until(() => socket.isBroken === true, "the question");
  assert.deepEqual(heard, [true], "it was asked on the connection that there was");
  socket.close();
  tunnels.spare(place, await connect());
  await clock.advance(1_000);
  await until(() => heard.length === 2, "the end of the one that was not used for a second");
  tunnels.spare(place, await connect());
  tunnels.spare(place, await connect());
  await until(() => heard.length === 3, "the end of the one that another has replaced");
  await tunnels.close();
  await until(() => heard.length === 4, "the end of the last one");
  assert.deepEqual(heard.slice(1), [false, false, false], "nothing was said on those");
  await relay.end();
});
