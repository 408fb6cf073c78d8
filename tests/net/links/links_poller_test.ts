import assert from "node:assert/strict";
import { borrowPoller, type Library, Poller, returnPoller } from "../../../net/links/poller.ts";
import { readRoute } from "../../../net/links/addresses.ts";
import { bindPull, connectPush, type PullSocket } from "../../../net/links/sockets.ts";
import { Tunnels } from "../../../net/links/tunnels.ts";
import { SystemClock } from "../../../net/system/system_time.ts";
import { linkKeys, until } from "./links_world.ts";

const isLinux = Deno.build.os === "linux";

/** Listens, and connects to it; resolves when frames can be sent. */
async function pair() {
  const { secretKey, publicKey } = linkKeys();
  const pull = bindPull(secretKey);
  // Tests may not use Unix sockets.
  assert.equal(pull.address.transport, "tcp");
  const port = pull.address.transport === "tcp" ? pull.address.port : 0;
  const route = readRoute("127.0.0.1", port);
  assert.ok(route);
  const push = connectPush(publicKey, route, new Tunnels(new SystemClock()));
  await until(() => push.writable, "the handshake");
  return { pull, push };
}

/** Waits for news of a socket that nothing can be read from. */
async function newsOf(pull: PullSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  assert.equal(pull.watch(resolve), true);
  await promise;
}

/** News comes with every change of state: asks until there is a message. */
async function messageOf(pull: PullSocket): Promise<number | undefined> {
  while (!pull.readable) await newsOf(pull);
  return (await pull.receive())[0]?.[0];
}

Deno.test({
  name: "The system tells of a message, also of the next one and of those in between",
  ignore: !isLinux,
  async fn() {
    const { pull, push } = await pair();
    for (let i = 0; i < 50; i++) {
      const message = messageOf(pull);
      await until(() => push.writable, "room for the next frame");
      await push.send(Uint8Array.of(i));
      assert.equal(await message, i);
    }
    push.close();
    await pull.close();
  },
});

Deno.test({
  name: "A message that is on its way is waited for, and one that is not so long only",
  ignore: !isLinux,
  async fn() {
    const { pull, push } = await pair();
    for (let i = 0; i < 20; i++) {
      while (pull.wait?.(1)) assert.equal(pull.readable, false, "news of the handshake alone");
      await until(() => push.writable, "room for the next frame");
      push.send(Uint8Array.of(i));
      // News comes with every change of state, and also before the message.
      while (!pull.readable) assert.equal(pull.wait?.(60_000), true);
      assert.equal((await pull.receive())[0]?.[0], i);
    }
    push.close();
    await pull.close();
  },
});

Deno.test({
  name: "Of many sockets those with a message are told of it",
  ignore: !isLinux,
  async fn() {
    const pairs = await Promise.all(Array.from({ length: 20 }, pair));
    const got: number[] = [];
    const all = pairs.map(async ({ pull }, i) => {
      assert.equal(await messageOf(pull), i);
      got.push(i);
    });
    for (const i of [7, 3]) {
      await pairs[i]?.push.send(Uint8Array.of(i));
      await all[i];
    }
    assert.deepEqual(got, [7, 3]);
    await Promise.all(pairs.map(({ push }, i) => got.includes(i) || push.send(Uint8Array.of(i))));
    await Promise.all(all);
    for (const { push } of pairs) push.close();
    await Promise.all(pairs.map(({ pull }) => pull.close()));
  },
});

Deno.test({
  name: "Whoever is no longer interested is not told, and the last to leave ends the poll",
  ignore: !isLinux,
  async fn() {
    const { pull, push } = await pair();
    const other = borrowPoller();
    while (pull.readable) await pull.receive();
    let told = 0;
    pull.watch(() => told++);
    pull.unwatch();
    await push.send(Uint8Array.of(1));
    await until(() => pull.readable, "the message");
    assert.equal(told, 0);
    push.close();
    await pull.close();
    const last = bindPull(linkKeys().secretKey);
    assert.equal(last.watch(() => {}), true, "still there for the other");
    await last.close();
    assert.ok(other);
    // The sanitizers of this test find a poll that is left.
    await returnPoller();
  },
});

/** A C library in which waits end as they are told to. */
function fakeLibrary(
  wait: () => Promise<number>,
  options: { epoll?: number; waker?: number } = {},
) {
  const { epoll = 8, waker = 9 } = options;
  const closed: (number | "library")[] = [];
  const symbols = {
    epoll_create1: () => epoll,
    epoll_ctl: (_epoll: number, _what: number, descriptor: number) => descriptor === 6 ? -1 : 0,
    epoll_wait: wait,
    eventfd: () => waker,
    poll: () => 0,
    write: () => 8n,
    close: (descriptor: number) => closed.push(descriptor),
  };
  const library: Library = { symbols, close: () => void closed.push("library") };
  return { library, closed };
}

Deno.test({
  name: "Where waits keep failing, whoever waits is to look by the clock",
  ignore: !isLinux,
  async fn() {
    let waits = 0;
    const { library, closed } = fakeLibrary(() => {
      waits++;
      return waits % 2 === 0 ? Promise.resolve(-1) : Promise.reject(new Error("no thread"));
    });
    const poller = Poller.open(() => library);
    const told = Promise.withResolvers<void>();
    assert.equal(poller?.watch(5, told.resolve), true);
    await told.promise;
    assert.ok(waits < 1_000, `${waits} waits`);
    assert.equal(poller?.watch(5, () => assert.fail("told again")), false);
    await poller?.close();
    assert.deepEqual(closed, [8, 9, "library"]);
  },
});

Deno.test({
  name: "A descriptor that the system does not wait for is to be looked at by the clock",
  ignore: !isLinux,
  async fn() {
    const { library } = fakeLibrary(() => assert.fail("waits for nothing"));
    const poller = Poller.open(() => library);
    assert.equal(poller?.watch(6, () => assert.fail("told")), false);
    await poller?.close();
  },
});

Deno.test("Without the C library, or where it refuses, there is no poller", () => {
  const missing = () => {
    throw new Error("no such library");
  };
  assert.equal(Poller.open(missing), undefined);
  for (const options of [{ epoll: -1 }, { waker: -1 }]) {
    const { library, closed } = fakeLibrary(() => Promise.resolve(0), options);
    assert.equal(Poller.open(() => library), undefined);
    assert.deepEqual(closed, isLinux ? ["epoll" in options ? 9 : 8, "library"] : []);
  }
});

Deno.test({
  name: "The system tells when a handshake is done, and when the next frame is taken",
  ignore: !isLinux,
  async fn() {
    const { secretKey, publicKey } = linkKeys();
    const pull = bindPull(secretKey);
    const route = readRoute("127.0.0.1", pull.address.transport === "tcp" ? pull.address.port : 0);
    assert.ok(route);
    const pushes = Array.from({ length: 20 }, () => {
      return connectPush(publicKey, route, new Tunnels(new SystemClock()));
    });
    await Promise.all(pushes.map(async (push) => {
      for (let frame = 0; frame < 5; frame++) {
        while (!push.writable) {
          const { promise, resolve } = Promise.withResolvers<void>();
          assert.equal(push.watch?.(resolve), true);
          await promise;
        }
        await push.send(Uint8Array.of(frame));
      }
    }));
    // One that is closed while it waits is told nothing.
    const [push, ...others] = pushes;
    await until(() => push?.writable === true, "room");
    push?.watch?.(() => assert.fail("told"));
    for (const socket of [push, ...others]) socket?.close();
    await pull.close();
  },
});
