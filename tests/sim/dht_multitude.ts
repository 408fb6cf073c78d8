/**
 * A network too large to be held in memory: its nodes sleep until they are asked something.
 *
 * Every node's id, address and round trips follow from its number. A node that is asked for more than a
 * ping is built then, out of the same code as any other, and gets to know those that a node of that age
 * knows: all of its neighbourhood, and k random ones of every farther bucket. It learns of them as it does
 * in life: they ask it something, it pings them, they answer. Such a node only answers. It has no timers,
 * so that it does no upkeep, and forgets everything but values where others need the room.
 *
 * Nodes that act, {@link DhtWorld.members}, join for real and are as in any other world.
 *
 * @module
 */
import type { Endpoint } from "../../lib/ip_address.ts";
import { KademliaNode } from "../../net/kademlia/mod.ts";
import { requestKind } from "../../net/kademlia/constants.ts";
import type { Datagrams, Time } from "../../net/kademlia/ports.ts";
import { ping } from "../../net/kademlia/rpc/methods/ping.ts";
import { decodeRequest, encodeAnswer, encodeRequest } from "../../net/kademlia/rpc/wire.ts";
import { commonPrefixBits, Id } from "../../net/kademlia/space/id.ts";
import type { SimulatedSocket } from "./dht_network.ts";
import { sealedValues } from "./dht_values.ts";
import type { DhtWorld } from "./dht_world.ts";
import { SeededRandom } from "./random.ts";

/** Contacts a bucket. */
const k = 20;
/** Bits by which ids are ordered; the others follow from the number. */
const orderedBits = 52;
/** Nodes awake at once that store nothing: some hundred kilobytes each. */
const awakeMax = 4_000;
const port = 4_000;
/** First bytes of addresses: public ones, none of them reserved. */
const firstBytes = range(1, 223).filter((byte) =>
  ![10, 100, 127, 169, 172, 192, 198, 203].includes(byte)
);
/** Networks of 16 bits. */
const networks = firstBytes.length * 256;
/** A node got to know the others this long ago: longer than any round trip. */
const metMsAgo = 1_000;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** A node that is awake. */
interface Awake {
  readonly node: KademliaNode;
  receive(data: Uint8Array, from: Endpoint): void;
}

/** The nodes. */
export class Multitude {
  readonly size: number;
  readonly #world: DhtWorld;
  readonly #random: SeededRandom;
  /** The first bits of all ids, in order. */
  readonly #ids: Float64Array;
  /** Those awake, the one asked longest ago first. */
  readonly #awake = new Map<number, Awake>();
  #built = 0;

  /** `size` nodes, up to ten million, on the network of `world`. */
  constructor(world: DhtWorld, size: number) {
    this.size = size;
    this.#world = world;
    this.#random = world.random.fork("multitude");
    const ids = new Float64Array(size);
    for (let i = 0; i < size; i++) ids[i] = Math.floor(this.#random.float() * 2 ** orderedBits);
    this.#ids = ids.sort();
    world.network.onMissing = (address) => this.#socketAt(address);
  }

  /** Nodes built so far, those that were built again included. */
  get built(): number {
    return this.#built;
  }

  /** For others to join through: a random one. */
  host(random: SeededRandom): { host: string; port: number } {
    return { host: this.#addressOf(random.int(this.size)).ip, port };
  }

  #addressOf(index: number): Endpoint {
    const network = index % networks;
    const first = firstBytes[network >> 8] ?? 0;
    const third = Math.floor(index / networks);
    return { ip: `${first}.${network & 255}.${third}.${1 + (index * 7) % 250}`, port };
  }

  #indexOf(address: Endpoint): number | undefined {
    const [first = 0, second = 0, third = 0] = address.ip.split(".").map(Number);
    const at = firstBytes.indexOf(first);
    const index = third * networks + at * 256 + second;
    if (at < 0 || index >= this.size) return undefined;
    return this.#addressOf(index).ip === address.ip && address.port === port ? index : undefined;
  }

  #idOf(index: number): Id {
    const bits = this.#ids[index] ?? 0;
    const high = Math.floor(bits / 2 ** 20);
    const low = (bits % 2 ** 20) * 2 ** 12;
    const more = Math.imul(index + 1, 0x9e3779b1);
    return new Id(high, low + ((more >>> 20) & 0xfff), more, index, ~more);
  }

  #socketAt(address: Endpoint): SimulatedSocket | undefined {
    const index = this.#indexOf(address);
    if (index === undefined) return undefined;
    const socket = this.#world.network.open(address, index);
    socket.onReceive((data, from) => this.#asked(index, socket, data, from));
    return socket;
  }

  #asked(index: number, socket: SimulatedSocket, data: Uint8Array, from: Endpoint): void {
    const awake = this.#awake.get(index);
    if (awake !== undefined) {
      this.#awake.delete(index);
      this.#awake.set(index, awake);
      return awake.receive(data, from);
    }
    const name = decodeRequest(data)?.name;
    if (name === "ping") socket.send(encodeAnswer(data, ping, this.#idOf(index)), from);
    else if (name !== undefined) this.#wake(index, socket).then((it) => it.receive(data, from));
  }

  async #wake(index: number, socket: SimulatedSocket): Promise<Awake> {
    const { clock, errors } = this.#world;
    // Until it knows the others its clock is behind, and its socket leads to what answers for them.
    let behindMs = metMsAgo;
    let receive: (data: Uint8Array, from: Endpoint) => void = () => {};
    let pings: Uint8Array[] | undefined = [];
    const datagrams: Datagrams = {
      address: socket.address,
      send: (data, to) => {
        if (pings === undefined) socket.send(data, to);
        else if (data[0] === requestKind) pings.push(data);
      },
      onReceive: (fn) => receive = fn,
      close: () => {},
    };
    const time: Time = {
      now: () => clock.now() - behindMs,
      monotonic: () => clock.monotonic() - behindMs,
      after: () => ({ cancel: () => {} }),
    };
    const random = new SeededRandom(`${this.#random.seed} ${index}`);
    const own = this.#idOf(index);
    const node = await KademliaNode.create({
      time,
      random,
      datagrams,
      policy: sealedValues,
      id: own.toBytes(),
      onError: (error) => errors.push(error),
      ...this.#world.nodeOptions,
    });
    // Another datagram may have come meanwhile.
    const twin = this.#awake.get(index);
    if (twin !== undefined) return twin;
    for (const other of this.#acquaintancesOf(index, own, random)) {
      const address = this.#addressOf(other);
      const sender = this.#idOf(other);
      receive(encodeRequest(Id.from(random.bytes(20)), ping, { sender }), address);
      const asked = pings.pop();
      if (asked === undefined) continue;
      const roundTripMs = this.#world.network.roundTripMs(index, other);
      behindMs -= roundTripMs;
      receive(encodeAnswer(asked, ping, sender), address);
      behindMs += roundTripMs;
    }
    pings = undefined;
    behindMs = 0;
    const awake: Awake = { node, receive: (data, from) => receive(data, from) };
    this.#built++;
    this.#awake.set(index, awake);
    this.#makeRoom();
    return awake;
  }

  #makeRoom(): void {
    for (const [index, { node }] of this.#awake) {
      if (this.#awake.size <= awakeMax) return;
      if (node.stats().values === 0) this.#awake.delete(index);
    }
  }

  /** Whom a node knows: k of each bucket, the farthest first. */
  *#acquaintancesOf(index: number, own: Id, random: SeededRandom): Iterable<number> {
    // Ids from `low` to `high` share at least `bits` leading bits with the own one.
    let low = 0;
    let high = this.size;
    for (let bits = 0; high - low > 1 && bits < orderedBits; bits++) {
      const middle = this.#firstWith(own, bits, low, high);
      const isUpper = index >= middle;
      const [from, to] = isUpper ? [low, middle] : [middle, high];
      yield* some(from, to, random);
      [low, high] = isUpper ? [middle, high] : [low, middle];
    }
  }

  /** The first from `low` to `high` whose bit after those shared with `own` is one. */
  #firstWith(own: Id, shared: number, low: number, high: number): number {
    let [from, to] = [low, high];
    const isOwnOne = bitOf(own, shared) === 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      const isShared = commonPrefixBits(own, this.#idOf(middle)) > shared;
      if (isShared === isOwnOne) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}

function bitOf(id: Id, bit: number): number {
  const word = bit < 32 ? id.w0 : id.w1;
  return (word >>> (31 - bit % 32)) & 1;
}

/** k of the numbers from `from` to `to`, or all of them where they are fewer. */
function* some(from: number, to: number, random: SeededRandom): Iterable<number> {
  const count = to - from;
  if (count <= 2 * k) {
    yield* random.shuffle(range(from, to)).slice(0, k);
    return;
  }
  const drawn = new Set<number>();
  while (drawn.size < k) drawn.add(from + random.int(count));
  yield* drawn;
}
