/**
 * Threads: serving them to all who ask, fetching them, and showing them.
 *
 * @module
 */

import type { PostNameView, PostView, ThreadView } from "../api.ts";
import type { MessageOf } from "../messages/kinds/mod.ts";
import type { SteppedQuestion } from "../messages/stepped_answer.ts";
import { given } from "../model/arguments.ts";
import { equalBytes } from "../model/bytes.ts";
import { CamelliaError } from "../model/errors.ts";
import { authorOf, type Post, type PostName, rootOf } from "../model/post.ts";
import { readPostId } from "../model/snowflake.ts";
import { missingOf, threadName } from "../model/thread.ts";
import { parseUsername } from "../model/username.ts";
import { TimedCache } from "../../lib/bounded_map.ts";
import { settledWithin } from "../../lib/waiting.ts";
import { postNameView, postView } from "../session/views.ts";
import { warn } from "../session/warn.ts";
import type { Shown } from "./notification_views.ts";
import { postNamed } from "./post_named.ts";
import { aboutThread, ThreadAnswer } from "./thread_answer.ts";
import { ThreadIntake, type ThreadIntakeParts } from "./thread_intake.ts";
import { readThread } from "./thread_posts.ts";
import { graceMs, ThreadRun, type ThreadRunParts } from "./thread_run.ts";

/** How long a thread that is opened waits for what others have of it. */
export const threadWaitMs = 2_000;

/** Threads fetched at once; further ones are shown as they are here. */
const runsMax = 8;

/** A thread is asked for anew at most so often, and of so many threads that is remembered. */
const againMs = 3_000;
const rememberedMax = 256;

/** Runs of one thread whose late answers are taken: no more end within that time. */
const formerMax = Math.ceil(graceMs / againMs);

/** What {@linkcode Threads} need. */
export interface ThreadsParts
  extends Omit<ThreadRunParts, "intake">, Pick<ThreadIntakeParts, "feeds" | "mutes" | "reposts"> {
  /** Sends answers in steps, in turn with those to all others. */
  readonly answers: { answer(question: SteppedQuestion): void };
}

/** See the module. */
export class Threads {
  readonly #parts: ThreadsParts;
  readonly #intake: ThreadIntake;
  readonly #runs = new Map<string, { readonly run: ThreadRun; readonly ended: Promise<void> }>();
  /** Threads that were asked for just now. */
  readonly #recent: TimedCache<true>;
  /** Runs that have ended, the last one first: late answers are still taken. */
  readonly #former: TimedCache<readonly ThreadRun[]>;

  /** The threads of one session. */
  constructor(parts: ThreadsParts) {
    this.#parts = parts;
    this.#intake = new ThreadIntake(parts);
    this.#recent = new TimedCache(parts.session.ports.clock, rememberedMax);
    this.#former = new TimedCache(parts.session.ports.clock, rememberedMax);
  }

  /** Deals with a `thread`: answers it. */
  asked(message: MessageOf<"thread">): void {
    const { session: { store }, people, messenger, answers } = this.#parts;
    const { from, body: { root, key, connections, token } } = message;
    if (token === undefined) {
      const isReachable = connections !== undefined && people.learn(from, connections);
      // The answer to a stranger who does not say where to send it takes a look-up.
      if (!isReachable && !messenger.isKnown(from) && !messenger.mayLookUp()) return;
    }
    const isServed = this.#served(root, key);
    answers.answer({
      message,
      about: aboutThread(root),
      answer: () => new ThreadAnswer({ store, question: message, isServed }),
    });
  }

  /** Which posts are passed on to an asker; here, because what it returns lasts longer than the question. */
  #served({ author }: PostName, key: Uint8Array | undefined): (post: Post) => boolean {
    const { people, mutes } = this.#parts;
    const pin = people.pin(author);
    if (key !== undefined && pin !== undefined && !equalBytes(key, pin)) return () => false;
    return (post) => !mutes.isBlocked(authorOf(post)) && this.#claimOf(post) !== false;
  }

  /** Deals with `replies`: takes in what was asked for. */
  async answered(message: MessageOf<"replies">): Promise<void> {
    const name = threadName(message.body.root);
    const runs = [this.#runs.get(name)?.run, ...this.#former.get(name) ?? []];
    for (const run of runs) if (await run?.take(message)) return;
  }

  /**
   * A thread as it is here, after others were asked for what they have of it, {@linkcode threadWaitMs} at most.
   *
   * @throws {CamelliaError} `invalid_argument`, `invalid_username`, `unknown_post` where nothing of it is to be had,
   * or what the database fails with.
   */
  async open(request: PostNameView, shown: Shown, isLocal = false): Promise<ThreadView> {
    const { store } = this.#parts.session;
    const name = parseName(request);
    const known = await postNamed(store, name);
    let root = known === undefined ? name : rootOf(known);
    if (!isLocal) {
      await this.#fetch(root);
      // Only now is it known which thread a reply belongs to.
      const found = known ?? await postNamed(store, name);
      if (found !== undefined && threadName(rootOf(found)) !== threadName(root)) {
        root = rootOf(found);
        await this.#fetch(root);
      }
    }
    return await this.#view(root, shown);
  }

  async #view(root: PostName, shown: Shown): Promise<ThreadView> {
    const { posts } = await readThread(this.#parts.session.store, root);
    const views: PostView[] = [];
    const here: Post[] = [];
    let hidden = 0;
    for (const post of posts) {
      // A key that is not the name's is never shown as that name.
      if (this.#claimOf(post) === false) continue;
      here.push(post);
      const view = this.shown(post, shown);
      if (view === undefined) hidden++;
      else views.push(view);
    }
    if (here.length === 0) throw unknownThread(root);
    const missing = missingOf(root, here).length;
    const view = { root: postNameView(root), posts: views, missing };
    return { ...view, ...given({ hidden: hidden > 0 ? hidden : undefined }) };
  }

  /**
   * A post of a thread as its reader may see it, and whether its name is known to be its key's. Undefined where
   * `shown` does not show it, or the name is known to be another key's.
   */
  shown(post: Post, shown: Shown): PostView | undefined {
    const claim = this.#claimOf(post);
    const view = claim === false ? undefined : shown(postView(post));
    return view && { ...view, verified: claim === true };
  }

  /**
   * Those of some posts that are here and shown, as a thread has them; no other peer is asked.
   *
   * @throws {CamelliaError} `invalid_argument`, `invalid_username`, or what the database fails with.
   */
  async named(names: readonly PostNameView[], shown: Shown): Promise<PostView[]> {
    const { store } = this.#parts.session;
    const posts = await Promise.all(names.map(parseName).map((name) => postNamed(store, name)));
    return posts.map((post) => post && this.shown(post, shown)).filter((view) =>
      view !== undefined
    );
  }

  /** How many posts here answer each of these directly. */
  async replyCounts(names: readonly PostName[]): Promise<number[]> {
    const { store } = this.#parts.session;
    const [feeds, context] = await Promise.all([
      store.replyCounts(names),
      store.conversations.contextReplies(names),
    ]);
    return feeds.map((count, i) => count + (context[i] ?? 0));
  }

  #claimOf(post: Post): boolean | undefined {
    return this.#parts.messenger.claimOf(authorOf(post));
  }

  /** Asks others for a thread; resolves when they have answered, or have had time to. */
  async #fetch(root: PostName): Promise<void> {
    const { session } = this.#parts;
    const name = threadName(root);
    let running = this.#runs.get(name);
    if (running === undefined) {
      if (this.#runs.size >= runsMax || this.#recent.get(name) !== undefined) return;
      const run = new ThreadRun({ ...this.#parts, intake: this.#intake }, root);
      const ended = run.run()
        .catch((error: unknown) => {
          if (!session.signal.aborted) warn(session, error);
        })
        .finally(() => {
          this.#runs.delete(name);
          this.#recent.set(name, true, againMs);
          const former = [run, ...this.#former.get(name) ?? []].slice(0, formerMax);
          this.#former.set(name, former, graceMs);
        });
      running = { run, ended };
      this.#runs.set(name, running);
    }
    this.#intake.lookUp(root, (await readThread(session.store, root)).posts);
    const all = running.ended.then(() => this.#intake.settled());
    await settledWithin(session.ports.clock, all, threadWaitMs);
  }
}

function parseName({ author, id: text }: PostNameView): PostName {
  return { id: readPostId(text, "show the thread"), author: parseUsername(author) };
}

function unknownThread(root: PostName): CamelliaError {
  return new CamelliaError(
    "unknown_post",
    `Cannot show the thread: the post ${
      threadName(root)
    } is not here, and no user who answers has it.`,
  );
}
