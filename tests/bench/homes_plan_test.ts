import assert from "node:assert/strict";
import { drawFollows, drawPlan, type Fault, isManner } from "../../bench/homes/plan.ts";
import { SeededRandom } from "../sim/random.ts";

const sizes = { relays: 3, homes: 6, seconds: 3_600 };

function planOf(seed: number): ReturnType<typeof drawPlan> {
  return drawPlan(new SeededRandom(seed), sizes);
}

/** What a fault befalls, and until when it is away. */
function victim(fault: Fault): string | undefined {
  if (fault.kind === "lie") return undefined;
  return "relay" in fault ? `relay ${fault.relay}` : `home ${fault.home}`;
}

Deno.test("The same seed plans the same hour, another one another", () => {
  assert.deepEqual(planOf(1), planOf(1));
  assert.notDeepEqual(planOf(1), planOf(2));
});

Deno.test("An hour has faults of all kinds, in order and within the hour", () => {
  const plan = planOf(1);
  assert.deepEqual(
    new Set(plan.map(({ fault }) => fault.kind)),
    new Set(["kill", "hang", "restart", "renumber", "lie"]),
  );
  const times = plan.map(({ atS }) => atS);
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
  assert.ok(times.every((atS) => atS > 0 && atS < sizes.seconds));
  const manners = plan.flatMap(({ fault }) => fault.kind === "lie" ? [fault.manner] : []);
  assert.ok(manners.every(isManner));
  assert.equal(new Set(manners).size, 5);
});

Deno.test("Nothing has a fault while it is away, and one relay is always there", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const awayUntilS = new Map<string, number>();
    for (const { atS, fault } of planOf(seed)) {
      const name = victim(fault);
      if (name === undefined) continue;
      assert.ok((awayUntilS.get(name) ?? 0) <= atS, `${name} at ${atS} of seed ${seed}`);
      awayUntilS.set(name, atS + ("forS" in fault ? fault.forS : 0));
      const away = [...awayUntilS].filter(([one, until]) => one.startsWith("relay") && until > atS);
      assert.ok(away.length < sizes.relays, `seed ${seed} at ${atS}`);
    }
  }
});

Deno.test("Each follows so many others, nobody twice and not itself", () => {
  for (const [i, followed] of drawFollows(new SeededRandom(1), 12, 4).entries()) {
    assert.equal(new Set(followed).size, 4);
    assert.ok(!followed.includes(i));
    assert.ok(followed.every((n) => n >= 0 && n < 12));
  }
});
