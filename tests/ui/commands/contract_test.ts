/** What commands print for scripts is what docs/cli/ promises, for every field of every schema. */

import assert from "node:assert/strict";
import type {
  FollowView,
  NotificationView,
  PeerEvent,
  PostView,
  ProfileView,
  RepostedView,
} from "../../../core/api.ts";
import { utf8 } from "../../../core/model/bytes.ts";
import { checkPrinted, definitions, FieldsSeen, schemas } from "../../cli_schemas.ts";
import { FakePeer } from "../fake_peer.ts";
import { Machine } from "../fake_io.ts";

const at = "2026-01-01T00:00:00.000Z";
const clash = { pinned: "0123456789abcdef", other: "fedcba9876543210" };
const name = { author: "bob", id: "5" };

const plain: PostView = { ...name, text: "hello", created_at: at, reply_to: null };

/** What a repost passes on, with everything that it can have. */
const original: Required<Omit<RepostedView, "repost_of" | "replies" | "read" | "outside">> = {
  ...{
    ...name,
    clash,
    text: "@carol yes",
    created_at: at,
    reply_to: name,
    root: name,
    warning: "w",
  },
  ...{ mentions: ["carol"], fingerprint: clash.pinned, verified: false },
};

/** A post with everything that a post can have. A field more in the view does not compile without one here. */
const full: Required<PostView> = {
  id: "18446744073709551615",
  author: "carol",
  text: "@alice @bob",
  created_at: at,
  reply_to: name,
  root: { author: "dave_2", id: "4" },
  warning: "spoilers",
  mentions: ["alice", "bob"],
  repost_of: original,
  replies: 2,
  verified: false,
  outside: true,
  clash,
  read: true,
};

const bare: PostView = {
  ...plain,
  repost_of: { ...plain, fingerprint: clash.pinned, verified: true },
};

const notification: NotificationView = {
  ...{ id: "1", kind: "mention", from: "carol", post: full, at, read: false },
};

const security: Required<NotificationView> = {
  ...{ id: "2", kind: "security", from: "alice", post: null, at, read: true },
  message: "Your password was changed.",
};

/** Every kind of event with everything that it can have, and those with a part that may be missing without it. */
const events: {
  readonly [Kind in PeerEvent["event"]]: readonly [
    Required<Extract<PeerEvent, { event: Kind }>>,
    ...Extract<PeerEvent, { event: Kind }>[],
  ];
} = {
  post: [{ event: "post", post: full }, { event: "post", post: plain }],
  deleted: [{ event: "deleted", ...name }],
  thread: [{ event: "thread", root: name }],
  notification: [{ event: "notification", notification: security }],
  request: [{ event: "request", request: notification }],
  follower: [{ event: "follower", username: "bob", following: true }],
  invited: [{ event: "invited", username: "bob" }],
  network: [
    { event: "network", joined: false, contacts: 0, carrier: "tcp", hindrance: "no_udp" },
    { event: "network", joined: true, contacts: 3 },
  ],
  reach: [
    {
      ...{ event: "reach", state: "relayed", relays: 2, outer_ip: "192.0.2.7" },
      addresses: [{ ip: "192.0.2.7", reached: false }, { ip: "2001:db8::7", reached: null }],
    },
    { event: "reach", state: "unknown", relays: 0, outer_ip: null, addresses: [] },
  ],
  clock: [{ event: "clock", source: "ntp", offset_ms: -2.5 }],
  clash: [{ event: "clash", username: "bob", ...clash }],
  fork: [{ event: "fork", author: "bob", number: 3 }],
  login: [{ event: "login", user: FakePeer.view("alice") }],
  warning: [{ event: "warning", code: "disk_full", message: "Cannot write: the disk is full" }],
  logout: [
    {
      ...{ event: "logout", username: "alice", stay: true },
      why: { code: "password_changed", message: "The password was changed." },
    },
    { event: "logout", username: "alice" },
  ],
};

const profile: Required<Omit<ProfileView, "username" | "fingerprint">> = {
  ...{ name: "Bob", about: "a\x1b[31mb", link: "https://example.org", followers: ["alice"] },
  ...{ following: ["carol"], posts: 2, online: true, clash, forks: 1, unreachable: true },
  listed: { followers: 100_000, following: 3 },
};

const refused: Required<FollowView> = {
  ...{ username: "bob", following: true, acknowledged: false, already: true, refused: true },
};

/** A machine whose commands share one peer's memory, and what it printed, by schema. */
class Contract {
  readonly fields: FieldsSeen = new FieldsSeen();
  readonly printed: Set<string> = new Set();
  #last: FakePeer | undefined;
  readonly machine: Machine;
  prepare: (peer: FakePeer) => void = () => {};

  constructor(machine: Machine) {
    this.machine = machine;
    machine.host.prepare = (peer) => {
      const last = this.#last;
      peer.posts.push(...last?.posts ?? []);
      peer.muted.push(...last?.muted ?? []);
      for (const name of last?.blocked ?? []) peer.blocked.add(name);
      for (const name of ["bob", "zoe"]) peer.followers.add(name);
      peer.following.add("bob");
      this.prepare(peer);
      this.#last = peer;
    };
  }

  /** Takes a document: each schema is met by what a command printed. */
  take(schema: string, text: string): void {
    const document = JSON.parse(text);
    checkPrinted(schema, document);
    this.printed.add(schema);
    this.fields.take(schema, document);
  }

  /** Runs a command that succeeds; every line that it prints is of the schema of its name. */
  async run(schema: string, ...args: string[]): Promise<string[]> {
    const { code, out, err } = await this.machine.run("--json", ...schema.split("-"), ...args);
    assert.equal(code, 0, err);
    const lines = out.trim().split("\n");
    for (const line of lines) this.take(schema, line);
    return lines;
  }

  /** Runs a command that stays until it has printed so many lines. */
  async watch(
    schema: string,
    count: number,
    emit: (peer: FakePeer) => void,
    ...more: string[]
  ): Promise<void> {
    const subscribed = Promise.withResolvers<FakePeer>();
    const { prepare } = this;
    this.prepare = (peer) => {
      prepare(peer);
      const { subscribe } = peer;
      peer.subscribe = (listener) => {
        const stop = subscribe(listener);
        subscribed.resolve(peer);
        return stop;
      };
    };
    const args = schema === "watch" ? [schema] : schema.split("-watch").slice(0, 1);
    const flags = schema === "watch" ? [] : ["--watch"];
    const { io, ended } = this.machine.start("--json", ...args, ...more, ...flags);
    emit(await subscribed.promise);
    const lines = () => io.stdout.split("\n").slice(0, -1);
    await io.until(() => lines().length >= count);
    io.interrupt();
    assert.equal(await ended, 0);
    assert.equal(lines().length, count);
    for (const line of lines()) this.take(schema, line);
    this.prepare = prepare;
  }
}

async function posts(contract: Contract): Promise<void> {
  const [line = ""] = await contract.run("post", "hello");
  const { id } = JSON.parse(line).post;
  const { io } = contract.machine;
  io.stdin = utf8("one\ntwo\n");
  assert.equal((await contract.run("post", "--lines", "--warn", "many")).length, 2);
  await contract.run("reply", "bob/7", "yes");
  await contract.run("repost", `alice/${id}`);
  await contract.run("timeline");
  await contract.run("search", "hello");
  await contract.run("thread", `alice/${id}`);
  await contract.run("delete", id);
  contract.prepare = (peer) => {
    peer.posts.splice(0, Infinity, full, bare, plain);
    peer.indexed = 0.5;
    peer.hidden = 2;
  };
  await contract.run("timeline");
  await contract.run("search", "alice");
  await contract.run("thread", "dave_2/4");
  const live = (peer: FakePeer) => peer.arrive("bob", "live", full.root);
  await contract.watch("thread-watch", 2, live, "dave_2/4");
  await contract.watch("timeline-watch", 4, (peer) => peer.arrive("bob", "live"));
}

async function people(contract: Contract): Promise<void> {
  await contract.run("mute", "@bob", "--for", "7d");
  for (const what of ["football", "bob/5"]) await contract.run("mute", what);
  await contract.run("mutes");
  await contract.run("unmute", "@bob");
  await contract.run("block", "eve");
  await contract.run("blocks");
  await contract.run("unblock", "eve");
  await contract.run("followers");
  await contract.run("following");
  await contract.run("followers-remove", "zoe");
  await contract.run("about");
  await contract.run("about", "--name", "Alice", "--about", "a\x1b[31mb", "--link", "x");
  await contract.run("profile");
  await contract.run("follow", "carol", "offline");
  await contract.run("unfollow", "carol");
  contract.prepare = (peer) => {
    peer.profile = () => Promise.resolve({ ...FakePeer.view("bob"), ...profile });
    peer.follow = () => Promise.resolve(refused);
    const reason = "3 users whom you follow do";
    peer.suggestions = [{ username: "dave", kind: "know", reason }];
  };
  await contract.run("profile", "bob");
  await contract.run("follow", "bob");
  await contract.run("suggest");
}

async function page(contract: Contract): Promise<void> {
  const { io, ended } = contract.machine.start("--json", "web", "--no-open");
  await io.until(() => io.stdout.includes("\n"));
  contract.take("web", io.stdout.trim());
  io.interrupt();
  assert.equal(await ended, 0);
  await contract.run("web", "--stop");
}

async function news(contract: Contract): Promise<void> {
  contract.prepare = (peer) => {
    peer.told = { notifications: [security, notification], requests: [notification] };
  };
  await contract.run("notifications", "--read");
  await contract.run("requests");
  await contract.watch("notifications-watch", 3, (peer) => {
    peer.emit({ event: "notification", notification: { ...notification, id: "3" } });
  });
  const all = Object.values(events).flat();
  await contract.watch("watch", all.length, (peer) => all.forEach((event) => peer.emit(event)));
}

async function settings(contract: Contract): Promise<void> {
  await contract.run("config-list", "--port", "9000");
  await contract.run("config-set", "lifespan", "7d");
  await contract.run("config-get", "lifespan");
  await contract.run("config-unset", "lifespan");
}

Deno.test("What the commands print for scripts is what docs/cli/ describes, field by field", async () => {
  const contract = new Contract(await Machine.withAlice());
  await posts(contract);
  contract.prepare = () => {};
  await people(contract);
  await news(contract);
  await settings(contract);
  await page(contract);
  const { code, out, err } = await contract.machine.run("--json", "unmute", "nothing");
  assert.deepEqual([code, out], [1, ""]);
  contract.take("error", err);
  const described = [...schemas.keys()].filter((name) => name !== definitions);
  assert.deepEqual([...contract.printed].sort(), described);
  assert.deepEqual(contract.fields.unproved(), []);
});
