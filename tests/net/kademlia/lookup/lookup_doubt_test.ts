import assert from "node:assert/strict";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { doubtsMax } from "../../../../net/kademlia/constants.ts";
import { distance, Id } from "../../../../net/kademlia/space/id.ts";
import type { Candidate } from "../../../../net/kademlia/lookup/candidates.ts";
import { Lookup, type LookupOptions } from "../../../../net/kademlia/lookup/lookup.ts";

const target = new Id(0, 0, 0, 0, 0);
const own = new Id(-1, -1, -1, -1, -1);

/** Contact number `n` by distance from the target. */
function at(n: number): NodeContact {
  return new NodeContact(new Id(n, 0, 0, 0, 0), `${5 + (n >> 8) % 200}.${n & 255}.0.1`, 4000);
}

function lookup(options: Partial<LookupOptions> & Pick<LookupOptions, "seeds">): Lookup {
  return new Lookup({
    target,
    own,
    k: 20,
    alpha: 1,
    paths: 1,
    answerRate: 1,
    reserve: () => [],
    networksOf: () => [],
    radius: () => distance(target, at(10).nodeId),
    ...options,
  });
}

function numbers(candidates: readonly { contact: NodeContact }[]): number[] {
  return candidates.map(({ contact }) => contact.nodeId.w0);
}

/** Answers the only query out, and returns whom is asked next. */
function answer(one: Lookup, [asked]: readonly Candidate[], names: number[], found = false) {
  assert.ok(asked);
  return one.reply(asked, names.map(at), found);
}

Deno.test("A value from too far away to be stored there does not end a read", () => {
  const one = lookup({ seeds: [at(100), at(200)], k: 2, goal: 1 });
  const next = answer(one, one.start(), [], true);
  assert.deepEqual(numbers(next), [200]);
  assert.equal(one.finished, false);
  const last = answer(one, next, [5]);
  assert.deepEqual(numbers(last), [5]);
  answer(one, last, [], true);
  assert.equal(one.finished, true);
  assert.deepEqual(one.answered().map(({ state }) => state), ["holder", "afar"]);
});

Deno.test("Nodes that send what they cannot have are outvoted by one more holder each, two of them", () => {
  const near = [1, 2, 3, 4, 5, 6, 7, 8];
  /** How many holders end a read on whose way these nodes stand, each the only one that the one before names. */
  const holders = (way: readonly number[], found: boolean, isFalse: boolean): number => {
    const one = lookup({ seeds: way.slice(0, 1).map(at), goal: 2 });
    let [query] = one.start();
    for (let i = 0; i < way.length; i++) {
      const names = i + 1 < way.length ? way.slice(i + 1, i + 2) : near;
      assert.ok(query);
      assert.equal(query.contact.nodeId.w0, way[i]);
      [query] = one.reply(query, names.map(at), found, isFalse);
    }
    let count = 0;
    for (; query !== undefined; count++) [query] = one.reply(query, [], true);
    return count;
  };
  assert.equal(holders([90, 80, 70], false, false), 2, "honest, with nothing");
  assert.equal(holders([40, 30, 20], true, false), 2, "honest, with a value held far out");
  for (const [found, isFalse] of [[true, false], [false, true]] as const) {
    assert.equal(holders([90], found, isFalse), 3);
    assert.equal(holders([90, 80], found, isFalse), 4);
    assert.equal(holders([90, 80, 70], found, isFalse), 4);
  }
  assert.equal(holders([30], false, true), 3, "forged, wherever it comes from");
});

Deno.test("Where too few are near the target, those that were displaced are asked", () => {
  const one = lookup({ seeds: [at(100), at(101)], k: 4 });
  // Of the first seed's contacts one names its friends only, and so do they.
  let next = answer(one, one.start(), [50, 90]);
  for (let n = 50; n <= 52; n++) next = answer(one, next, [50, 51, 52, 53]);
  assert.deepEqual(numbers(next), [53]);
  next = answer(one, next, []);
  assert.deepEqual(numbers(next), [90]);
  next = answer(one, next, [1, 2, 3, 4]);
  for (let n = 1; n <= 4; n++) {
    assert.deepEqual(numbers(next), [n]);
    next = answer(one, next, []);
  }
  assert.equal(one.finished, true);
  assert.deepEqual(numbers(one.answered()), [1, 2, 3, 4]);
});

Deno.test("Where all seeds were liars, contacts in reserve are asked", () => {
  const reserve = (): NodeContact[] => [at(200), at(201)];
  const one = lookup({ seeds: [at(50), at(51)], reserve, k: 4 });
  let next = answer(one, one.start(), [51]);
  next = answer(one, next, [50]);
  assert.deepEqual(numbers(next), [200]);
  next = answer(one, next, [1, 2, 3]);
  for (let n = 1; n <= 3; n++) {
    assert.deepEqual(numbers(next), [n]);
    next = answer(one, next, []);
  }
  assert.equal(one.finished, true);

  const content = lookup({ seeds: [1, 2, 3, 4].map(at), reserve, k: 4 });
  for (next = content.start(); next.length > 0;) next = answer(content, next, []);
  assert.deepEqual(numbers(content.answered()), [1, 2, 3, 4]);
  assert.equal(content.asked, 4);
});

/** So many numbers from one on. */
function numbersFrom(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

Deno.test("A liar with many friends does not use up the doubts of a lookup", () => {
  const friends = numbersFrom(50, 4 + doubtsMax);
  const names = (n: number): number[] =>
    n === 501 ? [300] : n === 300 ? [1, 2, 3, 4] : n < 50 ? [] : friends;
  const one = lookup({ seeds: [at(500), at(501)], k: 4 });
  for (let next = one.start(); next.length > 0;) {
    next = answer(one, next, names(numbers(next)[0] ?? 0));
  }
  assert.deepEqual(numbers(one.answered()), [1, 2, 3, 4]);
});

Deno.test("Where density is unknown, each node that named others has a turn before a lookup ends", () => {
  const friends = numbersFrom(50, 20);
  const names = (n: number): number[] =>
    n === 501 ? [40] : n === 40 ? [1, 2, 3, 4] : n < 50 ? [] : friends;
  for (const [doubtsAtFirst, found] of [[0, [50, 51, 52, 53]], [2, [1, 2, 3, 4]]] as const) {
    const seeds = [at(500), at(501)];
    const one = lookup({ seeds, k: 4, doubtsAtFirst, radius: () => Infinity });
    for (let next = one.start(); next.length > 0;) {
      next = answer(one, next, names(numbers(next)[0] ?? 0));
    }
    assert.ok(one.finished);
    assert.deepEqual(numbers(one.answered()), found);
  }
});

Deno.test("A bucket full of liars does not use up the doubts of a lookup", () => {
  const elsewhere = new NodeContact(new Id(-5, 0, 0, 0, 0), "9.9.9.9", 4000);
  const reserve = (): NodeContact[] => [...numbersFrom(50, 4 + doubtsMax).map(at), elsewhere];
  const one = lookup({ seeds: [at(50)], reserve, k: 4 });
  const asked: number[] = [];
  for (let next = one.start(); next.length > 0; next = answer(one, next, [])) {
    asked.push(...numbers(next));
  }
  assert.ok(asked.includes(-5));
});

Deno.test("A lookup does not doubt for ever", () => {
  const seeds = numbersFrom(100, 2 * doubtsMax).map(at);
  const asked = (options: Partial<LookupOptions>): number => {
    const one = lookup({ seeds, k: 4, ...options });
    for (let next = one.start(); next.length > 0;) next = answer(one, next, []);
    assert.equal(one.finished, true);
    return one.asked;
  };
  assert.equal(asked({}), 4 + doubtsMax);
  assert.equal(asked({ radius: () => Infinity, doubtsAtFirst: 3 }), 4 + 3);
  assert.equal(asked({ radius: () => Infinity }), 4);
});

Deno.test("A lookup without enough near the target ends when nobody is left to ask", () => {
  const one = lookup({ seeds: [at(100), at(101), at(102)], k: 2 });
  let next = one.start();
  for (let n = 100; n <= 102; n++) {
    assert.deepEqual(numbers(next), [n]);
    next = answer(one, next, []);
  }
  assert.equal(one.finished, true);
});

Deno.test("A read doubts only when somebody near the target lacks the value", () => {
  const seeds = [at(1), at(2), at(100)];
  const content = lookup({ seeds, k: 8, goal: 2 });
  answer(content, answer(content, content.start(), [], true), [], true);
  assert.equal(content.finished, true);

  const doubtful = lookup({ seeds, k: 2, goal: 1 });
  const next = answer(doubtful, doubtful.start(), []);
  answer(doubtful, next, [], true);
  assert.equal(doubtful.finished, true, "two of two are near enough");
});

Deno.test("A lookup begins with the cheapest seed, and goes on with the nearest", () => {
  const cost = ({ nodeId }: NodeContact): number => nodeId.w0 === 102 ? 1 : 2;
  const one = lookup({ seeds: [at(100), at(101), at(102)], cost });
  const first = one.start();
  assert.deepEqual(numbers(first), [102]);
  assert.deepEqual(numbers(answer(one, first, [])), [100]);
});

Deno.test("A crowd next to the key takes nobody's place", () => {
  const reach = (): number => distance(target, at(100).nodeId);
  const crowd = [1, 2, 3, 4];
  const one = lookup({ seeds: [...crowd, 30, 40, 80].map(at), k: 4, radius: reach });
  let next = one.start();
  while (next.length > 0) next = answer(one, next, []);
  assert.deepEqual(numbers(one.answered()), [1, 2, 3, 4, 30, 40]);
});

Deno.test("A crowd that an attacker has placed next to the key hides no node around it", () => {
  const crowd = Array.from({ length: 20 }, (_, i) => i + 1);
  const seeds = [...crowd, 300, 400, 700, 900].map(at);
  const one = lookup({ seeds, k: 4, radius: () => distance(target, at(1_000).nodeId) });
  let next = one.start();
  while (next.length > 0) next = answer(one, next, []);
  assert.deepEqual(numbers(one.answered()), [1, 2, 3, 4, 5, 6, 7, 300, 400, 700]);
});

Deno.test("A crowd that takes all of the nearest places is known by what chance does not put there", () => {
  const answered = (crowd: number): number[] => {
    const seeds = [...Array.from({ length: crowd }, (_, i) => i + 1), 300, 400, 700, 900].map(at);
    const one = lookup({ seeds, k: 10, radius: () => distance(target, at(1_000).nodeId) });
    let next = one.start();
    while (next.length > 0) next = answer(one, next, []);
    return numbers(one.answered()).filter((n) => n >= 300);
  };
  assert.deepEqual(answered(8), [300, 400]);
  assert.deepEqual(answered(9), [300, 400, 700]);
});

Deno.test("Where an attacker's nodes alone stand next to the key, contacts in reserve are asked until enough are near", () => {
  const seeds = Array.from({ length: 20 }, (_, i) => at(i + 1));
  const reserve = (): NodeContact[] => Array.from({ length: 20 }, (_, i) => at(600 + 10 * i));
  const radius = (): number => distance(target, at(1_000).nodeId);
  const one = lookup({ seeds, reserve, radius, goal: 1 });
  const asked: number[] = [];
  for (let next = one.start(); next.length > 0; next = answer(one, next, [])) {
    asked.push(...numbers(next));
  }
  assert.equal(one.finished, true);
  // Of the twenty four count, as many as chance may have put there; thirteen of k make a result.
  assert.deepEqual(asked.filter((n) => n >= 600), [
    600,
    610,
    620,
    630,
    640,
    650,
    660,
    670,
    680,
  ]);
});

Deno.test("A crowd makes a result at most three times as long", () => {
  const seeds = Array.from({ length: 40 }, (_, i) => at(20 * (i + 1)));
  const one = lookup({ seeds, k: 4, radius: () => distance(target, at(1_000).nodeId) });
  let next = one.start();
  while (next.length > 0) next = answer(one, next, []);
  assert.equal(one.answered().length, 12);
});

Deno.test("Whoever ought to hold the value and does not is outvoted by a further holder", () => {
  const one = lookup({ seeds: [1, 2, 3, 4].map(at), k: 4, goal: 1 });
  const next = answer(one, answer(one, one.start(), []), [], true);
  assert.deepEqual(numbers(next), [3]);
  answer(one, next, [], true);
  assert.equal(one.finished, true);
});
