import assert from "node:assert/strict";
import * as fc from "fast-check";
import { recordBytesMax, signRecord } from "../../../core/model/record.ts";
import {
  type ListEntry,
  type ListName,
  pageNamespaceOf,
  pagesMax,
} from "../../../core/model/record_body.ts";
import { expiryFor } from "../../../core/model/record_policy.ts";
import {
  fitPage,
  ListBook,
  nextLayout,
  pageAt,
  pageBytesMax,
  pageOf,
  placeOf,
  replaces,
} from "../../../core/model/list_pages.ts";
import { SeededRandom } from "../../sim/random.ts";
import { entry, identityOf } from "../../sim/users.ts";

const now = Date.UTC(2026, 0, 1);

/** Names of any length, as a crowd has them. */
function names(count: number): string[] {
  const random = new SeededRandom("names");
  return Array.from({ length: count }, (_, i) => {
    const name = `u${i.toString(36)}_`;
    return name.padEnd(random.between(name.length, 20), "x");
  });
}

function bookOf(count: number): ListBook {
  const book = new ListBook();
  for (const name of names(count)) {
    book.set(entry("followers", name, now));
    book.set(entry("following", name, now));
  }
  return book;
}

Deno.test("A book tells one list or both, and what is dropped is gone from each count", () => {
  const book = new ListBook();
  const both = [entry("followers", "bob", now), entry("following", "bob", now, false)];
  for (const one of [...both, entry("following", "carol", now)]) book.set(one);
  const listed = (list?: ListName) =>
    [...book.entries(list)].map((one) => `${one.list} ${one.username}`);
  assert.deepEqual(listed("followers"), ["followers bob"]);
  assert.deepEqual(listed("following"), ["following bob", "following carol"]);
  assert.equal(listed().length, 3);
  assert.deepEqual([book.size("following"), book.presentCount("following")], [2, 1]);
  for (const one of both) book.drop(one);
  book.drop(entry("followers", "carol", now));
  assert.deepEqual(listed(), ["following carol"]);
  assert.deepEqual([book.size("followers"), book.presentCount("followers")], [0, 0]);
  assert.deepEqual([book.size("following"), book.presentCount("following")], [1, 1]);
});

Deno.test("Doubling the pages splits each page in two", () => {
  for (const name of names(500)) {
    for (let pages = 1; pages < pagesMax; pages *= 2) {
      assert.equal(pageOf(name, 2 * pages) % pages, pageOf(name, pages));
    }
  }
});

Deno.test("Of two entries about the same name every device prefers the same one", () => {
  const arbitrary = fc.record({
    list: fc.constant("following" as const),
    username: fc.constant("bob"),
    key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    updatedAt: fc.nat(3),
    present: fc.boolean(),
  });
  fc.assert(
    fc.property(arbitrary, arbitrary, arbitrary, (a: ListEntry, b: ListEntry, c: ListEntry) => {
      assert.equal(replaces(a, a), false);
      assert.ok(!(replaces(a, b) && replaces(b, a)));
      if (replaces(a, b) && replaces(b, c)) assert.ok(replaces(a, c));
      if (a.updatedAt > b.updatedAt) assert.ok(replaces(a, b));
    }),
    { seed: 4, numRuns: 1_000 },
  );
});

Deno.test("5,000 entries in each list fit the pages, with room for those taken out", () => {
  const book = bookOf(5_000);
  const pages = book.pagesWanted(0);
  assert.ok(pages <= pagesMax && book.fullestPageBytes(pages) <= pageBytesMax);
  let entries = 0;
  for (let page = 0; page < pages; page++) entries += book.page(page, pages).length;
  assert.equal(entries, 10_000);
  assert.equal(book.pagesWanted(pages), pages, "a fresh generation does not grow at once");
});

Deno.test("100,000 followers fit the pages of one generation, each found by its place", () => {
  const book = new ListBook();
  // As long as names of twenty letters, of which no two begin alike.
  for (let i = 0; i < 100_000; i++) {
    book.set(entry("followers", `u${(i * 7_919).toString(36)}`.padEnd(20, "_"), now));
  }
  const pages = book.pagesWanted(1_024);
  assert.equal(pages, pagesMax);
  assert.ok(book.fullestPageBytes(pages) <= pageBytesMax * 3 / 4);
  for (let i = 0; i < 1_000; i++) {
    const name = `name${i}`;
    assert.equal(pageAt(placeOf(name, pages)), pageOf(name, pages));
    assert.equal(pageAt(placeOf(name, 1)), 0);
    assert.ok(placeOf(name, pages) < pages * 2 ** 32);
  }
});

Deno.test("The fullest page that fits makes a record within the limit", () => {
  const book = new ListBook();
  const wide = (i: number) => `w${i}`.padEnd(20, "_");
  for (let i = 0; book.fullestPageBytes(1) <= pageBytesMax; i++) {
    book.set(entry("following", wide(i), now));
  }
  const entries = fitPage(book.page(0, 1));
  assert.equal(entries.length, book.page(0, 1).length - 1);
  const { value } = signRecord({
    username: "a_name_of_20_letters",
    namespace: pageNamespaceOf(999_999_999, 2_047),
    sequence: now,
    expiresAt: expiryFor(pageNamespaceOf(999_999_999, 2_047), now),
    body: { entries },
  }, identityOf("alice"));
  assert.ok(value.length <= recordBytesMax && value.length > recordBytesMax - 100);
});

Deno.test("Where no page can grow any more, entries taken out go first, then the oldest followers", () => {
  const entries: ListEntry[] = [];
  for (let i = 0; i < 40; i++) {
    entries.push(entry("following", `following_${i}`, now - i));
    entries.push(entry("followers", `follower_${i}`, now - i));
    entries.push(entry("followers", `absent_${i}`, now - i, false));
    entries.push(entry("following", `left_${i}`, now - i, false));
  }
  const kept = fitPage(entries);
  assert.equal(kept.filter((one) => one.present).length, 80);
  assert.ok(kept.some((one) => one.username === "absent_0"));
  assert.ok(!kept.some((one) => one.username === "left_39"));
  const crowd = Array.from({ length: 200 }, (_, i) => entry("followers", `crowd_${i}`, now - i));
  const first = fitPage([...entries, ...crowd]);
  assert.equal(first.filter((one) => one.list === "following" && one.present).length, 40);
  assert.ok(first.every((one) => one.present));
});

Deno.test("Generations rise, and tell how many pages they have", () => {
  let layout = { generation: 0, pages: 0 };
  const seen = new Set<number>();
  for (let pages = 1; pages <= pagesMax; pages *= 2) {
    const next = nextLayout(layout, pages);
    assert.ok(next.generation > layout.generation);
    assert.equal(2 ** (next.generation % 16), pages);
    seen.add(next.generation);
    layout = next;
  }
  assert.notEqual(
    nextLayout(layout, 64).generation,
    nextLayout(layout, 128).generation,
    "two devices that grow to different sizes never share a generation",
  );
});

Deno.test("A book knows its sizes whatever was set, replaced and dropped", () => {
  const book = new ListBook();
  book.set(entry("following", "bob", now));
  book.set(entry("followers", "bob", now));
  book.set(entry("following", "bob", now + 1, false));
  assert.equal(book.size("following"), 1);
  assert.equal(book.presentCount("following"), 0);
  assert.equal(book.presentCount("followers"), 1);
  book.drop(entry("following", "bob", now));
  book.drop(entry("following", "bob", now));
  assert.equal(book.size("following"), 0);
  assert.equal([...book.entries()].length, 1);
});
