import assert from "node:assert/strict";
import type { SignedRecord } from "../../../core/model/record.ts";
import { kindOfNamespace, pageNamespaceOf } from "../../../core/model/record_body.ts";
import type { ListEntry } from "../../../core/model/record_body.ts";
import type { Directory } from "../../../core/ports.ts";
import type { OpenAccount } from "../../../core/accounts/open_account.ts";
import { listEntriesMax } from "../../../core/records/lists.ts";
import { changed, World } from "../accounts_world.ts";
import { claimOf, published } from "./published.ts";
import { entry } from "../../sim/users.ts";

const dayMs = 86_400_000;

function namesPublished(world: World, username: string, list = "following"): string[] {
  return published(world, username)
    .filter((one) => one.list === list && one.present)
    .map((one) => one.username)
    .sort();
}

function countsPublished(world: World, username: string): number[] {
  const { followers, following } = claimOf(world, username);
  return [followers, following];
}

/** Notes every record put. */
function spy(puts: SignedRecord[]) {
  return {
    directory: (directory: Directory): Directory =>
      new Proxy(directory, {
        get: (target, name) => {
          const member = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return (...args: unknown[]) => {
            if (name === "put") puts.push(args[0] as SignedRecord);
            return Reflect.apply(member, target, args);
          };
        },
      }),
  };
}

async function follow({ lists, session }: OpenAccount, username: string): Promise<void> {
  await lists.apply(entry("following", username, session.ports.clock.now()));
}

Deno.test("A follow is on the network within two seconds, and touches one page", async () => {
  const world = new World();
  const puts: SignedRecord[] = [];
  const alice = await world.user("alice", spy(puts));
  await follow(alice, "bob");
  await world.clock.advance(1_100);
  assert.deepEqual(namesPublished(world, "alice"), ["bob"]);
  assert.deepEqual(countsPublished(world, "alice"), [0, 1]);
  await world.run(applyMany(alice, 300));
  await world.clock.advance(60_000);

  puts.length = 0;
  await follow(alice, "carol");
  await world.clock.advance(10_000);
  const pages = puts.filter(({ namespace }) => kindOfNamespace(namespace) === "page");
  assert.equal(pages.length, 1);
  assert.equal(puts.length, 2);
  assert.deepEqual(countsPublished(world, "alice"), [0, 302]);
  await alice.session.close();
});

async function applyMany({ lists, session }: OpenAccount, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await lists.apply(entry("following", `many_${i}`, session.ports.clock.now()));
  }
}

Deno.test("Of two changes the later wins, and a refused one changes nothing", async () => {
  const world = new World();
  const { lists, session } = await world.user("alice");
  const now = world.clock.now();
  const seen: ListEntry[] = [];
  lists.onChange((one) => seen.push(one));
  assert.equal(await lists.apply(entry("followers", "bob", now)), true);
  assert.equal(await lists.apply(entry("followers", "bob", now)), false);
  assert.equal(await lists.apply(entry("followers", "bob", now - 1, false)), false);
  assert.equal(await lists.apply(entry("followers", "bob", now, false)), true, "at a tie out wins");
  assert.equal(await lists.apply(entry("followers", "bob", now + dayMs)), false, "not yet");
  assert.equal(await lists.apply(entry("followers", "alice", now)), false, "nobody lists himself");
  assert.equal(seen.length, 2);
  assert.deepEqual(lists.present("followers"), []);
  await session.close();
});

Deno.test("What a crash kept from being published is published after the next login", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await follow(first, "bob");
  await world.clock.advance(5_000);
  await follow(first, "carol");
  await first.session.close();
  assert.deepEqual(namesPublished(world, "alice"), ["bob"]);
  const second = await world.run(device.login("alice"));
  assert.equal(second.lists.present("following").length, 2);
  await world.run(second.records.pull());
  await world.clock.advance(2_000);
  assert.deepEqual(namesPublished(world, "alice"), ["bob", "carol"]);
  await second.session.close();
});

Deno.test("What is changed without a network is published once there is one", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  device.directory.reachable = false;
  await follow(alice, "bob");
  await world.clock.advance(60_000);
  device.directory.reachable = true;
  await world.clock.advance(5_000);
  assert.deepEqual(namesPublished(world, "alice"), ["bob"]);
  await alice.session.close();
});

Deno.test("An aborted flush rejects at once, and what it did not publish waits on", async () => {
  const world = new World();
  const device = world.device();
  const alice = await world.run(device.register("alice"));
  await world.run(alice.records.pull());
  // The first follow makes a new generation of pages, the second one changes a page.
  for (const names of [["bob"], ["bob", "carol"]]) {
    await follow(alice, names.at(-1) ?? "");
    device.directory.latencyMs = 10_000;
    const controller = new AbortController();
    world.clock.after(100, () => controller.abort(new Error("enough")));
    const before = world.clock.monotonic();
    await assert.rejects(world.run(alice.lists.flush(controller.signal)), /enough/);
    assert.ok(world.clock.monotonic() - before < 1_000);
    device.directory.latencyMs = 0;
    await world.run(alice.lists.flush());
    assert.deepEqual(namesPublished(world, "alice"), names);
  }
  assert.equal(alice.lists.present("following"), alice.lists.present("following"), "no copies");
  await alice.session.close();
});

Deno.test("A device that knows nothing yet never overwrites the lists", async () => {
  const world = new World();
  const first = await world.user("alice");
  for (const name of ["bob", "carol", "dave"]) await follow(first, name);
  await world.clock.advance(5_000);
  await first.session.close();
  const second = await world.run(world.device().login("alice"));
  await second.lists.apply(entry("followers", "erin", world.clock.now()));
  await world.clock.advance(5_000);
  assert.deepEqual(namesPublished(world, "alice"), ["bob", "carol", "dave"]);
  assert.deepEqual(namesPublished(world, "alice", "followers"), ["erin"]);
  assert.deepEqual(countsPublished(world, "alice"), [1, 3]);
  assert.equal(second.lists.present("following").length, 3);
  await second.session.close();
});

Deno.test("Two devices that follow and unfollow at once lose nothing", async () => {
  for (const latencyMs of [0, 7, 40]) {
    const world = new World();
    const here = world.device();
    const there = world.device();
    const first = await world.run(here.register("alice"));
    const second = await world.run(there.login("alice"));
    here.directory.latencyMs = latencyMs;
    there.directory.latencyMs = latencyMs + 1;
    await Promise.all([follow(first, "bob"), follow(second, "carol")]);
    await world.clock.advance(3_000);
    await Promise.all([follow(first, "dave"), follow(second, "erin")]);
    await second.lists.apply(entry("following", "carol", world.clock.now(), false));
    await world.clock.advance(120_000);
    await world.run(Promise.all([first.records.pull(), second.records.pull()]));
    await world.clock.advance(30_000);
    assert.deepEqual(namesPublished(world, "alice"), ["bob", "dave", "erin"]);
    assert.deepEqual(countsPublished(world, "alice"), [0, 3]);
    for (const { lists, session } of [first, second]) {
      const names = lists.present("following").map((one) => one.username).sort();
      assert.deepEqual(names, ["bob", "dave", "erin"]);
      await session.close();
    }
  }
});

Deno.test("A change of which public tells nothing reaches the other device all the same", async () => {
  const world = new World();
  const endpoint = { ip: "0.0.0.0", port: 7001 };
  const first = await world.user("alice");
  await follow(first, "bob");
  await world.clock.advance(5_000);
  // As when the other device writes `public` at the same moment: what it wrote last stays.
  let isLost = false;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        put: (record, signal) =>
          isLost && record.namespace === "public"
            ? Promise.resolve({ accepted: 3, refused: 0, asked: 3 })
            : directory.put(record, signal),
      }),
  });
  const second = await world.run(device.login("alice"));
  for (const { records } of [first, second]) await world.run(records.announce(endpoint));
  await world.run(first.records.pull());
  isLost = true;
  await follow(second, "carol");
  await second.lists.apply(entry("following", "bob", world.clock.now(), false));
  await world.clock.advance(60_000);
  assert.deepEqual(namesPublished(world, "alice"), ["carol"]);
  const names = () => first.lists.present("following").map((one) => one.username);
  await world.run(first.records.pull());
  assert.deepEqual(names(), ["bob"], "public says the same as before");
  await world.clock.advance(600_000);
  await world.run(first.records.pull());
  assert.deepEqual(names(), ["carol"]);
  for (const { session } of [first, second]) await session.close();
});

Deno.test("Lists are read once a day, and every ten minutes where the user has another device", async () => {
  const world = new World();
  let reads = 0;
  const { lists, session } = await world.user("alice", {
    directory: (directory) =>
      changed(directory, {
        get: (query, signal) => {
          if (kindOfNamespace(query.namespace) === "page") reads++;
          return directory.get(query, signal);
        },
      }),
  });
  await lists.apply(entry("following", "bob", world.clock.now()));
  await world.clock.advance(5_000);
  await world.run(lists.pull());
  for (const [everyMs, isShared] of [[dayMs, false], [600_000, true]] as const) {
    reads = 0;
    await world.clock.advance(everyMs - 1);
    await world.run(lists.pullIfDue(isShared));
    assert.equal(reads, 0);
    await world.clock.advance(1);
    await world.run(lists.pullIfDue(isShared));
    assert.equal(reads, 1);
  }
  await session.close();
});

Deno.test("5,000 followed and 5,000 followers are published, and read on another device", async () => {
  const world = new World();
  const first = await world.user("alice");
  for (let i = 0; i < 5_000; i++) {
    await first.lists.apply(entry("following", `followed_${i}`, world.clock.now()));
    await first.lists.apply(entry("followers", `follower_${i}`, world.clock.now()));
  }
  await world.clock.advance(30_000);
  assert.equal(published(world, "alice").length, 10_000);
  assert.deepEqual(countsPublished(world, "alice"), [5_000, 5_000]);
  const second = await world.run(world.device().login("alice"));
  await world.run(second.records.pull());
  assert.equal(second.lists.present("followers").length, 5_000);
  assert.equal(second.lists.present("following").length, 5_000);
  await first.session.close();
  await second.session.close();
});

Deno.test("Each list has a bound, and what is known stays changeable there", async () => {
  const world = new World();
  const { lists, session } = await world.user("alice");
  const now = world.clock.now();
  for (let i = 0; i < listEntriesMax.following; i++) {
    await lists.apply(entry("following", `crowd_${i}`, now));
  }
  assert.equal(await lists.apply(entry("following", "one_more", now)), false);
  assert.equal(await lists.apply(entry("following", "crowd_7", now + 1, false)), true);
  await session.close();
});

Deno.test("A lost page is written again by the next complete reading", async () => {
  const world = new World();
  const alice = await world.user("alice");
  await follow(alice, "bob");
  await world.clock.advance(60_000);
  world.network.lose("alice", pageNamespaceOf(16, 0));
  await world.clock.advance(dayMs);
  await world.run(alice.records.pull());
  await world.clock.advance(5_000);
  assert.deepEqual(namesPublished(world, "alice"), ["bob"]);
  await alice.session.close();
});

Deno.test("Pages and claim are renewed long before their year is over", async () => {
  const world = new World();
  const alice = await world.user("alice");
  await follow(alice, "bob");
  for (let month = 0; month < 26; month++) {
    await world.clock.advance(32 * dayMs);
    await world.run(alice.records.pull());
    await world.clock.advance(10_000);
  }
  assert.deepEqual(namesPublished(world, "alice"), ["bob"]);
  await alice.session.close();
});

Deno.test("Entries taken out are kept for 90 days and not for ever", async () => {
  const world = new World();
  const alice = await world.user("alice");
  await follow(alice, "bob");
  await alice.lists.apply(entry("following", "bob", world.clock.now() + 1, false));
  await world.clock.advance(80 * dayMs);
  await world.run(alice.records.pull());
  await world.clock.advance(5_000);
  assert.equal(published(world, "alice").length, 1);
  await world.clock.advance(20 * dayMs);
  await world.run(alice.records.pull());
  await world.clock.advance(5_000);
  assert.equal(alice.lists.get("following", "bob"), undefined);
  await world.clock.advance(32 * dayMs);
  await world.run(alice.records.pull());
  await world.clock.advance(5_000);
  assert.equal(published(world, "alice").length, 0);
  await alice.session.close();
});

Deno.test("A device away for half a year does not bring back what was taken out meanwhile", async () => {
  const world = new World();
  const away = world.device();
  const first = await world.run(away.register("alice"));
  await follow(first, "bob");
  await follow(first, "carol");
  await world.clock.advance(5_000);
  await first.session.close();
  const second = await world.run(world.device().login("alice"));
  await world.run(second.records.pull());
  await second.lists.apply(entry("following", "bob", world.clock.now(), false));
  for (let month = 0; month < 6; month++) {
    await world.clock.advance(32 * dayMs);
    await world.run(second.records.pull());
    await world.clock.advance(10_000);
  }
  const third = await world.run(away.login("alice"));
  await third.lists.apply(entry("following", "dave", world.clock.now()));
  await world.run(third.records.pull());
  await world.clock.advance(30_000);
  assert.deepEqual(namesPublished(world, "alice"), ["carol", "dave"]);
  await second.session.close();
  await third.session.close();
});

Deno.test("Lists outlive records that ran out on the network, from any device's own database", async () => {
  const world = new World();
  const device = world.device();
  const first = await world.run(device.register("alice"));
  await world.run(applyMany(first, 200));
  await world.clock.advance(60_000);
  await first.session.close();
  await world.clock.advance(500 * dayMs);
  assert.equal(world.network.peek("alice", "public"), undefined);
  const second = await world.run(device.login("alice"));
  await world.run(second.records.pull());
  await world.clock.advance(10_000);
  assert.equal(namesPublished(world, "alice").length, 200);
  await second.session.close();
});

Deno.test("A page that nobody shows but that is still held is not overwritten by a new device", async () => {
  const world = new World();
  const first = await world.user("alice");
  await world.run(applyMany(first, 200));
  await world.clock.advance(60_000);
  await first.session.close();
  let hidden = 3;
  const device = world.device({
    directory: (directory) =>
      changed(directory, {
        get: async (query, signal) => {
          const answer = await directory.get(query, signal);
          if (!query.namespace.endsWith(":1") || hidden-- <= 0) return answer;
          return { answered: answer.answered, isAbsent: true, otherKeys: [] };
        },
      }),
  });
  const second = await world.run(device.login("alice"));
  await follow(second, "somebody_new");
  await world.run(second.records.pull());
  await world.clock.advance(60_000);
  assert.equal(namesPublished(world, "alice").length, 201);
  assert.equal(second.lists.present("following").length, 201);
  await second.session.close();
});
