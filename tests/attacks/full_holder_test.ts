/** Attacks on what holders have room for: records without end, and newcomers whose records have to go. */

import assert from "node:assert/strict";
import { recordKey } from "../../core/model/record.ts";
import type { Namespace } from "../../core/model/record_body.ts";
import { type AttackNetwork, emptyPublic, onNetwork } from "./network.ts";
import { identityOf } from "../sim/users.ts";

const [alice, mallory] = [identityOf("alice"), identityOf("mallory")];
const dayMs = 86_400_000;
const peers = 3;
const storedBytesMax = 300_000;

/** A `public` record of 7 KB, as of a user with 800 devices. */
const longPublic = {
  ...emptyPublic,
  heads: Array.from({ length: 800 }, (_, device) => ({ device, head: 1_000_000 })),
};
/** A list page of 6 KB. */
const entry = { list: "followers", key: mallory.publicKey, updatedAt: 1, present: true } as const;
const longPage = {
  entries: Array.from({ length: 100 }, (_, i) => ({ ...entry, username: `user_${1_000 + i}` })),
};

/** Names of mallory's, registered 20 an hour from one address; then they get a day old. */
async function settle(net: AttackNetwork, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `mallory_${i}`);
  for (const [i, name] of names.entries()) {
    if (i % 20 === 19) await net.clock.advance(3_600_000);
    assert.equal(await net.inject(recordKey(name, "public"), net.sign(name, mallory).value), peers);
  }
  await net.clock.advance(dayMs + 1);
  return names;
}

/** Stores long records of mallory's, until all holders are full of what they take. */
async function flood(
  net: AttackNetwork,
  names: readonly string[],
  namespaces: readonly Namespace[],
): Promise<void> {
  for (const namespace of namespaces) {
    const body = namespace === "public" ? longPublic : longPage;
    for (const name of names) {
      await net.inject(
        recordKey(name, namespace),
        net.sign(name, mallory, { namespace, body }).value,
      );
    }
  }
}

/** Registers alice; how many of the holders that said yes still have each of her records after a flood. */
async function registered(net: AttackNetwork, more: () => Promise<void>): Promise<void> {
  for (const namespace of ["public", "private", "connections"] as const) {
    const record = net.sign("alice", alice, { namespace });
    const { accepted } = await net.drive(net.peer(1).directory.put(record));
    assert.equal(accepted, peers + 1, `${namespace}, mallory's node included`);
  }
  await more();
  for (const namespace of ["public", "private", "connections"] as const) {
    assert.equal(net.holding("alice", namespace, alice), peers, namespace);
  }
}

const pages = (generation: number) =>
  Array.from({ length: 8 }, (_, i): Namespace => `public:${generation}:${i}`);

Deno.test("Attack: names a day old fill the holders with list pages, and a newcomer's records stay", () =>
  onNetwork(71, async (net) => {
    for (let i = 0; i < peers; i++) await net.addPeer({ storedBytesMax });
    const names = await settle(net, 8);
    await flood(net, names, pages(16));
    await registered(net, () => flood(net, names, pages(32)));
  }));

Deno.test("Attack: names a day old of one /24 fill the holders with accounts, and a newcomer's records stay", () =>
  onNetwork(72, async (net) => {
    for (let i = 0; i < peers; i++) await net.addPeer({ storedBytesMax });
    const names = await settle(net, 60);
    await flood(net, names.slice(0, 45), ["public"]);
    await registered(net, () => flood(net, names.slice(45), ["public"]));
  }));
