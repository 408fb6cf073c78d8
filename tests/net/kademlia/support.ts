/** What the tests of net/kademlia share: a clock, seeded randomness, and nodes on loopback. */
import { createHash } from "node:crypto";
import { openDatagrams } from "../../../net/system/datagrams.ts";
import { KademliaNode, type NodeOptions, storeAnything } from "../../../net/kademlia/mod.ts";
import type { Endpoint } from "../../../lib/ip_address.ts";
import type { Datagrams, Random, Time, Timer } from "../../../net/kademlia/ports.ts";

/** The real clock. */
export const realTime: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Reproducible random bytes. */
export class SeededRandom implements Random {
  #counter = 0;
  readonly #seed: string;

  constructor(seed: string | number) {
    this.#seed = String(seed);
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 20) {
      const block = createHash("sha1").update(`${this.#seed}:${this.#counter++}`).digest();
      bytes.set(block.subarray(0, Math.min(20, length - at)), at);
    }
    return bytes;
  }
}

/** SHA-1 of a text: a key. */
export function keyOf(text: string): Uint8Array {
  return new Uint8Array(createHash("sha1").update(text).digest());
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** A clock that moves only when told to, and a network of sockets on it. */
export class VirtualWorld {
  #nowMs = 0;
  #order = 0;
  readonly #timers: { atMs: number; order: number; fn: () => void; dead: boolean }[] = [];
  readonly #sockets = new Map<string, (data: Uint8Array, from: Endpoint) => void>();
  /** One-way delay in ms. */
  delayMs = 10;
  /** Whether a datagram gets lost. */
  lose: (from: Endpoint, to: Endpoint, data: Uint8Array) => boolean = () => false;
  /** Datagrams sent so far. */
  sent = 0;

  readonly time: Time = {
    now: () => 1_800_000_000_000 + this.#nowMs,
    monotonic: () => this.#nowMs,
    after: (ms, fn) => this.#after(ms, fn),
  };

  #after(ms: number, fn: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fn, dead: false };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle]?.atMs ?? 0) <= timer.atMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return {
      cancel: () => {
        timer.dead = true;
      },
    };
  }

  datagrams(ip: string, port: number): Datagrams {
    const address = { ip, port };
    const name = `${ip}|${port}`;
    return {
      address,
      send: (data, to) => {
        this.sent++;
        if (this.lose(address, to, data)) return;
        this.#after(this.delayMs, () => this.#sockets.get(`${to.ip}|${to.port}`)?.(data, address));
      },
      onReceive: (fn) => {
        this.#sockets.set(name, fn);
      },
      close: () => {
        this.#sockets.delete(name);
      },
    };
  }

  /** Hands a raw datagram to whoever listens at `to`, now. */
  inject(data: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.#sockets.get(`${to.ip}|${to.port}`)?.(data, from);
  }

  /** Takes a socket off the network without a word. */
  silence(address: Endpoint): void {
    this.#sockets.delete(`${address.ip}|${address.port}`);
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#timers[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      if (next.dead) continue;
      this.#nowMs = next.atMs;
      next.fn();
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass until `promise` settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    promise.then(() => settled = true, () => settled = true);
    for (let steps = 0; !settled; steps++) {
      await settle();
      if (settled || steps > 1_000_000) break;
      const next = this.#timers.shift();
      if (next === undefined) break;
      if (next.dead) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
    }
    return await promise;
  }
}

/** Lets promises run that are ready. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A node on loopback with the real clock. */
export function loopbackNode(
  seed: string | number,
  options: Partial<NodeOptions> = {},
): Promise<KademliaNode> {
  return KademliaNode.create({
    time: realTime,
    random: new SeededRandom(seed),
    policy: storeAnything,
    datagrams: openDatagrams({ ip: "127.0.0.1", port: 0 }),
    ...options,
  });
}

/** `n` joined nodes on loopback. */
export async function loopbackNetwork(
  n: number,
  options: Partial<NodeOptions> = {},
): Promise<KademliaNode[]> {
  const nodes: KademliaNode[] = [];
  for (let i = 0; i < n; i++) {
    const node = await loopbackNode(`node ${i}`, options);
    const [first] = nodes;
    if (first) await node.bootstrap([{ host: first.address.ip, port: first.address.port }]);
    nodes.push(node);
  }
  return nodes;
}

/** `n` joined nodes in a virtual world, each in a /24 of its own. */
export async function virtualNetwork(
  world: VirtualWorld,
  n: number,
  options: (i: number) => Partial<NodeOptions> = () => ({}),
): Promise<KademliaNode[]> {
  const nodes: KademliaNode[] = [];
  for (let i = 0; i < n; i++) {
    const node = await virtualNode(world, i, options(i));
    const [first] = nodes;
    if (first) {
      const { ip: host, port } = first.address;
      await world.until(node.bootstrap([{ host, port }]));
    }
    nodes.push(node);
  }
  return nodes;
}

export function virtualNode(
  world: VirtualWorld,
  i: number,
  options: Partial<NodeOptions> = {},
): Promise<KademliaNode> {
  return KademliaNode.create({
    time: world.time,
    random: new SeededRandom(`virtual ${i}`),
    policy: storeAnything,
    datagrams: world.datagrams(`5.${(i >> 8) & 255}.${i & 255}.1`, 4000),
    ...options,
  });
}

export async function closeAll(nodes: readonly KademliaNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.close()));
}
