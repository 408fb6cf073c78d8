/**
 * A user who comes back: 200 followed users have made 20 posts each meanwhile.
 *
 * @module
 */

import { copyFolder } from "./folders.ts";
import { Hosts } from "./hosts.ts";
import { note, option, print, rounded, sleep, summary } from "./measure.ts";
import type { PeerSpec } from "./peers.ts";

/** Runs it: `--followed=200 --posts=20 --rounds=5`. */
export async function rejoin(): Promise<void> {
  const followed = option("followed", 200);
  const posts = option("posts", 20);
  const rounds = option("rounds", 5);
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const names = Array.from({ length: followed }, (_, i) => `author_${i}`);
  const authors = await hosts.startLight(names, bootstrap);
  note("registered");
  const spec = (folder: string): PeerSpec => ({
    name: "reader",
    kind: "whole",
    folder: hosts.path(folder),
    bootstrap,
  });
  const first = hosts.start();
  await first.call("start", [spec("reader")]);
  await first.call("register", ["reader"]);
  await first.call("follow", { name: "reader", users: names });
  note("followed");
  await sleep(5_000);
  await first.call("stop", ["reader"]);
  await hosts.end(first);
  await authors.call("posts", { names, count: posts });
  note("posted");
  const times: number[] = [];
  const queued: number[] = [];
  const cpu: number[] = [];
  const authorsCpu: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await copyFolder(hosts.path("reader"), hosts.path(`reader_${round}`));
    const host = hosts.start();
    await host.call("start", [spec(`reader_${round}`)]);
    const authorsBefore = await authors.usage();
    const { doneAt } = await host.call("login", ["reader"]);
    const before = await host.usage();
    const { last } = await host.call("received", { name: "reader", count: followed * posts });
    const after = await host.usage();
    times.push(last - doneAt);
    queued.push(after.queuedMs - before.queuedMs);
    cpu.push(after.cpuMs - before.cpuMs);
    authorsCpu.push((await authors.usage()).cpuMs - authorsBefore.cpuMs);
    note(`complete after ${rounded(times.at(-1))} ms, ${rounded(queued.at(-1))} without a core`);
    await sleep(5_000);
    await host.call("stop", ["reader"]);
    await hosts.end(host);
  }
  await print({
    row: `rejoin with ${followed} followed users, ${posts} posts each missed: complete`,
    target: "4,000 ms",
    figures: {
      from_login_done_ms: summary(times),
      waiting_for_a_core_ms: summary(queued),
      reader_cpu_ms: summary(cpu),
      authors_cpu_ms: summary(authorsCpu),
    },
    setting: "the reader a whole peer in a process of its own; all followed users online in one " +
      "other process: real links and DHT nodes, databases in memory",
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}
