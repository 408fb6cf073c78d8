/** A share of all nodes colludes. */
import { Collusion } from "../../tests/sim/dht_collusion.ts";
import { DhtWorld, type Member } from "../../tests/sim/dht_world.ts";
import { percent, rounded, type Row, type Settings, type Table } from "./report.ts";
import { datagrams, type Read, times, Workload } from "./workload.ts";

const keysCount = 100;
const gapMs = 100;
/**
 * The first nodes are honest, and the others join through three of them: whoever joins through nobody
 * but liars has lost before any rule of the DHT applies.
 */
const founders = 20;
const bootstrapNodes = 3;

interface Scene {
  readonly world: DhtWorld;
  readonly users: Workload;
  readonly collusion: Collusion;
}

async function scene(n: number, share: number, { seed, tell }: Settings): Promise<Scene> {
  const world = new DhtWorld({ seed: `${seed} adversaries ${n} ${share}` });
  const collusion = new Collusion();
  const liars = new Set<Member>();
  const random = world.random.fork("liars");
  await world.grow(n, () => ({}), (member) => {
    if (member.index < founders || !random.chance(share / 100)) return;
    liars.add(member);
    collusion.corrupt(member.socket, member.node.id);
  }, () => random.shuffle(world.members.slice(0, founders)).slice(0, bootstrapNodes));
  tell(`${n} joined, ${liars.size} liars, ${world.network.sent} datagrams`);
  return { world, users: new Workload(world, (member) => !liars.has(member)), collusion };
}

/** The share of honest nodes' contacts that are liars. */
function captured({ world, collusion }: Scene): string {
  let all = 0;
  let theirs = 0;
  for (const { node } of world.members) {
    if (collusion.has(node.id)) continue;
    for (const { id } of node.contacts()) {
      all++;
      if (collusion.has(id)) theirs++;
    }
  }
  return percent(theirs, all);
}

async function measure(scene: Scene, paths: number, gets: number): Promise<Row> {
  const { world, users, collusion } = scene;
  const keys = users.newKeys(keysCount);
  for (const number of [1, 2]) {
    await world.each(keysCount, gapMs, async (i) => {
      const key = keys[i] as Uint8Array;
      await users.put(key, number, paths);
      // What was current once is what they serve later.
      if (number === 1) collusion.remember(key, users.value(key, 1));
    });
  }
  const reads: Read[] = [];
  await world.each(gets, gapMs, async (i) => {
    reads.push(await users.get(keys[i % keysCount] as Uint8Array, { paths, repair: false }));
  });
  const is = (number: number): number => reads.filter((read) => read.number === number).length;
  const honest = holders(scene, keys);
  return {
    d: paths,
    right: percent(is(2), gets),
    stale: percent(is(1), gets),
    nothing: percent(is(0), gets),
    "honest holders": rounded(honest / keysCount, 1),
    "get datagrams": datagrams(reads),
    ...times(reads, "get"),
  };
}

/** Honest nodes that hold a current value, summed over the keys. */
function holders({ world, collusion }: Scene, keys: readonly Uint8Array[]): number {
  const wanted = new Set(keys.map(String));
  let count = 0;
  for (const { node } of world.members) {
    if (collusion.has(node.id)) continue;
    for (const { key } of node.values()) if (wanted.has(String(key))) count++;
  }
  return count;
}

/** `--sizes=1000,10000 --shares=0,10,20,30 --paths=1,2,3,4,8 --gets=500`. */
export async function adversaries(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  const [gets = 500] = settings.numbers("gets", [500]);
  for (const n of settings.numbers("sizes", [1_000, 10_000])) {
    for (const share of settings.numbers("shares", [0, 10, 20, 30])) {
      const made = await scene(n, share, settings);
      for (const paths of settings.numbers("paths", [1, 2, 3, 4, 8])) {
        const contacts = captured(made);
        const cells = await measure(made, paths, gets);
        const row = { nodes: n, colluding: `${share} %`, "of the contacts": contacts, ...cells };
        settings.row(row);
        rows.push(row);
      }
      for (const member of made.world.members) member.kill();
      if (made.world.errors[0]) throw made.world.errors[0];
    }
  }
  return {
    name: "adversaries",
    about:
      `${keysCount} values put twice and ${gets} gets for each d, by honest nodes. Colluding nodes ` +
      `are there while the network grows; they answer with one another only, take stores and drop ` +
      `them; a third each withholds, forges, and serves the first of the two values.`,
    rows,
  };
}
