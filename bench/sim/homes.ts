/** Puts and gets where most nodes are at home, behind routers that let in only what was asked for. */
import { DhtWorld, type Member } from "../../tests/sim/dht_world.ts";
import { percent, type Row, type Settings, type Table } from "./report.ts";
import { datagrams, type Read, times, Workload } from "./workload.ts";

const keysCount = 200;
const getsCount = 400;
const gapMs = 250;

/** Nodes look around this long before they are measured; the tables of homes settle within minutes. */
const quietMs = 5 * 60_000;

/** Of the first nodes, through which others join, none is at home. */
const firstNodes = 5;

/** The golden ratio's fraction spreads any share evenly over the numbers of nodes. */
const spread = 0.6180339887;

async function row(n: number, home: number, { seed, tell }: Settings): Promise<Row> {
  const isAtHome = (index: number) => index >= firstNodes && (index * spread) % 1 < home / 100;
  const world = new DhtWorld({ seed: `${seed} homes ${n} ${home}`, isAtHome, hasOutside: true });
  const reachable = (): Member[] => world.alive.filter(({ index }) => !isAtHome(index));
  await world.grow(n, undefined, undefined, () => [world.random.pick(reachable())]);
  await world.clock.advance(quietMs);
  tell(`${n} joined: ${world.network.sent} datagrams, ${world.clock.monotonic() / 1_000} s`);
  const users = new Workload(world, ({ index }) => home === 0 || isAtHome(index));
  const keys = users.newKeys(keysCount);
  const puts: Read[] = [];
  await world.each(keysCount, gapMs, async (i) => {
    puts.push(await users.put(keys[i] as Uint8Array, 1));
  });
  const gets: Read[] = [];
  await world.each(getsCount, gapMs, async (i) => {
    gets.push(await users.get(keys[i % keysCount] as Uint8Array));
  });
  const homeIps = new Set(
    world.alive.filter(({ index }) => isAtHome(index)).map(({ socket }) => socket.address.ip),
  );
  const contacts = world.alive.flatMap(({ node }) => node.contacts());
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  return {
    nodes: n,
    "at home": percent(homeIps.size, n),
    "of the contacts": percent(
      contacts.filter(({ ip }) => homeIps.has(ip)).length,
      contacts.length,
    ),
    found: percent(gets.filter((get) => get.number === 1).length, gets.length),
    "get datagrams": datagrams(gets),
    ...times(gets, "get"),
    "put datagrams": datagrams(puts),
    ...times(puts, "put"),
  };
}

/** `--sizes=500`; `--home=79`, in percent. */
export async function homes(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  for (const n of settings.numbers("sizes", [500])) {
    for (const home of settings.numbers("home", [0, 79])) {
      const made = await row(n, home, settings);
      settings.row(made);
      rows.push(made);
    }
  }
  return {
    name: "homes",
    about:
      `${keysCount} puts and ${getsCount} gets by nodes at home (by any where none is at home) ` +
      "that do not hold the value; round trips of 20 to 200 ms, evenly spread.",
    rows,
  };
}
