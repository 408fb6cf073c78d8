import assert from "node:assert/strict";
import type { Identity } from "../../core/model/identity.ts";
import { signRecord } from "../../core/model/record.ts";
import type { Body, Namespace } from "../../core/model/record_body.ts";
import { expiryFor } from "../../core/model/record_policy.ts";
import { VirtualClock } from "./clock.ts";
import { SimDirectoryNetwork } from "./directory.ts";
import { identityOf } from "./users.ts";

const alice = identityOf("alice");
const mallory = identityOf("mallory");
const emptyPublic = {
  since: 1,
  posts: 0,
  followers: 0,
  following: 0,
  heads: [],
  generation: 0,
  pages: 0,
};

function network() {
  const clock = new VirtualClock();
  const net = new SimDirectoryNetwork(clock);
  const sign = (
    identity: Identity,
    namespace: Namespace,
    sequence: number,
    body: Body = emptyPublic,
  ) =>
    signRecord({
      username: "alice",
      namespace,
      sequence,
      expiresAt: expiryFor(namespace, clock.now()),
      body,
    }, identity);
  return { clock, net, sign };
}

Deno.test("SimDirectory keeps a name for the first owner and the newer record", async () => {
  const { net, sign } = network();
  const [a, b] = [net.directory(), net.directory()];
  const second = sign(alice, "public", 2);
  assert.deepEqual(await a.put(second), { accepted: 2, refused: 0, asked: 2 });
  assert.equal((await b.put(sign(mallory, "public", 9))).refused, 2);
  const late = await b.put(sign(alice, "public", 1));
  assert.deepEqual(late.newer?.value, second.value);
  const answer = await b.get({ username: "alice", namespace: "public" });
  assert.deepEqual(answer.record?.publicKey, alice.publicKey);
  const pinned = await b.get({ username: "alice", namespace: "public", pin: mallory.publicKey });
  assert.equal(pinned.record, undefined);
  assert.deepEqual(pinned.otherKeys, [alice.publicKey]);
});

Deno.test("SimDirectory forgets a connections record after its time", async () => {
  const { clock, net, sign } = network();
  const a = net.directory();
  assert.equal((await a.put(sign(alice, "connections", 1, { devices: [] }))).accepted, 0);
  await a.put(sign(alice, "public", 1));
  await a.put(sign(alice, "connections", 1, { devices: [] }));
  const query = {
    username: "alice",
    namespace: "connections" as const,
    pin: new Uint8Array(alice.publicKey),
  };
  assert.notEqual((await a.get(query)).record, undefined);
  await clock.advance(18 * 60_000);
  assert.equal((await a.get(query)).record, undefined);
});

Deno.test("SimDirectory that is cut off finds and stores nothing, and says so", async () => {
  const { net, sign } = network();
  const [a, b] = [net.directory(), net.directory()];
  const states: boolean[] = [];
  a.onChange((status) => states.push(status.joined));
  await b.put(sign(alice, "public", 1));
  a.reachable = false;
  assert.equal((await a.get({ username: "alice", namespace: "public" })).answered, 0);
  assert.equal((await a.put(sign(alice, "public", 2))).accepted, 0);
  a.reachable = true;
  assert.deepEqual(states, [false, true]);
  assert.equal((await a.get({ username: "alice", namespace: "public" })).record?.sequence, 1);
});

Deno.test("SimDirectory on either side of a partition goes its own way until healed", async () => {
  const { net, sign } = network();
  const [a, b] = [net.directory(), net.directory()];
  await a.put(sign(alice, "public", 1));
  net.partition([b]);
  await b.put(sign(alice, "public", 3));
  await a.put(sign(alice, "public", 2));
  assert.equal((await a.get({ username: "alice", namespace: "public" })).record?.sequence, 2);
  net.heal();
  assert.equal((await a.get({ username: "alice", namespace: "public" })).record?.sequence, 3);
});

Deno.test("SimDirectory with latency waits on the clock and obeys the signal", async () => {
  const { clock, net } = network();
  const a = net.directory();
  a.latencyMs = 50;
  const got = a.get({ username: "alice", namespace: "public" });
  assert.equal((await clock.drive(got)).record, undefined);
  assert.equal(clock.monotonic(), 50);
  const controller = new AbortController();
  const waiting = a.sample(controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});
