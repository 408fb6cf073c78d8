/** How look-ups grow with the network. */
import { DhtWorld } from "../../tests/sim/dht_world.ts";
import { percent, quantile, rounded, type Row, type Settings, type Table } from "./report.ts";
import { datagrams, type Read, times, Workload } from "./workload.ts";

const keysCount = 200;
const getsCount = 400;
const lookupsCount = 200;
const gapMs = 100;

async function row(n: number, { seed, tell }: Settings): Promise<Row> {
  const world = new DhtWorld({ seed: `${seed} growth ${n}` });
  await world.grow(n);
  tell(`${n} joined: ${world.network.sent} datagrams, ${world.clock.monotonic() / 1_000} s`);
  const users = new Workload(world);
  const joinDatagrams = rounded(world.network.sent / n);
  const contacts = world.members.reduce((sum, { node }) => sum + node.stats().contacts, 0) / n;
  const keys = users.newKeys(keysCount);
  const puts: Read[] = [];
  await world.each(keysCount, gapMs, async (i) => {
    puts.push(await users.put(keys[i] as Uint8Array, 1));
  });
  const gets: Read[] = [];
  await world.each(getsCount, gapMs, async (i) => {
    gets.push(await users.get(keys[i % keysCount] as Uint8Array));
  });
  const lookups: (Read & { right: number })[] = [];
  await world.each(lookupsCount, gapMs, async () => {
    lookups.push(await users.lookup());
  });
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  const hops = gets.map((get) => get.hops);
  return {
    nodes: n,
    "datagrams a join": joinDatagrams,
    contacts: rounded(contacts),
    found: percent(gets.filter((get) => get.number === 1).length, gets.length),
    "get hops p50": quantile(hops, 0.5),
    "get hops p95": quantile(hops, 0.95),
    "get datagrams": datagrams(gets),
    ...times(gets, "get"),
    "k closest hops p50": quantile(lookups.map((lookup) => lookup.hops), 0.5),
    "k closest found": percent(lookups.reduce((sum, { right }) => sum + right, 0), lookups.length),
    "k closest datagrams": datagrams(lookups),
    ...times(lookups, "k closest"),
    "put datagrams": datagrams(puts),
    ...times(puts, "put"),
  };
}

/** `--sizes=100,1000,10000`. */
export async function growth(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  for (const n of settings.numbers("sizes", [100, 1_000, 10_000])) {
    const made = await row(n, settings);
    settings.row(made);
    rows.push(made);
  }
  return {
    name: "growth",
    about: `${keysCount} puts, ${getsCount} gets by nodes that do not hold the value, ` +
      `${lookupsCount} look-ups of the k closest; round trips of 20 to 200 ms, evenly spread.`,
    rows,
  };
}
