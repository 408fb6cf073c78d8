import assert from "node:assert/strict";
import { mayAsk } from "../../../../net/kademlia/rpc/methods/method.ts";
import {
  type AnswerOf,
  type ArgumentsOf,
  type MethodName,
  methods,
} from "../../../../net/kademlia/rpc/methods/mod.ts";
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
} from "../../../../net/kademlia/rpc/wire.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";
import { Puppet } from "../puppet.ts";
import { testWorld, virtualNode } from "../support.ts";

const headerBytes = 21;
const messageId = new Id(1, 2, 3, 4, 5);
const sender = new Id(6, 7, 8, 9, 10);
const target = new Id(-1, -2, -3, -4, -5);
const value = { value: new Uint8Array(300).fill(7), scalar: false };
const contacts = [1, 2, 3].map((n) => new NodeContact(new Id(n, n, n, n, n), `5.0.0.${n}`, n));

/** One request of each method, and an answer to it. A new method does not compile without. */
const examples: {
  readonly [N in MethodName]: { readonly args: ArgumentsOf[N]; readonly answer: AnswerOf[N] };
} = {
  ping: { args: { sender }, answer: target },
  stun: { args: {}, answer: { ip: "5.0.0.1", port: 65_535 } },
  find_node: { args: { sender, target }, answer: { contacts } },
  find_value: {
    args: { sender, target },
    answer: { found: { ...value, since: 1_800_000_000_000 }, contacts: [] },
  },
  store: { args: { sender, target, value }, answer: true },
  sample: { args: { sender }, answer: [["alice", new Uint8Array(32), 7], null, "text", -1] },
  relay: {
    args: { sender },
    answer: { port: 7000, room: 128, other: { ip: "2a01:1::2", port: 7001 } },
  },
  dial_back: { args: { sender, port: 7000 }, answer: false },
  leave: { args: { sender }, answer: undefined },
};

function testMethod<N extends MethodName>(name: N): void {
  const method = methods[name];
  const { args, answer } = examples[name];
  const request = encodeRequest(messageId, method, args);
  const response = encodeAnswer(request, method, answer);

  Deno.test(`${name}: requests and answers come back as they were written`, () => {
    assert.equal(method.name, name);
    assert.deepEqual(decodeRequest(request), { name, args });
    assert.deepEqual(decodeAnswer(response, method), answer);
    assert.deepEqual(response.subarray(1, headerBytes), request.subarray(1, headerBytes));
  });

  Deno.test(`${name}: the name may be written as a longer form of text`, () => {
    const at = headerBytes + 1;
    const { length } = name;
    // The array of two, the name, whose first byte has its length, and the arguments.
    assert.equal(request[at], 0xa0 | length);
    const rest = request.subarray(at + 1);
    const longer = [...request.subarray(0, at), 0xd9, length, ...rest];
    assert.deepEqual(decodeRequest(Uint8Array.from(longer)), { name, args });
  });

  Deno.test(`${name}: what is cut short or goes on is neither a request nor an answer`, () => {
    for (let length = 0; length < request.length; length++) {
      assert.equal(decodeRequest(request.subarray(0, length)), undefined);
    }
    for (let length = headerBytes; length < response.length; length++) {
      assert.equal(decodeAnswer(response.subarray(0, length), method), undefined);
    }
    const longer = (data: Uint8Array): Uint8Array => Uint8Array.from([...data, 0]);
    assert.equal(decodeRequest(longer(request)), undefined);
    assert.equal(decodeAnswer(longer(response), method), undefined);
  });

  Deno.test(`${name}: a request has as many arguments as it must have`, () => {
    const at = headerBytes + 2 + name.length;
    assert.equal(request[at], 0x90 + method.argumentCount);
    for (const change of [-1, 1]) {
      const other = request.slice();
      other[at] = 0x90 + Math.max(0, method.argumentCount + change);
      if (other[at] !== request[at]) assert.equal(decodeRequest(other), undefined);
      // One argument too many that is there: nil.
      const longer = Uint8Array.from([...other, 0xc0]);
      assert.equal(decodeRequest(longer), undefined);
    }
  });

  Deno.test(`${name}: an answer over its bound is neither sent nor read`, () => {
    const narrow = { ...method, answerBytesMax: response.length - headerBytes - 1 };
    assert.throws(() => encodeAnswer(request, narrow, answer), RangeError);
    assert.equal(decodeAnswer(response, narrow), undefined);
    assert.ok(response.length - headerBytes <= method.answerBytesMax);
  });

  Deno.test(`${name}: a node answers what is to be answered, and no changed request harms it`, async () => {
    const world = testWorld();
    const node = await virtualNode(world, 0, {
      sample: () => [],
      relay: () => ({ port: 7000, room: 1 }),
      dialBack: () => Promise.resolve(false),
      onError: (error) => assert.fail(error),
    });
    const asker = new Puppet(world, "6.0.0.1", sender);
    // The node pings the asker, and knows by its answer that the address is no invention.
    asker.ping(node.address);
    await world.clock.advance(100);
    const before = asker.answers.length;
    world.network.inject(request, asker.contact, node.address);
    await world.clock.advance(100);
    const isAnswered = answer !== undefined;
    assert.equal(asker.answers.length, before + Number(isAnswered));
    assert.equal(decodeAnswer(asker.answers[before] ?? request, method) !== undefined, isAnswered);
    for (let at = headerBytes; at < request.length; at++) {
      for (const byte of [0x00, 0x7f, 0x90, 0xc1, 0xc6, 0xdf, 0xff]) {
        const changed = request.slice();
        changed[at] = byte;
        world.network.inject(changed, asker.contact, node.address);
      }
      if (at % 20 === 0) await world.clock.advance(1_000);
    }
    await world.clock.advance(10_000);
    assert.equal(node.stats().openRequests, 0);
    await node.close();
  });
}

for (const name of Object.keys(methods)) testMethod(name as MethodName);

Deno.test("A method for anyone is answered, one for verified nodes only where the asker is one", () => {
  const yes = (): boolean => true;
  const no = (): boolean => false;
  assert.equal(mayAsk("anyone", no), true);
  assert.equal(mayAsk("verified", yes), true);
  assert.equal(mayAsk("verified", no), false);
});

Deno.test("A relay names one address, or one of each family, and nothing that is none", () => {
  const { relay } = methods;
  const request = encodeRequest(messageId, relay, { sender });
  const read = (answer: AnswerOf["relay"]) =>
    decodeAnswer(encodeAnswer(request, relay, answer), relay);
  const one = { port: 7000, room: 128 };
  assert.deepEqual(read(one), one);
  const mapped = read({ ...one, other: { ip: "::ffff:5.0.0.1", port: 7001 } });
  assert.deepEqual(mapped?.other, { ip: "5.0.0.1", port: 7001 });
  for (const ip of ["::", "ff02::1", "relay.example", "fe80::1%eth0"]) {
    assert.equal(read({ ...one, other: { ip, port: 7001 } }), undefined, ip);
  }
  assert.equal(read({ ...one, other: { ip: "2a01:1::2", port: 0 } }), undefined);
});

Deno.test("No node is asked to dial back at a port that is none, and a relay's answer has two parts or four", () => {
  const { dial_back: dialBack, relay } = methods;
  for (const [port, isOne] of [[0, false], [1, true], [65_535, true], [65_536, false]] as const) {
    const request = decodeRequest(encodeRequest(messageId, dialBack, { sender, port }));
    assert.equal(request !== undefined, isOne, `${port}`);
  }
  const answer = encodeAnswer(encodeRequest(messageId, relay, { sender }), relay, {
    port: 7000,
    room: 1,
  });
  assert.equal(answer[headerBytes], 0x92);
  const three = Uint8Array.from([...answer, 7]);
  three[headerBytes] = 0x93;
  assert.equal(decodeAnswer(three, relay), undefined);
});
