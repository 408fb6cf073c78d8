/**
 * The peer of one user, from login to logout: puts the use cases together and runs what goes on in the
 * background.
 *
 * @module
 */

import type {
  PostNameView,
  PostView,
  SearchRequest,
  SearchView,
  ThreadRequest,
  ThreadView,
  TimelineRequest,
  TimelineView,
  UnreadView,
} from "./api.ts";
import type { Endpoint } from "./ports.ts";
import { announceClosing, emptyRecords } from "./accounts/close.ts";
import type { OpenAccount } from "./accounts/open_account.ts";
import { Conversations } from "./conversations/conversations.ts";
import { Blocks } from "./follow/blocks.ts";
import { Followers } from "./follow/followers.ts";
import { Follows } from "./follow/follow.ts";
import { Invites } from "./follow/invites.ts";
import { PendingFollows } from "./follow/pending_follows.ts";
import type { SteppedQuestion } from "./messages/stepped_answer.ts";
import { PeerMessenger } from "./messages/messenger.ts";
import { ClosedAccounts } from "./people/closed_accounts.ts";
import { Mutes } from "./mutes/mutes.ts";
import { Profiles } from "./people/profile.ts";
import { Recommender } from "./people/recommend.ts";
import { Greeter } from "./replication/greeter.ts";
import { PeerSync } from "./replication/sync.ts";
import { isRecordOf } from "./model/record.ts";
import type { UserRef } from "./model/user.ts";
import type { UserSession } from "./session/session.ts";
import { warn } from "./session/warn.ts";
import { ShownPosts } from "./shown_posts.ts";
import { readTimeline } from "./timeline/timeline.ts";
import { Collector } from "./timeline/collector.ts";
import { PeerDelivery } from "./timeline/delivery.ts";
import { Publisher } from "./timeline/publish.ts";
import { ReadMark } from "./timeline/read_mark.ts";
import { searchPosts } from "./timeline/search.ts";
import type { Job } from "../lib/scheduler.ts";
import { Mutex } from "../lib/slots.ts";
import { settledWithin, within } from "../lib/waiting.ts";
import { onWake } from "../lib/wake.ts";

/**
 * How long a login waits until this device is announced and the lists are read; then that goes on in the
 * background.
 */
const joinWaitMs = 1_000;

/** From one reading of the own records to the next: what other devices of the user did. */
const pullEveryMs = 300_000;

/** How long a logout hands over what is to be pushed. */
const handOverMsMax = 5_000;

/** How long the closing of an account waits for those whom its user followed to hear of it. */
const farewellMsMax = 10_000;

/** Links that could not be opened again under a new device number are tried again after this. */
const reopenMs = 5_000;

/** The running parts of one user's session. */
export class UserPeer {
  /** What login or registration gave. */
  readonly account: OpenAccount;
  /** Follow requests that wait for their acknowledgement. */
  readonly requests: PendingFollows;
  /** Following and unfollowing. */
  readonly follows: Follows;
  /** How far the timeline was read. */
  readonly readMark: ReadMark;
  /** Mentions and notifications. */
  readonly conversations: Conversations;
  /** What is not shown. */
  readonly mutes: Mutes;
  /** How posts are shown. */
  readonly posts: ShownPosts;
  /** From whom nothing is taken. */
  readonly blocks: Blocks;
  /** Inviting. */
  readonly invites: Invites;
  /** Profiles. */
  readonly profiles: Profiles;
  /** Suggestions. */
  readonly recommender: Recommender;
  /** Posting, reposting, taking back. */
  readonly publisher: Publisher;
  readonly #messenger: PeerMessenger;
  readonly #delivery: PeerDelivery;
  readonly #sync: PeerSync;
  readonly #collector: Collector;
  /** Opening, reopening and closing the links, one after another. */
  readonly #linkCycle = new Mutex();
  readonly #rejoins = new Mutex();
  readonly #pulling: Job;
  readonly #reopening: Job;
  /** The device number that the links listen under and that was announced, or is about to be. */
  #reachableAs: number | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(account: OpenAccount) {
    this.account = account;
    const { session, people, records } = account;
    const mutes = new Mutes({ session, people });
    const messenger = new PeerMessenger({ session, people }, (user) => mutes.isBlocked(user));
    const parts = { ...account, messenger };
    const greeter = new Greeter(parts, () => this.#rejoin());
    const invites = {
      redeem: (from: UserRef, token: Uint8Array) => this.invites.redeem(from, token),
    };
    const followers = new Followers({ ...parts, greeter, invites, mutes });
    const requests = new PendingFollows(session, messenger);
    const delivery = new PeerDelivery(parts);
    const feeds = {
      take: (author: UserRef, posts: readonly Uint8Array[]) => this.#sync.take(author, posts),
    };
    const answers = { answer: (question: SteppedQuestion) => this.#sync.answer(question) };
    const conversations = new Conversations({ ...parts, feeds, mutes, answers });
    const arrivals = conversations.notifications;
    const sync = new PeerSync({ ...parts, greeter, followers, relay: delivery, arrivals });
    this.#messenger = messenger;
    this.#sync = sync;
    this.#delivery = delivery;
    this.requests = requests;
    this.conversations = conversations;
    this.readMark = new ReadMark(session, mutes);
    this.follows = new Follows({ ...parts, sync, requests, mutes });
    this.mutes = mutes;
    this.posts = new ShownPosts({ mutes, people, self: session.self, readMark: this.readMark });
    session.showAs((event) => this.posts.event(event));
    this.blocks = new Blocks({ ...parts, mutes, follows: this.follows, requests: arrivals });
    this.invites = new Invites({ session, follows: this.follows });
    this.profiles = new Profiles(account);
    this.recommender = new Recommender(account);
    this.publisher = new Publisher({ ...parts, delivery, mentions: conversations });
    conversations.reposts.withdraw = ({ id }) => this.publisher.delete([id.toString()]);
    this.#collector = new Collector(session);
    const closed = new ClosedAccounts(account, (username) => arrivals.closed(username));
    this.#pulling = session.scheduler.job(async () => {
      await Promise.all([this.#pull(), this.follows.tidy(), closed.lookAtOne()]);
      this.conversations.share();
      if (this.#stopped === undefined) this.#pulling.dueIn(pullEveryMs);
    });
    this.#reopening = session.scheduler.job(() => this.#reopen());
    records.onMoved(() => greeter.moved());
    records.lists.onPublished = () => greeter.tellOwn();
    session.onEvent((event) => conversations.notifications.happened(event));
    session.leaving.then((why) => conversations.notifications.leaving(why));
    messenger.onHeard(({ username }) => requests.heard(username));
    messenger.serve({
      ...{ acks: messenger, followers, requests, sync, tree: delivery },
      mentions: conversations,
      waiting: conversations,
      threads: conversations.threads,
    });
    sync.start();
  }

  /** The session. */
  get session(): UserSession {
    return this.account.session;
  }

  /**
   * Opens the links, announces the device and starts everything that goes on in the background. Whatever
   * it fails with, the session is closed then.
   *
   * @param isNew Whether the account has just been registered: there is nothing to read then.
   * @throws {CamelliaError} `tcp_port_in_use`, `address_unavailable`, or what the database fails with.
   */
  static async start(
    account: OpenAccount,
    isNew: boolean,
    signal: AbortSignal,
  ): Promise<UserPeer> {
    const user = new UserPeer(account);
    const { session } = account;
    try {
      signal.throwIfAborted();
      // Before anything comes in: a blocked user is not to slip through.
      await user.mutes.load();
      const endpoint = await user.#linkCycle.run(() => user.#messenger.start());
      user.#reachableAs = session.device;
      await user.follows.start();
      await user.conversations.load();
      await user.readMark.load();
      // Before anything is read: that may show that another device has this one's number.
      session.onDeviceChange(() => user.#reopening.dueIn(0));
      const joining = user.#join(endpoint, isNew);
      await settledWithin(session.ports.clock, joining, joinWaitMs);
      signal.throwIfAborted();
      user.#collector.start();
      user.#pulling.dueIn(pullEveryMs);
      joining.then(() => user.#joined());
      onWake(session.ports.clock, session.scheduler, () => user.#woke());
    } catch (error) {
      await user.#messenger.stop();
      await session.close();
      throw error;
    }
    return user;
  }

  /** Announces the device, and reads what other devices of the user have written. */
  async #join(endpoint: Endpoint, isNew = false): Promise<void> {
    await Promise.all([this.#announce(endpoint), isNew ? undefined : this.#pull()]);
  }

  /** A thread, after asking others for what they have of it. */
  thread({ local, ...name }: ThreadRequest): Promise<ThreadView> {
    return this.conversations.threads.open(name, (post) => this.posts.shown(post), local);
  }

  /** Posts that are here, by their names. */
  named(names: readonly PostNameView[]): Promise<PostView[]> {
    return this.conversations.threads.named(names, (post) => this.posts.shown(post));
  }

  /** A page of the timeline. */
  timeline(request: TimelineRequest): Promise<TimelineView> {
    const { posts, conversations: { threads } } = this;
    return readTimeline(this.session.store, request, {
      hides: (post) => posts.hides(post),
      shown: (post) => posts.marked(post),
      replyCounts: (names) => threads.replyCounts(names),
    });
  }

  /** What has not been read. */
  async unread(): Promise<UnreadView> {
    const { notifications } = this.conversations;
    return {
      posts: await this.readMark.unread(),
      notifications: await notifications.unread("notifications"),
      requests: await notifications.unread("requests"),
    };
  }

  /** Searches the own database, without what is not shown. */
  search(request: SearchRequest): Promise<SearchView> {
    const { store, ports: { clock } } = this.session;
    const { posts, conversations: { threads } } = this;
    return searchPosts({
      ...{ store, clock },
      hides: (post) => posts.hides(post),
      shown: (post) => posts.marked(post),
      shownOutside: (post) => threads.shown(post, (view) => posts.believed(view)),
    }, request);
  }

  /** After a sleep nothing is certain: links may be dead, this device forgotten, posts missed. */
  #woke(): void {
    this.session.ports.links.redial();
    this.networkJoined();
  }

  /** The node has joined the network: what waited for that goes on. */
  networkJoined(): void {
    const { listening } = this.session.ports.links.status();
    if (this.#stopped !== undefined || listening === undefined) return;
    this.requests.send();
    this.#join(listening).then(() => this.#joined());
  }

  /** Waits until all that is to be pushed or published has been handed over, `timeoutMs` at most. */
  async drain(timeoutMs: number): Promise<void> {
    const { ports: { clock }, signal } = this.session;
    const untilMs = clock.monotonic() + timeoutMs;
    const { records } = this.account;
    await within({ clock, ms: timeoutMs }, async (limit) => {
      await this.publisher.settled();
      await Promise.all([
        records.flush(limit).catch((error: unknown) => {
          if (!limit.aborted) this.#warn(error);
        }),
        this.follows.settled(),
        this.#delivery.settled(),
        this.conversations.outgoing.settled(),
      ]);
    }, signal);
    await this.#messenger.drain(Math.max(untilMs - clock.monotonic(), 0));
  }

  /**
   * Closes the account: tells the network, unfollows all, and empties the records. The caller stops this peer
   * then, and removes what is on the disk.
   *
   * @throws {CamelliaError} `not_joined`, `too_few_holders`: then nothing has changed.
   */
  async closeAccount(signal?: AbortSignal): Promise<void> {
    const { account, session } = this;
    const { clock } = session.ports;
    await announceClosing(session, account, signal);
    const layout = account.records.layout();
    await within({ clock, ms: farewellMsMax }, () => this.follows.unfollowAll(), signal);
    await emptyRecords(session, account, layout, signal);
  }

  /** Hands over, withdraws the device, closes everything and wipes the keys. Idempotent. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    const { session, account } = this;
    try {
      await Promise.all([
        this.drain(handOverMsMax).catch((error: unknown) => this.#warn(error)),
        account.records.withdraw().catch((error: unknown) => this.#warn(error)),
      ]);
    } finally {
      await this.#linkCycle.run(() => this.#messenger.stop());
      await session.close();
    }
  }

  async #announce(endpoint: Endpoint): Promise<void> {
    try {
      await this.account.records.announce(endpoint, this.session.signal);
      this.#learnOwn();
    } catch (error) {
      this.#warn(error);
    }
  }

  /** The device is announced: answers find it. */
  #joined(): void {
    this.#rejoin();
    this.conversations.outgoing.send();
  }

  /** The own record says where the user's other devices listen. */
  #learnOwn(): void {
    const { people, records } = this.account;
    const own = records.connections();
    if (!isRecordOf(own, this.session.self, "connections")) return;
    people.learn(this.session.self, own);
    const numbers = own.body.devices.filter(({ present }) => present).map(({ device }) => device);
    this.conversations.notifications.devices(numbers)
      .catch((error: unknown) => this.#warn(error));
  }

  /**
   * Greets and fetches; once at a time, and once more if asked to meanwhile. Not while the device
   * number changes: no user could answer a device that is not announced.
   */
  #rejoin(): void {
    if (this.#rejoins.size > 1) return;
    const { session } = this;
    this.#rejoins.run(async () => {
      if (this.#reachableAs !== session.device || session.signal.aborted) return;
      this.#learnOwn();
      await this.#sync.rejoin(session.signal);
    }).catch((error: unknown) => this.#warn(error));
  }

  async #pull(): Promise<void> {
    const { self, signal } = this.session;
    try {
      await this.account.records.pull(signal);
      this.#learnOwn();
      // Where another device has posted, the heads in the own record say so.
      this.#sync.fetch(self, signal).catch((error: unknown) => this.#warn(error));
    } catch (error) {
      this.#warn(error);
    }
  }

  /** The device number was drawn anew, and with it the link key: the links open again under that. */
  async #reopen(): Promise<void> {
    try {
      await this.#linkCycle.run(async () => {
        if (this.#stopped !== undefined) return;
        await this.#messenger.stop();
        const { device } = this.session;
        const endpoint = await this.#messenger.start();
        await this.#announce(endpoint);
        this.#reachableAs = device;
        this.#rejoin();
      });
    } catch (error) {
      this.#warn(error);
      if (this.#stopped === undefined) this.#reopening.dueIn(reopenMs);
    }
  }

  #warn(error: unknown): void {
    warn(this.session, error);
  }
}
