import assert from "node:assert/strict";
import { recordOf } from "../record_of.ts";
import type { ListEntry } from "../../../core/model/record_body.ts";
import type { OpenAccount } from "../../../core/accounts/open_account.ts";
import { replaces } from "../../../core/model/list_pages.ts";
import { SeededRandom } from "../../sim/random.ts";
import { type Device, post, World } from "../accounts_world.ts";
import { published } from "./published.ts";
import { entry } from "../../sim/users.ts";

/** What is on the network, by list and name. */
function publishedByName(world: World): Map<string, ListEntry> {
  return new Map(published(world).map((one) => [`${one.list}/${one.username}`, one]));
}

/** One user on three devices that are cut off, restarted and slowed down at random. */
class Story {
  readonly world: World = new World();
  readonly random: SeededRandom;
  readonly expected = new Map<string, ListEntry>();
  readonly devices: Device[] = [];
  readonly open: (OpenAccount | undefined)[] = [];
  readonly posts: number[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  async begin(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const device = this.world.device();
      this.devices.push(device);
      const account = i === 0 ? device.register("alice") : device.login("alice");
      this.open.push(await this.world.run(account));
      this.posts.push(0);
    }
  }

  async step(): Promise<void> {
    const { random, world } = this;
    const i = random.int(3);
    const device = this.devices[i];
    if (device === undefined) return;
    const draw = random.float();
    if (draw < 0.6) await this.#change(i);
    else if (draw < 0.7) await this.#post(i);
    else if (draw < 0.8) device.directory.reachable = !device.directory.reachable;
    else if (draw < 0.9) device.directory.latencyMs = random.pick([0, 3, 30, 300]);
    else await this.#restart(i, device);
    await world.clock.advance(random.pick([0, 1, 50, 900, 4_000]));
  }

  /** All are there; everything settles. */
  async end(): Promise<void> {
    for (const [i, device] of this.devices.entries()) {
      device.directory.reachable = true;
      device.directory.latencyMs = 5;
      await this.#login(i, device);
    }
    for (let round = 0; round < 3; round++) {
      await this.world.run(
        Promise.all(this.open.map((account) => account?.records.pull())),
      );
      await this.world.clock.advance(300_000);
    }
  }

  async #change(i: number): Promise<void> {
    const account = this.open[i];
    if (account === undefined) return;
    const list = this.random.pick(["followers", "following"] as const);
    const name = `person_${this.random.int(40)}`.padEnd(this.random.between(10, 20), "_");
    // Late enough that every change counts, as a person's would.
    const updatedAt = Math.max(
      this.world.clock.now(),
      (account.lists.get(list, name)?.updatedAt ?? 0) + 1,
    );
    const change = entry(list, name, updatedAt, this.random.chance(0.7));
    assert.equal(await account.lists.apply(change), true);
    const key = `${list}/${name}`;
    if (replaces(change, this.expected.get(key))) this.expected.set(key, change);
  }

  async #post(i: number): Promise<void> {
    const account = this.open[i];
    const number = (this.posts[i] ?? 0) + 1;
    if (account === undefined) return;
    this.posts[i] = number;
    await post(account, number);
  }

  async #restart(i: number, device: Device): Promise<void> {
    await this.open[i]?.session.close();
    this.open[i] = undefined;
    if (this.random.chance(0.5)) await this.#login(i, device);
  }

  async #login(i: number, device: Device): Promise<void> {
    this.open[i] ??= await this.world.run(device.login("alice"));
  }
}

for (let seed = 1; seed <= 24; seed++) {
  Deno.test(`Three devices of one user agree in the end and lose nothing, seed ${seed}`, async () => {
    const story = new Story(seed);
    await story.begin();
    for (let i = 0; i < 120; i++) await story.step();
    await story.end();
    const found = publishedByName(story.world);
    assert.deepEqual(sorted(found), sorted(story.expected));
    for (const account of story.open) {
      assert.ok(account);
      for (const [key, one] of story.expected) {
        assert.deepEqual(account.lists.get(one.list, one.username), one, key);
      }
    }
    const claim = story.world.network.peek("alice", "public");
    assert.ok(claim);
    const { posts, followers, following } = recordOf(claim, "public").body;
    assert.equal(posts, story.posts.reduce((sum, count) => sum + count, 0));
    const present = [...story.expected.values()].filter((one) => one.present);
    assert.equal(followers, present.filter((one) => one.list === "followers").length);
    assert.equal(following, present.filter((one) => one.list === "following").length);
    for (const account of story.open) await account?.session.close();
  });
}

function sorted(entries: ReadonlyMap<string, ListEntry>): [string, number, boolean][] {
  return [...entries]
    .map(([key, { updatedAt, present }]): [string, number, boolean] => [key, updatedAt, present])
    .sort(([a], [b]) => a < b ? -1 : 1);
}
