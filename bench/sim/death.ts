/** Many nodes die at once, without a word. */
import { DhtWorld } from "../../tests/sim/dht_world.ts";
import { percent, quantile, rounded, type Row, type Settings, type Table } from "./report.ts";
import { type Read, Workload } from "./workload.ts";

const keysCount = 500;
const gapMs = 100;
/** Every value's holders have had their hour, the fifth of jitter and a sweep. */
const upkeepMs = 90 * 60_000;

async function reads(users: Workload): Promise<Read[]> {
  const list: Read[] = [];
  await users.world.each(keysCount, gapMs, async (i) => {
    list.push(await users.get(users.keys[i] as Uint8Array));
  });
  return list;
}

function found(list: readonly Read[]): string {
  return percent(list.filter((read) => read.number === 1).length, list.length);
}

async function row(n: number, share: number, { seed, tell }: Settings): Promise<Row> {
  const world = new DhtWorld({ seed: `${seed} death ${share}` });
  await world.grow(n);
  const users = new Workload(world);
  users.newKeys(keysCount);
  await world.each(keysCount, gapMs, async (i) => {
    await users.put(users.keys[i] as Uint8Array, 1);
  });
  const doomed = world.random.fork("doom").shuffle(world.members).slice(0, n * share / 100);
  for (const member of doomed) member.kill();
  const atOnce = await reads(users);
  tell(`${share} % dead: ${found(atOnce)} found at once`);
  await world.clock.advance(upkeepMs);
  const later = await reads(users);
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  const ms = (list: readonly Read[], q: number): number =>
    rounded(quantile(list.map((read) => read.ms), q));
  return {
    "dead at once": `${share} %`,
    "found at once": found(atOnce),
    "ms p50": ms(atOnce, 0.5),
    "ms p95": ms(atOnce, 0.95),
    "found after upkeep": found(later),
    "ms p50 later": ms(later, 0.5),
    "ms p95 later": ms(later, 0.95),
  };
}

/** `--size=1000 --shares=10,30,50,70`. */
export async function death(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  const [n = 1_000] = settings.numbers("size", [1_000]);
  for (const share of settings.numbers("shares", [10, 30, 50, 70])) {
    const made = await row(n, share, settings);
    settings.row(made);
    rows.push(made);
  }
  return {
    name: "death",
    about:
      `${n} nodes, ${keysCount} values, each read once in the 50 s after the death and once 90 ` +
      `minutes later.`,
    rows,
  };
}
