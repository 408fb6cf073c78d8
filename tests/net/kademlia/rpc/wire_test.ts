import assert from "node:assert/strict";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { encode } from "@msgpack/msgpack";
import { KademliaNode, storeAnything } from "../../../../net/kademlia/mod.ts";
import {
  type AnswerOf,
  type ArgumentsOf,
  methods,
} from "../../../../net/kademlia/rpc/methods/mod.ts";
import type { WireValue } from "../../../../net/kademlia/rpc/methods/parts.ts";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type Introduction,
} from "../../../../net/kademlia/rpc/wire.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { testWorld } from "../support.ts";
import vectors from "../rpcudp.json" with { type: "json" };
import { SeededRandom } from "../../../sim/random.ts";

type Json = string | number | boolean | { hex?: string; value?: Json } | Json[];

function valueOf(json: Json): WireValue {
  if (typeof json === "object" && "hex" in json) {
    return { value: Uint8Array.fromHex(json.hex ?? ""), scalar: false };
  }
  return { value: encode(json, { useBigInt64: false }), scalar: true };
}

function idOf(json: Json | undefined): Id {
  return Id.from(Uint8Array.fromHex((json as { hex: string }).hex));
}

/** The methods that Python nodes know. */
type PythonMethod = "ping" | "stun" | "find_node" | "find_value" | "store";
type Arguments = { readonly [N in PythonMethod]: (args: Json[]) => ArgumentsOf[N] };
type Answers = { readonly [N in PythonMethod]: (result: Json) => AnswerOf[N] };

/** What a request of each method says, out of Python's arguments. */
const argumentsOf: Arguments = {
  ping: ([sender]) => ({ sender: idOf(sender) }),
  stun: () => ({}),
  find_node: ([sender, target]) => ({ sender: idOf(sender), target: idOf(target) }),
  find_value: ([sender, target]) => ({ sender: idOf(sender), target: idOf(target) }),
  store: ([sender, target, value = ""]) => (
    { sender: idOf(sender), target: idOf(target), value: valueOf(value) }
  ),
};

const [callerIp, callerPort] = vectors.caller_address as [string, number];

function contactsOf(result: Json): NodeContact[] {
  return (result as [Json, string, number][])
    .map(([id, ip, port]) => new NodeContact(idOf(id), ip, port));
}

/** What an answer of each method says, out of Python's result. */
const answersOf: Answers = {
  ping: idOf,
  stun: () => ({ ip: callerIp, port: callerPort }),
  find_node: (result) => ({ contacts: contactsOf(result) }),
  find_value: (result) =>
    Array.isArray(result)
      ? { contacts: contactsOf(result) }
      : { found: valueOf((result as { value: Json }).value), contacts: [] },
  store: (result) => result as boolean,
};

function testVector<N extends PythonMethod>(name: N, one: (typeof vectors.cases)[number]): void {
  const method = methods[name];
  const args = argumentsOf[name](one.args as Json[]);
  const answer = answersOf[name](one.result as Json);
  const title = `${name} ${one.note}`.trim();

  Deno.test(`A request as Python builds it: ${title}`, () => {
    const built = encodeRequest(Id.from(Uint8Array.fromHex(one.message_id)), method, args);
    assert.equal(built.toHex(), one.request);
  });

  Deno.test(`A request of Python is understood: ${title}`, () => {
    assert.deepEqual(decodeRequest(Uint8Array.fromHex(one.request)), { name, args });
  });

  Deno.test(`An answer of Python is understood: ${title}`, () => {
    assert.deepEqual(decodeAnswer(Uint8Array.fromHex(one.response), method), answer);
  });

  Deno.test(`An answer as Python builds it: ${title}`, () => {
    assert.equal(
      encodeAnswer(Uint8Array.fromHex(one.request), method, answer).toHex(),
      one.response,
    );
  });
}

for (const one of vectors.cases) testVector(one.method as PythonMethod, one);

Deno.test("A node answers the datagrams of Python byte for byte, with its id behind some, which they pass over", async () => {
  const world = testWorld();
  const node = await KademliaNode.create({
    policy: storeAnything,
    id: Uint8Array.fromHex(vectors.responder_id),
    time: world.clock,
    random: new SeededRandom(1),
    datagrams: world.network.open({ ip: "198.51.100.1", port: 9000 }),
  });
  // The responder of the vectors knows three contacts: they introduce themselves here.
  const found = vectors.cases.find((one) => one.method === "find_node");
  for (const contact of found?.result as [{ hex: string }, string, number][]) {
    const [id, ip, port] = contact;
    const datagrams = world.network.open({ ip: ip, port: port });
    const other = await KademliaNode.create({
      policy: storeAnything,
      id: Uint8Array.fromHex(id.hex),
      time: world.clock,
      random: new SeededRandom(ip),
      datagrams,
    });
    assert.ok(await world.clock.drive(other.bootstrap([{ host: "198.51.100.1", port: 9000 }])));
    await world.clock.advance(100);
  }
  assert.equal(node.stats().contacts, 3);
  const answers: string[] = [];
  world.network.open({ ip: callerIp, port: callerPort }).onReceive((data) => {
    // The node also pings back whoever it does not know: only answers are of interest.
    if (data[0] === 1) answers.push(data.toHex());
  });
  const to = { ip: "198.51.100.1", port: 9000 };
  const from = { ip: callerIp, port: callerPort };
  const present = vectors.cases.find((one) => one.note === "value present");
  const { value } = present?.result as { value: Json };
  const toStore = argumentsOf.store([...present?.args ?? [], value] as Json[]);
  world.network.inject(encodeRequest(new Id(1, 2, 3, 4, 5), methods.store, toStore), from, to);
  await world.clock.advance(100);
  assert.equal(answers.length, 1);
  for (const one of vectors.cases) {
    world.network.inject(Uint8Array.fromHex(one.request), from, to);
    await world.clock.advance(100);
    const { endsWithId = false } = methods[one.method as PythonMethod];
    assert.equal(answers.at(-1), one.response + (endsWithId ? vectors.responder_id : ""), one.note);
  }
  await node.close();
});

Deno.test("find_value says since when a holder has accepted the owner", () => {
  const found = { value: Uint8Array.fromHex("0102"), scalar: false, since: 1_800_000_000_123 };
  const data = encodeAnswer(new Uint8Array(21), methods.find_value, { found, contacts: [] });
  assert.deepEqual(decodeAnswer(data, methods.find_value), { found, contacts: [] });
});

Deno.test("The id of the node that answers stands behind what it found, and nothing else does", () => {
  const request = new Uint8Array(21);
  const own = new Id(1, 2, 3, 4, 5);
  const { find_node, find_value, ping } = methods;
  for (const method of [find_node, find_value]) {
    const data = encodeAnswer(request, method, { contacts: [] }, own);
    const into: Introduction = { answeredBy: undefined };
    assert.deepEqual(decodeAnswer(data, method, into), { contacts: [] });
    assert.ok(into.answeredBy?.equals(own));
    assert.equal(decodeAnswer(data.subarray(0, -1), method), undefined);
    assert.equal(decodeAnswer(Uint8Array.from([...data, 0]), method), undefined);
  }
  assert.deepEqual(
    encodeAnswer(request, ping, own, own).toHex(),
    encodeAnswer(request, ping, own).toHex(),
  );
  const longer = Uint8Array.from([...encodeAnswer(request, ping, own), ...own.toBytes()]);
  assert.equal(decodeAnswer(longer, ping), undefined);
});

/** The contacts that are read from an answer which names these. */
function named(contacts: NodeContact[]): readonly NodeContact[] | undefined {
  const data = encodeAnswer(new Uint8Array(21), methods.find_node, { contacts });
  return decodeAnswer(data, methods.find_node)?.contacts;
}

Deno.test("A contact list longer than any honest node sends is no answer", () => {
  const contact = new NodeContact(new Id(1, 2, 3, 4, 5), "192.0.2.1", 1);
  assert.equal(named(Array(64).fill(contact))?.length, 64);
  assert.equal(named(Array(65).fill(contact)), undefined);
});

Deno.test("Contacts to which nothing can be sent are left out", () => {
  const id = new Id(1, 2, 3, 4, 5);
  const bad = [
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "example.org",
    "1.2.3",
    "::",
    "ff02::1",
    "",
  ];
  const contacts = bad.map((ip) => new NodeContact(id, ip, 1));
  contacts.push(new NodeContact(id, "192.0.2.1", 0), new NodeContact(id, "192.0.2.1", 65_536));
  contacts.push(new NodeContact(id, "::ffff:192.0.2.1", 7), new NodeContact(id, "2001:db8::1", 7));
  assert.deepEqual(named(contacts)?.map((c) => c.ip), ["192.0.2.1", "2001:db8::1"]);
});

Deno.test("Contacts that come again are the same objects, and are read as strictly as the first time", () => {
  const ips = ["192.0.2.1", "2001:db8::1", "2001:db8:1234:5678:9abc:def0:1234:5678"];
  const contacts = ips.flatMap((ip, i) =>
    [256, 4_000, 65_535, 7].map((port, n) =>
      new NodeContact(new Id(8 * i + n, 2, 3, 4, 5), ip, port)
    )
  );
  const first = named(contacts);
  assert.deepEqual(first, contacts);
  // Those whose ports or addresses take another form are read anew.
  assert.deepEqual(named(contacts), contacts);
  const [one] = contacts;
  assert.ok(one);
  const data = encodeAnswer(new Uint8Array(21), methods.find_node, { contacts: [one] });
  for (let i = 21; i < data.length; i++) {
    const known: NodeContact | undefined = named([one])?.[0];
    assert.equal(decodeAnswer(data, methods.find_node)?.contacts[0], known);
    assert.equal(decodeAnswer(data.subarray(0, i), methods.find_node), undefined, `${i} bytes`);
    const changed = data.slice();
    changed[i] = (changed[i] ?? 0) ^ 1;
    const read = decodeAnswer(changed, methods.find_node)?.contacts[0];
    assert.ok(read === undefined || !read.equals(one), `byte ${i}`);
  }
  // A length of 39 characters stands in a byte of its own: this text has seven, and more behind it.
  const long = contacts[9];
  assert.ok(long);
  const text = encodeAnswer(new Uint8Array(21), methods.find_node, { contacts: [long] });
  const short = [...text.subarray(0, 45), 0xa0 | long.ip.length, ...text.subarray(47)];
  assert.equal(text[45], 0xd9);
  assert.equal(decodeAnswer(Uint8Array.from(short), methods.find_node), undefined);
});

Deno.test("One question to many nodes differs by the message id alone, and another one is another", () => {
  const args = { sender: new Id(1, 1, 1, 1, 1), target: new Id(2, 2, 2, 2, 2) };
  const ask = (n: number, target = args): Uint8Array =>
    encodeRequest(new Id(n, n, n, n, n), methods.find_node, target);
  const [a, b] = [ask(7), ask(8)];
  // Right after the other method, and with the same object.
  const value = encodeRequest(new Id(7, 7, 7, 7, 7), methods.find_value, args);
  const other = ask(9, { ...args, target: new Id(3, 3, 3, 3, 3) });
  assert.deepEqual(a.subarray(21), b.subarray(21));
  assert.deepEqual([a[1 + 3], b[1 + 3], other[1 + 3]], [7, 8, 9]);
  assert.deepEqual(decodeRequest(b), { name: "find_node", args });
  assert.notDeepEqual(other.subarray(21), a.subarray(21));
  assert.deepEqual(decodeRequest(value), { name: "find_value", args });
});

Deno.test("A request that cannot be written leaves nothing behind for the next one", () => {
  const value = { value: new Uint8Array(10).fill(1) };
  const args = { sender: new Id(1, 1, 1, 1, 1), target: new Id(2, 2, 2, 2, 2), value };
  const id = new Id(7, 7, 7, 7, 7);
  const before = encodeRequest(id, methods.store, args);
  const tooLong = { ...args, value: { value: new Uint8Array(20_000) } };
  assert.throws(() => encodeRequest(id, methods.store, tooLong), RangeError);
  assert.deepEqual(encodeRequest(id, methods.store, args), before);
});
