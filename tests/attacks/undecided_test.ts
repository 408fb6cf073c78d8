/** Attacks on the room that a node has for stores on which it has not decided yet. */

import assert from "node:assert/strict";
import { recordKey } from "../../core/model/record.ts";
import { store } from "../../net/kademlia/rpc/methods/store.ts";
import { encodeRequest } from "../../net/kademlia/rpc/wire.ts";
import { Id } from "../../net/kademlia/space/id.ts";
import { identityOf } from "../sim/users.ts";
import { onNetwork } from "./network.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];

Deno.test("Attack: one network's slow votes take all undecided stores of the holders, and others still register", () =>
  onNetwork(91, async (net) => {
    await net.addPeers(3);
    const attacker = await net.addBare();
    // It is in all tables, and keeps silent from now on: each vote waits for it.
    net.network.lose = (from, _to, data) => from.ip === attacker.address.ip && data[0] === 1;
    const sender = Id.from(attacker.id);
    for (let i = 0; i < 100; i++) {
      const target = Id.from(recordKey(`word${i}`, "public"));
      const { value } = net.sign(`word${i}`, mallory);
      const request = encodeRequest(Id.random(net.random), store, {
        sender,
        target,
        value: { value },
      });
      for (const { node } of net.peers) net.network.inject(request, attacker.address, node.address);
    }
    const { accepted } = await net.drive(net.peer(1).directory.put(net.sign("alice", alice)));
    assert.equal(accepted, 3);
    assert.equal(net.holding("alice", "public", alice), 3);
  }));
