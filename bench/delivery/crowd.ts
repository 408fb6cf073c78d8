/**
 * An author and many followers who are online, several in a process: how long the author waits for a
 * post, and when the last follower has it stored.
 *
 * @module
 */

import { type HostProcess, Hosts } from "./hosts.ts";
import { each, note, option, print, rounded, sleep, summary } from "./measure.ts";
import type { PeerSpec } from "./peers.ts";

/** How posts follow one another. */
interface Pace {
  readonly name: string;
  readonly betweenMs: number;
}

/** Within the second in which receivers look at their sockets often. */
const inUse: Pace = { name: "links in use", betweenMs: 500 };

/** When receivers have come to look every 25 ms. */
const idle: Pace = { name: "links idle", betweenMs: 6_000 };

/** Followers who lack a post for so long are named, and count as those who did not get it. */
const lateMs = 10_000;

/** A process that used less of a processor than this in the last {@linkcode quietLookMs} idles. */
const idleCpuMs = 1_000;

/** How often is looked whether the processes idle, and how many times at most. */
const quietLookMs = 5_000;
const quietLooksMax = 48;

/** How a crowd is set up. */
interface Crowd {
  readonly followers: number;
  /** Processes that the followers share. */
  readonly processes: number;
  readonly directory: "dht" | "memory";
  readonly stores: "kv" | "memory";
  /** A thousand peers that look every few ms take all of two cores: they are measured idle alone. */
  readonly paces: readonly Pace[];
  readonly target: string;
  /** How many of a hundred followers acknowledge what they are to pass on, and drop it. */
  readonly liars?: number;
  /** Posts that are measured, unless the command line says otherwise; by default 30. */
  readonly rounds?: number;
  /**
   * How long the first posts, which open the links, are waited for, where that takes longer than others may; after
   * each of these all processes come to rest, or the next one would be made amid the openings.
   */
  readonly openingMs?: number;
}

/** 100 followers; `--rounds=30`. */
export function hundred(): Promise<void> {
  return crowd({
    followers: option("followers", 100),
    processes: option("processes", 2),
    directory: "dht",
    stores: "kv",
    paces: [inUse, idle],
    target: "60 ms",
  });
}

/** 1,000 followers, by relay; `--rounds=30`. */
export function thousand(): Promise<void> {
  return crowd({
    followers: option("followers", 1000),
    processes: option("processes", 2),
    directory: "memory",
    stores: "memory",
    paces: [idle],
    target: "1,000 ms",
  });
}

/**
 * 5,000 followers, by relay; `--rounds=3 --processes=10`. They take 7 GB, and descriptors for 20 connections each:
 * a process of 500 peers needs 10,000.
 */
export function fiveThousand(): Promise<void> {
  return crowd({
    followers: option("followers", 5000),
    processes: option("processes", 10),
    directory: "memory",
    stores: "memory",
    paces: [idle],
    target: "1,500 ms",
    rounds: 3,
    openingMs: 90_000,
  });
}

/** 1,000 followers, of whom three of ten drop what they are to pass on; `--rounds=30 --liars=30`. */
export function liars(): Promise<void> {
  return crowd({
    followers: option("followers", 1000),
    processes: option("processes", 2),
    directory: "memory",
    stores: "memory",
    paces: [idle],
    target: "99 % within 3 s",
    liars: option("liars", 30),
  });
}

async function crowd(setup: Crowd): Promise<void> {
  const { followers, processes, directory, stores } = setup;
  await using hosts = await Hosts.create();
  const { bootstrap } = directory === "dht" ? await hosts.startNode() : { bootstrap: [] };
  const isLiar = (name: string) => Number(name.split("_")[1]) % 100 < (setup.liars ?? 0);
  const spec = (name: string): PeerSpec => ({
    name,
    lies: isLiar(name),
    kind: "light",
    folder: hosts.path(name),
    bootstrap,
    directory,
    stores,
  });
  const author = hosts.start();
  await author.call("start", [{ ...spec("author"), stores: "kv" }]);
  await author.call("register", ["author"]);
  const groups: { host: HostProcess; names: string[] }[] = [];
  for (let i = 0; i < processes; i++) {
    const names = Array.from({ length: followers }, (_, n) => `user_${n}`)
      .filter((_, n) => n % processes === i);
    groups.push({ host: hosts.start("many"), names });
  }
  const startedAt = performance.now();
  await each(groups, processes, async ({ host, names }) => {
    await host.call("start", names.map(spec));
    await host.call("register", names);
    await host.call("logout", names);
  });
  await author.call("logout", ["author"]);
  note(`registered after ${rounded((performance.now() - startedAt) / 1000)} s`);
  const authorKeys = await author.call("keys", ["author"]);
  for (const { host, names } of groups) {
    await host.call("seed", { names, list: "following", users: authorKeys });
    const users = await host.call("keys", names);
    await author.call("seed", { names: ["author"], list: "followers", users });
  }
  await author.call("login", ["author"]);
  await each(groups, processes, ({ host, names }) => host.call("login", names));
  note(`logged in after ${rounded((performance.now() - startedAt) / 1000)} s`);
  await untilQuiet(author, groups);
  note(`quiet after ${rounded((performance.now() - startedAt) / 1000)} s`);
  for (const pace of setup.paces) await measure(setup, pace, author, groups);
  for (const fault of new Set(await hosts.faults())) note(fault);
}

async function measure(
  setup: Crowd,
  pace: Pace,
  author: HostProcess,
  groups: readonly { readonly host: HostProcess; readonly names: readonly string[] }[],
): Promise<void> {
  const { followers, processes, directory, stores, target, liars = 0 } = setup;
  const rounds = option("rounds", setup.rounds ?? 30);
  const waits: number[] = [];
  const lasts: number[] = [];
  const authorCpu: number[] = [];
  const queued: number[] = [];
  /** Until 99 of 100 followers had it; and how many of a hundred had it after 3 s. */
  const mostMs: number[] = [];
  const inTime: number[] = [];
  let coldMs = NaN;
  let lacking = 0;
  // The first posts open the links.
  const warmUp = 3;
  for (let round = -warmUp; round < rounds; round++) {
    const text = `post ${round}, ${pace.name}`;
    const withinMs = round < 0 ? setup.openingMs ?? lateMs : lateMs;
    const stored = Promise.all(groups.map(({ host, names }) => {
      return host.call("stored", { text, count: names.length, withinMs });
    }));
    const before = await usages(author, groups);
    const { calledAt, doneAt } = await author.call("post", { name: "author", text });
    const tallies = await stored;
    const late = followers - tallies.reduce((sum, { count }) => sum + count, 0);
    if (late > 0) await tellLate(text, groups);
    lacking += late;
    const last = late > 0 ? calledAt + withinMs : Math.max(...tallies.map((tally) => tally.last));
    const after = await usages(author, groups);
    const cpu = after.map((usage, i) => Math.round(usage.cpuMs - (before[i]?.cpuMs ?? 0)));
    note(
      `${rounded(doneAt - calledAt)} ms to commit, ${rounded(last - calledAt)} ms to the last; ` +
        `ms of processor in each process: ${cpu.join(" ")}`,
    );
    if (round === -warmUp) coldMs = last - calledAt;
    if (round >= 0) {
      if (liars > 0) {
        const answers = await Promise.all(groups.map(({ host }) => host.call("times", text)));
        const times = answers.flat().map((at) => at - calledAt).toSorted((a, b) => a - b);
        mostMs.push(times[Math.ceil(0.99 * followers) - 1] ?? lateMs);
        inTime.push(100 * times.filter((ms) => ms <= 3_000).length / followers);
      }
      waits.push(doneAt - calledAt);
      lasts.push(last - calledAt);
      authorCpu.push((after[0]?.cpuMs ?? 0) - (before[0]?.cpuMs ?? 0));
      const gained = after.map((usage, i) => usage.queuedMs - (before[i]?.queuedMs ?? 0));
      queued.push(Math.max(...gained));
    }
    if (round < 0 && setup.openingMs !== undefined) await untilQuiet(author, groups);
    // Spread over the receivers' pace, or one would always meet the same moment of it.
    await sleep(pace.betweenMs + (round * 7) % 25);
  }
  const setting = `${followers} followers in ${processes} processes; links real; followers' ` +
    `databases ${stores === "kv" ? "Deno KV" : "in memory"}; directory ` +
    `${directory === "dht" ? "real" : "in memory, 5 ms a call"}; author alone, with Deno KV; ` +
    "lists written to the databases beforehand" +
    (liars > 0 ? `; ${liars} of 100 followers drop what they are to pass on` : "");
  await print({
    row: `post committed: the author's wait with ${followers} followers, ${pace.name}`,
    target: "3 ms",
    figures: { ms: summary(waits) },
    setting,
  });
  await print({
    row: `last of ${followers} online followers has it stored, ${pace.name}`,
    target,
    figures: {
      ms: summary(lasts),
      first_post_ms: rounded(coldMs),
      not_within_10_s: lacking,
      ...(liars > 0
        ? { until_99_percent_ms: summary(mostMs), percent_in_3_s: summary(inTime) }
        : {}),
      author_cpu_ms: summary(authorCpu),
      waiting_for_a_core_ms: summary(queued),
    },
    setting,
  });
}

async function tellLate(
  text: string,
  groups: readonly { readonly host: HostProcess; readonly names: readonly string[] }[],
): Promise<void> {
  const names = await Promise.all(
    groups.map(({ host, names }) => host.call("lacking", { text, names })),
  );
  const late = names.flat();
  note(`${text} is late at ${late.length}: ${late.slice(0, 40).join(" ")}`);
}

/**
 * Waits until each process idles and all together use hardly less than a moment ago, four minutes at most: with
 * thousands of followers the author is busy for longer than any of them once they have logged in.
 */
async function untilQuiet(author: HostProcess, groups: readonly { host: HostProcess }[]) {
  let before = await usages(author, groups);
  let least = Infinity;
  for (let i = 0; i < quietLooksMax; i++) {
    await sleep(quietLookMs);
    const after = await usages(author, groups);
    const used = after.map((usage, i) => usage.cpuMs - (before[i]?.cpuMs ?? 0));
    before = after;
    const sum = used.reduce((total, ms) => total + ms, 0);
    note(`ms of processor in 5 s: ${used.map(Math.round).join(" ")}`);
    if (i > 1 && sum > 0.8 * least && used.every((ms) => ms < idleCpuMs)) return;
    least = Math.min(least, sum);
  }
}

function usages(author: HostProcess, groups: readonly { readonly host: HostProcess }[]) {
  return Promise.all([author, ...groups.map(({ host }) => host)].map((host) => host.usage()));
}
