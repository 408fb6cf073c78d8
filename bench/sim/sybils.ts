/** Thousands of ids from one /24 try to fill the tables. */
import { Collusion, Sybil } from "../../tests/sim/dht_collusion.ts";
import { DhtWorld, privateIp, publicIp } from "../../tests/sim/dht_world.ts";
import { percent, quantile, type Row, type Settings, type Table } from "./report.ts";
import { type Read, Workload } from "./workload.ts";

const honestCount = 500;
const keysCount = 200;
const gapMs = 100;
/** Every Sybil has introduced itself to everybody by then. */
const greetingMs = 10 * 60_000;
/** And everybody has refreshed the buckets. */
const laterMs = 75 * 60_000;
const hostsInNet = 250;

async function row(count: number, limited: boolean, settings: Settings): Promise<Row> {
  const world = new DhtWorld({
    seed: `${settings.seed} sybils ${count} ${limited}`,
    // Private addresses are exempt from the address limits, which is the way to do without.
    ipOf: limited ? publicIp : privateIp,
  });
  const random = world.random.fork("sybils");
  await world.grow(honestCount);
  const collusion = new Collusion();
  const sybils = Array.from({ length: count }, (_, i) => {
    const ip = `${limited ? "99.200.200" : "10.250.250"}.${1 + i % hostsInNet}`;
    const address = { ip, port: 5_000 + Math.floor(i / hostsInNet) };
    const socket = world.network.open(address, 1_000_000 + i);
    return new Sybil(socket, collusion, random.bytes(20), random);
  });
  const honest = [...world.members];
  await world.each(honestCount, greetingMs / honestCount, (i) => {
    // Everybody is greeted all the time, by a tenth of them at once, in another order each time.
    for (const sybil of sybils) {
      const to = honest[(i + sybil.contact.nodeId.w4 >>> 0) % honestCount];
      if (to !== undefined) sybil.greet(to.node.address);
    }
    return Promise.resolve();
  });
  const atOnce = captured(world, collusion);
  await world.clock.advance(laterMs);
  const later = captured(world, collusion);
  const users = new Workload(world);
  const keys = users.newKeys(keysCount);
  await world.each(keysCount, gapMs, async (i) => {
    await users.put(keys[i] as Uint8Array, 1);
    collusion.remember(keys[i] as Uint8Array, users.value(keys[i] as Uint8Array, 0));
  });
  const reads: Read[] = [];
  await world.each(keysCount, gapMs, async (i) => {
    reads.push(await users.get(keys[i] as Uint8Array, { repair: false }));
  });
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  return {
    "Sybils in one /24": count,
    "address rule": limited ? "on" : "off",
    "contacts captured": atOnce.share,
    "after 75 minutes": later.share,
    "most in one table": later.most,
    "gets right": percent(reads.filter((read) => read.number === 1).length, reads.length),
    "get ms p50": Math.round(quantile(reads.map((read) => read.ms), 0.5)),
  };
}

/** What share of all contacts is theirs, and how many stand in the worst table. */
function captured(world: DhtWorld, collusion: Collusion): { share: string; most: number } {
  let all = 0;
  let theirs = 0;
  let most = 0;
  for (const { node } of world.members) {
    const contacts = node.contacts();
    const count = contacts.filter(({ id }) => collusion.has(id)).length;
    all += contacts.length;
    theirs += count;
    most = Math.max(most, count);
  }
  return { share: percent(theirs, all), most };
}

/** `--sybils=5000`. */
export async function sybils(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  for (const count of settings.numbers("sybils", [5_000])) {
    for (const limited of [true, false]) {
      const made = await row(count, limited, settings);
      settings.row(made);
      rows.push(made);
    }
  }
  return {
    name: "sybils",
    about:
      `${honestCount} honest nodes have tables; then each of the Sybils introduces itself to each of ` +
      `them within 10 minutes, answers pings truly and everything else with lies. 75 minutes later ` +
      `${keysCount} values are put and read.`,
    rows,
  };
}
