import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { Exemption } from "../../../lib/networks.ts";
import { DialBack, type Knock } from "../../../net/reach/dial_back.ts";
import { knockAnswer } from "../../../net/reach/relay_protocol.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { realTime } from "../kademlia/support.ts";
import { freePort, linkKeys } from "../links/links_world.ts";
import { loopbackPeer } from "./loopback_peer.ts";

/** A dial back that meets a peer everywhere, and notes where. */
function noted(knock: Knock = () => Promise.resolve(knockAnswer)) {
  const clock = new VirtualClock();
  const dialled: string[] = [];
  const dialBack = new DialBack({
    time: clock,
    exemption: new Exemption(false),
    knock: (to, signal) => {
      dialled.push(to.ip);
      return knock(to, signal);
    },
  });
  const dial = (ip: string, port = 7000) => dialBack.dial({ ip, port });
  return { clock, dialled, dial };
}

/** A program on loopback that says one thing to each caller. */
function listen(says: Uint8Array): Endpoint & { close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async () => {
    for await (const conn of listener) {
      await conn.write(says).catch(() => {});
      conn.close();
    }
  };
  void serve();
  return { ip: "127.0.0.1", port: listener.addr.port, close: () => listener.close() };
}

Deno.test("A peer is reached, with a user or without; another program and a closed port are not", async () => {
  const dialBack = new DialBack({ time: realTime, exemption: new Exemption(true) });
  const { links } = loopbackPeer();
  try {
    assert.equal(await dialBack.dial(links.listen()), true);
    assert.equal(await dialBack.dial(await links.open(linkKeys().secretKey, () => {})), true);
  } finally {
    await links.end();
  }
  for (const says of [new TextEncoder().encode("HTTP/1.1 200 OK\r\n"), knockAnswer.subarray(1)]) {
    const other = listen(says);
    assert.equal(await dialBack.dial(other), false);
    other.close();
  }
  assert.equal(await dialBack.dial({ ip: "127.0.0.1", port: await freePort() }), false);
});

Deno.test("A program that takes a connection and says nothing is given up after 2 s", async () => {
  const { clock, dial } = noted((_to, signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
  );
  let answer: boolean | undefined;
  void dial("80.1.2.3")?.then((isReached) => answer = isReached);
  await clock.advance(1_999);
  assert.equal(answer, undefined);
  await clock.advance(1);
  assert.equal(answer, false);
});

Deno.test("Attack: one network has others dial 4 times a minute, a wider one a little more, all 60 times", async () => {
  const { clock, dialled, dial } = noted();
  const ask = (count: number, ip: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => dial(ip(i), 7000 + i)).filter((one) => one).length;
  assert.equal(ask(20, (i) => `80.1.2.${i + 1}`), 4, "a /24");
  assert.equal(ask(40, (i) => `80.1.${i + 3}.1`), 12, "the rest of its /16");
  assert.equal(ask(20, (i) => `2a00:1:2:${i}::1`), 4, "a /56");
  assert.equal(ask(200, (i) => `${90 + i % 50}.${i}.0.1`), 40, "in all 60");
  assert.equal(dialled.length, 60);
  await clock.advance(10_000);
  assert.ok(ask(20, (i) => `80.1.2.${i + 1}`) <= 1);
  await clock.advance(60_000);
  assert.equal(ask(20, (i) => `80.1.2.${i + 1}`), 4, "a minute later again");
});

Deno.test("A question that comes twice, because a datagram was lost, is one connection", async () => {
  const { dialled, dial } = noted();
  const answers = await Promise.all([dial("80.1.2.3"), dial("80.1.2.3")]);
  assert.deepEqual(answers, [true, true]);
  assert.equal(dialled.length, 1);
});

Deno.test("A yes whose answer was late or lost is given again without a connection, a no is looked at anew", async () => {
  let says = knockAnswer;
  const { clock, dialled, dial } = noted(() => Promise.resolve(says));
  for (let i = 0; i < 4; i++) {
    assert.equal(await dial("80.1.2.3"), true);
    await clock.advance(500);
  }
  assert.equal(dialled.length, 1);
  says = new Uint8Array(2);
  assert.equal(await dial("80.1.2.3"), false);
  says = knockAnswer;
  assert.equal(await dial("80.1.2.3"), true);
  assert.equal(dialled.length, 3);
});
