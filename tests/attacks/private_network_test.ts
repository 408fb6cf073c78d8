/** Attacks from behind an address translation that gives every sender a private address, as a container's. */

import assert from "node:assert/strict";
import { recordKey } from "../../core/model/record.ts";
import type { KademliaNode } from "../../net/kademlia/mod.ts";
import { identityOf } from "../sim/users.ts";
import { type AttackNetwork, hasClaim, onNetwork } from "./network.ts";

const mallory = identityOf("mallory");
/** What a container sees of everyone who connects. */
const gateway = "172.17.0.1";

/** A first node with the default setting, and 30 of mallory's that seem to be at its gateway. */
async function surrounded(net: AttackNetwork): Promise<KademliaNode> {
  await net.addPeer({ exemptPrivate: "local" });
  let last: KademliaNode | undefined;
  for (let i = 0; i < 30; i++) last = await net.addBare({ ip: gateway });
  assert(last);
  return last;
}

function contactsAtGateway(net: AttackNetwork): number {
  return net.peer(0).node.contacts().filter(({ ip }) => ip === gateway).length;
}

/** How many of 30 names the first node has accepted from one of mallory's nodes. */
async function namesTaken(net: AttackNetwork, node: KademliaNode): Promise<number> {
  const names = Array.from({ length: 30 }, (_, i) => `word${i}`);
  const expiresAt = Math.floor(net.clock.now()) + 86_400_000;
  for (const name of names) {
    const { value } = net.sign(name, mallory, { sequence: 1, expiresAt });
    await net.drive(node.put(recordKey(name, "public"), value));
  }
  return names.filter((name) => hasClaim(net.peer(0).claims, name, mallory.publicKey)).length;
}

Deno.test("Attack: all nodes of an attacker seem to be at one private address, and count as one network", () =>
  onNetwork(81, async (net) => {
    const node = await surrounded(net);
    assert(contactsAtGateway(net) > 20, "a network of private addresses alone has no limits");
    await net.addPeer();
    assert(contactsAtGateway(net) <= 10, "a public address has answered");
    assert.equal(await namesTaken(net, node), 20);
  }));

Deno.test("Attack: a first node sees private addresses alone, and limits them once others see it at a public one", () =>
  onNetwork(82, async (net) => {
    const node = await surrounded(net);
    const { directory } = net.peer(0);
    assert.equal(await net.drive(directory.publicAddress(4)), net.peer(0).node.address.ip);
    assert(contactsAtGateway(net) <= 10);
    assert.equal(net.peer(0).node.stats().contacts, net.peer(0).node.contacts().length);
    assert.equal(await namesTaken(net, node), 20);
  }));
