/**
 * Measures the DHT on loopback: `deno run -A bench/dht.ts [--n=100]`, one line of JSON. With `--flood`
 * it measures something else: one node's gets before and during a flood of 20,000 requests a second
 * from one address.
 *
 * n nodes in one process join one after another through node 0; 200 puts of 300 bytes and 200 gets one
 * after another, 600 gets 16 at a time; then 30 % of the nodes (never node 0) stop without a word: the
 * same gets, 16 puts one after another, 32 puts 16 at a time.
 *
 * @module
 */
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { openDatagrams } from "../net/system/datagrams.ts";
import { KademliaNode, storeAnything } from "../net/kademlia/mod.ts";
import type { Random, Time } from "../net/kademlia/ports.ts";

const time: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) };

v8.setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as (options: Record<string, string>) => void;

/** Resident memory without garbage that waits to be collected: that is the runtime's choice. */
function residentBytes(): number {
  collectGarbage({ type: "major", execution: "sync", flavor: "last-resort" });
  return Deno.memoryUsage().rss;
}

/** Which nodes act: reproducible, so that runs compare. */
let state = 1;
function draw(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

interface Actor {
  readonly node: KademliaNode;
  /** Cuts the node off: nothing in, nothing out, no goodbye. */
  kill(): void;
}

async function actor(exemptLoopbackFromRates = true): Promise<Actor> {
  const datagrams = openDatagrams({ ip: "127.0.0.1", port: 0 });
  const policy = storeAnything;
  const node = await KademliaNode.create({
    time,
    random,
    datagrams,
    policy,
    exemptLoopbackFromRates,
  });
  return { node, kill: () => datagrams.close() };
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** Runs `work` for 0 to `count` - 1, `width` at a time; the time each took, sorted, in ms. */
async function timed(
  count: number,
  width: number,
  work: (i: number) => Promise<void>,
): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const startMs = performance.now();
      await work(i);
      took.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return took.sort((a, b) => a - b);
}

interface Gets {
  /** How long each took, sorted, in ms. */
  readonly took: number[];
  /** The share that was found. */
  readonly ok: number;
  readonly wholeMs: number;
}

interface Item {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function items(count: number): Item[] {
  return Array.from({ length: count }, () => ({ key: random.bytes(20), value: random.bytes(300) }));
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

class Bench {
  readonly actors: Actor[] = [];
  readonly #n: number;
  readonly #items = items(200);

  constructor(n: number) {
    this.#n = n;
  }

  #pick(): KademliaNode {
    const { node } = this.actors[draw(this.actors.length)] as Actor;
    return node;
  }

  #holds(node: KademliaNode, key: Uint8Array): boolean {
    for (const held of node.values()) if (same(held.key, key)) return true;
    return false;
  }

  /** Datagrams that all nodes have sent so far. */
  sent(): number {
    return this.actors.reduce((sum, { node }) => sum + node.stats().datagramsOut, 0);
  }

  async join(): Promise<number> {
    const startMs = performance.now();
    for (let i = 0; i < this.#n; i++) {
      const one = await actor();
      const first = this.actors[0]?.node.address;
      if (first) await one.node.bootstrap([{ host: first.ip, port: first.port }]);
      this.actors.push(one);
    }
    return performance.now() - startMs;
  }

  async puts(count: number, width: number, list = items(count)): Promise<number[]> {
    return await timed(count, width, async (i) => {
      const item = list[i] as Item;
      const { accepted } = await this.#pick().put(item.key, item.value);
      if (accepted === 0) throw new Error("Cannot put: nobody accepted");
    });
  }

  putFirst(): Promise<number[]> {
    return this.puts(this.#items.length, 1, this.#items);
  }

  /** Gets from nodes that do not hold the value. */
  async gets(
    count: number,
    width: number,
    by?: KademliaNode,
  ): Promise<Gets> {
    const plan = Array.from({ length: count }, (_, i) => {
      const item = this.#items[i % this.#items.length] as Item;
      let node = by ?? this.#pick();
      // In a network of few nodes everybody holds everything.
      for (let i = 0; i < 100 && !by && this.#holds(node, item.key); i++) node = this.#pick();
      return { item, node };
    });
    let ok = 0;
    const startMs = performance.now();
    const took = await timed(count, width, async (i) => {
      const { item, node } = plan[i] as { item: Item; node: KademliaNode };
      const { value } = await node.get(item.key);
      if (same(value, item.value)) ok++;
    });
    return { took, ok: ok / count, wholeMs: performance.now() - startMs };
  }

  kill(share: number): void {
    for (let n = Math.round(this.#n * share); n > 0; n--) {
      const at = 1 + draw(this.actors.length - 1);
      this.actors[at]?.kill();
      this.#dead.push(...this.actors.splice(at, 1));
    }
  }

  readonly #dead: Actor[] = [];

  async close(): Promise<void> {
    await Promise.all([...this.actors, ...this.#dead].map(({ node }) => node.close()));
  }
}

/** The time for repairs and pings to end, so that they are counted with what caused them. */
async function quiet(bench: Bench): Promise<number> {
  for (let before = -1, now = bench.sent();; before = now, now = bench.sent()) {
    if (now === before) return now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function main(n: number): Promise<Record<string, number | string>> {
  // What the runtime takes once, such as compiled code, is no node's memory.
  const warmUp = new Bench(20);
  await warmUp.join();
  await warmUp.putFirst();
  await warmUp.close();
  const rssBefore = residentBytes();
  const bench = new Bench(n);
  const joinMs = await bench.join();
  const afterJoin = await quiet(bench);
  const puts = await bench.putFirst();
  const afterPuts = await quiet(bench);
  const rss = residentBytes();
  const gets = await bench.gets(200, 1);
  const afterGets = await quiet(bench);
  const many = await bench.gets(600, 16);
  const afterMany = await quiet(bench);
  bench.kill(0.3);
  const beforeLate = bench.sent();
  const late = await bench.gets(200, 1);
  const afterLate = bench.sent();
  const latePuts = await bench.puts(16, 1);
  const latePuts16 = await bench.puts(32, 16);
  await bench.close();
  return {
    name: "camellia",
    n,
    join_ms: rounded(joinMs, 0),
    put_ms_p50: rounded(quantile(puts, 0.5)),
    put_ms_p95: rounded(quantile(puts, 0.95)),
    get_ms_p50: rounded(quantile(gets.took, 0.5)),
    get_ms_p95: rounded(quantile(gets.took, 0.95)),
    get_per_s_c16: rounded(600_000 / many.wholeMs, 0),
    get_ok: Math.min(gets.ok, many.ok),
    rss_mb_per_node: rounded((rss - rssBefore) / n / 1e6, 3),
    get_ok_after_kill30: late.ok,
    get_ms_p50_after_kill30: rounded(quantile(late.took, 0.5)),
    get_ms_p95_after_kill30: rounded(quantile(late.took, 0.95)),
    put_ms_p50_after_kill30: rounded(quantile(latePuts, 0.5)),
    put_ms_p50_after_kill30_c16: rounded(quantile(latePuts16, 0.5)),
    put_msgs: rounded((afterPuts - afterJoin) / puts.length, 1),
    get_msgs: rounded((afterGets - afterPuts) / gets.took.length, 1),
    get_msgs_c16: rounded((afterMany - afterGets) / many.took.length, 1),
    get_msgs_after_kill30: rounded((afterLate - beforeLate) / late.took.length, 1),
    join_msgs: rounded(afterJoin / n, 1),
  };
}

/** Gets of a node that rates apply to, without and with a flood from 127.0.0.2. */
async function flood(n: number): Promise<Record<string, number | string>> {
  const bench = new Bench(n);
  await bench.join();
  await bench.putFirst();
  const { node, kill } = await actor(false);
  const { ip: host, port } = bench.actors[0]?.node.address ?? { ip: "", port: 0 };
  await node.bootstrap([{ host, port }]);
  const gets = (): Promise<Gets> => bench.gets(200, 1, node);
  const before = await gets();
  const worker = new Worker(new URL("./dht/flood.ts", import.meta.url), { type: "module" });
  const startMs = performance.now();
  const first = node.stats();
  worker.postMessage(node.address);
  while (node.stats().datagramsIn < first.datagramsIn + 1_000) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const during = [await gets(), await gets(), await gets()];
  const took = during.flatMap((one) => one.took).sort((a, b) => a - b);
  const last = node.stats();
  const seconds = (performance.now() - startMs) / 1_000;
  worker.terminate();
  kill();
  await node.close();
  await bench.close();
  return {
    name: "camellia under a flood",
    n,
    datagrams_in_per_s: rounded((last.datagramsIn - first.datagramsIn) / seconds, 0),
    dropped_per_s: rounded((last.dropped - first.dropped) / seconds, 0),
    get_ms_p50: rounded(quantile(before.took, 0.5)),
    get_ms_p95: rounded(quantile(before.took, 0.95)),
    get_ms_p50_in_flood: rounded(quantile(took, 0.5)),
    get_ms_p95_in_flood: rounded(quantile(took, 0.95)),
    get_ok_in_flood: Math.min(...during.map((one) => one.ok)),
  };
}

const n = Number(Deno.args.find((arg) => arg.startsWith("--n="))?.slice(4) ?? 100);
// deno-lint-ignore no-console -- the line is what this program is for
console.log(JSON.stringify(await (Deno.args.includes("--flood") ? flood(n) : main(n))));
