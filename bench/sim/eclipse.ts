/** Colluding ids placed next to a key. */
import { Collusion, Sybil } from "../../tests/sim/dht_collusion.ts";
import { compareDistance, Id } from "../../net/kademlia/space/id.ts";
import { DhtWorld, privateIp, publicIp } from "../../tests/sim/dht_world.ts";
import type { SeededRandom } from "../../tests/sim/random.ts";
import { percent, rounded, type Row, type Settings, type Table } from "./report.ts";
import { datagrams, type Read, Workload } from "./workload.ts";

const honestCount = 1_000;
const keysCount = 40;
/** Ids next to a key, unless `--ids` says otherwise. */
const attackersDefault = 20;
const readsPerKey = 10;
const gapMs = 100;
/** Honest nodes that each attacker introduces itself to: those whose tables reach to the key's region. */
const greetedCount = 200;
/** Bits that an attacker's id shares with the key: nobody honest among a million nodes is nearer. */
const sharedBytes = 4;
const settlingMs = 60_000;
const upkeepMs = 90 * 60_000;

interface Scenario {
  /** Ids of attackers next to each key. */
  readonly ids: number;
  /** Networks that the attackers come from. */
  readonly nets: number;
  /** Whether the address rule applies. */
  readonly limited: boolean;
  /** Whether the value was there before the attackers were. */
  readonly before: boolean;
}

class Eclipse {
  readonly world: DhtWorld;
  readonly users: Workload;
  readonly #random: SeededRandom;
  readonly #scenario: Scenario;
  #opened = 0;

  constructor(seed: string, scenario: Scenario) {
    const { ids, nets, limited, before } = scenario;
    this.#scenario = scenario;
    this.world = new DhtWorld({
      seed: `${seed} eclipse ${
        ids === attackersDefault ? "" : `${ids} from `
      }${nets} ${limited} ${before}`,
      ipOf: limited ? publicIp : privateIp,
    });
    this.users = new Workload(this.world);
    this.#random = this.world.random.fork("eclipse");
  }

  async putAll(): Promise<void> {
    await this.world.each(keysCount, gapMs, async (i) => {
      await this.users.put(this.users.keys[i] as Uint8Array, 1);
    });
  }

  async readAll(): Promise<Read[]> {
    const reads: Read[] = [];
    await this.world.each(keysCount * readsPerKey, gapMs, async (i) => {
      const key = this.users.keys[i % keysCount] as Uint8Array;
      reads.push(await this.users.get(key, { repair: false }));
    });
    return reads;
  }

  /** The liars around one key, known to the honest nodes nearest to it. */
  attack(key: Uint8Array, at: number): void {
    const collusion = new Collusion();
    collusion.remember(key, this.users.value(key, 0));
    const target = Id.from(key);
    const nearest = this.world.members.map((member) => ({ member, id: Id.from(member.node.id) }))
      .sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, greetedCount);
    for (let n = 0; n < this.#scenario.ids; n++) {
      const id = this.#random.bytes(20);
      id.set(key.subarray(0, sharedBytes));
      const address = { ip: this.#ip(at, n), port: 5_000 };
      const socket = this.world.network.open(address, 1_000_000 + this.#opened++);
      const sybil = new Sybil(socket, collusion, id, this.#random);
      for (const { member } of nearest) sybil.greet(member.node.address);
    }
  }

  #ip(at: number, n: number): string {
    const { nets, limited } = this.#scenario;
    const net = at * nets + n % nets;
    // Each of them in a /16 of its own, because a /16 counts as one network, too.
    return limited
      ? `${110 + (net >> 8)}.${net & 255}.0.${1 + n}`
      : `10.${128 + (net >> 8)}.${net & 255}.${1 + n}`;
  }
}

function right(reads: readonly Read[]): string {
  return percent(reads.filter((read) => read.number === 1).length, reads.length);
}

async function row(scenario: Scenario, { seed }: Settings): Promise<Row> {
  const eclipse = new Eclipse(seed, scenario);
  const { world, users } = eclipse;
  await world.grow(honestCount);
  users.newKeys(keysCount);
  if (scenario.before) await eclipse.putAll();
  for (const [at, key] of users.keys.entries()) {
    eclipse.attack(key, at);
    await world.clock.advance(1_000);
  }
  await world.clock.advance(settlingMs);
  if (!scenario.before) await eclipse.putAll();
  const reads = await eclipse.readAll();
  await world.clock.advance(upkeepMs);
  const later = await eclipse.readAll();
  const wanted = new Set(users.keys.map(String));
  let holders = 0;
  for (const { node } of world.members) {
    for (const { key } of node.values()) if (wanted.has(String(key))) holders++;
  }
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  return {
    "ids": scenario.ids,
    "from": scenario.nets === 1 ? "one /24" : `${scenario.nets} /16s`,
    "address rule": scenario.limited ? "on" : "off",
    "value put": scenario.before ? "before them" : "after them",
    "gets right": right(reads),
    "after 90 minutes": right(later),
    "honest holders": rounded(holders / keysCount, 1),
    "get datagrams": datagrams(reads),
  };
}

/**
 * `--ids=20 --nets=1,20 --rule=1,0 --before=1,0`: ids next to a key; networks that they come from, as many
 * as ids unless said; the address rule on and off; the value put before they came, and after.
 */
export async function eclipse(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  for (const ids of settings.numbers("ids", [attackersDefault])) {
    for (const nets of settings.numbers("nets", ids === attackersDefault ? [1, ids] : [ids])) {
      for (const rule of settings.numbers("rule", [1, 0])) {
        for (const before of settings.numbers("before", [1, 0])) {
          const scenario = { ids, nets, limited: rule === 1, before: before === 1 };
          const made = await row(scenario, settings);
          settings.row(made);
          rows.push(made);
        }
      }
    }
  }
  return {
    name: "eclipse",
    about:
      `${honestCount} honest nodes, ${keysCount} keys with colluding ids around each, nearer ` +
      `than anybody honest; ${readsPerKey} gets a key by random nodes.`,
    rows,
  };
}
