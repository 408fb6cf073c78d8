/**
 * Measures what a user feels, with real processes on loopback: `deno task bench system`, one line of
 * JSON, in about three minutes.
 *
 * Start-up to ready, registration, login on an empty folder, follow to first posts, a post to all of
 * five followers (links in use), and memory and CPU of a peer that idles. Commands are timed inside
 * the running peers (through their loopback ports); those whose name ends in `_command_ms` are whole
 * processes of the command line, start-up included.
 *
 * @module
 */

import { LoopbackClient } from "../ui/peer/loopback_client.ts";
import { parsePortFile, portFileName } from "../ui/peer/loopback_protocol.ts";
import { Network, password, type User } from "../tests/e2e/harness.ts";

/** Posts whose way to all followers is timed. */
const postCount = 50;

/** Lines that one command posts. */
const linesCount = 1_000;

/** How long an idle peer is watched. */
const idleMs = 60_000;

/** Posts that a new follower is to get. */
const backlogCount = 20;

const followerNames = ["bob", "carol", "dave", "erin", "frank"];

function summary(values: readonly number[]): { median: number; worst: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const round = (value: number | undefined) => Number((value ?? NaN).toFixed(1));
  return {
    median: round(sorted[Math.floor((sorted.length - 1) / 2)]),
    worst: round(sorted.at(-1)),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function connect(data: string): Promise<LoopbackClient> {
  const port = parsePortFile(await Deno.readTextFile(`${data}/${portFileName}`));
  if (port === undefined) throw new Error(`Cannot use the port file in ${data}`);
  return new LoopbackClient(port);
}

/** Seconds of CPU that a process has used, in user and system mode. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ")[1]?.split(" ") ?? [];
  // utime and stime are fields 14 and 15 of proc(5), in ticks of 1/100 s.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function residentMegabytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024);
}

interface Member {
  readonly user: User;
  readonly client: LoopbackClient;
}

/** Resolves when the member's peer tells of a post with this text. */
async function arrival(member: Member, text: string): Promise<{ arrived: Promise<number> }> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const stop = await member.client.subscribe((event) => {
    if (event.event !== "post" || event.post.text !== text) return;
    stop();
    resolve(performance.now());
  });
  return { arrived: promise };
}

async function postsToAll(
  author: Member,
  followers: readonly Member[],
): Promise<Record<string, unknown>> {
  const committed: number[] = [];
  const stored: number[] = [];
  // One subscription stays open in each peer, so that no sample pays for opening it.
  const keep = await Promise.all(followers.map((member) => arrival(member, "never posted")));
  for (let i = 0; i < postCount; i++) {
    const text = `post ${i} of the bench`;
    const arrivals = await Promise.all(followers.map((member) => arrival(member, text)));
    const start = performance.now();
    await author.client.api.post({ text });
    committed.push(performance.now() - start);
    const times = await Promise.all(arrivals.map(({ arrived }) => arrived));
    stored.push(Math.max(...times) - start);
  }
  void keep;
  return { post_ms: summary(committed), post_to_all_5_ms: summary(stored) };
}

/** `camellia post --lines` with the author's peer running, whom no user follows: the whole process. */
async function manyLines(network: Network, author: Member): Promise<Record<string, unknown>> {
  const lines = Array.from(
    { length: linesCount },
    (_, i) => `line ${i}, as long as many posts are\n`,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-A", "main.ts", ...network.flags(author.user.data), "post", "--lines"],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  const pid = author.user.process?.pid ?? 0;
  const before = await cpuSeconds(pid);
  const start = performance.now();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.join("")));
  await writer.close();
  const { success } = await child.status;
  const ms = performance.now() - start;
  if (!success) throw new Error("The lines were not posted");
  return {
    lines_ms: Math.round(ms),
    lines_a_second: Math.round(linesCount / ms * 1000),
    // On a machine that does other things as well this tells more.
    lines_cpu_ms_a_post: Number((1000 * (await cpuSeconds(pid) - before) / linesCount).toFixed(2)),
  };
}

async function followTimes(network: Network, author: Member): Promise<Record<string, unknown>> {
  for (let i = 0; i < backlogCount; i++) await author.client.api.post({ text: `backlog ${i}` });
  const times: number[] = [];
  for (const name of ["grace", "heidi", "ivan"]) {
    const user = await network.register(name);
    const client = await connect(user.data);
    const start = performance.now();
    const first = Promise.withResolvers<number>();
    const stop = await client.subscribe((event) => {
      if (event.event === "post" && event.post.text.startsWith("backlog")) {
        first.resolve(performance.now());
      }
    });
    await client.api.follow({ username: author.user.name });
    times.push(await first.promise - start);
    stop();
    await user.down();
  }
  return { follow_to_first_posts_ms: summary(times) };
}

/** Times a command inside a node that runs on an empty folder. */
async function inNode(
  network: Network,
  folder: string,
  command: (api: LoopbackClient["api"]) => Promise<unknown>,
): Promise<number> {
  const { data } = network.user(folder);
  const process = network.start([...network.flags(data), "--json", "node"]);
  await process.ready();
  const { api } = await connect(data);
  const ms = await timed(() => command(api));
  await process.stop();
  return ms;
}

async function accountTimes(network: Network): Promise<Record<string, unknown>> {
  const register: number[] = [];
  const login: number[] = [];
  const registerCommand: number[] = [];
  const ready: number[] = [];
  for (const name of ["judy", "kim", "lena"]) {
    register.push(
      await inNode(network, `${name}_here`, (api) => api.register({ username: name, password })),
    );
    login.push(
      await inNode(network, `${name}_there`, (api) => api.login({ username: name, password })),
    );
    const fresh = network.user(`${name}_2`);
    registerCommand.push(await timed(() => fresh.json("register", fresh.name)));
    ready.push(await timed(() => fresh.up()));
    await fresh.down();
  }
  return {
    register_ms: summary(register),
    login_elsewhere_ms: summary(login),
    register_command_ms: summary(registerCommand),
    start_to_ready_command_ms: summary(ready),
  };
}

async function idle(member: Member): Promise<Record<string, unknown>> {
  const pid = member.user.process?.pid ?? 0;
  // What came before has to settle first.
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const before = await cpuSeconds(pid);
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const percent = (await cpuSeconds(pid) - before) / (idleMs / 1000) * 100;
  return { idle_cpu_percent: Number(percent.toFixed(2)), rss_mb: await residentMegabytes(pid) };
}

await using network = await Network.start();
const members: Member[] = [];
for (const name of ["alice", ...followerNames]) {
  const user = await network.register(name);
  members.push({ user, client: await connect(user.data) });
}
const [author, ...followers] = members;
if (author === undefined) throw new Error("Cannot measure: nobody was registered");
for (const { client } of followers) await client.api.follow({ username: "alice" });

const lines = await manyLines(network, followers[0] ?? author);
if (Deno.args.includes("lines")) {
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(lines)}\n`));
  await network[Symbol.asyncDispose]();
  Deno.exit(0);
}

const result = {
  name: "system",
  ...await postsToAll(author, followers),
  ...lines,
  ...await accountTimes(network),
  ...await followTimes(network, author),
  ...await idle(author),
};
await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
