import assert from "node:assert/strict";
import { crowd } from "../../bench/sim/crowd.ts";

Deno.test("Of 9,000 followers, 5 % liars or dead, 99 % of those online have a post in 6 s", async () => {
  const options: Readonly<Record<string, readonly number[]>> = {
    counts: [9_000],
    bad: [2.5, 2.5],
  };
  const { rows } = await crowd({
    seed: "1",
    numbers: (name, defaults) => options[name] ?? defaults,
    tell: () => {},
    row: () => {},
  });
  assert.equal(rows.length, 3);
  for (const row of rows) {
    assert.ok(parseFloat(String(row["have it in 6 s"])) >= 99, JSON.stringify(row));
    assert.ok(Number(row["author sent"]) <= 200 && Number(row["most sent by one"]) <= 64);
  }
});
