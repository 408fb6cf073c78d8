/** Networks of which most nodes sleep until they are asked: see `tests/sim/dht_multitude.ts`. */
import { Multitude } from "../../tests/sim/dht_multitude.ts";
import { DhtWorld, type Member } from "../../tests/sim/dht_world.ts";
import { percent, quantile, rounded, type Row, type Settings, type Table } from "./report.ts";
import { datagrams, type Read, times, Workload } from "./workload.ts";

const gapMs = 100;
/** Members join one after another, so far apart. */
const joinGapMs = 1_000;

/** What a join cost. */
interface Join {
  readonly ms: number;
  readonly datagrams: number;
  readonly bytes: number;
}

/** Counts what a socket sends and receives while `work` runs. */
async function watched(member: Member, work: () => Promise<unknown>): Promise<Join> {
  const count = { datagrams: 0, bytes: 0 };
  const note = (data: Uint8Array): void => {
    count.datagrams++;
    count.bytes += data.length;
  };
  member.socket.tap = { sent: note, received: note };
  const startMs = member.clock.monotonic();
  await work();
  const ms = member.clock.monotonic() - startMs;
  member.socket.tap = undefined;
  return { ms, ...count };
}

async function row(n: number, { seed, tell, numbers }: Settings): Promise<Row> {
  const [clients = 60] = numbers("clients", [60]);
  const [putsCount = 200] = numbers("puts", [200]);
  const [getsCount = 400] = numbers("gets", [400]);
  const [lookupsCount = 200] = numbers("lookups", [200]);
  const world = new DhtWorld({
    seed: `${seed} scale ${n}`,
    ipOf: (i) => `223.${i >> 8}.${i & 255}.1`,
  });
  const multitude = new Multitude(world, n);
  const random = world.random.fork("joins");
  const joins: Join[] = [];
  await world.each(clients, joinGapMs, async () => {
    const member = world.add();
    await member.start();
    joins.push(await watched(member, () => member.node.bootstrap([multitude.host(random)])));
  });
  tell(`${clients} of ${n} joined: ${multitude.built} built`);
  const users = new Workload(world);
  const contacts = world.members.reduce((sum, { node }) => sum + node.stats().contacts, 0);
  const keys = users.newKeys(putsCount);
  const puts: Read[] = [];
  await world.each(putsCount, gapMs, async (i) => {
    puts.push(await users.put(keys[i] as Uint8Array, 1));
  });
  const gets: Read[] = [];
  await world.each(getsCount, gapMs, async (i) => {
    gets.push(await users.get(keys[i % keys.length] as Uint8Array));
  });
  const lookups: Read[] = [];
  await world.each(lookupsCount, gapMs, async () => {
    lookups.push(await users.lookup());
  });
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  const mean = (of: (join: Join) => number): number =>
    joins.reduce((sum, join) => sum + of(join), 0) / joins.length;
  return {
    nodes: n,
    contacts: rounded(contacts / clients),
    "join datagrams": rounded(mean((join) => join.datagrams)),
    "join KB": rounded(mean((join) => join.bytes) / 1_000, 1),
    "join ms p50": rounded(quantile(joins.map(({ ms }) => ms), 0.5)),
    found: percent(gets.filter((get) => get.number === 1).length, gets.length),
    "get hops p50": quantile(gets.map(({ hops }) => hops), 0.5),
    "get datagrams": datagrams(gets),
    ...times(gets, "get"),
    "k closest datagrams": datagrams(lookups),
    ...times(lookups, "k closest"),
    "put datagrams": datagrams(puts),
    ...times(puts, "put"),
    built: multitude.built,
  };
}

/** `--sizes=10000,100000,1000000 --clients=60 --puts=200 --gets=400 --lookups=200`. */
export async function scale(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  for (const n of settings.numbers("sizes", [10_000, 100_000, 1_000_000])) {
    const made = await row(n, settings);
    settings.row(made);
    rows.push(made);
  }
  return {
    name: "scale",
    about:
      "Nodes that sleep until they are asked, and 60 that join, put and get; round trips of 20 to " +
      "200 ms, evenly spread.",
    rows,
  };
}
