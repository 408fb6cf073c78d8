/**
 * Twelve real peers, nine of them at home, with relays that die and lie, and routers that forget: every
 * post arrives once.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type HomeOptions, type Host, Lab } from "../../tests/nat/lab.ts";
import { hasPortMapper, inside, type Nat, renumber, restart } from "../../tests/nat/routers.ts";
import { SeededRandom } from "../../tests/sim/random.ts";
import { each, note, option, print, rounded, sleep } from "../delivery/measure.ts";
import { elapsedS, Member } from "./members.ts";
import { drawFollows, drawPlan, type Fault, type Planned } from "./plan.ts";
import {
  type Delivery,
  growthPercent,
  isError,
  kindsOf,
  type Made,
  quantile,
  type Seen,
  thirds,
  undisturbed,
  wrongPosts,
} from "./verdict.ts";

/** Public peers; they relay. */
const publicCount = 3;

/** How many others each follows. */
const followedCount = 4;

/** From one post to the next. */
const postEveryMs = 3_000;

/** How often what peers printed is looked at: what was posted is dated to the millisecond. */
const lookEveryMs = 20;

/** How often processes are weighed. */
const weighEveryMs = 10_000;

/** Some lost packets alone take as long; what takes longer has waited for something. */
const slowMs = 2_000;

/** How long peers have at the end until everything has come: heads are compared every five minutes. */
const quietMs = 420_000;

/** A line of a home: 10 ms to the Internet, and one packet of a hundred lost, both ways. */
const line = { delayMs: 10, lossPercent: 1 };

/** Where the liar takes connections; a rule sends there what is for the program's own port. */
const liarPort = 7099;
const programPort = 7000;

/** The homes, in the order of their people's names. */
const homeKinds: readonly (HomeOptions & { readonly place: string; readonly nat: Nat })[] = [
  { place: "cone", nat: "cone" },
  { place: "symmetric", nat: "symmetric" },
  { place: "carrier", nat: "cone", carrier: "symmetric" },
  { place: "two", nat: "cone", machines: 2 },
  { place: "maps", nat: "cone", mapsPorts: true },
  { place: "no UDP", nat: "cone", hasUdp: false },
  { place: "symmetric", nat: "symmetric" },
];

/** What a run keeps. */
interface Soak {
  readonly lab: Lab;
  readonly random: SeededRandom;
  readonly relays: Member[];
  readonly homes: Member[];
  readonly posts: Promise<Made>[];
  liar: Deno.ChildProcess | undefined;
}

/** A bare node through which all join, and which relays nothing: that is left to peers that may die. */
async function startBootstrap(lab: Lab): Promise<void> {
  await lab.node(["[REACH]", "RELAY = no"]);
}

/** A public node that relays, with a liar before its front door. */
async function startLiar(lab: Lab): Promise<Deno.ChildProcess> {
  const host = await lab.public();
  const rule = `tcp dport ${programPort} redirect to :${liarPort}`;
  const chain = `chain in { type nat hook prerouting priority -100; ${rule}\n}`;
  await inside(host.space, ["nft", "-f", "-"], `table inet liar { ${chain}\n}`);
  const script = fileURLToPath(new URL("liar.ts", import.meta.url));
  const run = [Deno.execPath(), "run", "-q", "-A", script];
  const where = [`${liarPort}`, host.ip, `${programPort}`];
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", host.space, ...run, ...where],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  lab.adopt(child);
  await lab.person(host, "liar").start("node");
  return child;
}

async function tell(liar: Deno.ChildProcess, word: string): Promise<void> {
  const writer = liar.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${word}\n`));
  writer.releaseLock();
}

async function homesOf(lab: Lab): Promise<{ place: string; host: Host }[]> {
  const found: { place: string; host: Host }[] = [];
  const canMap = await hasPortMapper();
  for (const { place, nat, ...options } of homeKinds) {
    const hosts = await lab.home(nat, {
      ...options,
      mapsPorts: canMap && options.mapsPorts === true,
    });
    found.push(...hosts.map((host) => ({ place, host })));
  }
  found.push({ place: "IPv6", host: await lab.home6() });
  return found;
}

async function build(soak: Soak): Promise<void> {
  const { lab, random, relays, homes } = soak;
  await startBootstrap(lab);
  const join = async (host: Host, name: string, place: string): Promise<Member> => {
    const member = new Member(lab.person(host, name), host, place);
    await member.person.json("register", name);
    await member.up();
    return member;
  };
  for (let i = 0; i < publicCount; i++) {
    relays.push(await join(await lab.public(), `public_${i}`, "public"));
  }
  soak.liar = await startLiar(lab);
  const places = await homesOf(lab);
  const made: Member[] = [];
  await each(places, 2, async ({ place, host }, i) => {
    made[i] = await join(host, `home_${i}`, place);
  });
  homes.push(...made);
  const all = [...relays, ...homes];
  const followed = drawFollows(random.fork("follows"), all.length, followedCount);
  await each(all, 2, async (member, i) => {
    for (const n of followed[i] ?? []) {
      const name = all[n]?.name ?? "";
      await member.person.json("follow", name);
      member.follows.push(name);
    }
  });
}

/** Lets one fault happen; resolves when it is over. */
async function suffer(soak: Soak, fault: Fault): Promise<void> {
  note(`${elapsedS()} ${JSON.stringify(fault)}`);
  if (fault.kind === "lie") return soak.liar && await tell(soak.liar, fault.manner);
  if (fault.kind === "restart" || fault.kind === "renumber") {
    const { router } = routed(soak)[fault.home]?.host ?? {};
    if (router === undefined) return;
    const inside = soak.homes.filter(({ host }) => host.router === router);
    for (const member of inside) member.leaves();
    await (fault.kind === "renumber" ? renumber(router) : restart(router, fault.forS * 1_000));
    return inside.forEach((member) => member.returns());
  }
  const relay = soak.relays[fault.relay];
  if (relay === undefined) return;
  if (fault.kind === "hang") return await relay.hang(fault.forS * 1_000);
  await relay.kill();
  await sleep(fault.forS * 1_000);
  await relay.up();
}

/** One member of each home whose router can be restarted. */
function routed({ homes }: Soak): Member[] {
  const routers = homes.map(({ host }) => host.router);
  return homes.filter(({ host: { router } }, i) =>
    router !== undefined && routers.indexOf(router) === i
  );
}

/** Does something again and again until the run ends. */
async function repeat(everyMs: number, end: AbortSignal, task: () => unknown): Promise<void> {
  while (!end.aborted) {
    await task();
    await sleep(everyMs);
  }
}

/** Posts, faults and weighing, for so long; resolves when the last fault is over. */
async function live(soak: Soak, seconds: number, plan: readonly Planned[]): Promise<void> {
  const { random, relays, homes, posts } = soak;
  const all = [...relays, ...homes];
  const end = new AbortController();
  const startedMs = performance.now();
  const faults = plan.map(async ({ atS, fault }) => {
    await sleep(atS * 1_000);
    await suffer(soak, fault).catch((error) => {
      note(`${elapsedS()} Cannot do ${JSON.stringify(fault)}: ${error}`);
      homes[0]?.faults.push(String(error));
    });
  });
  const authors = random.fork("authors");
  const posting = repeat(postEveryMs, end.signal, () => {
    const author = authors.pick(all);
    if (author.isThere) posts.push(author.post(`${author.name} ${posts.length}`));
  });
  const weighing = repeat(weighEveryMs, end.signal, () => each(homes, 4, (home) => home.weigh()));
  await sleep(Math.max(0, startedMs + seconds * 1_000 - performance.now()));
  end.abort();
  await Promise.all([posting, weighing, ...faults]);
}

/** Waits until everyone has told of every post, and says after how many seconds. */
async function quieten({ relays, homes }: Soak, posts: readonly Made[]): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const lacking: unknown[] = [];
    for (const member of [...relays, ...homes]) {
      member.take();
      const { name, follows, events, wasKilled } = member;
      // Events tell as much as the timeline, and cost nothing, but for a peer that was killed.
      const seen = wasKilled
        ? await member.seen()
        : { name, follows, events, timeline: events, wasKilled };
      lacking.push(...wrongPosts(seen, posts).filter(({ times }) => times === 0));
    }
    const afterMs = performance.now() - startedMs;
    if (lacking.length === 0 || afterMs > quietMs) return rounded(afterMs / 1_000);
    await sleep(1_000);
  }
}

async function judge(soak: Soak, minutes: number): Promise<void> {
  const all = [...soak.relays, ...soak.homes];
  const posts = await Promise.all(soak.posts);
  const quietS = await quieten(soak, posts);
  const seen: Seen[] = [];
  await each(all, 2, async (member) => {
    await member.seen().then((one) => seen.push(one), (error) => member.faults.push(String(error)));
  });
  const wrong = seen.flatMap((one) => wrongPosts(one, posts));
  for (const one of wrong.slice(0, 50)) note(JSON.stringify(one));
  const lines = all.flatMap(({ errLines, warnings }) => [...errLines, ...warnings]);
  const errors = [
    ...all.flatMap(({ name, errLines }) =>
      errLines.filter(isError).map((one) => `${name}: ${one}`)
    ),
    ...all.flatMap(({ name, faults }) => faults.map((one) => `${name}: ${one}`)),
  ];
  for (const error of errors.slice(0, 50)) note(error);
  for (const { kind, times } of kindsOf(lines)) note(`${times} times: ${kind}`);
  for (const member of all) note(member.summary());
  const deliveries = all.flatMap((member) => member.deliveries);
  const absences = new Map(all.map((member) => [member.name, member.absences]));
  const there = undisturbed(deliveries, absences);
  for (const { author, reader, postedMs, toldMs } of there.filter(isSlow).slice(0, 100)) {
    const atS = Math.round((postedMs - performance.timeOrigin) / 1_000);
    note(`${atS} ${author} to ${reader}: ${toldMs - postedMs} ms, though both were there`);
  }
  const quantiles = (some: readonly Delivery[]) => {
    const delays = some.map(({ postedMs, toldMs }) => toldMs - postedMs);
    return [0.5, 0.95, 0.99, 1].map((share) => Math.round(quantile(delays, share)));
  };
  await print({
    row: "soak of 12 peers, 9 of them at home, with faults of relays and routers",
    target: "every post once, no error, memory within 5 % (in an hour)",
    figures: {
      minutes,
      seed: soak.random.seed,
      posts: posts.length,
      deliveries: deliveries.length,
      lacking: wrong.filter(({ times }) => times === 0).length,
      doubled: wrong.filter(({ times }) => times > 1).length,
      complete_after_s: quietS,
      delay_ms: quantiles(deliveries),
      undisturbed: there.length,
      undisturbed_ms: quantiles(there),
      errors: errors.length,
      warnings: lines.length,
      growth_percent: soak.homes.map(({ memory }) => rounded(growthPercent(memory))),
      memory_mb: soak.homes.map(({ memory }) => thirds(memory).map(rounded)),
    },
    setting: `real processes in network namespaces; lines of ${soak.lab.line.delayMs} ms and ` +
      `${soak.lab.line.lossPercent} % loss; growth from the first to the last third, of homes`,
  });
}

/** Runs it: `--minutes=60`, `--seed=1`. */
export async function soakOfHomes(lab: Lab): Promise<void> {
  const minutes = option("minutes", 60);
  const random = new SeededRandom(option("seed", 1));
  const soak: Soak = { lab, random, relays: [], homes: [], posts: [], liar: undefined };
  const end = new AbortController();
  const looking = repeat(lookEveryMs, end.signal, () => {
    for (const member of [...soak.relays, ...soak.homes]) member.take();
  });
  try {
    await build(soak);
    note(`${elapsedS()} all follow`);
    const seconds = minutes * 60;
    const sizes = { relays: soak.relays.length, homes: routed(soak).length, seconds };
    await live(soak, seconds, drawPlan(random.fork("faults"), sizes));
    note(`${elapsedS()} quiet: ${soak.posts.length} posts`);
    await judge(soak, minutes);
  } finally {
    end.abort();
    for (const member of [...soak.relays, ...soak.homes]) member.isOver = true;
    await looking;
  }
}

/** Whether a delivery is worth a line though no router and no process of the two failed. */
function isSlow({ postedMs, toldMs }: Delivery): boolean {
  return toldMs - postedMs > slowMs;
}

/** The lab for it. */
export function buildLab(): Promise<Lab> {
  return Lab.build(line);
}
