import assert from "node:assert/strict";
import { RollCall } from "../../../core/timeline/roll_call.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { userNamed } from "../../sim/users.ts";

/** A roll call of users a, b, c … each of whom is found, or found missing, after so many milliseconds. */
function calling(...answers: readonly (readonly [ms: number, isThere: boolean])[]) {
  const clock = new VirtualClock();
  const names = answers.map((_, i) => `user_${"abcdefgh"[i]}`);
  const looked: string[] = [];
  const roll = new RollCall(clock, names.map(userNamed), async ({ username }) => {
    looked.push(username.slice(-1));
    const [ms, isThere] = answers[names.indexOf(username)] ?? [0, false];
    await new Promise<void>((resolve) => void clock.after(ms, resolve));
    return isThere;
  });
  const next = async () => {
    const user = await clock.drive(roll.next());
    return `${user?.username.slice(-1) ?? "none"} ${clock.monotonic()}`;
  };
  return { next, looked };
}

Deno.test("The first who is there is taken, and then the next", async () => {
  const { next } = calling([100, true], [50, true], [70, false]);
  assert.equal(await next(), "a 100");
  assert.equal(await next(), "b 100");
  assert.equal(await next(), "none 100");
});

Deno.test("A user who takes longer than a found one by 0.3 s is passed over for the moment", async () => {
  const { next } = calling([900, true], [100, true]);
  assert.equal(await next(), "b 400");
  assert.equal(await next(), "a 900");
});

Deno.test("One found missing within that time is not waited for", async () => {
  const { next } = calling([200, false], [100, false], [150, true]);
  assert.equal(await next(), "c 200");
});

Deno.test("Four are looked up at once, more only when needed, and none for longer than 1.5 s", async () => {
  const { next, looked } = calling([10, true], [9_999, true], [10, false], [10, true], [10, true]);
  assert.equal(await next(), "a 10");
  assert.deepEqual(looked, ["a", "b", "c", "d"]);
  assert.equal(await next(), "d 310");
  assert.equal(looked.length, 5);
  assert.equal(await next(), "e 610");
  assert.equal(await next(), "none 1500");
});
