/** Nodes that come and go all day. */
import { DhtWorld, type Member } from "../../tests/sim/dht_world.ts";
import type { SeededRandom } from "../../tests/sim/random.ts";
import { percent, rounded, type Row, type Settings, type Table } from "./report.ts";
import { type Read, times, Workload } from "./workload.ts";

const keysCount = 300;
const putGapMs = 100;
const getGapMs = 10_000;
/** Whoever is reading leaves that much later. */
const busyMs = 1_000;
const hourMs = 3_600_000;
/** A third of all nodes is away at any time. */
const awayShare = 0.5;

/** Exponentially distributed, so that a node's past says nothing about its future: the worst case. */
function drawMs(random: SeededRandom, medianMs: number): number {
  return -Math.log2(1 - random.float()) * medianMs;
}

class Churn {
  readonly world: DhtWorld;
  readonly #users: Workload;
  readonly #medianMs: number;
  readonly #random: SeededRandom;
  joins = 0;
  failedJoins = 0;

  constructor(users: Workload, medianMs: number) {
    const { world } = users;
    this.world = world;
    this.#users = users;
    this.#medianMs = medianMs;
    this.#random = world.random.fork("churn");
  }

  /** The member dies after a session, silently, and returns after a while, with its storage. */
  leaveLater(member: Member): void {
    this.world.clock.after(drawMs(this.#random, this.#medianMs), () => this.#leave(member));
  }

  #leave(member: Member): void {
    // The dead don't tell their users what they found, who would wait for ever.
    if (this.#users.isBusy(member)) {
      this.world.clock.after(busyMs, () => this.#leave(member));
      return;
    }
    member.kill();
    this.returnLater(member);
  }

  returnLater(member: Member): void {
    this.world.clock.after(drawMs(this.#random, this.#medianMs * awayShare), () => {
      this.#return(member).catch((error) => this.world.errors.push(error as Error));
    });
  }

  async #return(member: Member): Promise<void> {
    this.joins++;
    const through = [this.world.pick(this.#random, this.world.members, member)];
    this.leaveLater(member);
    if (!await member.join(through)) this.failedJoins++;
  }
}

async function row(n: number, minutes: number, hours: number, settings: Settings): Promise<Row> {
  const world = new DhtWorld({ seed: `${settings.seed} churn ${minutes}` });
  await world.grow(n, () => ({ durable: true }));
  const users = new Workload(world);
  users.newKeys(keysCount);
  await world.each(keysCount, putGapMs, async (i) => {
    await users.put(users.keys[i] as Uint8Array, 1);
  });
  const churn = new Churn(users, minutes * 60_000);
  for (const member of [...world.members]) churn.leaveLater(member);
  for (let i = 0; i < n * awayShare; i++) churn.returnLater(world.add({ durable: true }));
  const sentBefore = world.network.sent;
  const bytesBefore = world.network.bytes;
  const reads: Read[] = [];
  for (let hour = 1; hour <= hours; hour++) {
    await world.each(hourMs / getGapMs, getGapMs, async () => {
      try {
        reads.push(await users.get(users.random.pick(users.keys)));
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes("is down")) throw error;
      }
    });
    const lost = reads.filter((read) => read.number !== 1).length;
    settings.tell(
      `${minutes} min, hour ${hour}: ${world.alive.length} up, ${lost} of ${reads.length} not ` +
        `found, ${world.network.sent} datagrams, ${Math.round(Deno.memoryUsage().rss / 1e6)} MB`,
    );
  }
  for (const member of world.members) member.kill();
  if (world.errors[0]) throw world.errors[0];
  const nodeHours = n * hours;
  return {
    "median session": `${minutes} min`,
    hours,
    gets: reads.length,
    found: percent(reads.filter((read) => read.number === 1).length, reads.length),
    "under 1 s": percent(reads.filter((read) => read.ms < 1_000).length, reads.length),
    ...times(reads, "get"),
    "joins a node and day": rounded(churn.joins / n / hours * 24, 1),
    "datagrams a node and hour": rounded((world.network.sent - sentBefore) / nodeHours),
    "bytes a node and second": rounded((world.network.bytes - bytesBefore) / nodeHours / 3_600),
  };
}

/** `--size=1000 --sessions=60,20,5 --hours=24`. */
export async function churn(settings: Settings): Promise<Table> {
  const rows: Row[] = [];
  const [n = 1_000] = settings.numbers("size", [1_000]);
  const [hours = 24] = settings.numbers("hours", [24]);
  for (const minutes of settings.numbers("sessions", [60, 20, 5])) {
    const made = await row(n, minutes, hours, settings);
    settings.row(made);
    rows.push(made);
  }
  return {
    name: "churn",
    about:
      `${n} nodes up at a time, half as many away; ${keysCount} values put at the start; a get ` +
      `every 10 s. Sessions are exponentially distributed and end without a word; nodes return with ` +
      `what was on their disk, and rejoin through saved contacts and one random node.`,
    rows,
  };
}
