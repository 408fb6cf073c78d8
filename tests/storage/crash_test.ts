import { assertSurvived, workAndKill } from "./crash.ts";

Deno.test("Store loses nothing acknowledged and keeps nothing half-written when it is killed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // The same folder again and again: each life continues what the last one left.
    for (const acknowledgements of [1, 7, 40, 90]) {
      await assertSurvived(folder, await workAndKill(folder, acknowledgements));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
