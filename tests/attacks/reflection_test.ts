/** Attacks on third parties: requests in a victim's name, whose answers are larger and go to the victim. */

import assert from "node:assert/strict";
import type { Endpoint } from "../../lib/ip_address.ts";
import type { KademliaNode } from "../../net/kademlia/mod.ts";
import { findNode } from "../../net/kademlia/rpc/methods/find_node.ts";
import { findValue } from "../../net/kademlia/rpc/methods/find_value.ts";
import { encodeRequest } from "../../net/kademlia/rpc/wire.ts";
import { Id } from "../../net/kademlia/space/id.ts";
import { type AttackNetwork, onNetwork } from "./network.ts";

const seconds = 10;
const [kB, perSecond] = [1_024, 200];

/** Asks `node` for what lies under a key, 200 times a second, in the names of victims in turns. */
async function forge(
  net: AttackNetwork,
  node: KademliaNode,
  key: Uint8Array,
  victims: readonly Endpoint[],
): Promise<{ sent: number; arrived: number }> {
  const count = { sent: 0, arrived: 0 };
  const names = new Set(victims.map(({ ip }) => ip));
  net.network.lose = (from, to, data) => {
    if (from !== node.address || !names.has(to.ip)) return false;
    count.arrived += data.length;
    return true;
  };
  for (let i = 0; i < seconds * perSecond; i++) {
    const sender = Id.random(net.random);
    const request = encodeRequest(sender, findValue, { sender, target: Id.from(key) });
    const victim = victims[i % victims.length];
    assert(victim);
    net.network.inject(request, victim, node.address);
    count.sent += request.length;
    await net.clock.advance(1_000 / perSecond);
  }
  net.network.lose = () => false;
  return count;
}

/** A node that holds a value of 7,900 bytes, and one that has answered it. */
async function holderAndVictim(
  net: AttackNetwork,
): Promise<{ node: KademliaNode; victim: KademliaNode; key: Uint8Array }> {
  await net.addPeers(1);
  // The node meets the victim in a lookup: it answers more than pings.
  const [victim, node] = [await net.addBare(), await net.addBare()];
  const key = net.random.bytes(20);
  await net.drive(victim.put(key, new Uint8Array(7_900)));
  assert.equal((await net.drive(node.get(key))).value?.length, 7_900);
  return { node, victim, key };
}

Deno.test("Attack: requests in the name of a node that has answered bring it three times their bytes, and 100 KB", () =>
  onNetwork(61, async (net) => {
    const { node, victim, key } = await holderAndVictim(net);
    const { sent, arrived } = await forge(net, node, key, [victim.address]);
    assert(arrived <= 3 * sent + 104 * kB, `${arrived} bytes for ${sent}`);
    // The victim can still look around.
    const around = await net.drive(victim.lookup(net.random.bytes(20)));
    assert.equal(around.length, 2);
  }));

Deno.test("Attack: requests in the names of a whole /24 bring it three times their bytes, and 416 KB", () =>
  onNetwork(62, async (net) => {
    const { node, key } = await holderAndVictim(net);
    const victims = Array.from({ length: 250 }, (_, i) => ({ ip: `9.9.9.${i + 1}`, port: 9 }));
    const { sent, arrived } = await forge(net, node, key, victims);
    assert(arrived <= 3 * sent + 416 * kB, `${arrived} bytes for ${sent}`);
  }));

Deno.test("A node in whose name strangers ask gets the nearest contacts all the same", () =>
  onNetwork(63, async (net) => {
    const { node, victim, key } = await holderAndVictim(net);
    for (let i = 0; i < 12; i++) await net.addBare();
    await forge(net, node, key, [victim.address]);
    const answers: number[] = [];
    net.network.lose = (from, to, data) => {
      if (from === node.address && to.port === victim.address.port) answers.push(data.length);
      return false;
    };
    const sender = Id.from(victim.id);
    const request = encodeRequest(sender, findNode, { sender, target: Id.from(key) });
    for (let i = 0; i < 40; i++) net.network.inject(request, victim.address, node.address);
    assert.equal(answers.length, 40);
    assert((answers.at(-1) ?? 0) <= 3 * request.length, `${answers} bytes for ${request.length}`);
  }));
