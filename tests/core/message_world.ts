/**
 * Peers that have messenger, sync and delivery, on simulated links, clock and disk; people, lists and
 * own records are doubles that know everything at once.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PeerEvent } from "../../core/api.ts";
import type { NotificationList } from "../../core/conversation_store.ts";
import type { Identity } from "../../core/model/identity.ts";
import type { Message, MessageOf } from "../../core/messages/kinds/mod.ts";
import { signMessage } from "../../core/messages/frame.ts";
import { type Layout, pageOf } from "../../core/model/list_pages.ts";
import type { UserRef } from "../../core/model/user.ts";
import { type Post, type PostContent, signPost } from "../../core/model/post.ts";
import { isRecordOf, openRecord, type SignedRecord, signRecord } from "../../core/model/record.ts";
import type {
  ConnectionsBody,
  DeviceEntry,
  Head,
  ListEntry,
} from "../../core/model/record_body.ts";
import { nextSnowflake } from "../../core/model/snowflake.ts";
import type { Endpoint, Store } from "../../core/ports.ts";
import type { OwnRecords, People, Person } from "../../core/session/interfaces.ts";
import { Conversations } from "../../core/conversations/conversations.ts";
import { PeerDelivery } from "../../core/timeline/delivery.ts";
import { type TreeLimits, treeLimits } from "../../core/timeline/tree_draw.ts";
import { PeerMessenger } from "../../core/messages/messenger.ts";
import { Greeter } from "../../core/replication/greeter.ts";
import { PeerSync } from "../../core/replication/sync.ts";
import { delay } from "../../lib/waiting.ts";
import type { NodeClock } from "../sim/clock.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SimLinkNetwork } from "../sim/links_network.ts";
import { SimLinks } from "../sim/links.ts";
import { MemoryStores } from "../sim/memory_store.ts";
import { SeededRandom } from "../sim/random.ts";
import { identityOf } from "../sim/users.ts";
import { nothingUnwanted, only, TestLists, testSession } from "./doubles.ts";

/** Every list has these pages. */
const layout: Layout = { generation: 18, pages: 4 };

/** The one port everybody listens on. */
const port = 7000;

/** What all users of a world share. */
export class MessageWorld {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: SimLinkNetwork;
  readonly users = new Map<string, TestUser>();
  /** How large trees are. */
  treeLimits: TreeLimits = treeLimits;
  /** Look-ups of names, devices and lists so far. */
  readonly lookUps = { find: 0, devices: 0, lists: 0 };
  /** How long a look-up takes, in virtual milliseconds. */
  lookUpMs = 5;
  #nextIp = 1;

  constructor(seed: number | string = 1) {
    this.random = new SeededRandom(seed);
    const random = this.random.fork("network");
    this.network = new SimLinkNetwork({ clock: this.clock, random, latencyMs: { min: 1, max: 3 } });
  }

  /** Adds a user's first or, with another number, further device, and starts its peer. */
  async add(username: string, options: UserOptions = {}): Promise<TestUser> {
    const ip = `10.0.${this.#nextIp >> 8}.${this.#nextIp & 255}`;
    this.#nextIp++;
    const user = new TestUser(this, { ...options, username, ip });
    const first = this.users.get(username);
    if (first === undefined) this.users.set(username, user);
    else first.siblings.push(user);
    await user.start();
    return user;
  }

  /** Several users at once. */
  async addAll<const N extends readonly string[]>(
    ...names: N
  ): Promise<{ [K in keyof N]: TestUser }> {
    const users: TestUser[] = [];
    for (const name of names) users.push(await this.add(name));
    return users as { [K in keyof N]: TestUser };
  }

  /** The first user follows the others, who know it. */
  follow(follower: TestUser, ...authors: TestUser[]): void {
    for (const author of authors) {
      follower.enlist("following", author);
      author.enlist("followers", follower);
    }
  }

  /** Waits in virtual time; says whether the condition came true. */
  until(condition: () => boolean, limitMs = 60_000): Promise<boolean> {
    return this.clock.until(condition, limitMs);
  }

  async lookUp(kind: "find" | "devices" | "lists", signal?: AbortSignal): Promise<void> {
    this.lookUps[kind]++;
    await delay(this.clock, this.lookUpMs, signal);
  }

  /** Stops every peer. */
  async stop(): Promise<void> {
    for (const user of this.users.values()) {
      for (const device of [user, ...user.siblings]) {
        await device.stop();
        const isMistake = (event: PeerEvent) =>
          event.event === "warning" && event.code === "internal";
        assert.deepEqual(device.events.filter(isMistake), []);
      }
    }
  }
}

/** How a user differs from the usual. */
export interface UserOptions {
  /** Device number; by default 1. */
  readonly device?: number;
  /** Posts older than this are not wanted. */
  readonly lifespanMs?: number;
  /** The disk, to start again from it. */
  readonly stores?: MemoryStores;
  /** A clock that is wrong by so much. */
  readonly offsetMs?: number;
}

/** What a test does with messages of the kinds that no part of these peers deals with. */
export type OnMessage = {
  [K in "follow" | "unfollow" | "ack"]?: (message: MessageOf<K>) => void | Promise<void>;
};

/** One device of a user with its peer. */
export class TestUser {
  readonly world: MessageWorld;
  readonly ip: string;
  readonly device: number;
  readonly identity: Identity;
  readonly self: UserRef;
  readonly lists = new TestLists();
  readonly siblings: TestUser[] = [];
  readonly events: PeerEvent[] = [];
  readonly unwanted: string[] = [];
  /** Called for messages that came in. */
  readonly on: OnMessage = {};
  /** Users whose connections were learnt. */
  readonly learnt: string[] = [];
  readonly stores: MemoryStores;
  readonly clock: NodeClock;
  readonly links: SimLinks;
  /** What the public record says; the own heads as long as it says nothing else. */
  publicHeads: readonly Head[] | undefined;
  /** Whether the device is announced. */
  announced = true;
  /** From whom conversations take nothing. */
  isBlocked: (user: UserRef) => boolean = () => false;
  /** Whether the network does not tell this user where others are. */
  isCutOff = false;
  /** Whether the user can be found at all. */
  registered = true;
  store!: Store;
  messenger!: PeerMessenger;
  greeter!: Greeter;
  delivery!: PeerDelivery;
  sync!: PeerSync;
  conversations!: Conversations;
  #options: UserOptions;
  #end: () => void = () => {};
  #heads = new Map<number, number>();
  #lastId: bigint | undefined;
  #linkKey: Uint8Array | undefined;
  #known = new Map<string, DeviceEntry[]>();
  #onFrame: (frame: Uint8Array) => void = () => {};

  constructor(world: MessageWorld, options: UserOptions & { username: string; ip: string }) {
    this.world = world;
    this.ip = options.ip;
    this.device = options.device ?? 1;
    this.identity = identityOf(options.username);
    this.self = { username: options.username, key: this.identity.publicKey };
    this.stores = options.stores ?? new MemoryStores();
    this.clock = world.clock.view({ offsetMs: options.offsetMs ?? 0 });
    this.links = new SimLinks({
      network: world.network,
      listen: { ip: this.ip, port },
      ownAddresses: () => [this.ip],
    });
    this.#options = options;
    const open = this.links.open.bind(this.links);
    this.links.open = (secretKey, onFrame) => open(secretKey, this.#onFrame = onFrame);
  }

  get username(): string {
    return this.self.username;
  }

  get entry(): DeviceEntry {
    const linkKey = this.#linkKey ??= this.identity.linkKeys(this.device).publicKey;
    const until = Number.MAX_SAFE_INTEGER;
    return {
      device: this.device,
      linkKey,
      addresses: [this.ip],
      port,
      until,
      updatedAt: 1,
      present: true,
    };
  }

  /** The user's `connections`. */
  get connections(): SignedRecord<ConnectionsBody> {
    return signRecord<ConnectionsBody>({
      username: this.username,
      namespace: "connections",
      sequence: 1,
      expiresAt: Math.floor(this.clock.now()) + 900_000,
      body: { devices: [this.entry] },
    }, this.identity);
  }

  async start(): Promise<Endpoint> {
    this.store = await this.stores.open(this.username);
    const { world, clock, device, links, store, username, identity, events } = this;
    const { lifespanMs } = this.#options;
    const session = testSession({
      username,
      identity,
      clock,
      device,
      store,
      events,
      ports: { links, random: world.random.fork(`${username} ${this.ip}`) },
      settings: lifespanMs === undefined ? {} : { lifespanMs },
    });
    this.#end = session.end;
    const people = new WorldPeople(this, this.#known);
    const { lists } = this;
    const records = only<OwnRecords>({
      heads: () => this.heads,
      layout: () => layout,
      connections: () => this.connections,
      // Lists are one for all here: there is nothing to read anew.
      pull: () => Promise.resolve(),
    });
    this.messenger = new PeerMessenger({ session, people });
    const parts = { session, people, lists, records, messenger: this.messenger };
    this.delivery = new PeerDelivery(parts, world.treeLimits);
    this.greeter = new Greeter(parts, () => this.sync.rejoin());
    this.sync = new PeerSync({
      ...parts,
      greeter: this.greeter,
      relay: this.delivery,
      arrivals: {
        arrived: (posts, gone) => this.conversations.notifications.arrived(posts, gone),
      },
      followers: {
        unwanted: (from) => Promise.resolve(void this.unwanted.push(from.username)),
      },
    });
    this.conversations = new Conversations({
      mutes: { ...nothingUnwanted, isBlocked: (user) => this.isBlocked(user) },
      ...parts,
      feeds: { take: (author, posts) => this.sync.take(author, posts) },
      answers: { answer: (question) => this.sync.answer(question) },
    });
    await this.conversations.load();
    this.messenger.serve({
      acks: this.messenger,
      followers: {
        handle: async (message) =>
          await (message.kind === "follow"
            ? this.on.follow?.(message as MessageOf<"follow">)
            : this.on.unfollow?.(message as MessageOf<"unfollow">)),
      },
      requests: { handleAck: async (message) => await this.on.ack?.(message) },
      sync: this.sync,
      tree: this.delivery,
      mentions: this.conversations,
      waiting: this.conversations,
      threads: this.conversations.threads,
    });
    this.sync.start();
    for (const feed of await this.store.feeds(this.username)) {
      this.#heads.set(feed.device, feed.ranges.at(-1)?.[1] ?? feed.floor);
    }
    return await this.messenger.start();
  }

  /** Stops it; it may be started again on the same disk. */
  async stop(): Promise<void> {
    this.#end();
    await this.messenger.stop();
  }

  get heads(): Head[] {
    return [...this.#heads].map(([device, head]) => ({ device, head }));
  }

  enlist(list: "followers" | "following", user: TestUser): void {
    const entry: ListEntry = { list, ...user.self, updatedAt: 1, present: true };
    for (const device of [this, ...this.siblings]) device.lists.merge(entry);
  }

  /** Makes a post that is nowhere yet. */
  make(number: number, text = `post ${number}`, timeMs = this.clock.now()): Post {
    const { device, username: author } = this;
    const id = nextSnowflake(this.#lastId, Math.floor(timeMs), device);
    return signPost({ author, device, number, id, text }, this.identity);
  }

  /** Commits posts without telling anybody, the last one being dated now. */
  async write(count: number, ageMs = 0): Promise<Post[]> {
    const first = (this.#heads.get(this.device) ?? 0) + 1;
    const posts: Post[] = [];
    for (let i = 0; i < count; i++) {
      const timeMs = this.clock.now() - ageMs - (count - 1 - i);
      const post = this.make(first + i, `${this.username} ${first + i}`, timeMs);
      this.#lastId = post.id;
      posts.push(post);
    }
    for (const post of posts) await this.store.addOwnPost(post);
    if (count > 0) this.#heads.set(this.device, first + count - 1);
    return posts;
  }

  /** Commits a post and pushes it. */
  async post(): Promise<Post> {
    const [post] = await this.write(1);
    if (post === undefined) throw new Error("no post");
    this.delivery.push(post, Promise.resolve());
    return post;
  }

  /** Posts as a user does: commits, pushes, and tells those whom the post mentions or answers. */
  async say(
    text: string,
    more: Partial<PostContent> = {},
    told?: readonly string[],
  ): Promise<Post> {
    const { device, username: author } = this;
    const number = (this.#heads.get(device) ?? 0) + 1;
    const id = nextSnowflake(this.#lastId, Math.floor(this.clock.now()), device);
    const post = signPost({ author, device, number, id, text, ...more }, this.identity);
    const names = told ?? this.conversations.named(post);
    await this.store.addOwnPost(post, names);
    this.#lastId = id;
    this.#heads.set(device, number);
    this.delivery.push(post, Promise.resolve());
    this.conversations.added(post, names);
    return post;
  }

  /** Takes an own post back. */
  async takeBack(post: Post): Promise<Post> {
    const { device, number } = post;
    const [told] = await this.conversations.concerned([post]);
    const by = await this.say("", { deletes: { device, number } }, told);
    await this.conversations.tookBack(by, post);
    return by;
  }

  /** What the user is told, oldest first: kind, author and id of the post, or the message. */
  async told(list: NotificationList = "notifications"): Promise<string[]> {
    const all = await this.store.conversations.notifications({ list, limit: 10_000 });
    return all.map(({ kind, from, post, message }) =>
      `${kind} ${from} ${post?.id ?? message ?? ""}`
    ).reverse();
  }

  /** Numbers that are here of an author's device. */
  async numbers(author: TestUser): Promise<number[]> {
    const posts = await this.store.timeline({ author: author.username, limit: 100_000 });
    return posts.filter((post) => post.device === author.device)
      .map((post) => post.number).reverse();
  }

  /** A frame signed by this user. */
  frame(to: UserRef, message: Pick<Message, "kind" | "body"> & Partial<Message>): Uint8Array {
    return signMessage({
      from: this.self,
      to,
      time: Math.floor(this.clock.now()),
      id: this.world.random.bytes(16),
      ...message,
    } as Message, this.identity);
  }

  /** Takes a frame in as if the links had handed it over. */
  receive(frame: Uint8Array): void {
    this.#onFrame(frame);
  }

  /** Sends raw bytes to a device. */
  throw(to: TestUser, frame: Uint8Array): void {
    this.links.send(to.entry, frame);
  }
}

/** People as one user sees them: the world tells, after a while. */
class WorldPeople implements People {
  readonly #owner: TestUser;
  readonly #cache: Map<string, DeviceEntry[]>;

  constructor(owner: TestUser, cache: Map<string, DeviceEntry[]>) {
    this.#owner = owner;
    this.#cache = cache;
  }

  isAbsent(username: string): boolean {
    return this.#owner.world.users.get(username)?.registered !== true;
  }

  async find(username: string, signal?: AbortSignal): Promise<Person | undefined> {
    const { world } = this.#owner;
    await world.lookUp("find", signal);
    const user = world.users.get(username);
    if (user === undefined || !user.registered) return undefined;
    const heads = user.publicHeads ??
      [user, ...user.siblings].flatMap((device) =>
        device.heads.filter((head) => head.device === device.device)
      );
    const record = {
      since: 1,
      posts: 0,
      followers: 0,
      following: 0,
      heads,
      generation: 0,
      pages: 0,
    };
    return { ...user.self, pinned: false, public: record, otherKeys: [] };
  }

  pin(username: string): Uint8Array | undefined {
    const { self, lists } = this.#owner;
    if (username === self.username) return self.key;
    const entries = [lists.get("following", username), lists.get("followers", username)];
    return entries.find((entry) => entry?.present)?.key;
  }

  async lists(person: Person, signal?: AbortSignal): Promise<ListEntry[]> {
    const { world } = this.#owner;
    await world.lookUp("lists", signal);
    const lists = world.users.get(person.username)?.lists;
    return [...lists?.present("followers") ?? [], ...lists?.present("following") ?? []];
  }

  async followersOn(user: UserRef, { pages }: Layout, page: number): Promise<ListEntry[]> {
    const { world } = this.#owner;
    await world.lookUp("lists");
    const followers = world.users.get(user.username)?.lists.present("followers") ?? [];
    return followers.filter(({ username }) => pageOf(username, pages) === page);
  }

  async devices(user: UserRef, signal?: AbortSignal): Promise<DeviceEntry[]> {
    const known = this.#cache.get(user.username);
    if (known !== undefined) return known;
    const { world } = this.#owner;
    await world.lookUp("devices", signal);
    const found = this.#owner.isCutOff ? undefined : world.users.get(user.username);
    if (found === undefined || !sameKey(found.self.key, user.key)) return [];
    const devices = [found, ...found.siblings].filter((device) => device.announced)
      .map((device) => device.entry);
    if (devices.length > 0) this.#cache.set(user.username, devices);
    return devices;
  }

  async isPresent(user: UserRef, signal?: AbortSignal): Promise<boolean> {
    return (await this.devices(user, signal)).some(({ present }) => present);
  }

  learn(user: UserRef, connections: SignedRecord | Uint8Array): boolean {
    const record = connections instanceof Uint8Array ? openRecord(connections) : connections;
    if (!isRecordOf(record, user, "connections")) return false;
    this.#owner.learnt.push(user.username);
    this.#cache.set(user.username, [...record.body.devices]);
    return true;
  }

  forgetPerson(): void {}

  forgetAbsent(): void {}

  isGone(): boolean {
    return !this.#owner.isCutOff;
  }

  renewDevices(_user: UserRef): Promise<boolean> {
    return Promise.resolve(false);
  }

  forgetDevices(user: UserRef, tried: readonly DeviceEntry[]): void {
    const known = this.#cache.get(user.username) ?? [];
    if (known.every((entry) => tried.includes(entry))) this.#cache.delete(user.username);
  }
}

function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
