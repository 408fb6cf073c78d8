import assert from "node:assert/strict";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { encode } from "@msgpack/msgpack";
import { KademliaNode, storeAnything } from "../../../../net/kademlia/mod.ts";
import {
  decodeContacts,
  decodeFound,
  decodePong,
  decodeRequest,
  decodeStored,
  decodeStun,
  encodeContacts,
  encodeFound,
  encodePong,
  encodeRequest,
  encodeStored,
  encodeStun,
  headerBytes,
  type Method,
  type WireRequest,
  type WireValue,
} from "../../../../net/kademlia/rpc/wire.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { hex, SeededRandom, toHex, VirtualWorld } from "../support.ts";
import vectors from "../rpcudp.json" with { type: "json" };

type Json = string | number | boolean | { hex?: string; value?: Json } | Json[];

function valueOf(json: Json): WireValue {
  if (typeof json === "object" && "hex" in json) {
    return { value: hex(json.hex ?? ""), scalar: false };
  }
  return { value: encode(json, { useBigInt64: false }), scalar: true };
}

function idOf(json: Json | undefined): Id {
  return Id.from(hex((json as { hex: string }).hex));
}

function requestOf(method: Method, args: Json[]): WireRequest {
  const [sender, target, value] = args;
  return {
    method,
    ...(sender === undefined ? {} : { sender: idOf(sender) }),
    ...(target === undefined ? {} : { target: idOf(target) }),
    ...(value === undefined ? {} : { value: valueOf(value) }),
  };
}

const [callerIp, callerPort] = vectors.caller_address as [string, number];

for (const one of vectors.cases) {
  const name = `${one.method} ${one.note}`.trim();
  const request = requestOf(one.method as Method, one.args as Json[]);

  Deno.test(`A request as Python builds it: ${name}`, () => {
    const built = encodeRequest(Id.from(hex(one.message_id)), request);
    assert.equal(toHex(built), one.request);
  });

  Deno.test(`A request of Python is understood: ${name}`, () => {
    assert.deepEqual(decodeRequest(hex(one.request)), request);
  });

  Deno.test(`An answer of Python is understood: ${name}`, () => {
    const data = hex(one.response);
    const result = one.result as Json;
    if (one.method === "ping") assert.deepEqual(decodePong(data), idOf(result));
    else if (one.method === "stun") {
      assert.deepEqual(decodeStun(data), { ip: callerIp, port: callerPort });
    } else if (one.method === "store") assert.equal(decodeStored(data), true);
    else if (Array.isArray(result)) {
      const contacts = one.method === "find_node"
        ? decodeContacts(data)
        : decodeFound(data)?.contacts;
      assert.deepEqual(
        contacts?.map((c) => [{ hex: c.nodeId.toString() }, c.ip, c.port]),
        result,
      );
    } else {
      const { value } = result as { value: Json };
      assert.deepEqual(decodeFound(data)?.found, valueOf(value));
    }
  });

  Deno.test(`An answer as Python builds it: ${name}`, () => {
    const asked = hex(one.request);
    const result = one.result as Json;
    let built: Uint8Array;
    if (one.method === "ping") built = encodePong(asked, idOf(result));
    else if (one.method === "stun") built = encodeStun(asked, { ip: callerIp, port: callerPort });
    else if (one.method === "store") built = encodeStored(asked, result as boolean);
    else if (Array.isArray(result)) {
      const contacts = result.map((c) => {
        const [id, ip, port] = c as [Json, string, number];
        return new NodeContact(idOf(id), ip, port);
      });
      built = encodeContacts(asked, contacts);
    } else built = encodeFound(asked, valueOf((result as { value: Json }).value));
    assert.equal(toHex(built), one.response);
  });
}

Deno.test("A node answers the datagrams of Python byte for byte", async () => {
  const world = new VirtualWorld();
  const node = await KademliaNode.create({
    policy: storeAnything,
    id: hex(vectors.responder_id),
    time: world.time,
    random: new SeededRandom(1),
    datagrams: world.datagrams("198.51.100.1", 9000),
  });
  // The responder of the vectors knows three contacts: they introduce themselves here.
  const found = vectors.cases.find((one) => one.method === "find_node");
  for (const contact of found?.result as [{ hex: string }, string, number][]) {
    const [id, ip, port] = contact;
    const datagrams = world.datagrams(ip, port);
    const other = await KademliaNode.create({
      policy: storeAnything,
      id: hex(id.hex),
      time: world.time,
      random: new SeededRandom(ip),
      datagrams,
    });
    assert.ok(await world.until(other.bootstrap([{ host: "198.51.100.1", port: 9000 }])));
    await world.pass(100);
  }
  assert.equal(node.stats().contacts, 3);
  const answers: string[] = [];
  world.datagrams(callerIp, callerPort).onReceive((data) => {
    // The node also pings back whoever it does not know: only answers are of interest.
    if (data[0] === 1) answers.push(toHex(data));
  });
  const to = { ip: "198.51.100.1", port: 9000 };
  const from = { ip: callerIp, port: callerPort };
  const held = vectors.cases.find((one) => one.note === "value present");
  const holding = requestOf(
    "store",
    [...held?.args ?? [], held?.result as Json].slice(0, 2) as Json[],
  );
  const value = valueOf((held?.result as { value: Json }).value);
  world.inject(encodeRequest(new Id(1, 2, 3, 4, 5), { ...holding, value }), from, to);
  await world.pass(100);
  assert.equal(answers.length, 1);
  for (const one of vectors.cases) {
    world.inject(hex(one.request), from, to);
    await world.pass(100);
    assert.equal(answers.at(-1), one.response, one.note);
  }
  await node.close();
});

Deno.test("find_value says since when a holder has accepted the owner", () => {
  const asked = new Uint8Array(headerBytes);
  const since = 1_800_000_000_123;
  const data = encodeFound(asked, { value: hex("0102"), scalar: false }, since);
  assert.equal(decodeFound(data)?.found?.since, since);
});

Deno.test("A contact list longer than any honest node sends is no answer", () => {
  const contact = new NodeContact(new Id(1, 2, 3, 4, 5), "192.0.2.1", 1);
  const asked = new Uint8Array(headerBytes);
  assert.equal(decodeContacts(encodeContacts(asked, Array(64).fill(contact)))?.length, 64);
  assert.equal(decodeContacts(encodeContacts(asked, Array(65).fill(contact))), undefined);
});

Deno.test("Contacts to which nothing can be sent are left out", () => {
  const asked = new Uint8Array(headerBytes);
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
  const read = decodeContacts(encodeContacts(asked, contacts));
  assert.deepEqual(read?.map((c) => c.ip), ["192.0.2.1", "2001:db8::1"]);
});
