/**
 * An author and five followers, each a whole peer in a process of its own.
 *
 * @module
 */

import { type HostProcess, Hosts } from "./hosts.ts";
import { note, option, print, rounded, sleep, summary } from "./measure.ts";

/** Posts before the first that counts: peers that have been in use have warm code and a log of full length. */
const warmUp = 200;

/** Runs it: `--rounds=100 --idle-rounds=5`. */
export async function five(): Promise<void> {
  await using hosts = await Hosts.create();
  const { bootstrap } = await hosts.startNode();
  const names = ["alice", "bob", "carol", "dave", "erin", "frank"];
  const processes: HostProcess[] = [];
  for (const name of names) {
    const host = hosts.start();
    await host.call("start", [{ name, kind: "whole", folder: hosts.path(name), bootstrap }]);
    await host.call("register", [name]);
    processes.push(host);
  }
  const [author, ...followers] = processes;
  if (author === undefined) return;
  for (const [i, host] of followers.entries()) {
    await host.call("follow", { name: names[i + 1] ?? "", users: ["alice"] });
  }
  while (await author.call("followers", "alice") < followers.length) await sleep(100);
  await sleep(5_000);
  const crowd: Crowd = { author, followers, number: 0 };
  const setting = `whole peers in processes of their own; after ${warmUp} posts`;
  for (let i = 0; i < warmUp; i++) await postToAll(crowd);
  const inUse: Post[] = [];
  for (let i = 0; i < option("rounds", 100); i++) {
    // Spread over the receivers' pace, or one would always meet the same moment of it.
    await sleep((i * 7) % 25);
    inUse.push(await postToAll(crowd));
  }
  await print({
    row: "post committed: the author's wait with 5 followers",
    target: "3 ms",
    figures: { ms: summary(inUse.map((post) => post.waitMs)) },
    setting,
  });
  await print({
    row: "last of 5 online followers has it stored, links in use",
    target: "6 ms",
    figures: {
      ms: summary(inUse.map((post) => post.lastMs)),
      waiting_for_a_core_ms: summary(inUse.map((post) => post.queuedMs)),
    },
    setting,
  });
  const idle: Post[] = [];
  for (let i = 0; i < option("idle-rounds", 5); i++) {
    await sleep(60_000 + i * 7);
    idle.push(await postToAll(crowd));
    note(`after a minute: ${rounded(idle.at(-1)?.lastMs)} ms`);
  }
  await print({
    row: "last of 5 online followers has it stored, idle for a minute",
    target: "30 ms",
    figures: {
      ms: summary(idle.map((post) => post.lastMs)),
      waiting_for_a_core_ms: summary(idle.map((post) => post.queuedMs)),
    },
    setting,
  });
  for (const fault of new Set(await hosts.faults())) note(fault);
}

interface Crowd {
  readonly author: HostProcess;
  readonly followers: readonly HostProcess[];
  number: number;
}

interface Post {
  /** The author's wait. */
  readonly waitMs: number;
  /** Until the last follower has it. */
  readonly lastMs: number;
  /** How long that follower was ready to run and without a core meanwhile, and for a moment after. */
  readonly queuedMs: number;
}

async function postToAll(crowd: Crowd): Promise<Post> {
  const { author, followers } = crowd;
  const text = `post ${crowd.number++}`;
  const stored = followers.map((host) => host.call("stored", { text, count: 1 }));
  const before = await Promise.all(followers.map((host) => host.usage()));
  const posted = await author.call("post", { name: "alice", text });
  const lasts = (await Promise.all(stored)).map(({ last }) => last);
  const last = Math.max(...lasts);
  const slowest = lasts.indexOf(last);
  const after = await followers[slowest]?.usage();
  return {
    waitMs: posted.doneAt - posted.calledAt,
    lastMs: last - posted.calledAt,
    queuedMs: (after?.queuedMs ?? 0) - (before[slowest]?.queuedMs ?? 0),
  };
}
