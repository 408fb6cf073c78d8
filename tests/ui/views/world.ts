/** A peer with a timeline of any length, and the screens on it, in simulated time. */

import type {
  NotificationView,
  PeerEvent,
  PostNameView,
  PostView,
  ReadRequest,
  SearchRequest,
  SearchView,
  ThreadRequest,
  ThreadView,
  TimelineRequest,
  TimelineView,
} from "../../../core/api.ts";
import { CamelliaError } from "../../../core/model/errors.ts";
import { threadName } from "../../../core/model/thread.ts";
import { given } from "../../../core/model/arguments.ts";
import type { DraftFiles } from "../../../ui/views/drafts.ts";
import { Views } from "../../../ui/views/views.ts";
import { compareIds, compareNames } from "../../../ui/views/post_window.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { FakePeer } from "../fake_peer.ts";

/** A post of some second. */
export function postAt(second: number, more: Partial<PostView> = {}): PostView {
  const author = more.author ?? "bob";
  return {
    id: String(Math.round(100_000 + 10 * second)),
    author,
    text: `${author} at ${second}`,
    created_at: new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString(),
    reply_to: null,
    ...more,
  };
}

/** A notification of so many seconds after the year began: a reply of bob's, unless it is said otherwise. */
export function noticeAt(number: number, more: Partial<NotificationView> = {}): NotificationView {
  return {
    id: String(number),
    kind: "reply",
    from: "bob",
    post: postAt(number),
    at: new Date(Date.UTC(2026, 0, 1) + 1000 * number).toISOString(),
    read: false,
    ...more,
  };
}

/** A peer whose timeline is in order, whatever order its posts come in. */
export class TimelinePeer extends FakePeer {
  readonly timelinePosts: PostView[] = [];
  /** Up to where the timeline was read. */
  mark = "0";
  /** Pages wait until this resolves. */
  gate: Promise<void> = Promise.resolve();
  /** Pages that were read. */
  pages = 0;

  /** Stores a post. */
  store(post: PostView): void {
    const at = this.timelinePosts.findIndex((other) => compareNames(post, other) <= 0);
    this.timelinePosts.splice(at < 0 ? this.timelinePosts.length : at, 0, post);
  }

  /** A post comes. */
  come(post: PostView): void {
    this.store(post);
    this.emit({ event: "post", post });
  }

  /** An author takes a post back. */
  takeBack({ author, id }: PostNameView): void {
    const at = this.timelinePosts.findIndex((post) => post.author === author && post.id === id);
    if (at >= 0) this.timelinePosts.splice(at, 1);
    this.emit({ event: "deleted", author, id });
  }

  override async timeline(request: TimelineRequest): Promise<TimelineView> {
    this.pages++;
    const { before, after, author, limit } = request;
    const found = this.timelinePosts.filter((post) =>
      (author === undefined || post.author === author) &&
      (before === undefined || compareIds(post.id, before) < 0) &&
      (after === undefined || compareIds(post.id, after) > 0)
    );
    const page = (after === undefined ? found.slice(0, limit) : found.slice(-limit)).map((
      post,
    ) => ({
      ...post,
      read: compareIds(post.id, this.mark) <= 0 || post.author === "mia",
    }));
    await this.gate;
    return { posts: page, ...given({ hidden: this.hidden }) };
  }

  override postsNamed({ names }: { names: readonly PostNameView[] }): Promise<PostView[]> {
    const wanted = new Set(names.map(threadName));
    return Promise.resolve(this.timelinePosts.filter((post) => wanted.has(threadName(post))));
  }

  /** What a thread has. */
  override async thread({ author, id, local }: ThreadRequest): Promise<ThreadView> {
    if (!local) await this.gate;
    const root = { author, id };
    const isIn = (post: PostView) => {
      const begin = post.root ?? post.reply_to ?? post;
      return begin.author === author && begin.id === id;
    };
    const posts = this.timelinePosts.filter(isIn).toReversed();
    if (posts.length === 0) throw new CamelliaError("unknown_post", "That thread is not here");
    return { root, posts, missing: this.missing, ...given({ hidden: this.hidden }) };
  }

  /** Posts whose text has the query in it. */
  override async search(request: SearchRequest): Promise<SearchView> {
    const { query, limit, before } = request;
    await this.gate;
    const posts = this.timelinePosts.filter(({ id, text }) =>
      text.includes(query) && (before === undefined || compareIds(id, before) < 0)
    ).slice(0, limit);
    return { posts, took_ms: 1, ...given({ indexed: this.indexed, hidden: this.hidden }) };
  }

  override async markRead({ what, id = "0" }: ReadRequest): Promise<void> {
    if (what !== "timeline") {
      this.told[what] = this.told[what].map((view) => ({ ...view, read: true }));
    } else if (compareIds(id, this.mark) > 0) this.mark = id;
    await Promise.resolve();
  }
}

/** Screens of the user mia. */
export interface ViewsWorld {
  readonly peer: TimelinePeer;
  readonly clock: VirtualClock;
  readonly views: Views;
  /** How often a change was told. */
  readonly told: { times: number };
  /** Drafts, by name. */
  readonly files: Map<string, Uint8Array>;
  /** Lets everything under way end. */
  settle(): Promise<void>;
}

/** Drafts in memory. */
export function draftsIn(files: Map<string, Uint8Array>): DraftFiles {
  return {
    read: (name) => Promise.resolve(files.get(name)),
    write: (name, bytes) => Promise.resolve(void files.set(name, bytes)),
    remove: (name) => Promise.resolve(void files.delete(name)),
  };
}

/** Screens on a peer, with posts at these seconds. */
export function viewsWorld(seconds: readonly number[] = []): ViewsWorld {
  const peer = new TimelinePeer();
  peer.user = FakePeer.view("mia");
  for (const second of seconds) peer.store(postAt(second));
  const clock = new VirtualClock({ startMs: Date.UTC(2026, 0, 1, 1) });
  const told = { times: 0 };
  const files = new Map<string, Uint8Array>();
  const views = new Views({
    api: peer,
    time: clock,
    self: "mia",
    files: draftsIn(files),
    onChange: () => {
      told.times++;
    },
  });
  peer.subscribe((event: PeerEvent) => views.event(event));
  return { peer, clock, views, told, files, settle: () => clock.advance(1_000) };
}
