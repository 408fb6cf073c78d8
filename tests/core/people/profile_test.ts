import type { About } from "../../../core/model/about.ts";
import assert from "node:assert/strict";
import { fingerprintOf } from "../../../core/model/identity.ts";
import { signPost } from "../../../core/model/post.ts";
import { composeSnowflake, snowflakeEpochMs } from "../../../core/model/snowflake.ts";
import type { DeviceEntry, PublicBody } from "../../../core/model/record_body.ts";
import type { Links, LinkTarget } from "../../../core/ports.ts";
import { Profiles } from "../../../core/people/profile.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { only, TestLists, TestPeople, testSession } from "../doubles.ts";
import { identityOf, userNamed } from "../../sim/users.ts";

const bob = userNamed("bob");

function device(number: number): DeviceEntry {
  return {
    device: number,
    linkKey: new Uint8Array(32).fill(number),
    addresses: ["127.0.0.1"],
    port: 7_000 + number,
    until: Infinity,
    updatedAt: 1,
    present: true,
  };
}

const forked = signPost(
  {
    author: "bob",
    device: 1,
    number: 1,
    id: composeSnowflake({ timeMs: snowflakeEpochMs, device: 1, sequence: 0 }),
    text: "x",
  },
  identityOf("bob"),
);

function setUp(
  options: {
    listening?: number[];
    feeds?: Record<string, number>;
    forks?: number;
    takenBack?: Record<string, number>;
    isOffline?: boolean;
  } = {},
) {
  const people = new TestPeople();
  const lists = new TestLists();
  const probed: number[] = [];
  const ended: number[] = [];
  const session = testSession({
    clock: new VirtualClock().view(),
    store: {
      feeds: (author) => {
        const floor = options.feeds?.[author];
        return Promise.resolve(floor === undefined ? [] : [{ device: 1, floor, ranges: [] }]);
      },
      countTakenBack: (author) => Promise.resolve(options.takenBack?.[author] ?? 0),
      forks: () => Promise.resolve(new Array(options.forks ?? 0).fill(forked)),
    },
    ports: {
      links: only<Links>({
        status: () => ({ open: 0, listening: { ip: "127.0.0.1", port: 1 } }),
        probe: (target: LinkTarget, _timeoutMs: number, signal?: AbortSignal) => {
          probed.push(target.port);
          if (options.listening?.includes(target.port)) return Promise.resolve(true);
          return new Promise((resolve) => {
            signal?.addEventListener("abort", () => {
              ended.push(target.port);
              resolve(false);
            });
            if (options.listening === undefined) resolve(false);
          });
        },
      }),
    },
  });
  const heads = [{ device: 7, head: 4 }, { device: 8, head: 2 }];
  let said: About | undefined;
  const records = {
    heads: () => heads,
    posts: () => Promise.resolve(6),
    about: () => said,
    setAbout: (parts: Omit<About, "updatedAt">) => {
      said = { ...parts, updatedAt: 1 };
      return Promise.resolve(options.isOffline !== true);
    },
  };
  const profiles = new Profiles({ session, people, lists, records });
  return { people, lists, session, profiles, probed, ended };
}

Deno.test("One's own profile comes from the own lists, sorted", async () => {
  const { lists, profiles, session } = setUp();
  for (const name of ["dave", "bob"]) lists.add("following", name);
  lists.add("followers", "carol");
  const own = {
    username: "alice",
    fingerprint: fingerprintOf(session.self.key),
    followers: ["carol"],
    following: ["bob", "dave"],
    posts: 6,
    online: true,
  };
  assert.deepEqual(await profiles.profile({}), own);
  assert.deepEqual(await profiles.profile({ username: "Alice" }), own);
});

Deno.test("Another's profile comes from the records; online is who takes a connection", async () => {
  const { people, profiles, probed, ended } = setUp({ listening: [7_002], feeds: { bob: 3 } });
  people.add("bob", {
    followers: ["dave", "alice"],
    following: ["carol"],
    devices: [device(1), device(2)],
  });
  assert.deepEqual(await profiles.profile({ username: "bob" }), {
    username: "bob",
    fingerprint: fingerprintOf(bob.key),
    followers: ["alice", "dave"],
    following: ["carol"],
    posts: 3,
    online: true,
  });
  assert.deepEqual(
    probed,
    [7_001, 7_002],
    "both are asked at once, the silent one is not waited for",
  );
  assert.deepEqual(ended, [7_001], "and asked no longer");
});

Deno.test("Deleted posts and their deletes are not counted, as far as the record or the own database tells", async () => {
  const { people, profiles } = setUp({
    feeds: { bob: 9, carol: 9 },
    takenBack: { bob: 2, alice: 1 },
  });
  people.add("bob");
  people.add("carol");
  const posts = async (username: string) => (await profiles.profile({ username })).posts;
  assert.deepEqual([await posts("bob"), await posts("carol"), await posts("alice")], [5, 9, 4]);
  const heads = [{ device: 1, head: 8 }];
  const find = people.find.bind(people);
  people.find = async (username) => {
    const person = await find(username);
    return person && { ...person, public: { ...person.public, posts: 2, heads } as PublicBody };
  };
  // The record tells of three, the own database has one number more.
  assert.equal(await posts("carol"), 3);
  assert.equal(await posts("bob"), 3);
});

Deno.test("Nobody listening means offline, and the devices are looked up anew next time", async () => {
  const { people, profiles } = setUp();
  people.add("bob", { devices: [device(1)] });
  people.add("carol");
  assert.equal((await profiles.profile({ username: "bob" })).online, false);
  assert.equal((await profiles.profile({ username: "carol" })).online, false);
  assert.deepEqual(people.forgotten, ["bob"]);
});

Deno.test("Of lists of more than 256 pages the lengths are told, because only parts are read", async () => {
  const { people, profiles } = setUp();
  for (const pages of [256, 512]) {
    const counts = { followers: 70_000, following: 3 };
    const body = { since: 1, posts: 0, ...counts, heads: [], generation: 25, pages };
    people.add("bob", { followers: ["carol"], person: { public: body } });
    const { followers, listed } = await profiles.profile({ username: "bob" });
    assert.deepEqual([followers, listed], [["carol"], pages > 256 ? counts : undefined]);
  }
});

Deno.test("A clash of keys and forks are shown in the profile", async () => {
  const { people, profiles } = setUp({ forks: 2 });
  const other = userNamed("mallory").key;
  people.add("bob", { person: { pinned: true, otherKeys: [other] } });
  const { clash, forks } = await profiles.profile({ username: "bob" });
  assert.deepEqual(clash, { pinned: fingerprintOf(bob.key), other: fingerprintOf(other) });
  assert.equal(forks, 2);
});

Deno.test("Somebody pinned is shown although the network does not answer; a stranger is not", async () => {
  const { people, profiles } = setUp({ feeds: { bob: 5 } });
  people.add("bob", { person: { pinned: true } });
  people.find = () => Promise.resolve(undefined);
  const { fingerprint, posts, online, unreachable } = await profiles.profile({ username: "bob" });
  assert.deepEqual([fingerprint, posts, online], [fingerprintOf(bob.key), 5, false]);
  assert.equal(unreachable, true);
  await assert.rejects(profiles.profile({ username: "carol" }), { code: "unknown_user" });
  people.isSilent = true;
  await assert.rejects(profiles.profile({ username: "carol" }), { code: "not_joined" });
  await assert.rejects(profiles.profile({ username: "no" }), { code: "invalid_username" });
});

Deno.test("What the user says of themselves is changed part by part, and shown", async () => {
  const { profiles, session } = setUp();
  const said = { name: "Alice", about: "writes", link: null };
  assert.deepEqual(await profiles.setAbout({ name: "Alice", about: "writes" }), said);
  assert.deepEqual(await profiles.setAbout({}), said);
  assert.deepEqual(await profiles.setAbout({ about: "" }), { ...said, about: null });
  await assert.rejects(profiles.setAbout({ link: "x" }), { code: "invalid_argument" });
  const { name, about } = await profiles.profile({});
  assert.deepEqual([name, about], ["Alice", undefined]);
  assert.deepEqual(session.events, []);
  const offline = setUp({ isOffline: true });
  await offline.profiles.setAbout({ name: "A" });
  assert.deepEqual(offline.session.events.map(({ event }) => event), ["warning"]);
});

Deno.test("Followers are listed by name, with who is online", async () => {
  const { lists, people, profiles } = setUp();
  for (const name of ["zoe", "bob"]) lists.add("followers", name);
  people.add("bob", { devices: [device(1)] });
  const shown = await profiles.people({ list: "followers" });
  assert.deepEqual(shown.map(({ username, online, name }) => [username, online, name]), [
    ["bob", true, null],
    ["zoe", false, null],
  ]);
  assert.deepEqual(await profiles.people({ list: "following" }), []);
});
