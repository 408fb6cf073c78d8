/** A peer in memory: just enough behaviour to see what ui/ makes of it. */

import type { Carriage } from "../../core/ports.ts";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type AboutView,
  type BlockView,
  type Credentials,
  type DeviceView,
  type EndpointView,
  type EntranceView,
  type Entry,
  type FollowedView,
  type FollowView,
  type InviteRequest,
  type InviteView,
  methods,
  type MuteRequest,
  type MuteView,
  type NotificationsRequest,
  type NotificationsView,
  type NotificationView,
  type PeerApi,
  type PeerEvent,
  type PostDraft,
  type PostNameView,
  type PostView,
  type ProfileView,
  type ReachView,
  type ReadRequest,
  type Recovery,
  type Registration,
  type RequestsView,
  type SearchRequest,
  type SearchView,
  type StatusView,
  type SuggestionView,
  type ThreadRequest,
  type ThreadView,
  type TimelineRequest,
  type TimelineView,
  type UserView,
} from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { given } from "../../core/model/arguments.ts";
import { utf8 } from "../../core/model/bytes.ts";
import { seedOfWords, wordsOfSeed } from "../../core/model/recovery_words.ts";
import { fingerprintOf } from "../../core/model/identity.ts";
import { readInvite, writeInvite } from "../../core/model/invite.ts";
import { parseSearch } from "../../core/model/search_query.ts";
import { parseUsername } from "../../core/model/username.ts";
import { userNamed } from "../sim/users.ts";

const epoch = Date.UTC(2026, 0, 1);

/** Every method of the table, refused: a test gives the peer those that it needs. */
const Refusing = class {} as new () => PeerApi;
for (const name of Object.keys(methods)) {
  Refusing.prototype[name] = () =>
    Promise.reject(new Error(`The test does not say what ${name} does`));
}

/** The fake. Accounts outlive it in `accounts`, as they do on a disk. */
export class FakePeer extends Refusing {
  user: UserView | undefined;
  readonly posts: PostView[] = [];
  readonly said: AboutView = { name: null, about: null, link: null };
  readonly muted: MuteView[] = [];
  readonly blocked = new Set<string>();
  readonly followers = new Set<string>();
  readonly following = new Set<string>();
  readonly listeners = new Set<(event: PeerEvent) => void>();
  /** Methods that were called, in order. */
  readonly calls: string[] = [];
  joined = true;
  carriage: Carriage = {};
  reach: ReachView = {
    state: "direct",
    relays: 0,
    outer_ip: "127.0.0.1",
    addresses: [{ ip: "127.0.0.1", reached: true }],
  };
  /** What its invites name. */
  inviteNodes: readonly EndpointView[] = [{ ip: "192.0.2.7", port: 8000 }];
  suggestions: SuggestionView[] = [];
  /** Posts that a thread says to lack. */
  missing = 0;
  /** Posts that mutes hide in a thread. */
  hidden: number | undefined;
  /** The share of the posts that a search knows. */
  indexed: number | undefined;
  /** When set, calls that take a signal wait until it aborts. */
  hangs = false;
  stopped = false;

  readonly accounts: Map<string, string>;
  readonly order: string[];

  /** Users whose keys stay in the folder. */
  readonly local: Set<string>;
  /** Users who were logged in for the moment alone. */
  readonly brief: string[] = [];

  constructor(
    accounts = new Map<string, string>(),
    order: string[] = [],
    local = new Set<string>(),
  ) {
    super();
    this.accounts = accounts;
    this.order = order;
    this.local = local;
    for (const name of Object.keys(methods) as (keyof PeerApi)[]) {
      const method = this[name].bind(this) as (...passed: unknown[]) => never;
      this[name] = (...passed: unknown[]) => {
        this.calls.push(name);
        const called = methods[name];
        // What takes long is to end when the person or script in front has had enough.
        if ("abortable" in called && called.abortable) {
          assert.ok(passed.at(-1) instanceof AbortSignal, `${name} was called without a signal`);
        }
        return method(...passed);
      };
    }
  }

  static view(username: string): UserView {
    return { username, fingerprint: fingerprintOf(userNamed(username).key) };
  }

  emit(event: PeerEvent): void {
    for (const listener of [...this.listeners]) listener(event);
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    if (!this.hangs) return;
    const { promise, reject } = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    await promise;
  }

  #mine(): UserView {
    if (this.user === undefined) {
      throw new CamelliaError("not_logged_in", "Cannot do that: no user is logged in");
    }
    return this.user;
  }

  #enter(username: string, { isBrief = false }: { isBrief?: boolean } = {}): UserView {
    this.order.splice(0, this.order.length, username, ...this.order.filter((n) => n !== username));
    if (isBrief) {
      this.brief.push(username);
      return FakePeer.view(username);
    }
    this.user = FakePeer.view(username);
    this.emit({ event: "login", user: this.user });
    return this.user;
  }

  override prepare(): Promise<void> {
    return Promise.resolve();
  }

  override checkName(username: string): Promise<void> {
    if (!this.accounts.has(username)) return Promise.resolve();
    const message = `Cannot register ${username}: the name is taken`;
    return Promise.reject(new CamelliaError("name_taken", message));
  }

  override async register(credentials: Registration, signal?: AbortSignal): Promise<UserView> {
    await this.#wait(signal);
    const username = parseUsername(credentials.username);
    if (this.accounts.has(username)) {
      throw new CamelliaError("name_taken", `Cannot register ${username}: the name is taken`);
    }
    this.accounts.set(username, credentials.password);
    if (credentials.localKeys) this.local.add(username);
    return this.#enter(username, credentials);
  }

  override async login(credentials: Entry, signal?: AbortSignal): Promise<UserView> {
    await this.#wait(signal);
    const username = parseUsername(credentials.username);
    const password = this.accounts.get(username);
    if (password === undefined) {
      throw new CamelliaError("unknown_user", `Cannot log in ${username}: no user has this name`);
    }
    if (password !== credentials.password) {
      throw new CamelliaError("wrong_password", `Cannot log in ${username}: the password is wrong`);
    }
    return this.#enter(username, credentials);
  }

  override async logout(request?: { stay?: boolean }, signal?: AbortSignal): Promise<UserView> {
    await this.#wait(signal);
    const user = this.#mine();
    this.user = undefined;
    const stay = request?.stay ? { stay: true } as const : {};
    this.emit({ event: "logout", username: user.username, ...stay });
    return user;
  }

  override whoami(): Promise<UserView> {
    return Promise.resolve().then(() => this.#mine());
  }

  override users(): Promise<string[]> {
    return Promise.resolve([...this.order]);
  }

  override checkPassword(password: string): Promise<void> {
    if (this.accounts.get(this.#mine().username) === password) return Promise.resolve();
    return Promise.reject(new CamelliaError("wrong_password", "The old password is wrong"));
  }

  override changePassword(change: { readonly old: string; readonly new: string }): Promise<void> {
    const { username } = this.#mine();
    if (this.accounts.get(username) !== change.old) {
      return Promise.reject(new CamelliaError("wrong_password", "The old password is wrong"));
    }
    this.accounts.set(username, change.new);
    return Promise.resolve();
  }

  /** The words of a user: the seed follows from the name. */
  static words(username: string): Promise<string[]> {
    return wordsOfSeed(createHash("sha256").update(username).digest());
  }

  override async recoveryWords({ username, password }: Credentials): Promise<string[]> {
    if (this.accounts.get(username) === password) return await FakePeer.words(username);
    throw new CamelliaError("wrong_password", `Cannot show the words of ${username}: wrong`);
  }

  override async recover(recovery: Recovery, signal?: AbortSignal): Promise<UserView> {
    await this.#wait(signal);
    const username = parseUsername(recovery.username);
    const seed = await seedOfWords(recovery.words);
    if ((await FakePeer.words(username)).join(" ") !== (await wordsOfSeed(seed)).join(" ")) {
      throw new CamelliaError("wrong_words", `Cannot recover ${username}: another account's`);
    }
    this.accounts.set(username, recovery.password);
    return this.#enter(username);
  }

  others: DeviceView[] = [];

  #devices(): DeviceView[] {
    this.#mine();
    const own = { device: 5, this: true, addresses: ["127.0.0.1:7000"] };
    return [{ ...own, until: "2026-01-01T00:15:00.000Z" }, ...this.others];
  }

  override devices(): Promise<DeviceView[]> {
    return Promise.resolve().then(() => this.#devices());
  }

  override removeDevice({ device }: { readonly device: number }): Promise<DeviceView[]> {
    this.others = this.others.filter((other) => other.device !== device);
    return Promise.resolve(this.#devices());
  }

  override async closeAccount({ username }: { readonly username: string }): Promise<UserView> {
    const user = this.#mine();
    if (user.username !== username) throw new CamelliaError("invalid_argument", "Another user");
    this.accounts.delete(username);
    this.order.splice(this.order.indexOf(username), 1);
    this.user = undefined;
    this.emit({ event: "logout", username });
    return await Promise.resolve(user);
  }

  override exportAccount(): Promise<Uint8Array> {
    return Promise.resolve().then(() => utf8(`sealed:${this.#mine().username}`));
  }

  override importAccount(sealed: Uint8Array): Promise<UserView> {
    const [mark, name] = new TextDecoder().decode(sealed).split(":");
    if (mark !== "sealed" || name === undefined) {
      return Promise.reject(new CamelliaError("invalid_file", "Cannot import: no account in it"));
    }
    this.accounts.set(name, "imported");
    this.order.push(name);
    return Promise.resolve(FakePeer.view(name));
  }

  override post(draft: PostDraft): Promise<PostView> {
    return Promise.resolve().then(() => {
      const { username } = this.#mine();
      if (draft.text === "") throw new CamelliaError("empty_post", "Cannot post: it is empty");
      const post = this.arrive(username, draft.text, draft.replyTo);
      if (draft.warning === undefined) return post;
      return this.posts[0] = { ...post, warning: draft.warning };
    });
  }

  /** A post enters the timeline, one's own or another's. */
  arrive(author: string, text: string, replyTo?: { author: string; id: string }): PostView {
    const post: PostView = {
      id: String(1000 + this.posts.length),
      author,
      text,
      created_at: new Date(epoch + this.posts.length * 1000).toISOString(),
      reply_to: replyTo ?? null,
    };
    this.posts.unshift(post);
    this.emit({ event: "post", post });
    return post;
  }

  override repost({ author, id }: PostNameView): Promise<PostView> {
    return Promise.resolve().then(() => {
      const { username } = this.#mine();
      const original = this.posts.find((post) => post.author === author && post.id === id);
      if (original === undefined) {
        throw new CamelliaError(
          "unknown_post",
          `Cannot repost: the post ${author}/${id} is not here`,
        );
      }
      const post = this.arrive(username, "");
      const { fingerprint } = FakePeer.view(author);
      const view = { ...post, repost_of: { ...original, fingerprint, verified: true } };
      this.posts[0] = view;
      return view;
    });
  }

  override deletePosts({ ids }: { readonly ids: readonly string[] }): Promise<string[]> {
    return Promise.resolve().then(() => {
      const { username } = this.#mine();
      for (const id of ids) {
        const at = this.posts.findIndex((post) => post.author === username && post.id === id);
        if (at < 0) {
          throw new CamelliaError("unknown_post", `Cannot delete: the post ${id} is not here`);
        }
        this.posts.splice(at, 1);
        this.emit({ event: "deleted", author: username, id });
      }
      return [...ids];
    });
  }

  override about(
    parts: { readonly name?: string; readonly about?: string; readonly link?: string },
    _signal?: AbortSignal,
  ): Promise<AboutView> {
    for (const [part, text] of Object.entries(parts)) {
      Object.assign(this.said, { [part]: text || null });
    }
    return Promise.resolve(this.said);
  }

  override mute({ what, kind, forMs }: MuteRequest): Promise<MuteView> {
    return Promise.resolve().then(() => {
      this.#mine();
      const until = forMs === undefined ? null : new Date(epoch + forMs).toISOString();
      const looks = what.startsWith("@") ? "user" : what.includes("/") ? "thread" : "word";
      const mute = { kind: kind ?? looks, what: what.replace(/^@/, ""), until } as const;
      this.muted.push(mute);
      return mute;
    });
  }

  override unmute({ what }: MuteRequest): Promise<MuteView> {
    return Promise.resolve().then(() => {
      this.#mine();
      const at = this.muted.findIndex((mute) => mute.what === what.replace(/^@/, ""));
      const [mute] = at < 0 ? [] : this.muted.splice(at, 1);
      if (mute !== undefined) return mute;
      throw new CamelliaError("invalid_argument", `Cannot unmute: ${what} is not muted`);
    });
  }

  override mutes(): Promise<MuteView[]> {
    return Promise.resolve([...this.muted]);
  }

  override block(request: { readonly username: string }): Promise<BlockView> {
    return Promise.resolve().then(() => {
      this.#mine();
      const username = parseUsername(request.username);
      this.blocked.add(username);
      return { username, blocked: true };
    });
  }

  override unblock(request: { readonly username: string }): Promise<BlockView> {
    return Promise.resolve().then(() => {
      const username = parseUsername(request.username);
      if (this.blocked.delete(username)) return { username, blocked: false };
      throw new CamelliaError("invalid_argument", `Cannot unblock: ${username} is not blocked`);
    });
  }

  override blocks(): Promise<string[]> {
    return Promise.resolve([...this.blocked].sort());
  }

  override removeFollower(request: { readonly username: string }): Promise<{ username: string }> {
    return Promise.resolve().then(() => {
      const username = parseUsername(request.username);
      if (this.followers.delete(username)) return { username };
      throw new CamelliaError("not_following", `Cannot remove ${username}: they do not follow you`);
    });
  }

  override people(
    { list }: { readonly list: "followers" | "following" },
    _signal?: AbortSignal,
  ): Promise<FollowedView[]> {
    const names = [...list === "followers" ? this.followers : this.following].sort();
    return Promise.resolve(
      names.map((name) => ({ ...FakePeer.view(name), online: name < "m", name: null })),
    );
  }

  override timeline(request: TimelineRequest): Promise<TimelineView> {
    return Promise.resolve().then(() => {
      this.#mine();
      const { author, before, after, limit } = request;
      const found = this.posts.filter((post) =>
        (author === undefined || post.author === author) &&
        (before === undefined || BigInt(post.id) < BigInt(before)) &&
        (after === undefined || BigInt(post.id) > BigInt(after))
      );
      const posts = after === undefined ? found.slice(0, limit) : found.slice(-limit);
      return { posts, ...given({ hidden: this.hidden }) };
    });
  }

  override thread({ author, id }: ThreadRequest): Promise<ThreadView> {
    return Promise.resolve().then(() => {
      this.#mine();
      const root = { author, id };
      const isIn = (post: PostView) => {
        const begin = post.root ?? post.reply_to ?? post;
        return begin.author === author && begin.id === id;
      };
      const posts = this.posts.filter(isIn).reverse();
      if (posts.length === 0) throw new CamelliaError("unknown_post", "Cannot show the thread");
      return { root, posts, missing: this.missing, ...given({ hidden: this.hidden }) };
    });
  }

  override postsNamed({ names }: { names: readonly PostNameView[] }): Promise<PostView[]> {
    const isNamed = ({ author, id }: PostView) =>
      names.some((name) => name.author === author && name.id === id);
    return Promise.resolve(this.posts.filter(isNamed));
  }

  override search(request: SearchRequest): Promise<SearchView> {
    return Promise.resolve().then(() => {
      this.#mine();
      const words = parseSearch(request.query).parts.flatMap(({ terms }) => terms);
      const posts = this.posts.filter(({ id, text }) =>
        words.every((word) => text.includes(word)) &&
        (request.before === undefined || BigInt(id) < BigInt(request.before))
      ).slice(0, request.limit);
      const indexed = this.indexed;
      return { posts, took_ms: 1.5, ...given({ indexed, hidden: this.hidden }) };
    });
  }

  override async follow(
    request: { readonly username: string; readonly fingerprint?: string },
    signal?: AbortSignal,
  ): Promise<FollowView> {
    await this.#wait(signal);
    const username = parseUsername(request.username);
    if (username === this.#mine().username) {
      throw new CamelliaError("follow_self", "Cannot follow yourself");
    }
    if (username === "unknown") {
      throw new CamelliaError("unknown_user", "Cannot follow unknown: no user has this name");
    }
    const acknowledged = username !== "offline";
    const already = this.following.has(username) ? { already: true } as const : {};
    this.following.add(username);
    return { username, following: true, acknowledged, ...already };
  }

  override invite(request: InviteRequest): Promise<InviteView> {
    return Promise.resolve().then(() => {
      const { username } = this.#mine();
      const { once = false, expiresInMs = once ? 7 * 86_400_000 : undefined } = request;
      const expires = expiresInMs === undefined ? undefined : epoch + expiresInMs;
      const invite = writeInvite({
        inviter: userNamed(username),
        nodes: this.inviteNodes,
        ...(once ? { token: new Uint8Array(16) } : {}),
        ...(expires === undefined ? {} : { expires }),
      });
      const { state } = this.reach;
      const reach = state === "unknown" || state === "unreachable" ? "none" : state;
      const until = expires === undefined ? null : new Date(expires).toISOString();
      return { invite, expires: until, reach };
    });
  }

  override enter({ invite }: { readonly invite: string }): Promise<EntranceView> {
    if (!this.joined) {
      return Promise.reject(
        new CamelliaError("not_joined", "Cannot join: none of its nodes answers."),
      );
    }
    return Promise.resolve({ joined: true, nodes: readInvite(invite).nodes });
  }

  override accept(
    { invite }: { readonly invite: string },
    signal: AbortSignal,
  ): Promise<FollowView> {
    return this.follow({ username: readInvite(invite).inviter.username }, signal);
  }

  override async unfollow(
    request: { readonly username: string },
    signal?: AbortSignal,
  ): Promise<FollowView> {
    await this.#wait(signal);
    this.following.delete(request.username);
    return { username: request.username, following: false, acknowledged: true };
  }

  override followed(): Promise<string[]> {
    return Promise.resolve().then(() => {
      this.#mine();
      return [...this.following].sort();
    });
  }

  override profile(
    request: { readonly username?: string },
    _signal?: AbortSignal,
  ): Promise<ProfileView> {
    return Promise.resolve().then(() => {
      const own = this.#mine();
      const view = request.username === undefined ? own : FakePeer.view(request.username);
      return {
        ...view,
        ...given({
          name: this.said.name ?? undefined,
          about: this.said.about ?? undefined,
          link: this.said.link ?? undefined,
        }),
        followers: [...this.followers].sort(),
        following: request.username === undefined ? [...this.following].sort() : [],
        posts: this.posts.filter((post) => post.author === view.username).length,
        online: true,
      };
    });
  }

  override suggest(): Promise<SuggestionView[]> {
    return Promise.resolve(this.suggestions);
  }

  /** What the user is told, newest first. */
  told: Record<"notifications" | "requests", NotificationView[]> = {
    notifications: [],
    requests: [],
  };
  /** Ids of the posts up to which the timeline was read. */
  readonly readUpTo: string[] = [];

  #unread() {
    const { notifications, requests } = this.told;
    const count = (views: NotificationView[]) => views.filter(({ read }) => !read).length;
    return { notifications: count(notifications), requests: count(requests) };
  }

  #page(
    list: "notifications" | "requests",
    { limit = 100, unread }: NotificationsRequest,
  ): NotificationView[] {
    this.#mine();
    return this.told[list].filter(({ read }) => !unread || !read).slice(0, limit);
  }

  override async notifications(request: NotificationsRequest): Promise<NotificationsView> {
    const notifications = this.#page("notifications", request);
    return await Promise.resolve({ notifications, unread: this.#unread().notifications });
  }

  override async requests(request: NotificationsRequest): Promise<RequestsView> {
    const requests = this.#page("requests", request);
    return await Promise.resolve({ requests, unread: this.#unread().requests });
  }

  override async dismiss({ username }: { readonly username: string }): Promise<void> {
    this.told.requests = this.told.requests.filter(({ from }) => from !== username);
    await Promise.resolve();
  }

  override async markRead({ what, id }: ReadRequest): Promise<void> {
    if (what === "timeline") this.readUpTo.push(id ?? "");
    else this.told[what] = this.told[what].map((view) => ({ ...view, read: true }));
    await Promise.resolve();
  }

  override status(): Promise<StatusView> {
    return Promise.resolve({
      node: {
        id: "00".repeat(20),
        contacts: this.joined ? 3 : 0,
        records: 5,
        udp: { ip: "127.0.0.1", port: 8000 },
        joined: this.joined,
        ...this.carriage,
      },
      user: this.user ?? null,
      links: {
        open: 1,
        listening: this.user === undefined ? null : { ip: "127.0.0.1", port: 7000 },
      },
      reach: this.reach,
      clock: { offset_ms: 2, source: "system" as const, synced_at: null },
      store: { posts: this.posts.length, bytes: 4096 },
      pending: 0,
      unread: { posts: 0, ...this.#unread() },
      process: { version: "0.0.0", pid: 1, uptime_s: 3 },
    });
  }

  override reload(): Promise<void> {
    return Promise.resolve();
  }

  override drain(_timeoutMs: number): Promise<void> {
    return Promise.resolve();
  }

  override subscribe(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
