/**
 * Kills a peer's database at random moments and looks at what is left: a few times in the tests,
 * hundreds of times in bench/storage.ts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasNumber } from "../../core/model/feed.ts";
import { KvStores } from "../../storage/user_store.ts";
import { assertSound } from "./soundness.ts";

const childPath = fileURLToPath(new URL("./crash_child.ts", import.meta.url));
const configPath = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** What a killed child had acknowledged. */
interface Acknowledged {
  /** Own posts. */
  readonly own: number;
  /** Numbers of another's feed. */
  readonly bob: number;
  /** Numbers of that feed that the collector had taken. */
  readonly collected: number;
}

/** Lets a child work on a folder and kills it once it has acknowledged this much, in the middle of more. */
export async function workAndKill(folder: string, acknowledgements: number): Promise<Acknowledged> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--config", configPath, childPath, folder],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  const decoder = new TextDecoder();
  let output = "";
  let lines = 0;
  let killed = false;
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true });
    lines = output.split("\n").length - 1;
    if (lines >= acknowledgements && !killed) {
      child.kill("SIGKILL");
      killed = true;
    }
  }
  await child.status;
  const errors = await stderr;
  assert(killed, `the child ended by itself: ${errors}`);
  const last = (word: string): number =>
    Number([...output.matchAll(new RegExp(`^${word} (\\d+)\n`, "gm"))].at(-1)?.[1] ?? 0);
  return { own: last("own"), bob: last("bob"), collected: last("collected") };
}

/** Fails if anything acknowledged is lost or anything half-done is left. */
export async function assertSurvived(folder: string, acknowledged: Acknowledged): Promise<void> {
  const { own, bob, collected } = acknowledged;
  const store = await new KvStores(folder).open("alice");
  try {
    const [feed] = await store.feeds("alice");
    assert((feed?.floor ?? 0) >= own, `own post ${own} was lost: ${JSON.stringify(feed)}`);
    assert.equal(await store.countPosts("alice"), feed?.floor ?? 0);
    const [others] = await store.feeds("bob");
    if (bob > 0) assert(others !== undefined && hasNumber(others, bob), `bob ${bob} was lost`);
    const query = { author: "bob", device: 1, from: 1, to: collected, limit: 1 };
    assert.deepEqual(await store.feedPosts(query), [], "collected posts are back");
    const carol = await store.feeds("carol");
    const kept = await store.countPosts("carol");
    if (carol.length === 0) assert.equal(kept, 0);
    // What the index lacks is in the log, so that it need not be made anew.
    await store.replyCounts([]);
  } finally {
    await store.close();
  }
  await assertSound(join(folder, "users", "alice.kv"));
}
