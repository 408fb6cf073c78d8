import { Exemption } from "../../../../lib/networks.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { staleMs } from "../../../../net/kademlia/constants.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { compareDistance, Id, withPrefix } from "../../../../net/kademlia/space/id.ts";
import { RoutingTable } from "../../../../net/kademlia/table/routing_table.ts";
import { SeededRandom } from "../../../sim/random.ts";

const own = Id.from(new SeededRandom("own").bytes(20));
const random = new SeededRandom("table");

/** A contact that shares exactly `bits` bits with the own id, in a /24 of its own. */
let nets = 0;
function contact(bits: number, ip = `${5 + (nets >> 8)}.${nets++ & 255}.0.1`): NodeContact {
  return new NodeContact(withPrefix(own, bits, Id.from(random.bytes(20))), ip, 4000);
}

function emptyTable(exemptPrivate = true): RoutingTable {
  return new RoutingTable(own, { k: 20, exemption: new Exemption(exemptPrivate) });
}

function filled(bits: number, count: number, table: RoutingTable, atMs = 0): NodeContact[] {
  const contacts = Array.from({ length: count }, () => contact(bits));
  for (const one of contacts) table.insert(one, atMs);
  return contacts;
}

Deno.test("Only the bucket around the own id splits", () => {
  const table = emptyTable();
  filled(0, 20, table);
  assert.equal(table.bucketCount, 1);
  filled(3, 20, table);
  assert.equal(table.size, 40);
  // Bucket 0 is full and far from the own id: no further contact of its range gets in.
  assert.equal(table.insert(contact(0), 0), undefined);
  assert.equal(table.size, 40);
  filled(40, 5, table);
  assert.equal(table.size, 45);
  assert.ok(table.bucketCount >= 5);
});

Deno.test("The own id, and one that is in, do not enter", () => {
  const table = emptyTable();
  const one = contact(2);
  assert.ok(table.insert(one, 0));
  assert.equal(table.insert(one, 0), undefined);
  assert.equal(table.insert(new NodeContact(own, "5.5.5.5", 1), 0), undefined);
  assert.equal(table.consider(new NodeContact(own, "5.5.5.5", 1), true, 0).kind, "nothing");
});

Deno.test("A newcomer with room is to be verified; in a full bucket it waits as a replacement", () => {
  const table = emptyTable();
  filled(1, 1, table);
  const [first] = filled(0, 20, table);
  assert.ok(first);
  assert.equal(table.consider(contact(1), false, 0).kind, "verify");
  const waiting = contact(0);
  assert.equal(table.consider(waiting, false, 0).kind, "nothing");
  const entry = table.get(first.nodeId);
  assert.ok(entry);
  assert.equal(table.evict(entry), waiting);
});

Deno.test("Of a full bucket the least recently seen is checked, once it was not heard of for long", () => {
  const table = emptyTable();
  filled(1, 1, table);
  const contacts = filled(0, 20, table, 500);
  const old = contacts[7];
  assert.ok(old);
  const entry = table.get(old.nodeId);
  assert.ok(entry);
  entry.seenMs = 100;
  assert.equal(table.consider(contact(0), false, 100 + staleMs).kind, "nothing");
  const advice = table.consider(contact(0), false, 101 + staleMs);
  assert.ok(advice.kind === "check" && advice.entry === entry);
  table.answered(entry, 101 + staleMs);
  assert.equal(table.consider(contact(0), false, 201 + staleMs).kind, "nothing");
});

Deno.test("The replacement cache is bounded, and whoever answered us comes first", () => {
  const table = emptyTable();
  filled(1, 1, table);
  filled(0, 20, table);
  for (let i = 0; i < 500; i++) table.consider(contact(0), false, 0);
  const answered = contact(0);
  table.consider(answered, true, 0);
  for (let i = 0; i < 500; i++) table.consider(contact(0), false, 0);
  const [entry] = table;
  assert.ok(entry);
  const waiting: NodeContact[] = [];
  for (let next = table.evict(entry); next; next = table.nextReplacement(entry.contact.nodeId)) {
    waiting.push(next);
  }
  assert.equal(waiting.length <= 10, true);
});

Deno.test("A replacement that enters the table by itself waits no longer, and the others still do", () => {
  for (const entering of [0, 1]) {
    const table = emptyTable();
    filled(1, 1, table);
    const contacts = filled(0, 20, table);
    const waiting = [contact(0), contact(0), contact(0)];
    for (const one of waiting) table.consider(one, true, 0);
    const evicted = contacts.slice(0, 3).map((one) => table.find(one));
    const evict = () => {
      const entry = evicted.shift();
      return entry && table.evict(entry);
    };
    assert.equal(evict(), waiting[2]);
    const entered = waiting[entering];
    assert.ok(entered && table.insert(entered, 0));
    assert.equal(evict(), waiting[1 - entering]);
    assert.equal(evict(), undefined);
  }
});

Deno.test("An id at another address does not displace the known one: the old address is asked", () => {
  const table = emptyTable();
  const known = contact(3);
  const entry = table.insert(known, 0);
  const moved = new NodeContact(known.nodeId, "5.200.1.1", 1);
  const advice = table.consider(moved, false, 1);
  assert.ok(advice.kind === "check" && advice.entry === entry);
  assert.equal(table.get(known.nodeId)?.contact, known);
});

Deno.test("At most two contacts of one /24 a bucket and ten a table", () => {
  const table = emptyTable();
  for (let bits = 0; bits < 12; bits++) filled(bits, 18, table);
  let entered = 0;
  for (let bits = 0; bits < 12; bits++) {
    const before = table.size;
    for (let i = 0; i < 5; i++) {
      const one = contact(bits, `9.9.9.${bits * 5 + i}`);
      const advice = table.consider(one, false, 0);
      const inside = table.insert(one, 0) !== undefined;
      assert.equal(inside, advice.kind === "verify");
      if (inside) entered++;
    }
    assert.ok(table.size - before <= 2);
  }
  assert.equal(entered, 10);
});

Deno.test("An IPv6 /64 is limited like an IPv4 /24", () => {
  const table = emptyTable();
  let entered = 0;
  for (let i = 1; i < 9; i++) if (table.insert(contact(0, `2001:db8::${i}`), 0)) entered++;
  assert.equal(entered, 2);
});

Deno.test("Private and loopback addresses are exempt, unless set otherwise", () => {
  const exempt = emptyTable();
  const strict = emptyTable(false);
  for (const table of [exempt, strict]) {
    for (let i = 1; i < 10; i++) table.insert(contact(0, `10.0.0.${i}`), 0);
    for (let i = 1; i < 10; i++) table.insert(contact(0, `127.0.0.${i}`), 0);
  }
  assert.equal(exempt.size, 18);
  assert.equal(strict.size, 4);
});

Deno.test("An evicted contact frees its place in the address limits", () => {
  const table = emptyTable();
  const entry = table.insert(contact(0, "9.9.9.1"), 0);
  table.insert(contact(0, "9.9.9.2"), 0);
  assert.equal(table.insert(contact(0, "9.9.9.3"), 0), undefined);
  assert.ok(entry);
  table.evict(entry);
  assert.ok(table.insert(contact(0, "9.9.9.3"), 0));
});

Deno.test("The closest contacts are those of a full sort", () => {
  const table = emptyTable();
  const all: NodeContact[] = [];
  for (let bits = 0; bits < 10; bits++) all.push(...filled(bits, 12, table));
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 1, max: 40 }),
      (bytes, bits, count) => {
        const target = withPrefix(own, bits, Id.from(bytes));
        const except = all[bits]?.nodeId;
        const expected = all.filter((c) => !except?.equals(c.nodeId))
          .sort((a, b) => compareDistance(target, a.nodeId, b.nodeId)).slice(0, count);
        assert.deepEqual(table.closest(target, count, except), expected);
        const nearer = all.filter((c) => compareDistance(target, c.nodeId, own) < 0).length;
        assert.equal(table.countCloserThanOwn(target, 1_000), nearer);
        assert.equal(table.countCloserThanOwn(target, 3), Math.min(3, nearer));
      },
    ),
    { seed: 3, numRuns: 200 },
  );
});

Deno.test("Contacts that failed lately are handed out last, and not to others", () => {
  const table = emptyTable();
  const contacts = filled(2, 10, table);
  const [first] = contacts;
  assert.ok(first);
  const entry = table.get(first.nodeId);
  assert.ok(entry);
  table.failed(entry);
  table.failed(entry);
  assert.equal(table.live, 9);
  assert.equal(table.closest(first.nodeId, 20).length, 9);
  assert.equal(table.closest(first.nodeId, 20, undefined, true).at(-1), first);
  table.answered(entry, 1);
  assert.equal(table.live, 10);
  assert.equal(table.closest(first.nodeId, 20)[0], first);
});

Deno.test("Buckets without a lookup for an hour are idle", () => {
  const table = emptyTable();
  for (let bits = 0; bits < 3; bits++) filled(bits, 20, table);
  const hour = 3_600_000;
  for (let i = 0; i < table.bucketCount; i++) {
    table.lookedUp(withPrefix(own, i, own), i === 1 ? hour : 1);
  }
  assert.deepEqual(table.idleBuckets(hour), [0, 2]);
});

Deno.test("Entries whose ids begin alike are told apart, whichever of them goes", () => {
  for (const gone of [0, 1, 2]) {
    const table = emptyTable();
    const { w0 } = withPrefix(own, 2, Id.from(random.bytes(20)));
    const alike = [1, 2, 3].map((n) => new NodeContact(new Id(w0, n, 0, 0, 0), `5.${n}.0.1`, 4000));
    for (const one of alike) assert.ok(table.insert(one, 0));
    const entry = alike[gone] && table.find(alike[gone]);
    assert.ok(entry);
    table.evict(entry);
    assert.deepEqual(
      alike.map((one) => table.find(one)?.contact),
      alike.map((one, i) => i === gone ? undefined : one),
    );
    assert.equal(table.get(new Id(w0, 4, 0, 0, 0)), undefined);
  }
});
