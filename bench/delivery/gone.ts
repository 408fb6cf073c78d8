/**
 * A new follower of an author who is gone, together with ten of eleven followers: five of their ports
 * refuse, five take connections and never answer. Their DHT nodes are dead, too.
 *
 * @module
 */

import { Hosts } from "./hosts.ts";
import { note, option, print, rounded, sleep, summary } from "./measure.ts";

const postCount = 20;
const deadCount = 10;
const hangingCount = 5;

/** Runs it: `--rounds=5`. */
export async function gone(): Promise<void> {
  const rounds = option("rounds", 5);
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const spec = (name: string) => ({
    name,
    kind: "whole" as const,
    folder: hosts.path(name),
    bootstrap,
  });
  const dead = hosts.start();
  const alive = hosts.start();
  const deadNames = Array.from({ length: deadCount }, (_, i) => `dead_${i}`);
  await dead.call("start", ["author", ...deadNames].map(spec));
  await dead.call("register", ["author", ...deadNames]);
  await alive.call("start", [spec("alive")]);
  await alive.call("register", ["alive"]);
  const newcomers = Array.from({ length: rounds }, (_, i) => `new_${i}`);
  const fresh = hosts.start();
  await fresh.call("start", newcomers.map(spec));
  await fresh.call("register", newcomers);
  for (const name of deadNames) await dead.call("follow", { name, users: ["author"] });
  await alive.call("follow", { name: "alive", users: ["author"] });
  while (await dead.call("followers", "author") <= deadCount) await sleep(100);
  await dead.call("posts", { names: ["author"], count: postCount });
  await alive.call("received", { name: "alive", count: postCount });
  // The list of followers is published within a few seconds.
  await sleep(5_000);
  const ports: number[] = [];
  for (const name of deadNames) {
    ports.push((await dead.call("status", name)).links.listening?.port ?? 0);
  }
  await hosts.end(dead);
  const hanging = ports.slice(0, hangingCount)
    .map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  const times: number[] = [];
  const queued: number[] = [];
  for (const name of newcomers) {
    const before = await fresh.usage();
    const { calledAt, doneAt } = await fresh.call("follow", { name, users: ["author"] });
    const { last } = await fresh.call("received", { name, count: postCount });
    times.push(last - calledAt);
    queued.push((await fresh.usage()).queuedMs - before.queuedMs);
    note(
      `followed after ${rounded(doneAt - calledAt)} ms, all there after ${
        rounded(times.at(-1))
      } ms`,
    );
  }
  for (const listener of hanging) listener.close();
  await print({
    row: "new follower, author gone, 10 followers dead (5 refuse, 5 hang), 1 alive: 20 posts there",
    target: "2,500 ms",
    figures: { ms: summary(times), waiting_for_a_core_ms: summary(queued) },
    setting: "whole peers, several in a process; author and dead followers killed with SIGKILL, " +
      "11 of the DHT's nodes with them; each round another new follower",
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}
