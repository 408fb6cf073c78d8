/**
 * What must hold for peers at home once faults have ended: others reach them, and a relay that dies is
 * replaced and no longer announced (design, section 10).
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DeviceEntry } from "../../core/model/record_body.ts";
import { isRecordOf } from "../../core/model/record.ts";
import { readRoute } from "../../net/links/addresses.ts";
import type { GroundTruth } from "./invariants.ts";
import type { SimMachine, SimWorld } from "./peers.ts";

/** Relays that a peer at home keeps. */
const relaysKept = 3;

/** Silence is noticed after 9 s, the lost relay replaced within 10 s more, the new one announced a moment later. */
const replacedMsMax = 20_000;

/** Longer than all ways to a device may take. */
const probeMsMax = 20_000;

/**
 * Throws an `AssertionError` for the first invariant that does not hold. On the way one relay dies, and then
 * another one falls silent without closing.
 */
export async function checkReach(world: SimWorld, truth: GroundTruth): Promise<void> {
  await checkAll(world, truth, "after the quiet time");
  const [first, second] = world.relays.toSorted((a, b) => b.reservations - a.reservations);
  first?.die();
  await world.clock.advance(replacedMsMax);
  await checkAll(world, truth, "after a relay died");
  first?.start();
  if (second !== undefined) world.links.setSilent(second.at.ip, true);
  await world.clock.advance(replacedMsMax);
  await checkAll(world, truth, "after a relay fell silent");
}

async function checkAll(world: SimWorld, truth: GroundTruth, when: string): Promise<void> {
  for (const [machine, username] of truth.machines) {
    if (!machine.isHome) continue;
    const { reach } = await world.run(machine.peer.status());
    const name = `${username} (${machine.ip}) ${when}`;
    assert.equal(reach.state, "relayed", name);
    assert.equal(reach.relays, relaysKept, `${name}: relays`);
    const entry = await entryOf(world, machine, username);
    assert(entry !== undefined, `${name}: is not announced`);
    const announced = entry.addresses.flatMap((text) => readRoute(text, entry.port) ?? [])
      .filter(({ isRelay }) => isRelay);
    const living = new Set(
      world.relays.filter(({ isUp, at }) => isUp && world.links.isReachable(machine.ip, at.ip))
        .map(({ at }) => at.ip),
    );
    const dead = announced.find(({ address }) => !living.has(address.ip));
    assert.equal(dead, undefined, `${name}: is announced at a relay that is gone`);
    assert.equal(announced.length, relaysKept, `${name}: relays announced`);
    const other = [...truth.machines.keys()].find((one) => one !== machine);
    const isReached = other && await world.run(other.links.probe(entry, probeMsMax));
    assert.equal(isReached, true, `${name}: others do not reach it`);
  }
}

/** The entry of the machine's device in the user's record, if it is announced. */
async function entryOf(
  world: SimWorld,
  machine: SimMachine,
  username: string,
): Promise<DeviceEntry | undefined> {
  const query = { username, namespace: "connections" } as const;
  const { record } = await world.run(machine.directory.get(query));
  if (record === undefined) return undefined;
  if (!isRecordOf(record, { username, key: record.publicKey }, "connections")) return undefined;
  return record.body.devices.find((entry) => entry.addresses.includes(machine.ip));
}
