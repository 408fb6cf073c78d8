import assert from "node:assert/strict";
import type { OpenAccount } from "../../core/accounts/open_account.ts";
import { post, World } from "./accounts_world.ts";
import { Profiles } from "../../core/people/profile.ts";
import type { UserRef } from "../../core/model/user.ts";
import { entry } from "../sim/users.ts";

/** What may wait for the network, with what is to be there before. */
type Work = (
  account: OpenAccount,
  signal: AbortSignal | undefined,
  bob: UserRef,
) => Promise<unknown>;

const nothing: Work = () => Promise.resolve();
const endpoint = { ip: "0.0.0.0", port: 7001 };

async function change({ lists, session }: OpenAccount, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const updatedAt = session.ports.clock.now() + i;
    await lists.apply(entry("following", `user_${i % 40}`, updatedAt, i < 40));
  }
}

const works: Readonly<Record<string, readonly [prepare: Work, work: Work]>> = {
  "the first flush": [
    async (account) => {
      await change(account, 3);
      await post(account, 1);
    },
    ({ records }, signal) => records.flush(signal),
  ],
  "a later flush": [
    async (account) => {
      await change(account, 30);
      await account.records.flush();
      await post(account, 1);
      await change(account, 50);
      await post(account, 2);
    },
    ({ records }, signal) => records.flush(signal),
  ],
  "a flush of the lists": [
    async (account) => {
      await change(account, 3);
      await account.lists.flush();
      await change(account, 45);
    },
    ({ lists }, signal) => lists.flush(signal),
  ],
  "a pull of the lists": [
    async (account) => {
      await change(account, 3);
      await account.lists.flush();
    },
    ({ lists }, signal) => lists.pull(signal),
  ],
  "a pull": [
    async (account) => {
      await change(account, 3);
      await account.records.announce(endpoint);
    },
    ({ records }, signal) => records.pull(signal),
  ],
  "the look for a user": [nothing, ({ people }, signal) => people.find("bob", signal)],
  "the reading of a user's lists": [
    ({ people }) => people.find("bob"),
    async ({ people }, signal) => {
      const person = await people.find("bob") ?? assert.fail();
      assert.equal((await people.lists(person, signal)).length, 3);
    },
  ],
  "the look for a user's devices": [
    nothing,
    async ({ people }, signal, bob) => assert.equal((await people.devices(bob, signal)).length, 1),
  ],
  "another look for a user's devices": [
    nothing,
    ({ people }, signal, bob) => people.renewDevices(bob, signal),
  ],
  "the showing of a profile": [
    nothing,
    async (account, signal) => {
      const profile = await new Profiles(account).profile({ username: "bob" }, signal);
      assert.equal(profile.following.length, 3);
    },
  ],
  "the showing of one's own profile": [
    nothing,
    (account, signal) => new Profiles(account).profile({}, signal),
  ],
  "an announcement": [
    nothing,
    ({ records }, signal) => records.announce(endpoint, signal),
  ],
};

for (const [name, [prepare, work]] of Object.entries(works)) {
  Deno.test(`Given up, or ended by the logout, ${name} ends at once wherever it waits`, async () => {
    for (const how of ["signal", "logout"]) {
      for (let afterMs = 500;; afterMs += 1_000) {
        assert.ok(afterMs < 60_000, "it ends by itself in the end");
        const world = new World();
        const device = world.device();
        const account = await world.run(device.register("alice"));
        const other = await world.user("bob");
        await change(other, 3);
        await world.run(other.records.flush());
        await world.run(other.records.announce(endpoint));
        const bob = other.session.self;
        await world.run(prepare(account, undefined, bob));
        device.directory.latencyMs = 1_000;
        const controller = new AbortController();
        const before = world.clock.monotonic();
        let endedAt: number | undefined;
        const running = work(account, how === "signal" ? controller.signal : undefined, bob)
          .then(() => true, () => false).finally(() => endedAt = world.clock.monotonic());
        await world.clock.advance(afterMs);
        const isOver = endedAt !== undefined;
        if (how === "signal") controller.abort(new Error("enough"));
        else await world.run(account.session.close());
        const isDone = await world.run(running);
        for (const { session } of [account, other]) await world.run(session.close());
        if (isOver) {
          assert.ok(afterMs > 1_000 && isDone);
          break;
        }
        assert.equal(endedAt, before + afterMs, `${how} after ${afterMs} ms`);
      }
    }
  });
}
