/**
 * The peer: the one door for user interfaces and tests. Commands in, results and events out.
 *
 * It lives as long as the process and is a full node of the network throughout; between login and
 * logout a {@linkcode UserPeer} does the work of its user.
 *
 * @module
 */

import type { PeerApi, PeerEvent, UserView } from "./api.ts";
import { enterNetwork } from "./enter.ts";
import { CamelliaError, type ErrorCode } from "./model/errors.ts";
import { readInvite, refuseExpired } from "./model/invite.ts";
import type { UserRef } from "./model/user.ts";
import { parseUsername } from "./model/username.ts";
import type { Ports } from "./ports.ts";
import { Accounts } from "./accounts/accounts.ts";
import type { OpenAccount } from "./accounts/open_account.ts";
import { type PasswordJudge, zxcvbnJudge } from "./accounts/password_strength.ts";
import type { Settings } from "./session/interfaces.ts";
import { Mutex } from "../lib/slots.ts";
import { UserPeer } from "./user_peer.ts";
import { carriageView, deviceView, reachView, userView } from "./session/views.ts";

export * from "./api.ts";
export { CamelliaError, type ErrorCode } from "./model/errors.ts";
export type { Settings } from "./session/interfaces.ts";

/** What a peer is made of. */
export interface PeerOptions {
  /** Everything from outside. The caller closes the adapters after {@linkcode Peer.stop}. */
  readonly ports: Ports;
  /** What config.ini and flags decide. */
  readonly settings: Settings;
  /** Decides which passwords may seal keys; by default zxcvbn, in this thread. */
  readonly passwordJudge?: PasswordJudge;
  /** Changes in place what config.ini decides; absent: nothing can be changed. */
  readonly reload?: () => Promise<void>;
  /** What `status` says of the program. */
  readonly program?: { readonly version: string; readonly pid: number };
}

/** A running peer. Its methods are those of {@linkcode PeerApi}. */
export class Peer implements PeerApi {
  readonly #ports: Ports;
  readonly #program: { readonly version: string; readonly pid: number };
  readonly #accounts: Accounts;
  readonly #startedAt: number;
  readonly #reload: (() => Promise<void>) | undefined;
  readonly #listeners = new Set<(event: PeerEvent) => void>();
  readonly #unsubscribe: (() => void)[] = [];
  /** Login, registration, logout and the end, one after another. */
  readonly #lifeCycle = new Mutex();
  /** Aborted by {@linkcode stop}: ends what waits for the network. */
  readonly #stopping = new AbortController();
  #user: UserPeer | undefined;

  private constructor(options: PeerOptions) {
    const { ports, settings, passwordJudge = zxcvbnJudge } = options;
    this.#ports = ports;
    this.#program = options.program ?? { version: "0.0.0", pid: 0 };
    this.#startedAt = ports.clock.monotonic();
    this.#reload = options.reload;
    const emit = (event: PeerEvent) => this.#emit(event);
    this.#accounts = new Accounts({ ports, settings, passwordJudge, emit });
    this.#unsubscribe.push(
      ports.directory.onChange((status) => {
        const { joined, contacts } = status;
        this.#emit({ event: "network", joined, contacts, ...carriageView(status) });
        if (joined) this.#user?.networkJoined();
      }),
      ports.reach.onChange((status) => this.#emit({ event: "reach", ...reachView(status) })),
      ports.clock.onChange(({ source, offsetMs, doubtedMs }) => {
        if (doubtedMs !== undefined) this.#warnOfClock(doubtedMs);
        else this.#emit({ event: "clock", source, offset_ms: offsetMs });
      }),
    );
  }

  #warnOfClock(doubtedMs: number): void {
    const minutes = Math.round(Math.abs(doubtedMs) / 60_000);
    const message = `The time servers say that this machine's clock is ${minutes} minutes ` +
      `${
        doubtedMs > 0 ? "behind" : "ahead"
      }. This is not believed unasked, and the machine's clock ` +
      "is used. Set that clock if it is wrong; if the servers are right and it cannot be set, " +
      "write TRUST_FAR = yes under [NTP] in config.ini.";
    this.#emit({ event: "warning", code: "clock_doubted", message });
  }

  /** Starts a peer on adapters that run already; no user is logged in. */
  static start(options: PeerOptions): Promise<Peer> {
    return Promise.resolve(new Peer(options));
  }

  /**
   * Logs out the user, if one is logged in, hands over what is to be pushed (a few seconds at most) and
   * ends. The adapters stay open.
   */
  async stop(): Promise<void> {
    this.#stopping.abort(new CamelliaError("interrupted", "Cannot go on: the peer is stopping."));
    await this.#lifeCycle.run(() => this.#close());
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#listeners.clear();
  }

  readonly prepare: PeerApi["prepare"] = () => this.#accounts.prepare();

  readonly checkName: PeerApi["checkName"] = (username, signal) =>
    this.#accounts.checkName(username, signal);

  readonly register: PeerApi["register"] = (account, signal) =>
    this.#open((until) => this.#accounts.register(account, until), true, signal);

  readonly login: PeerApi["login"] = (credentials, signal) =>
    this.#open((until) => this.#accounts.login(credentials, until), false, signal);

  readonly logout: PeerApi["logout"] = async (request, signal) => {
    signal?.throwIfAborted();
    return await this.#lifeCycle.run(async () => {
      const user = userView(this.#required().session.self);
      await this.#close(request?.stay ? { stay: true } : {});
      return user;
    });
  };

  readonly whoami: PeerApi["whoami"] = () =>
    this.#with((user) => Promise.resolve(userView(user.session.self)));

  readonly users: PeerApi["users"] = () => this.#accounts.users();

  readonly checkPassword: PeerApi["checkPassword"] = (password) =>
    this.#with((user) => this.#accounts.checkPassword(user.account, password));

  readonly changePassword: PeerApi["changePassword"] = (change, signal) =>
    this.#with((user) => this.#accounts.changePassword(user.account, change, signal));

  readonly recoveryWords: PeerApi["recoveryWords"] = (credentials) =>
    this.#accounts.recoveryWords(credentials);

  readonly recover: PeerApi["recover"] = (recovery, signal) =>
    this.#open((until) => this.#accounts.recover(recovery, until), false, signal);

  readonly devices: PeerApi["devices"] = (signal) =>
    this.#with(async ({ account, session }) => {
      const entries = await account.records.devices(signal);
      return entries.map((entry) => deviceView(entry, session.device));
    });

  readonly removeDevice: PeerApi["removeDevice"] = ({ device }, signal) =>
    this.#with(async ({ account }) => {
      await account.records.sendAway(device, signal);
      return await this.devices(signal);
    });

  readonly closeAccount: PeerApi["closeAccount"] = async ({ username }, signal) => {
    signal?.throwIfAborted();
    return await this.#lifeCycle.run(async () => {
      const user = this.#required();
      const { self } = user.session;
      if (parseUsername(username) !== self.username) {
        throw new CamelliaError(
          "invalid_argument",
          `Cannot close the account ${username}: ${self.username} is logged in.`,
        );
      }
      await user.closeAccount(signal);
      await this.#close();
      await this.#accounts.remove(self.username);
      return userView(self);
    });
  };

  readonly exportAccount: PeerApi["exportAccount"] = () =>
    this.#with((user) => this.#accounts.exportAccount(user.session.self.username));

  readonly importAccount: PeerApi["importAccount"] = (sealed) =>
    this.#accounts.importAccount(sealed);

  readonly post: PeerApi["post"] = (draft) => this.#with((user) => user.publisher.post(draft));

  readonly repost: PeerApi["repost"] = (name) =>
    this.#with(async (user) => {
      const post = await user.publisher.repost(name);
      return user.posts.shown(post) ?? post;
    });

  readonly deletePosts: PeerApi["deletePosts"] = ({ ids }) =>
    this.#with((user) => user.publisher.delete(ids));

  readonly timeline: PeerApi["timeline"] = (request) =>
    this.#with((user) => user.timeline(request));

  readonly notifications: PeerApi["notifications"] = (request) =>
    this.#with((user) => user.conversations.told(request, (post) => user.posts.shown(post)));

  readonly requests: PeerApi["requests"] = (request) =>
    this.#with((user) => user.conversations.asked(request, (post) => user.posts.shown(post)));

  readonly dismiss: PeerApi["dismiss"] = ({ username }) =>
    this.#with((user) => user.conversations.notifications.putAside(parseUsername(username)));

  readonly markRead: PeerApi["markRead"] = ({ what, id }) =>
    this.#with(({ conversations, readMark }) =>
      what === "timeline" ? readMark.setText(id) : conversations.notifications.markRead(what)
    );

  readonly thread: PeerApi["thread"] = (request) => this.#with((user) => user.thread(request));

  readonly postsNamed: PeerApi["postsNamed"] = ({ names }) =>
    this.#with((user) => user.named(names));

  readonly search: PeerApi["search"] = (request) => this.#with((user) => user.search(request));

  readonly follow: PeerApi["follow"] = (request, signal) =>
    this.#with((user) => user.follows.follow(request, signal));

  readonly mute: PeerApi["mute"] = (request) => this.#with((user) => user.mutes.mute(request));

  readonly unmute: PeerApi["unmute"] = (request) =>
    this.#with((user) => user.mutes.unmute(request));

  readonly mutes: PeerApi["mutes"] = () => this.#with((user) => Promise.resolve(user.mutes.list()));

  readonly block: PeerApi["block"] = (request) => this.#with((user) => user.blocks.block(request));

  readonly unblock: PeerApi["unblock"] = (request) =>
    this.#with((user) => user.blocks.unblock(request));

  readonly blocks: PeerApi["blocks"] = () =>
    this.#with((user) => Promise.resolve(user.mutes.blocked()));

  readonly removeFollower: PeerApi["removeFollower"] = (request) =>
    this.#with((user) => user.blocks.removeFollower(request));

  readonly about: PeerApi["about"] = (request, signal) =>
    this.#with((user) => user.profiles.setAbout(request, signal));

  readonly people: PeerApi["people"] = (request, signal) =>
    this.#with((user) => user.profiles.people(request, signal));

  readonly invite: PeerApi["invite"] = (request, signal) =>
    this.#with((user) => user.invites.make(request, signal));

  readonly enter: PeerApi["enter"] = ({ invite }, signal) =>
    enterNetwork(this.#ports, readInvite(invite), signal);

  readonly accept: PeerApi["accept"] = (request, signal) =>
    this.#with((user) => {
      const invite = readInvite(request.invite);
      refuseExpired(invite, this.#ports.clock.now());
      return user.follows.accept(invite, signal);
    });

  readonly unfollow: PeerApi["unfollow"] = (request) =>
    this.#with((user) => user.follows.unfollow(request));

  readonly followed: PeerApi["followed"] = () =>
    this.#with((user) => Promise.resolve(user.follows.followed()));

  readonly profile: PeerApi["profile"] = (request, signal) =>
    this.#with((user) => user.profiles.profile(request, signal));

  readonly suggest: PeerApi["suggest"] = (signal) =>
    this.#with((user) => user.recommender.suggest(signal));

  readonly status: PeerApi["status"] = async () => {
    const { directory, links, reach, clock } = this.#ports;
    const status = directory.status();
    const { nodeId, contacts, records, udp, joined } = status;
    const { offsetMs, source, syncedAt } = clock.status();
    const { open, listening } = links.status();
    const user = this.#user;
    return {
      node: { id: nodeId, contacts, records, udp, joined, ...carriageView(status) },
      user: user === undefined ? null : userView(user.session.self),
      links: { open, listening: listening ?? null },
      reach: reachView(reach.status()),
      clock: {
        offset_ms: offsetMs,
        source,
        synced_at: syncedAt === undefined ? null : new Date(syncedAt).toISOString(),
      },
      store: await user?.session.store.size() ?? { posts: 0, bytes: 0 },
      pending: user?.requests.size ?? 0,
      unread: await user?.unread() ?? { posts: 0, notifications: 0, requests: 0 },
      process: {
        ...this.#program,
        uptime_s: Math.round((clock.monotonic() - this.#startedAt) / 1000),
      },
    };
  };

  readonly reload: PeerApi["reload"] = async () => await this.#reload?.();

  readonly drain: PeerApi["drain"] = async (timeoutMs) => {
    await this.#user?.drain(timeoutMs);
  };

  readonly subscribe: PeerApi["subscribe"] = (listener) => {
    // Wrapped, so that one function may listen twice.
    const entry = (event: PeerEvent) => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  };

  /** Opens an account and starts its user's peer, if the account stays open, unless a user is logged in. */
  async #open(
    unlock: (until: AbortSignal) => Promise<OpenAccount | UserRef>,
    isNew: boolean,
    signal: AbortSignal | undefined,
  ): Promise<UserView> {
    const stopping = this.#stopping.signal;
    const until = signal === undefined ? stopping : AbortSignal.any([stopping, signal]);
    return await this.#lifeCycle.run(async () => {
      until.throwIfAborted();
      if (this.#user !== undefined) {
        const { username } = this.#user.session.self;
        throw new CamelliaError(
          "already_logged_in",
          `Cannot log in: ${username} is logged in already. Log out first.`,
        );
      }
      const account = await unlock(until);
      if (!("session" in account)) return userView(account);
      const user = await UserPeer.start(account, isNew, until);
      this.#user = user;
      const view = userView(user.session.self);
      this.#emit({ event: "login", user: view });
      // A logout that fails has ended the session all the same.
      user.session.leaving.then((why) => this.#leave(user, why)).catch(() => {});
      return view;
    });
  }

  /** Logs out because of what another device did. */
  #leave(user: UserPeer, { code, message }: CamelliaError): Promise<void> {
    return this.#lifeCycle.run(async () => {
      if (this.#user === user) await this.#close({ why: { code, message } });
    });
  }

  /** Ends the user's peer, if there is one, and tells more of it in the event. Only from within the life cycle. */
  async #close(
    told: {
      readonly why?: { readonly code: ErrorCode; readonly message: string };
      readonly stay?: true;
    } = {},
  ): Promise<void> {
    const user = this.#user;
    if (user === undefined) return;
    this.#user = undefined;
    const { username } = user.session.self;
    try {
      await user.stop();
    } finally {
      this.#emit({ event: "logout", username, ...told });
    }
  }

  #required(): UserPeer {
    if (this.#user !== undefined) return this.#user;
    throw new CamelliaError(
      "not_logged_in",
      "Cannot do that: no user is logged in. Log in or register first.",
    );
  }

  /** Runs a command of the user who is logged in; a logout meanwhile ends it with `not_logged_in`. */
  async #with<T>(command: (user: UserPeer) => Promise<T>): Promise<T> {
    const user = this.#required();
    try {
      return await command(user);
    } catch (error) {
      if (error instanceof CamelliaError || this.#user === user) throw error;
      throw new CamelliaError(
        "not_logged_in",
        `Cannot finish: ${user.session.self.username} logged out meanwhile.`,
        { cause: error },
      );
    }
  }

  #emit(event: PeerEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch {
        // A listener's exception is its own affair; the peer and other listeners go on.
      }
    }
  }
}
