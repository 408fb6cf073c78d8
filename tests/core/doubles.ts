/**
 * Small doubles of what the use cases need from one another.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { PeerEvent } from "../../core/api.ts";
import type { KindName, MessageBodyOf } from "../../core/messages/kinds/mod.ts";
import type { SendReport } from "../../core/messages/outbox.ts";
import type { PeerMessenger } from "../../core/messages/messenger.ts";
import { placeOf } from "../../core/model/list_pages.ts";
import type { Identity } from "../../core/model/identity.ts";
import type { UserRef } from "../../core/model/user.ts";
import type { DeviceEntry, ListEntry, ListName } from "../../core/model/record_body.ts";
import type { Directory, PendingFollow, Ports, Store } from "../../core/ports.ts";
import type {
  Lists,
  People,
  Person,
  Session,
  Settings,
  Unwanted,
} from "../../core/session/interfaces.ts";
import { warn } from "../../core/session/warn.ts";
import { Scheduler } from "../../lib/scheduler.ts";
import type { NodeClock } from "../sim/clock.ts";
import { SeededRandom } from "../sim/random.ts";
import { identityOf, simSettings, userNamed } from "../sim/users.ts";

/** An object of which only what is given may be used. */
export function only<T extends object>(given: Partial<T>): T {
  return new Proxy(given, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (value === undefined) throw new TypeError(`${String(name)} is not expected to be used`);
      return typeof value === "function" ? value.bind(target) : value;
    },
  }) as T;
}

/** Of a user who has muted and blocked nothing. */
export const nothingUnwanted: Unwanted = {
  hides: () => false,
  hidesUser: () => false,
  hidesNothing: true,
  version: 0,
  isBlocked: () => false,
};

/** A session of which a test gives the parts that matter. */
export interface TestSession extends Session {
  device: number;
  settings: Settings;
  /** Ends it. */
  readonly end: () => void;
  /** What was emitted. */
  readonly events: PeerEvent[];
}

const nowhere = { ip: "127.0.0.1", port: 0 };

/** What a session is to be made of. */
export interface TestSessionOptions {
  readonly username?: string;
  /** The user's keys, where the test has them already. */
  readonly identity?: Identity;
  readonly clock: NodeClock;
  readonly device?: number;
  readonly store?: Partial<Store>;
  readonly ports?: Partial<Ports>;
  readonly settings?: Partial<Settings>;
  /** Where events go. */
  readonly events?: PeerEvent[];
}

/** A session of a user with this store and these ports. */
export function testSession(options: TestSessionOptions): TestSession {
  const username = options.username ?? "alice";
  const controller = new AbortController();
  const { events = [] } = options;
  const emit = (event: PeerEvent) => void events.push(event);
  const scheduler = new Scheduler(
    options.clock,
    (error) => warn({ signal: controller.signal, emit }, error),
  );
  return {
    self: userNamed(username),
    identity: options.identity ?? identityOf(username),
    device: options.device ?? 7,
    leave: () => {},
    store: only<Store>(options.store ?? {}),
    ports: only<Ports>({
      clock: options.clock,
      random: new SeededRandom("session"),
      directory: only<Directory>({
        // Nobody has answered, which does not matter to a network's first node.
        status: () => ({
          nodeId: "",
          contacts: 0,
          records: 0,
          udp: nowhere,
          outerIps: [],
          joined: false,
        }),
      }),
      ...options.ports,
    }),
    settings: { ...simSettings, ...options.settings },
    signal: controller.signal,
    emit,
    scheduler,
    end: () => {
      controller.abort(new Error("the session ended"));
      scheduler.close();
    },
    events,
  };
}

/** Lists that live in memory. */
export class TestLists implements Lists {
  readonly #entries = new Map<string, ListEntry>();
  readonly #listeners = new Set<(entry: ListEntry, isMerged: boolean) => void>();
  /** Runs before each change is applied. */
  beforeApply: (entry: ListEntry) => void = () => {};

  get(list: ListName, username: string): ListEntry | undefined {
    return this.#entries.get(`${list} ${username}`);
  }

  present(list: ListName): ListEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.list === list && entry.present);
  }

  placeOf(username: string, pages: number): number {
    return placeOf(username, pages);
  }

  async apply(entry: ListEntry): Promise<boolean> {
    await null;
    this.beforeApply(entry);
    const known = this.get(entry.list, entry.username);
    if (known !== undefined && known.updatedAt >= entry.updatedAt) return false;
    this.#put(entry, false);
    return true;
  }

  /** Takes an entry in as another device wrote it. */
  merge(entry: ListEntry): void {
    this.#put(entry, true);
  }

  /** Makes somebody followed or a follower. */
  add(list: ListName, username: string, updatedAt = 1): void {
    this.merge({ list, ...userNamed(username), updatedAt, present: true });
  }

  onChange(fn: (entry: ListEntry, isMerged: boolean) => void): void {
    this.#listeners.add(fn);
  }

  async flush(): Promise<void> {}

  #put(entry: ListEntry, isMerged: boolean): void {
    this.#entries.set(`${entry.list} ${entry.username}`, entry);
    for (const listener of this.#listeners) listener(entry, isMerged);
  }

  /** Every entry of a list. */
  all(list: ListName): ListEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.list === list);
  }
}

/** A message as a test sees it go out. */
export interface Sent {
  readonly kind: KindName;
  readonly to: UserRef;
  readonly body: MessageBodyOf[KindName];
  readonly id: Uint8Array;
}

/** A messenger that keeps what it is asked to send. */
export class TestMessenger implements Pick<PeerMessenger, "send"> {
  readonly sent: Sent[] = [];
  /** Devices that a message is queued to. */
  devices = 1;
  /** What happens before the sender is told that a message has been sent. */
  onSend: (sent: Sent) => void | Promise<void> = () => {};

  async send<K extends KindName>(
    order: { kind: K; to: UserRef; body: MessageBodyOf[K]; id?: Uint8Array },
    signal?: AbortSignal,
  ): Promise<SendReport> {
    assert.ok(signal instanceof AbortSignal, `${order.kind} is sent without a signal that ends it`);
    await null;
    const id = order.id ?? new Uint8Array(16).fill(this.sent.length + 1);
    const sent = { kind: order.kind, to: order.to, body: order.body, id };
    this.sent.push(sent);
    await this.onSend(sent);
    return { id, devices: this.devices, full: 0 };
  }
}

/** People who are known beforehand. */
export class TestPeople implements People {
  readonly #people = new Map<string, { person: Person; entries: ListEntry[] }>();
  readonly #devices = new Map<string, DeviceEntry[]>();
  /** Users whose devices were forgotten. */
  readonly forgotten: string[] = [];
  /** Whether the network answers nothing. */
  isSilent = false;

  /** Makes somebody known, with these lists. */
  add(
    username: string,
    options: {
      followers?: string[];
      following?: string[];
      person?: Partial<Person>;
      devices?: DeviceEntry[];
    } = {},
  ): void {
    const { followers = [], following = [] } = options;
    const entries = (list: ListName, names: string[]) =>
      names.map((name): ListEntry => ({ list, ...userNamed(name), updatedAt: 1, present: true }));
    const person: Person = {
      ...userNamed(username),
      pinned: false,
      public: {
        since: 1,
        posts: 0,
        followers: followers.length,
        following: following.length,
        heads: [],
        generation: 0,
        pages: 0,
      },
      otherKeys: [],
      ...options.person,
    };
    this.#people.set(username, {
      person,
      entries: [...entries("followers", followers), ...entries("following", following)],
    });
    this.#devices.set(username, options.devices ?? []);
  }

  isAbsent(username: string): boolean {
    return !this.isSilent && !this.#people.has(username);
  }

  find(username: string): Promise<Person | undefined> {
    return Promise.resolve(this.#people.get(username)?.person);
  }

  pin(username: string): Uint8Array | undefined {
    const person = this.#people.get(username)?.person;
    return person?.pinned ? person.key : undefined;
  }

  lists(person: Person): Promise<ListEntry[]> {
    return Promise.resolve(this.#people.get(person.username)?.entries ?? []);
  }

  followersOn(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  devices(user: UserRef): Promise<DeviceEntry[]> {
    return Promise.resolve(this.#devices.get(user.username) ?? []);
  }

  async isPresent(user: UserRef): Promise<boolean> {
    return (await this.devices(user)).some(({ present }) => present);
  }

  forgetPerson(): void {}

  learn(): boolean {
    return false;
  }

  renewDevices(_user: UserRef): Promise<boolean> {
    return Promise.resolve(false);
  }

  forgetDevices(user: UserRef): void {
    this.forgotten.push(user.username);
  }

  forgetAbsent(): void {}

  isGone(): boolean {
    return !this.isSilent;
  }
}

/** The pending requests of a store, in memory. */
export class TestPendingFollows
  implements Pick<Store, "pendingFollows" | "putPendingFollow" | "dropPendingFollow"> {
  readonly kept = new Map<string, PendingFollow>();

  pendingFollows(): Promise<PendingFollow[]> {
    return Promise.resolve([...this.kept.values()]);
  }

  putPendingFollow(request: PendingFollow): Promise<void> {
    this.kept.set(request.username, request);
    return Promise.resolve();
  }

  dropPendingFollow(username: string, updatedAt: number): Promise<void> {
    if (this.kept.get(username)?.updatedAt === updatedAt) this.kept.delete(username);
    return Promise.resolve();
  }
}
