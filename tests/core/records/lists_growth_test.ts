import assert from "node:assert/strict";
import type { Directory } from "../../../core/ports.ts";
import type { OpenAccount } from "../../../core/accounts/open_account.ts";
import { Device, World } from "../accounts_world.ts";
import { claimOf, published } from "./published.ts";
import { entry } from "../../sim/users.ts";

/** The names that a reader finds. */
function read(world: World): Set<string> {
  return new Set(published(world).map(({ username }) => username));
}

function named(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}_${i}`.padEnd(20, "_"));
}

async function followAll({ lists, session }: OpenAccount, names: string[]): Promise<void> {
  const updatedAt = session.ports.clock.now();
  await Promise.all(names.map((name) => lists.apply(entry("following", name, updatedAt))));
}

/** A directory whose peer is dead from the `at`th call on: before that call has had its effect, or after. */
function dyingAt(directory: Directory, state: { at: number; calls: number; before: boolean }) {
  return new Proxy(directory, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "get" && name !== "put") return member.bind(target);
      return (...args: unknown[]) => {
        state.calls++;
        const dead = new Promise(() => {});
        if (state.calls > state.at || (state.calls === state.at && state.before)) return dead;
        const result = Reflect.apply(member, target, args);
        return state.calls === state.at ? dead : result;
      };
    },
  });
}

Deno.test("A crash at any point of growing into a new generation is harmless", async () => {
  const before = named("before", 80);
  const after = named("after", 60);
  let crashes = 0;
  for (const isBefore of [true, false]) {
    for (let at = 1;; at++) {
      const world = new World();
      const state = { at: Infinity, calls: 0, before: isBefore };
      const device = world.device({ directory: (directory) => dyingAt(directory, state) });
      const first = await world.run(device.register("alice"));
      await followAll(first, before);
      await world.clock.advance(20_000);
      assert.equal(claimOf(world).pages, 1);
      Object.assign(state, { calls: 0, at });
      await followAll(first, after);
      await world.clock.advance(4_000);
      const seen = read(world);
      for (const name of before) assert.ok(seen.has(name), "a reader meets a half-changed list");
      if (state.calls < at) {
        await first.session.close();
        break;
      }
      crashes++;
      const restarted = Device.restart(world, device);
      const second = await world.run(restarted.login("alice"));
      await world.run(second.records.pull());
      await world.clock.advance(10_000);
      assert.equal(read(world).size, 140, `crashed ${isBefore ? "before" : "after"} call ${at}`);
      assert.equal(claimOf(world).following, 140);
      await second.session.close();
    }
  }
  assert.ok(crashes >= 16, `${crashes} crashes`);
});

Deno.test("A crash at any commit of the lists is harmless", async () => {
  for (let at = 1; at <= 12; at++) {
    const world = new World();
    let commits = 0;
    let isArmed = false;
    const device = world.device({
      stores: { onCommit: () => isArmed && ++commits === at ? "crash-after" : undefined },
    });
    const first = await world.run(device.register("alice"));
    isArmed = true;
    followAll(first, named("many", 130)).catch(() => {});
    await world.clock.advance(5_000);
    isArmed = false;
    const second = await world.run(Device.restart(world, device).login("alice"));
    await world.run(second.records.pull());
    await world.clock.advance(10_000);
    assert.equal(read(world).size, second.lists.present("following").length);
    assert.equal(claimOf(world).following, second.lists.present("following").length);
    await second.session.close();
  }
});

Deno.test("Two devices that grow at once end up with one list that has everything", async () => {
  const cases = [[60, 60], [60, 700], [700, 650]] as const;
  for (const [mine, yours] of cases) {
    for (const latencyMs of [0, 15, 400]) {
      const world = new World();
      const here = world.device();
      const there = world.device();
      const first = await world.run(here.register("alice"));
      await followAll(first, named("before", 100));
      await world.clock.advance(20_000);
      const second = await world.run(there.login("alice"));
      await world.run(second.records.pull());
      here.directory.latencyMs = latencyMs;
      there.directory.latencyMs = latencyMs && latencyMs + 3;
      await followAll(first, named("mine", mine));
      await followAll(second, named("yours", yours));
      const startedAt = world.clock.monotonic();
      const all = 100 + mine + yours;
      for (let i = 0; i < 120 && read(world).size < all; i++) await world.clock.advance(1_000);
      const tookMs = world.clock.monotonic() - startedAt;
      assert.equal(read(world).size, all, `${mine} and ${yours} at ${latencyMs} ms`);
      assert.ok(tookMs < 60_000, `${tookMs} ms`);
      await world.run(Promise.all([first.records.pull(), second.records.pull()]));
      await world.clock.advance(60_000);
      assert.equal(read(world).size, all);
      assert.equal(claimOf(world).following, all);
      for (const { lists, session } of [first, second]) {
        assert.equal(lists.present("following").length, all);
        await session.close();
      }
    }
  }
});
