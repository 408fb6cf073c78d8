/**
 * The posts of one user's simulated database: the rules of `Store`, written a second time and simply,
 * so that each implementation checks the other.
 *
 * @module
 */

import { equalBytes } from "../../core/model/bytes.ts";
import {
  emptyFeed,
  type FeedState,
  hasNumber,
  lastNumber,
  withFloor,
  withNumbers,
} from "../../core/model/feed.ts";
import {
  type FeedPlace,
  type Post,
  type PostName,
  postPayload,
  rootOf,
} from "../../core/model/post.ts";
import { isFound, ranked, rankedMax, type SearchQuery } from "../../core/model/search_query.ts";
import type { Found, ThreadQuery, TimelineQuery } from "../../core/ports.ts";
import { storedRangesMax } from "../../storage/layout.ts";
import { SortedList } from "./sorted_list.ts";

const byTime = (a: Post, b: Post): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : a.author < b.author ? -1 : a.author > b.author ? 1 : 0;

/** One feed as it is on the simulated disk. */
interface Feed {
  readonly posts: SortedList<Post>;
  state: FeedState;
  proof?: Post;
}

/** Posts and feed states of one user's database. */
export class MemoryPosts {
  readonly #timeline = new SortedList<Post>(byTime);
  readonly #byAuthor = new Map<string, SortedList<Post>>();
  readonly #feeds = new Map<string, Map<number, Feed>>();
  /** What authors have taken back, by {@linkcode placeOf}, and the delete that did. */
  readonly #marks = new Map<string, Post>();
  /** Whether a delete that is kept outside the timeline takes a post back. */
  readonly #isTakenBack: (post: Post) => boolean;

  constructor(isTakenBack: (post: Post) => boolean) {
    this.#isTakenBack = isTakenBack;
  }

  #feed(author: string, device: number): Feed {
    let feeds = this.#feeds.get(author);
    if (feeds === undefined) this.#feeds.set(author, feeds = new Map());
    let feed = feeds.get(device);
    if (feed === undefined) {
      const posts = new SortedList<Post>((a, b) => a.number - b.number);
      feeds.set(device, feed = { posts, state: emptyFeed(device) });
    }
    return feed;
  }

  #insert(post: Post): void {
    this.#timeline.add(post);
    const known = this.#byAuthor.get(post.author);
    if (known === undefined) this.#byAuthor.set(post.author, new SortedList(byTime, [post]));
    else known.add(post);
    this.#feed(post.author, post.device).posts.add(post);
  }

  #remove(post: Post): void {
    this.#timeline.delete(post);
    this.#byAuthor.get(post.author)?.delete(post);
    this.#feed(post.author, post.device).posts.delete(post);
  }

  /** The same posts and feeds, apart from these. */
  copy(isTakenBack: (post: Post) => boolean): MemoryPosts {
    const copy = new MemoryPosts(isTakenBack);
    for (const post of this.#timeline) copy.#insert(post);
    for (const [author, feeds] of this.#feeds) {
      for (const [device, { state, proof }] of feeds) {
        const feed = copy.#feed(author, device);
        feed.state = state;
        if (proof !== undefined) feed.proof = proof;
      }
    }
    for (const [place, by] of this.#marks) copy.#marks.set(place, by);
    return copy;
  }

  /**
   * Does what a delete says; the post that it removed.
   *
   * @param known The author's devices of which something was known before the commit.
   */
  takeBack(by: Post, known: ReadonlySet<number>): Post | undefined {
    const { author, deletes: target } = by;
    if (target === undefined) return undefined;
    this.#marks.set(placeOf(author, target), by);
    if (target.device !== by.device && !known.has(target.device)) return undefined;
    const feed = this.#feed(author, target.device);
    const settled = withNumbers(feed.state, [target.number]);
    if (settled.ranges.length <= storedRangesMax) feed.state = settled;
    const at = feed.posts.countBefore((post) => post.number < target.number);
    const post = feed.posts.at(at);
    if (post?.number !== target.number || post.deletes !== undefined) return undefined;
    this.#remove(post);
    return post;
  }

  /** Whether its author has taken a post back. */
  isDeleted(post: Post): boolean {
    return post.deletes === undefined && this.#marks.has(placeOf(post.author, post));
  }

  countMarks(author: string): number {
    return this.#marks.values().filter((by) => by.author === author).toArray().length;
  }

  #isShown({ deletes, repostOf }: Post): boolean {
    if (deletes !== undefined) return false;
    return repostOf === undefined || !(this.isDeleted(repostOf) || this.#isTakenBack(repostOf));
  }

  find({ author, id }: PostName): Post | undefined {
    const posts = this.#byAuthor.get(author);
    const post = posts?.at(posts.countBefore((other) => other.id < id));
    return post?.id === id && post.deletes === undefined ? post : undefined;
  }

  addOwn(post: Post): void {
    const feed = this.#feed(post.author, post.device);
    const last = feed.posts.at(feed.posts.length - 1);
    if (post.number !== lastNumber(feed.state) + 1 || (last !== undefined && last.id >= post.id)) {
      throw new TypeError("Cannot add the post: it does not continue the feed");
    }
    feed.state = withNumbers(feed.state, [post.number]);
    this.#insert(post);
    this.takeBack(post, this.devices(post.author));
  }

  /** Adds one post: `new`, `known`, `fork`, `refused` for a gap too many or `deleted` if it was taken back. */
  add(post: Post): "new" | "known" | "fork" | "refused" | "deleted" {
    const feed = this.#feed(post.author, post.device);
    if (hasNumber(feed.state, post.number)) {
      const kept = feed.posts.at(feed.posts.countBefore((other) => other.number < post.number));
      if (kept?.number !== post.number) return "known";
      return sameContent(kept, post) ? "known" : "fork";
    }
    const after = withNumbers(feed.state, [post.number]);
    if (after.ranges.length > storedRangesMax) return "refused";
    feed.state = after;
    const place = feed.posts.countBefore((other) => other.number < post.number);
    const [below, above] = [feed.posts.at(place - 1), feed.posts.at(place)];
    if (below !== undefined && below.id >= post.id) return "fork";
    if (above !== undefined && above.id <= post.id) return "fork";
    if (this.isDeleted(post)) return "deleted";
    this.#insert(post);
    return "new";
  }

  /** Devices of an author of which something is known. */
  devices(author: string): ReadonlySet<number> {
    return new Set(this.feeds(author).map(({ device }) => device));
  }

  timeline({ before, after, author, limit }: TimelineQuery): Post[] {
    const list = author === undefined ? this.#timeline : this.#byAuthor.get(author);
    if (list === undefined || limit < 1) return [];
    if (after !== undefined) {
      const from = list.countBefore((post) => post.id <= after);
      const above = list.slice(from, list.length).filter((post) => this.#isShown(post));
      return above.slice(0, limit).reverse();
    }
    const end = before === undefined ? list.length : list.countBefore((post) => post.id < before);
    const page: Post[] = [];
    for (let at = end - 1; at >= 0 && page.length < limit; at--) {
      const post = list.at(at);
      if (post !== undefined && this.#isShown(post)) page.push(post);
    }
    return page;
  }

  reposts(author: string): Post[] {
    return [...this.#byAuthor.get(author) ?? []].filter(({ repostOf }) => repostOf !== undefined);
  }

  countNewer(than: bigint, except: string, limit: number): number {
    const from = this.#timeline.countBefore((post) => post.id <= than);
    const newer = this.#timeline.slice(from, this.#timeline.length)
      .filter((post) => post.author !== except);
    return Math.min(newer.length, limit);
  }

  /** @param context Posts that are kept outside the timeline. */
  search(query: SearchQuery, limit: number, context: readonly Post[]): Found {
    const outside = new Set(context.filter((post) => this.find(post) === undefined));
    const most = query.sort === "rank" ? rankedMax : limit;
    const isSought = (post: Post) => this.#isShown(post) && isFound(query, post);
    const some = [[...this.#timeline], [...outside].sort(byTime)]
      .flatMap((posts) => posts.reverse().filter(isSought).slice(0, most));
    const found = some.sort(byTime).reverse();
    const posts = (query.sort === "newest" ? found : ranked(query, found)).slice(0, limit);
    const strange = posts.filter((post) => outside.has(post));
    return strange.length === 0 ? { posts } : { posts, outside: new Set(strange) };
  }

  thread({ root, limit, before }: ThreadQuery): Post[] {
    const isRoot = ({ author, id }: PostName) => author === root.author && id === root.id;
    const posts = [...this.#timeline].filter((post) =>
      this.#isShown(post) && (isRoot(post) || isRoot(rootOf(post)))
    );
    return posts.filter(({ id }) => before === undefined || id < before).reverse().slice(0, limit);
  }

  replyCount({ author, id }: PostName): number {
    return [...this.#timeline].filter(({ replyTo }) =>
      replyTo?.author === author && replyTo.id === id
    ).length;
  }

  feeds(author: string): FeedState[] {
    const feeds = [...this.#feeds.get(author)?.values() ?? []];
    return feeds.map((feed) => feed.state).filter((state) => lastNumber(state) > 0)
      .sort((a, b) => a.device - b.device);
  }

  feedPosts(
    query: { author: string; device: number; from: number; to: number; limit: number },
  ): Post[] {
    const { author, device, from, to, limit } = query;
    const posts = this.#feeds.get(author)?.get(device)?.posts;
    if (posts === undefined || from > to || limit < 1) return [];
    const at = (number: number): number => posts.countBefore((post) => post.number < number);
    return posts.slice(at(from), Math.min(at(from) + limit, at(to + 1)));
  }

  setFloor(proof: Post): void {
    const feed = this.#feed(proof.author, proof.device);
    feed.state = withFloor(feed.state, proof.number);
    if (proof.number > (feed.proof?.number ?? 0)) feed.proof = proof;
  }

  floorProof(author: string, device: number): Post | undefined {
    return this.#feeds.get(author)?.get(device)?.proof;
  }

  removeAuthor(author: string): number {
    const posts = [...this.#byAuthor.get(author) ?? []];
    for (const post of posts) this.#remove(post);
    for (const [place, by] of this.#marks) if (by.author === author) this.#marks.delete(place);
    this.#feeds.delete(author);
    this.#byAuthor.delete(author);
    return posts.length;
  }

  /** Removes old posts and resolves to their number. */
  collect({ before, keep, limit }: { before: bigint; keep: string; limit: number }): number {
    const end = this.#timeline.countBefore((post) => post.id < before);
    const old = this.#timeline.slice(0, end).filter((post) => post.author !== keep);
    const leaving = old.slice(0, limit);
    for (const post of leaving) {
      this.#remove(post);
      const { author, deletes } = post;
      if (deletes !== undefined && this.#marks.get(placeOf(author, deletes))?.id === post.id) {
        this.#marks.delete(placeOf(author, deletes));
      }
      this.setFloor(post);
    }
    return leaving.length;
  }

  count(author?: string): number {
    return (author === undefined ? this.#timeline : this.#byAuthor.get(author))?.length ?? 0;
  }
}

function placeOf(author: string, { device, number }: FeedPlace): string {
  return `${author} ${device} ${number}`;
}

function sameContent(a: Post, b: Post): boolean {
  return equalBytes(postPayload(a), postPayload(b));
}
