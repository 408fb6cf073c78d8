/**
 * Running commands and checking what they print for scripts against docs/cli/; and every event with everything that
 * it can have.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NotificationView, PeerEvent, PostView, RepostedView } from "../../core/api.ts";
import { checkPrinted, definitions, FieldsSeen, schemas } from "../cli_schemas.ts";
import { FakePeer } from "./fake_peer.ts";
import type { Machine } from "./fake_io.ts";

const at = "2026-01-01T00:00:00.000Z";
/** A clash. */
export const clash = { pinned: "0123456789abcdef", other: "fedcba9876543210" };
const name = { author: "bob", id: "5" };

/** A post with nothing that a post may lack. */
export const plain: PostView = { ...name, text: "hello", created_at: at, reply_to: null };

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
export const full: Required<PostView> = {
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

/** A repost of such a post. */
export const bare: PostView = {
  ...plain,
  repost_of: { ...plain, fingerprint: clash.pinned, verified: true },
};

/** What a user is told of, with nothing that it may lack. */
export const notification: NotificationView = {
  ...{ id: "1", kind: "mention", from: "carol", post: full, at, read: false },
};

/** What a user is told of, with everything that it can have. */
export const security: Required<NotificationView> = {
  ...{ id: "2", kind: "security", from: "alice", post: null, at, read: true },
  message: "Your password was changed.",
};

/** Every kind of event with everything that it can have, and those with a part that may be missing without it. */
export const events: {
  readonly [Kind in PeerEvent["event"]]: readonly [
    Required<Extract<PeerEvent, { event: Kind }>>,
    ...Extract<PeerEvent, { event: Kind }>[],
  ];
} = {
  post: [{ event: "post", post: full }, { event: "post", post: plain }, {
    event: "post",
    post: bare,
  }],
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

/** Commands on accounts, devices and invites, which have a test of their own. */
export const onAccounts: ReadonlySet<string> = new Set([
  ...["register", "login", "logout", "whoami", "passwd", "account"],
  ...["devices", "invite", "join"],
]);

/** Commands on the peer and the program itself, which have a test of their own. */
export const onPeer: ReadonlySet<string> = new Set([
  ...["up", "node", "status", "doctor", "service", "version", "completion", "man"],
]);

/** A machine whose commands share one peer's memory, and what it printed, by schema. */
export class Contract {
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
  /** Checks that every schema of some commands was met, and every field in them. */
  proves(isOn: (command: string) => boolean): void {
    const described = [...schemas.keys()].filter((name) =>
      name !== definitions && isOn(name.split("-", 1)[0] ?? "")
    );
    assert.deepEqual([...this.printed].sort(), described);
    assert.deepEqual(this.fields.unproved(), []);
  }
}
