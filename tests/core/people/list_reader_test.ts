import assert from "node:assert/strict";
import { ListReader } from "../../../core/people/list_reader.ts";
import { pageOf } from "../../../core/model/list_pages.ts";
import type { ListEntry, Namespace } from "../../../core/model/record_body.ts";
import { signRecord } from "../../../core/model/record.ts";
import type { Directory } from "../../../core/ports.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { identityOf, userNamed } from "../../sim/users.ts";
import { only, testSession } from "../doubles.ts";

const bob = userNamed("bob");

/** A reader, and bob's pages as the network has them: these entries wherever they are asked for. */
function setUp(entriesOn: (page: number) => readonly ListEntry[]) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const get = ({ namespace }: { namespace: Namespace }) => {
    asked.push(namespace);
    const page = Number(namespace.split(":").at(-1));
    const record = signRecord({
      username: "bob",
      namespace,
      sequence: asked.length,
      expiresAt: clock.now() + 1_000_000,
      body: { entries: [...entriesOn(page)] },
    }, identityOf("bob"));
    return Promise.resolve({ record, isAbsent: false, otherKeys: [] });
  };
  const directory = only<Directory>({ get: get as unknown as Directory["get"] });
  const session = testSession({ clock: clock.view(), ports: { directory } });
  return { clock, asked, reader: new ListReader(session) };
}

/** A name on that page, and its entry. */
function entryOn(page: number, pages: number, more: Partial<ListEntry> = {}): ListEntry {
  for (let i = 0;; i++) {
    const username = `user_${page}_${i}`;
    if (pageOf(username, pages) !== page) continue;
    return { list: "followers", ...userNamed(username), updatedAt: 1, present: true, ...more };
  }
}

Deno.test("Of a list of more than 256 pages 32 are read, others each time", async () => {
  const pages = 512;
  const { reader, asked } = setUp((page) => [entryOn(page, pages)]);
  const body = { since: 1, posts: 0, followers: 9, following: 0, heads: [], generation: 25, pages };
  const person = { ...bob, pinned: false, public: body, otherKeys: [] };
  const { entries, complete } = await reader.read(person);
  assert.equal(entries.length, 32);
  assert.equal(complete, false);
  const first = new Set(asked.splice(0));
  assert.equal(first.size, 32);
  await reader.read(person);
  assert.ok(!asked.every((namespace) => first.has(namespace)));
});

Deno.test("The followers on a page are present ones that belong there, read again after five minutes", async () => {
  const layout = { generation: 18, pages: 4 };
  const here = entryOn(1, 4);
  const { reader, asked, clock } = setUp(() => [
    here,
    entryOn(1, 4, { list: "following" }),
    entryOn(1, 4, { present: false }),
    entryOn(2, 4),
    entryOn(pageOf("bob", 4), 4, bob),
  ]);
  const read = () => reader.followersOn(bob, layout, 1);
  const [one, two] = await Promise.all([read(), read()]);
  assert.deepEqual(one?.map(({ username }) => username), [here.username]);
  assert.deepEqual(two, one);
  assert.deepEqual(asked, ["public:18:1"]);
  await clock.advance(299_999);
  await read();
  assert.equal(asked.length, 1);
  await clock.advance(1);
  await read();
  assert.equal(asked.length, 2);
});

Deno.test("A page of another user, or none, has no followers to be told", async () => {
  const { reader, clock } = setUp(() => [entryOn(1, 4)]);
  const reading = reader.followersOn(userNamed("carol"), { generation: 18, pages: 4 }, 1);
  await clock.advance(10_000);
  assert.equal(await reading, undefined);
});
