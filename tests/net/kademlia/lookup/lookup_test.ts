import assert from "node:assert/strict";
import fc from "fast-check";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { compareDistance, distance, Id } from "../../../../net/kademlia/space/id.ts";
import type { Candidate } from "../../../../net/kademlia/lookup/candidates.ts";
import { Lookup, type LookupOptions } from "../../../../net/kademlia/lookup/lookup.ts";
import { limitedNetworks } from "../../../../lib/networks.ts";
import { SeededRandom } from "../../../sim/random.ts";

const random = new SeededRandom("lookup");
const target = new Id(0, 0, 0, 0, 0);
const own = new Id(-1, -1, -1, -1, -1);
const networksOf = (ip: string) => limitedNetworks(ip, false) ?? [];

/** Contact number `n` by distance from the target. */
function at(n: number, ip = `${5 + (n >> 8) % 200}.${n & 255}.0.1`): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), ip, 4000);
}

function range(from: number, to: number): NodeContact[] {
  return Array.from({ length: to - from }, (_, i) => at(from + i));
}

function lookup(options: Partial<LookupOptions> & Pick<LookupOptions, "seeds">): Lookup {
  return new Lookup({
    target,
    own,
    networksOf,
    k: 20,
    alpha: 3,
    paths: 1,
    answerRate: 1,
    reserve: () => [],
    radius: () => Infinity,
    ...options,
  });
}

function numbers(candidates: readonly { contact: NodeContact }[]): number[] {
  return candidates.map(({ contact }) => contact.nodeId.w0);
}

Deno.test("A lookup asks alpha contacts at once, nearest first", () => {
  const one = lookup({ seeds: range(1, 10) });
  assert.deepEqual(numbers(one.start()), [1, 2, 3]);
});

Deno.test("Every reply starts the next query; nobody waits for the slowest", () => {
  const one = lookup({ seeds: range(1, 10) });
  const [a, b] = one.start();
  assert.ok(a && b);
  assert.deepEqual(numbers(one.reply(b, [])), [4]);
  assert.deepEqual(numbers(one.reply(a, [])), [5]);
});

Deno.test("A nearer contact named in a reply is asked next", () => {
  const one = lookup({ seeds: range(10, 20) });
  const [a] = one.start();
  assert.ok(a);
  assert.deepEqual(numbers(one.reply(a, [at(2), at(50)])), [2]);
});

Deno.test("Past its timeout a query gives up its slot, and its late answer still counts", () => {
  const one = lookup({ seeds: range(1, 6), k: 5 });
  const [a, b, c] = one.start();
  assert.ok(a && b && c);
  const [d] = one.reply(b, []);
  const [e] = one.timeout(a);
  assert.ok(d && e);
  assert.deepEqual(numbers([d, e]), [4, 5]);
  assert.equal(one.slow, 1);
  assert.equal(one.finished, false);
  assert.deepEqual(numbers(one.reply(a, [at(9)])), []);
  for (const candidate of [c, d, e]) one.reply(candidate, []);
  assert.ok(one.finished);
  assert.deepEqual(one.result().map((x) => x.nodeId.w0), [1, 2, 3, 4, 5]);
});

Deno.test("A late answer that names nearer contacts wakes a lookup that had given up", () => {
  const one = lookup({ seeds: [at(5)] });
  const [a] = one.start();
  assert.ok(a);
  one.timeout(a);
  assert.ok(one.finished);
  assert.deepEqual(numbers(one.reply(a, [at(1)])), [1]);
  assert.equal(one.finished, false);
});

Deno.test("A lookup ends when the k closest that live have answered", () => {
  const one = lookup({ seeds: range(1, 30), k: 4 });
  const open = one.start();
  const asked: number[] = [];
  for (let next = open.shift(); next; next = open.shift()) {
    asked.push(next.contact.nodeId.w0);
    // Number 2 is dead: the fifth takes its place.
    open.push(...(next.contact.nodeId.w0 === 2 ? one.timeout(next) : one.reply(next, [])));
  }
  assert.ok(one.finished);
  assert.deepEqual(one.result().map((x) => x.nodeId.w0), [1, 3, 4, 5]);
  assert.ok(asked.length <= 7, "queries under way at the end are few");
});

Deno.test("Answers twice, or from nobody asked, change nothing", () => {
  const one = lookup({ seeds: range(1, 10) });
  const [a] = one.start();
  assert.ok(a);
  one.reply(a, []);
  assert.deepEqual(one.reply(a, [at(0)]), []);
  assert.deepEqual(one.timeout(a), []);
  assert.deepEqual(one.failure(a), []);
});

Deno.test("Neither the own node nor a duplicate is asked", () => {
  const one = lookup({ seeds: [at(1)] });
  const [a] = one.start();
  assert.ok(a);
  assert.deepEqual(one.reply(a, [at(1), new NodeContact(own, "5.9.9.9", 1)]), []);
  assert.ok(one.finished);
});

Deno.test("Two of one /24 count among a lookup's k, however many are named", () => {
  const one = lookup({ seeds: range(100, 120), k: 5 });
  const open = one.start();
  const liars = Array.from({ length: 20 }, (_, i) => at(i + 1, `9.9.9.${i + 1}`));
  let asked = 0;
  for (let next = open.shift(); next; next = open.shift()) {
    if (next.contact.ip.startsWith("9.9.9.")) asked++;
    open.push(...one.reply(next, liars));
  }
  assert.equal(asked, 2);
  assert.equal(one.result().filter((c) => c.ip.startsWith("9.9.9.")).length, 2);
  assert.equal(one.result().length, 5);
});

Deno.test("Where networks are exempt, one address is still one node", () => {
  const one = lookup({ seeds: [at(100)], networksOf: () => [] });
  const [first] = one.start();
  assert.ok(first);
  const fakes = Array.from({ length: 20 }, (_, i) => at(i + 1, "127.0.0.1"));
  assert.deepEqual(numbers(one.reply(first, fakes)), [1]);
});

Deno.test("The paths of a lookup share no node", () => {
  const one = lookup({ seeds: range(1, 13), paths: 4, alpha: 4 });
  const asked = new Set<number>();
  const open = one.start();
  assert.deepEqual(open.map((c) => c.path).sort(), [0, 1, 2, 3]);
  for (let next = open.shift(); next; next = open.shift()) {
    assert.ok(!asked.has(next.contact.nodeId.w0), "asked by one path only");
    asked.add(next.contact.nodeId.w0);
    open.push(...one.reply(next, range(1, 40)));
  }
  assert.ok(one.finished);
  assert.equal(one.result().length, 20);
});

Deno.test("There are never more paths than contacts, and few nodes fail no lookup", () => {
  for (const count of [0, 1, 2, 5]) {
    const one = lookup({ seeds: range(1, 1 + count), paths: 8 });
    const open = one.start();
    assert.ok(open.every(({ path }) => path < count));
    for (let next = open.shift(); next; next = open.shift()) open.push(...one.reply(next, []));
    assert.ok(one.finished);
    assert.equal(one.result().length, count);
  }
});

Deno.test("A liar on one path does not starve the others", () => {
  // Path 0 meets liars that name twenty nearer liars; the honest nodes around the target are known
  // only to those farther out.
  const liars = range(1_000, 1_020);
  const honest = range(1, 21);
  const isLiar = (c: Candidate): boolean =>
    c.contact.nodeId.w0 >= 1_000 && c.contact.nodeId.w0 < 1_020;
  const one = lookup({ seeds: [at(5_000), at(6_000), at(7_000)], paths: 3 });
  const open = one.start();
  for (let next = open.shift(); next; next = open.shift()) {
    const first = next.contact.nodeId.w0 === 5_000;
    open.push(...one.reply(next, first || isLiar(next) ? liars : honest));
  }
  assert.deepEqual(one.result(), honest);
});

Deno.test("With a goal a lookup asks just enough, and ends with it", () => {
  const one = lookup({ seeds: range(1, 20), goal: 3, paths: 3 });
  const queries = one.start();
  assert.equal(queries.length, 3);
  for (const query of queries) assert.deepEqual(one.reply(query, [], true), []);
  assert.ok(one.finished);
  assert.equal(one.asked, 3);
});

Deno.test("A goal is not met by holders on one path while others still look", () => {
  const one = lookup({ seeds: range(101, 103), goal: 2, paths: 2 });
  const [a, b] = one.start();
  assert.ok(a && b);
  // What a names becomes known to its path alone.
  for (const query of one.reply(a, [at(1), at(2), at(3)])) {
    assert.equal(query.path, a.path);
    for (const next of one.reply(query, [], true)) one.reply(next, [], true);
  }
  assert.equal(one.finished, false);
  one.reply(b, [], true);
  assert.ok(one.finished);
});

Deno.test("With more paths than holders wanted, every path must find one all the same", () => {
  const one = lookup({ seeds: range(1, 40), goal: 3, paths: 6, alpha: 6 });
  const open = one.start();
  const found = new Set<number>();
  for (let next = open.shift(); next; next = open.shift()) {
    assert.equal(one.finished, false);
    found.add(next.path);
    open.push(...one.reply(next, [], true));
    if (one.finished) break;
  }
  assert.ok(one.finished);
  assert.equal(found.size, 6);
});

Deno.test("The last holder may be sought among more nodes, all of them near the target", () => {
  const radius = (): number => distance(target, at(6).nodeId);
  const asked = (spare: number, seeds: NodeContact[]): number[] => {
    const one = lookup({ seeds, goal: 2, spare, radius });
    const [a] = one.start();
    assert.ok(a);
    return numbers(one.reply(a, [], true));
  };
  assert.deepEqual(asked(0, range(1, 9)), []);
  assert.deepEqual(asked(1, range(1, 9)), [3]);
  assert.deepEqual(asked(2, range(1, 9)), [3, 4]);
  assert.deepEqual(asked(1, [at(1), at(2), at(9)]), []);
});

Deno.test("Where round trips differ, an answer that comes first says nothing of the others", () => {
  const one = lookup({ seeds: range(1, 20), goal: 2, paths: 2, alpha: 4 });
  const [a, b] = one.start();
  assert.ok(a && b);
  const [c] = one.reply(b, []);
  assert.ok(c);
  assert.equal(c.path, b.path);
  assert.deepEqual(one.reply(c, [], true), []);
});

Deno.test("Where dead nodes are to be expected, already the first answer overtakes what was sent with it", () => {
  const hedges = (answerRate: number): boolean[] => {
    const one = lookup({ seeds: range(1, 20), goal: 3, paths: 3, answerRate });
    const [dead, b] = one.start();
    assert.ok(dead && b);
    return one.reply(b, [], true).map((query) => query.path === dead.path);
  };
  assert.deepEqual(hedges(0.98), []);
  assert.deepEqual(hedges(0.96), [true]);
});

Deno.test("What is answered at once has overtaken what was sent with it", () => {
  for (const isQuick of [false, true]) {
    const one = lookup({ seeds: range(1, 20), goal: 3, paths: 3 });
    const [dead, b] = one.start();
    assert.ok(dead && b);
    b.isQuick = isQuick;
    assert.deepEqual(one.reply(b, [], true).map(({ path }) => path), isQuick ? [dead.path] : []);
  }
});

Deno.test("Where many queries went unanswered lately, more than the goal are sent", () => {
  const careful = lookup({ seeds: range(1, 20), goal: 2, alpha: 3, answerRate: 0.6 });
  assert.equal(careful.start().length, 4);
  const trusting = lookup({ seeds: range(1, 20), goal: 2, alpha: 3, answerRate: 1 });
  assert.equal(trusting.start().length, 2);
});

Deno.test("Alpha queries are those that are to be answered; where few are, no more than twice as many are out", () => {
  for (const [answerRate, count] of [[1, 3], [0.9, 3], [0.8, 4], [0.5, 6], [0.1, 6]] as const) {
    const one = lookup({ seeds: range(1, 20), goal: 9, alpha: 3, answerRate });
    assert.equal(one.start().length, count, `${answerRate}`);
  }
});

Deno.test("In a hurry a lookup asks beyond its goal, within alpha", () => {
  const one = lookup({ seeds: range(1, 20), goal: 2, alpha: 3 });
  assert.equal(one.start().length, 2);
  assert.equal(one.hurry().length, 1);
  assert.equal(one.hurry().length, 0);
});

Deno.test("Overdue queries hold no slots, and no more than three times alpha are in flight", () => {
  const one = lookup({ seeds: range(1, 40), goal: 3, alpha: 3 });
  const open = one.start();
  assert.equal(open.length, 3);
  assert.equal(one.hurry().length, 0, "late, but not overdue");
  for (let round = 0; round < 4; round++) {
    const more = one.hurry(true);
    assert.ok(more.length <= 3);
    open.push(...more);
    assert.ok(open.length >= Math.min(9, 5 + 2 * round) && open.length <= 9, `${open.length}`);
  }
  assert.deepEqual(one.open, open);
  assert.equal(open.length, 9);
});

Deno.test("A node that is known to be silent is asked, and not waited for once another has answered", () => {
  const isSuspect = ({ nodeId }: NodeContact) => nodeId.w0 <= 2;
  const one = lookup({ seeds: [at(9)], isSuspect });
  const [first] = one.start();
  assert.ok(first);
  const queries = one.reply(first, range(1, 5));
  assert.deepEqual(numbers(queries), [1, 2, 3, 4]);
  assert.deepEqual(numbers(one.open), [3, 4]);
  const [suspect, , ...others] = queries;
  for (const query of others) one.reply(query, []);
  assert.ok(one.finished);
  assert.deepEqual(numbers(one.silent()), [1, 2]);
  // Its answer counts all the same.
  assert.ok(suspect);
  one.reply(suspect, []);
  assert.deepEqual(one.result().map(({ nodeId }) => nodeId.w0), [1, 3, 4, 9]);
});

Deno.test("Where no node has answered yet, those that were silent are waited for", () => {
  const one = lookup({ seeds: range(1, 3), isSuspect: () => true });
  const [a, b] = one.start();
  assert.ok(a && b);
  assert.equal(one.open.length, 2);
  assert.equal(one.finished, false);
});

Deno.test("No more than k suspects are asked without being waited for", () => {
  const one = lookup({ seeds: [at(500)], k: 4, isSuspect: ({ nodeId }) => nodeId.w0 < 500 });
  const [first] = one.start();
  assert.ok(first);
  assert.equal(one.reply(first, range(1, 41)).length, 4 + 3);
  assert.equal(one.open.length, 3);
});

Deno.test("A node that names ever nearer nodes is not followed for ever", () => {
  const one = lookup({ seeds: [at(1 << 30)], networksOf: () => [] });
  const open = one.start();
  let asked = 0;
  for (let next = open.shift(); next; next = open.shift()) {
    asked++;
    const n = next.contact.nodeId.w0;
    const names = Array.from(
      { length: 64 },
      (_, i) => at(n - 1 - i, `5.1.${asked & 255}.${i + 1}`),
    );
    open.push(...one.reply(next, names));
  }
  assert.ok(one.finished);
  assert.ok(asked <= 256);
});

Deno.test("A lookup finds the k closest of any network that knows its neighbourhood", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 120 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 1 << 30 }),
      (size, paths, alpha, seed) => {
        const ids = new SeededRandom(seed);
        const nodes = Array.from(
          { length: size },
          (_, i) => new NodeContact(Id.from(ids.bytes(20)), `${6 + (i >> 8)}.${i & 255}.0.1`, 1),
        );
        const point = Id.from(ids.bytes(20));
        const sorted = [...nodes].sort((a, b) => compareDistance(point, a.nodeId, b.nodeId));
        const one = lookup({ target: point, seeds: nodes.slice(0, 3), paths, alpha });
        const open = one.start();
        let turn = 0;
        while (open.length > 0) {
          // Answers come in any order.
          const [next] = open.splice((turn++ * 7) % open.length, 1);
          assert.ok(next);
          assert.ok(open.length < alpha);
          const near = [...nodes].sort((a, b) =>
            compareDistance(next.contact.nodeId, a.nodeId, b.nodeId)
          );
          const known = [...near.slice(0, 20), ...sorted.slice(0, 20)];
          open.push(...one.reply(next, known));
        }
        assert.ok(one.finished);
        assert.deepEqual(one.result(), sorted.slice(0, 20));
      },
    ),
    { seed: 3, numRuns: 60 },
  );
});

Deno.test("Whatever happens to its queries, a lookup ends and keeps its bounds", () => {
  const events = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 8 }), fc.boolean(), (script, paths, goal) => {
      const one = lookup({ seeds: range(1, 25), paths, ...(goal ? { goal: 3 } : {}) });
      const open = one.start();
      const slow: Candidate[] = [];
      let step = 0;
      while (open.length > 0) {
        const what = script[step++ % script.length] ?? 0;
        const [next] = open.splice(step % open.length, 1);
        assert.ok(next);
        assert.ok(open.length < 3);
        if (what === 0) {
          slow.push(next);
          open.push(...one.timeout(next));
        } else if (what === 1) open.push(...one.failure(next));
        else {
          const id = Id.from(random.bytes(20));
          const contacts = [new NodeContact(id, `7.${step & 255}.1.1`, 1)];
          open.push(...one.reply(next, contacts, what === 2));
        }
        const late = what === 5 ? slow.pop() : undefined;
        if (late) open.push(...one.reply(late, []));
      }
      assert.ok(one.finished);
      assert.ok(one.asked <= 256);
    }),
    { seed: 3, numRuns: 100 },
  );
});

Deno.test("A read asks at once as many as it wants holders, and one on every path without one", () => {
  const asked = (goal: number, paths: number) =>
    lookup({ seeds: range(1, 60), goal, paths, alpha: 4 }).start().length;
  assert.equal(asked(1, 1), 1);
  assert.equal(asked(3, 1), 3);
  assert.equal(asked(9, 1), 4, "alpha at most");
  assert.equal(asked(1, 4), 4);
});

Deno.test("Queries to near nodes have slots of their own, and far ones keep to alpha", () => {
  const radius = (): number => distance(target, at(30).nodeId);
  const one = lookup({ seeds: range(100, 120), k: 10, nearAtOnce: 5, radius });
  const [a, b, c] = one.start();
  assert.ok(a && b && c);
  assert.deepEqual(numbers(one.reply(a, range(1, 21))), [1, 2, 3, 4, 5]);
  // Another far one has answered: near ones are next, and none of them has a slot.
  assert.deepEqual(numbers(one.reply(b, [])), []);
});

Deno.test("A lookup begins with few queries to near nodes, and each prompt answer makes them more", () => {
  const radius = (): number => distance(target, at(30).nodeId);
  const hurried = { seeds: range(1, 21), k: 20, nearAtOnce: 7, nearAtFirst: 2, radius };
  for (const isPrompt of [true, false]) {
    const one = lookup(hurried);
    const [a, b, c] = one.start();
    assert.ok(a && b && c === undefined);
    for (const candidate of [a, b]) candidate.isPrompt = isPrompt;
    assert.deepEqual(numbers(one.reply(a, [])), isPrompt ? [3, 4, 5, 6] : [3]);
    assert.deepEqual(numbers(one.reply(b, [])), isPrompt ? [7, 8, 9] : [4]);
  }
});

Deno.test("Where near cannot be told from far, alpha bounds all queries", () => {
  const one = lookup({ seeds: range(1, 21), nearAtOnce: 5 });
  assert.deepEqual(numbers(one.start()), [1, 2, 3]);
});

Deno.test("A path that is still far goes on while another has used all slots of near ones", () => {
  const radius = (): number => distance(target, at(30).nodeId);
  const one = lookup({ seeds: [at(100), at(101)], k: 10, paths: 2, nearAtOnce: 2, radius });
  const [a, b] = one.start();
  assert.ok(a && b);
  assert.deepEqual(numbers(one.reply(a, range(1, 9))), [1, 2]);
  assert.deepEqual(numbers(one.reply(b, [at(60)])), [60]);
});
