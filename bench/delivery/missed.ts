/**
 * 10,000 missed posts fetched from one follower, verified and stored; the author is gone.
 *
 * @module
 */

import { type HostProcess, Hosts } from "./hosts.ts";
import { note, option, print, rounded, summary } from "./measure.ts";
import { copyFolder } from "./folders.ts";

/** Runs it: `--missed=10000 --rounds=5`. */
export async function missed(): Promise<void> {
  const count = option("missed", 10_000);
  const rounds = option("rounds", 5);
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const spec = (name: string, folder = name) => ({
    name,
    kind: "whole" as const,
    folder: hosts.path(folder),
    bootstrap,
  });
  const author = hosts.start();
  const keeper = hosts.start();
  const away = hosts.start();
  await author.call("start", [spec("alice")]);
  await keeper.call("start", [spec("bob")]);
  await away.call("start", [spec("carol")]);
  await Promise.all([
    author.call("register", ["alice"]),
    keeper.call("register", ["bob"]),
    away.call("register", ["carol"]),
  ]);
  await keeper.call("follow", { name: "bob", users: ["alice"] });
  await away.call("follow", { name: "carol", users: ["alice"] });
  while (await author.call("followers", "alice") < 2) await new Promise((r) => setTimeout(r, 100));
  await away.call("stop", ["carol"]);
  await hosts.end(away);
  note(`alice posts ${count} times`);
  await author.call("posts", { names: ["alice"], count });
  await keeper.call("received", { name: "bob", count });
  // What concerns lists and heads is published within half a minute at most.
  await author.call("stop", ["alice"]);
  await hosts.end(author);
  const fetched: Fetch[] = [];
  for (let round = 0; round < rounds; round++) {
    await copyFolder(hosts.path("carol"), hosts.path(`carol_${round}`));
    const host = hosts.start();
    await host.call("start", [spec("carol", `carol_${round}`)]);
    const fetch = await fetchAll(host, keeper, count);
    note(JSON.stringify(fetch));
    fetched.push(fetch);
    await hosts.end(host);
  }
  const of = (key: keyof Fetch) => summary(fetched.map((fetch) => fetch[key]));
  await print({
    row: `${count} missed posts fetched from one follower, verified and stored`,
    target: "2,000 ms",
    figures: {
      login_to_last_stored_ms: of("ms"),
      of_this_waiting_for_a_core_ms: of("queuedMs"),
      first_to_last_stored_ms: of("storingMs"),
      fetcher_cpu_ms: of("cpuMs"),
      keeper_cpu_ms: of("keeperCpuMs"),
    },
    setting: "whole peers in processes of their own; the author has logged out",
  });
}

interface Fetch {
  readonly loginMs: number;
  /** From the end of the login to the last post stored. */
  readonly ms: number;
  readonly queuedMs: number;
  readonly storingMs: number;
  readonly cpuMs: number;
  readonly keeperCpuMs: number;
}

async function fetchAll(host: HostProcess, keeper: HostProcess, count: number): Promise<Fetch> {
  const { calledAt, doneAt } = await host.call("login", ["carol"]);
  const [before, keeperBefore] = await Promise.all([host.usage(), keeper.usage()]);
  const { first, last } = await host.call("received", { name: "carol", count });
  const [after, keeperAfter] = await Promise.all([host.usage(), keeper.usage()]);
  return {
    loginMs: rounded(doneAt - calledAt),
    ms: rounded(last - doneAt),
    queuedMs: rounded(after.queuedMs - before.queuedMs),
    storingMs: rounded(last - first),
    cpuMs: rounded(after.cpuMs - before.cpuMs),
    keeperCpuMs: rounded(keeperAfter.cpuMs - keeperBefore.cpuMs),
  };
}
