/** A change of password that only seems to have happened is as bad as an attack: it is never reported as done. */

import assert from "node:assert/strict";
import { CamelliaError } from "../../core/model/errors.ts";
import type { SignedRecord } from "../../core/model/record.ts";
import { compareRecords } from "../../core/model/record_policy.ts";
import type { Directory } from "../../core/ports.ts";
import { changed, otherPassword, password, World } from "../core/accounts_world.ts";
import type { SimDirectory } from "../sim/directory.ts";

const change = { old: password, new: otherPassword };

/** The network as a peer sees it whose own node stores whatever the peer itself writes. */
function withOwnNode(directory: SimDirectory): Directory {
  const own = new Map<string, SignedRecord>();
  return changed(directory, {
    put: async (record, signal) => {
      own.set(record.namespace, record);
      const { accepted, asked, ...report } = await directory.put(record, signal);
      return { ...report, accepted: accepted + 1, asked: asked + 1, own: true };
    },
    get: async (query, signal) => {
      const answer = await directory.get(query, signal);
      const here = own.get(query.namespace);
      const isBest = here !== undefined &&
        (answer.record === undefined || compareRecords(here, answer.record) > 0);
      return isBest ? { ...answer, record: here, answered: answer.answered + 1 } : answer;
    },
  });
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof CamelliaError && error.code === code;
}

/** Both devices open with this password, and with the other one neither does. */
async function assertInForce(
  world: World,
  devices: ReturnType<World["device"]>[],
  good: string,
): Promise<void> {
  const bad = good === password ? otherPassword : password;
  for (const device of devices) {
    await assert.rejects(world.run(device.login("alice", bad)), hasCode("wrong_password"));
    const account = await world.run(device.login("alice", good));
    await account.session.close();
  }
}

Deno.test("Attack: a password is changed with a clock five minutes ahead, and it is not called done while the old one opens elsewhere", async () => {
  const world = new World();
  let aheadMs = 0;
  const here = world.device({ directory: withOwnNode });
  const { clock } = here.ports;
  Object.assign(here.ports, {
    clock: new Proxy(clock, {
      get: (target, name) => {
        if (name === "now") return () => target.now() + aheadMs;
        const member = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    }),
  });
  const first = await world.run(here.register("alice"));
  aheadMs = 300_000;
  const changing = world.run(here.accounts.changePassword(first, change));
  await assert.rejects(
    changing,
    (error) =>
      error instanceof CamelliaError && error.code === "too_few_holders" &&
      /old password stays in force.*clock/.test(error.message),
  );
  await first.session.close();
  await assertInForce(world, [here, world.device()], password);
  // With the clock set right it works.
  aheadMs = 0;
  await world.clock.advance(300_000);
  const again = await world.run(here.login("alice"));
  await world.run(here.accounts.changePassword(again, change));
  await again.session.close();
  await assertInForce(world, [world.device(), here], otherPassword);
});

Deno.test("Attack: a password is changed on a full disk, and the old one stays in force everywhere", async () => {
  const world = new World();
  const here = world.device({ directory: withOwnNode });
  const first = await world.run(here.register("alice"));
  const write = here.keys.write.bind(here.keys);
  here.keys.write = () => Promise.reject(new CamelliaError("disk_full", "the disk is full"));
  await assert.rejects(
    world.run(here.accounts.changePassword(first, change)),
    hasCode("disk_full"),
  );
  here.keys.write = write;
  await world.run(first.records.pull());
  await first.session.close();
  await assertInForce(world, [here, world.device()], password);
});

Deno.test("A changed password is in force once most of the other holders have it, whatever one's own node says", async () => {
  const world = new World();
  const here = world.device({ directory: withOwnNode });
  const first = await world.run(here.register("alice"));
  await world.run(here.accounts.changePassword(first, change));
  await first.session.close();
  await assertInForce(world, [world.device(), here], otherPassword);
});
