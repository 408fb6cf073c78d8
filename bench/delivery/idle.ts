/**
 * A peer with 50 links that has nothing to do: memory and processor.
 *
 * @module
 */

import { Hosts } from "./hosts.ts";
import { cpuSeconds, note, option, print, residentMegabytes, rounded, sleep } from "./measure.ts";
import type { PeerSpec } from "./peers.ts";

/** Runs it: `--links=50 --seconds=60`. */
export async function idle(): Promise<void> {
  const links = option("links", 50);
  const seconds = option("seconds", 60);
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const alice: PeerSpec = { name: "alice", kind: "whole", folder: hosts.path("alice"), bootstrap };
  // Judging a new password takes memory that a peer which only logs in never needs.
  const before = hosts.start();
  await before.call("start", [alice]);
  await before.call("register", ["alice"]);
  await before.call("stop", ["alice"]);
  await hosts.end(before);
  const host = hosts.start();
  await host.call("start", [alice]);
  await host.call("login", ["alice"]);
  note(`logged in, without links: ${rounded(await residentMegabytes(host.pid))} MB`);
  const names = Array.from({ length: links }, (_, i) => `user_${i}`);
  const others = await hosts.startLight(names, bootstrap);
  for (const name of names) await others.call("follow", { name, users: ["alice"] });
  while (await host.call("followers", "alice") < links) await sleep(100);
  await host.call("post", { name: "alice", text: "to all" });
  await others.call("stored", { text: "to all", count: links });
  await sleep(10_000);
  const cpuBefore = await cpuSeconds(host.pid);
  const startedAt = performance.now();
  await sleep(seconds * 1000);
  const percent = (await cpuSeconds(host.pid) - cpuBefore) / (performance.now() - startedAt) * 1e5;
  const { open } = (await host.call("status", "alice")).links;
  const figures = {
    cpu_percent: rounded(percent),
    rss_mb: rounded(await residentMegabytes(host.pid)),
    links_open: open,
    seconds,
  };
  await print({
    row: `idle peer with ${links} links: memory, CPU`,
    target: "100 MB, 3 %",
    figures,
    setting:
      "a whole peer in a process of its own (with the bench's pipe in place of the loopback " +
      "port); the others light, with real links and DHT nodes",
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}
