import assert from "node:assert/strict";
import type { Endpoint } from "../../../lib/ip_address.ts";
import { Exemption } from "../../../lib/networks.ts";
import { DialBack, type Knock } from "../../../net/reach/dial_back.ts";
import { knockAnswer } from "../../../net/reach/relay_protocol.ts";
import type { Connect } from "../../../net/links/connect.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { realTime } from "../kademlia/support.ts";
import { freePort, linkKeys } from "../links/links_world.ts";
import { loopbackPeer } from "./loopback_peer.ts";

/** A connection that the test never looks at. */
const someConn = { close() {} } as Deno.TcpConn;

/** A dial back that meets a peer everywhere, and notes where. */
function noted(
  { connect = () => Promise.resolve(someConn), knock, isExempt = false }: {
    readonly connect?: Connect;
    readonly knock?: Knock;
    readonly isExempt?: boolean;
  } = {},
) {
  const clock = new VirtualClock();
  const dialled: string[] = [];
  const dialBack = new DialBack({
    time: clock,
    exemption: new Exemption(isExempt),
    connect: (to, signal) => {
      dialled.push(to.ip);
      return connect(to, signal);
    },
    knock: knock ?? (() => Promise.resolve(knockAnswer)),
  });
  const dial = (ip: string, port = 7000) => dialBack.dial({ ip, port });
  return { clock, dialled, dial };
}

/** Waits until the signal is raised. */
const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

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

Deno.test("A connection that does not come about is given up after 1.5 s, a program that says nothing after 2.5 s", async () => {
  for (
    const [how, ms] of [
      [{ connect: (_to: Endpoint, signal: AbortSignal) => never(signal) }, 1_500],
      [{ knock: (_conn: Deno.TcpConn, signal: AbortSignal) => never(signal) }, 2_500],
    ] as const
  ) {
    const { clock, dial } = noted(how);
    let answer: boolean | undefined;
    void dial("80.1.2.3")?.then((isReached) => answer = isReached);
    await clock.advance(ms - 1);
    assert.equal(answer, undefined);
    await clock.advance(1);
    assert.equal(answer, false);
  }
});

Deno.test("A failure of the own machine says nothing about others, a refused connection does", async () => {
  const failure = (code: string) => Object.assign(new Error(code), { code });
  const own = ["EMFILE", "ENETUNREACH", "EADDRNOTAVAIL", "EPERM"].map(failure);
  for (const error of [...own, new Deno.errors.NotCapable("net")]) {
    assert.equal(await noted({ connect: () => Promise.reject(error) }).dial("80.1.2.3"), undefined);
  }
  for (const error of [failure("ECONNREFUSED"), failure("EHOSTUNREACH"), new Error("odd")]) {
    assert.equal(await noted({ connect: () => Promise.reject(error) }).dial("80.1.2.3"), false);
  }
  // Once a connection has come about, the other side ends it.
  const knock = () => Promise.reject(failure("ENETUNREACH"));
  assert.equal(await noted({ knock }).dial("80.1.2.3"), false);
});

Deno.test("Attack: one network has others dial 8 times a minute, a wider one a little more, all 120 times", async () => {
  const { clock, dialled, dial } = noted();
  const ask = (count: number, ip: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => dial(ip(i), 7000 + i)).filter((one) => one).length;
  assert.equal(ask(20, (i) => `80.1.2.${i + 1}`), 8, "a /24");
  assert.equal(ask(40, (i) => `80.1.${i + 3}.1`), 24, "the rest of its /16");
  assert.equal(ask(20, (i) => `2a00:1:2:${i}::1`), 8, "a /56");
  assert.equal(ask(200, (i) => `${90 + i % 50}.${i}.0.1`), 80, "in all 120");
  assert.equal(dialled.length, 120);
  await clock.advance(10_000);
  assert.ok(ask(20, (i) => `80.1.2.${i + 1}`) <= 2);
  await clock.advance(60_000);
  assert.equal(ask(20, (i) => `80.1.2.${i + 1}`), 8, "a minute later again");
});

Deno.test("Addresses that limits leave out have others dial at will, but 64 at once", async () => {
  const { dialled, dial } = noted({ isExempt: true });
  for (let i = 0; i < 200; i++) assert.equal(await dial("127.0.0.1", 7000 + i), true, `${i}`);
  assert.equal(dialled.length, 200);
  const begun = Array.from({ length: 100 }, (_, i) => dial("192.168.1.20", 7000 + i));
  assert.equal(begun.filter((one) => one).length, 64);
  await Promise.all(begun);
  assert.equal(await dial("192.168.1.20", 8000), true);
});

Deno.test("A question that comes twice, because a datagram was lost, is one connection", async () => {
  const { dialled, dial } = noted();
  const answers = await Promise.all([dial("80.1.2.3"), dial("80.1.2.3")]);
  assert.deepEqual(answers, [true, true]);
  assert.equal(dialled.length, 1);
});

Deno.test("A yes whose answer was late or lost is given again without a connection, a no is looked at anew", async () => {
  let says = knockAnswer;
  const { clock, dialled, dial } = noted({ knock: () => Promise.resolve(says) });
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
