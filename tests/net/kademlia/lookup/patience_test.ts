import assert from "node:assert/strict";
import { Candidate } from "../../../../net/kademlia/lookup/candidates.ts";
import { Patience } from "../../../../net/kademlia/lookup/patience.ts";
import { RoundTrip } from "../../../../net/kademlia/rpc/round_trip.ts";
import { NodeContact } from "../../../../net/kademlia/space/contact.ts";
import { Id } from "../../../../net/kademlia/space/id.ts";

/** What was measured where the answers took so long, one after another. */
function measured(...ms: number[]): RoundTrip {
  const trip = new RoundTrip();
  for (const one of ms) for (let i = 0; i < 100; i++) trip.add(one);
  return trip;
}

/** A query that was sent at a time to a contact with this round trip. */
function query(askedMs: number, roundTrip?: RoundTrip): Candidate {
  const candidate = new Candidate(new NodeContact(new Id(1, 2, 3, 4, 5), "5.0.0.1", 1), 1, 0);
  candidate.askedMs = askedMs;
  candidate.roundTrip = roundTrip;
  return candidate;
}

/** A search that begins at 0 where all contacts took so long, and so long at their best. */
function patience(usualMs: number, bestMs = usualMs): Patience {
  return new Patience(
    { roundTrip: measured(usualMs), best: measured(bestMs), mayBeDead: false },
    0,
  );
}

/** Round trips are counted in whole microseconds. */
function about(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 0.1, `${actual} is not ${expected}`);
}

Deno.test("Without an answer a search waits as long as the node's answers usually take, or 3 ms", () => {
  about(patience(100).endMs([query(0)]), 100);
  about(patience(0.2).endMs([query(0)]), 3);
  const one = patience(100);
  one.hurried(100);
  about(one.endMs([]), 200);
  assert.equal(one.isAtEnd, false, "this process may be slow");
  one.hurried(200);
  assert.equal(one.isAtEnd, true);
  assert.equal(one.isOverdue(query(0), 5_000), false, "its timeout decides alone");
});

Deno.test("After an answer a search waits twice as long as the slowest, or 1 ms", () => {
  const one = patience(0.2);
  one.answered(0.3, 0.3);
  about(one.endMs([query(0)]), 1.3);
  one.answered(6, 6);
  about(one.endMs([query(0)]), 18);
  one.answered(1, 7);
  about(one.endMs([query(0)]), 19);
  one.hurried(19);
  about(one.endMs([query(0)]), 19 + 24);
  one.hurried(43);
  about(one.endMs([query(0)]), 43 + 48);
  one.answered(1, 60);
  about(one.endMs([query(0)]), 72);
});

Deno.test("A contact that always takes long is given its time, though others answer at once", () => {
  const one = patience(50);
  one.answered(5, 5);
  about(one.endMs([query(0, measured(200)), query(0, measured(20))]), 205);
  about(one.endMs([query(0)]), 55);
  assert.equal(one.isOverdue(query(0, measured(200)), 399), false);
  assert.equal(one.isOverdue(query(0, measured(200)), 401), true);
});

Deno.test("Where nodes have died, an answer is waited for half as long again as its contact ever needed", () => {
  for (const mayBeDead of [true, false]) {
    const usual = { roundTrip: measured(50), best: measured(50), mayBeDead };
    const one = new Patience(usual, 0);
    about(one.endMs([query(0)]), 50);
    one.answered(5, 5);
    // At first it took 30 ms, and 80 since; four times its best is more than that, and counts for nothing.
    const slower = new RoundTrip();
    for (const ms of [30, ...Array.from({ length: 100 }, () => 80)]) slower.add(ms);
    about(one.endMs([query(0, slower)]), 5 + (mayBeDead ? 45 : slower.patienceMs));
  }
});

Deno.test("Once answers come at once again, none is waited for as in the slow time before", () => {
  const one = patience(60, 1);
  one.answered(1, 1);
  for (const open of [query(0), query(0, measured(1, 60))]) {
    assert.ok(one.endMs([open]) < 6);
    assert.equal(one.isOverdue(open, 9), false, "the process may have stood still");
    assert.equal(one.isOverdue(open, 11), true);
  }
});

Deno.test("Where nodes have died, several silent ones in a row make no search wait longer each time", () => {
  const one = new Patience({ roundTrip: measured(0.3), best: measured(0.3), mayBeDead: true }, 0);
  one.answered(1, 1);
  const open = query(1);
  about(one.endMs([open]), 3);
  one.hurried(3);
  about(one.endMs([open]), 5);
  one.hurried(5);
  about(one.endMs([open]), 7);
  assert.equal(one.isOverdue(open, 4.9), false, "the process may have stood still");
  assert.equal(one.isOverdue(open, 5.1), true);
});

Deno.test("Where all answers came at once, what is silent four times as long, or for 1 ms, is overdue", () => {
  // Measured while a process was busy.
  const one = patience(6, 4);
  one.answered(0.2, 0.2);
  for (const open of [query(0), query(0, measured(5))]) {
    assert.equal(one.isOverdue(open, 0.9), false);
    assert.equal(one.isOverdue(open, 1.1), true);
    about(one.nextMs([open]), 1);
    about(one.endMs([open]), 1.2);
  }
  one.answered(0.4, 0.4);
  assert.equal(one.isOverdue(query(0), 1.5), false);
  assert.equal(one.isOverdue(query(0), 1.7), true);
  const far = query(0, measured(20));
  assert.equal(one.isOverdue(far, 39), false, "it is on another network");
  about(one.nextMs([far]), 20.4);
  one.answered(1.5, 3);
  assert.equal(one.isOverdue(query(0), 9.9), false, "a process is busy");
  about(one.nextMs([query(0)]), one.endMs([query(0)]));
});

Deno.test("Where all have become slow, a search waits for all", () => {
  const one = patience(1);
  one.answered(20, 20);
  about(one.endMs([query(0)]), 60);
  assert.equal(one.isOverdue(query(0), 79), false);
  assert.equal(one.isOverdue(query(0), 81), true);
});
