/**
 * Fetching one thread: from the author of its first post, or, where that user does not answer, from some of that
 * user's followers.
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import type { MessagingParts } from "../messages/messenger.ts";
import { equalBytes } from "../model/bytes.ts";
import { given } from "../model/arguments.ts";
import type { PostName } from "../model/post.ts";
import { threadName, threadPostsMax } from "../model/thread.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import { threadHadMax } from "../messages/kinds/thread.ts";
import { shuffled } from "../../lib/random.ts";
import { pause, settledWithin } from "../../lib/waiting.ts";
import type { Person } from "../session/interfaces.ts";
import { readThread } from "./thread_posts.ts";
import type { ThreadIntake } from "./thread_intake.ts";

/** Without a step for so long a user who is asked counts as gone. */
const silenceMs = 1_500;

/** Followers who are asked, and who are looked at to find so many online. */
const followersAskedMax = 3;
const followersTriedMax = 12;

/** Devices of the author that are asked. */
const devicesAskedMax = 2;

/** Steps taken from one device: four times what 1,000 of the longest posts take, and first steps are small. */
export const stepsMax = 64;

/** Posts looked at of one device: twice what a thread may have. */
export const postsLookedAtMax: number = 2 * threadPostsMax;

/** After so many steps without a new post no further one is asked for. */
const vainStepsMax = 4;

/** How long late answers are still taken, in milliseconds: a run must be kept for so long after its end. */
export const graceMs = 10_000;

/** What a run needs. */
export interface ThreadRunParts extends MessagingParts {
  /** Checks and keeps what comes. */
  readonly intake: ThreadIntake;
}

/** A question put to one device. */
interface Asked {
  readonly user: UserRef;
  readonly device: number;
  readonly id: Uint8Array;
  /** Resolves when the last step has been dealt with, or no further one is wanted. */
  readonly over: PromiseWithResolvers<void>;
  steps: number;
  posts: number;
  vain: number;
  /** When the last step came, on the monotonic clock. */
  heardAt: number | undefined;
  /** Whether a step is being dealt with: others wait for it. */
  isBusy: boolean;
}

/** See the module. */
export class ThreadRun {
  /** The first post of the thread. */
  readonly root: PostName;
  readonly #parts: ThreadRunParts;
  readonly #asked: Asked[] = [];
  #hasAnswered = false;

  /** A run that has not begun. */
  constructor(parts: ThreadRunParts, root: PostName) {
    this.#parts = parts;
    this.root = root;
  }

  /** Asks; resolves when the answers have come or no more are to be expected. */
  async run(): Promise<void> {
    const { session: { self, signal }, people } = this.#parts;
    const author = this.root.author === self.username
      ? { ...self, pinned: true, otherKeys: [] }
      : await people.find(this.root.author, signal);
    if (author === undefined || signal.aborted) return;
    await this.#askUser(author, author, devicesAskedMax);
    if (this.#hasAnswered || signal.aborted) return;
    await this.#askFollowers(author);
  }

  /** Takes a step in, if it answers a question of this run; whether it does. */
  async take({ from, body }: MessageOf<"replies">): Promise<boolean> {
    const asked = this.#asked.find(({ id, user }) =>
      equalBytes(id, body.inReplyTo) && isSame(user, from)
    );
    if (asked === undefined) return false;
    if (threadName(body.root) !== threadName(this.root)) return true;
    // A device that sends steps that were not asked for is not listened to.
    if (asked.isBusy || asked.steps >= stepsMax) return true;
    const { session: { ports: { clock } }, intake } = this.#parts;
    asked.isBusy = true;
    asked.steps++;
    asked.heardAt = clock.monotonic();
    const posts = body.posts.slice(0, postsLookedAtMax - asked.posts);
    asked.posts += posts.length;
    const report = await intake.take(this.root, posts).finally(() => {
      asked.isBusy = false;
      asked.heardAt = clock.monotonic();
    });
    asked.vain = report.added > 0 ? 0 : asked.vain + 1;
    const isVain = asked.vain >= vainStepsMax || report.isLying || asked.steps >= stepsMax ||
      asked.posts >= postsLookedAtMax;
    if (!report.isLying) this.#hasAnswered = true;
    if (body.more === undefined || isVain) asked.over.resolve();
    else await this.#ask(asked, body.more);
    return true;
  }

  async #askUser(user: UserRef, author: UserRef, devicesMax: number): Promise<void> {
    const { session: { signal }, messenger } = this.#parts;
    const devices = await messenger.devices(user, signal);
    for (const { device } of devices.slice(0, devicesMax)) {
      if (signal.aborted) return;
      await this.#askDevice(refOf(user), device, author);
      if (this.#hasAnswered) return;
    }
  }

  async #askFollowers(author: Person): Promise<void> {
    const { session: { self, ports: { random }, signal }, people, messenger } = this.#parts;
    const entries = await people.lists(author, signal);
    const others = entries
      .filter(({ list, username }) => list === "followers" && username !== self.username)
      .map(refOf);
    const { heard = [], silent = [] } = Object.groupBy(
      shuffled(others, random),
      (user) => messenger.heardAt(user) === undefined ? "silent" : "heard",
    );
    const candidates = [...heard, ...silent].slice(0, followersTriedMax);
    const found = await Promise.all(
      candidates.map(async (user) =>
        (await messenger.devices(user, signal)).length > 0 ? [user] : []
      ),
    );
    const asked = found.flat().slice(0, followersAskedMax);
    await Promise.all(asked.map((user) => this.#askUser(user, author, 1)));
  }

  async #askDevice(user: UserRef, device: number, author: UserRef): Promise<void> {
    const { session: { ports: { clock, random }, signal }, messenger } = this.#parts;
    const forget = messenger.expect(user);
    const asked: Asked = {
      user,
      device,
      id: random.bytes(16),
      over: Promise.withResolvers(),
      steps: 0,
      posts: 0,
      vain: 0,
      heardAt: undefined,
      isBusy: false,
    };
    this.#asked.push(asked);
    try {
      if (!await this.#ask(asked, undefined, author)) return;
      for (;;) {
        if (await settledWithin(clock, asked.over.promise, silenceMs)) return;
        const heardAt = asked.heardAt ?? -Infinity;
        if (signal.aborted) return;
        if (!asked.isBusy && clock.monotonic() - heardAt >= silenceMs) return;
      }
    } finally {
      // A late answer is not worth less for being late.
      void pause(clock, graceMs, signal).then(forget, forget);
    }
  }

  /** Asks for the first step, or with a token for the next one; whether it was sent. */
  async #ask({ user, device, id }: Asked, token?: Uint8Array, author?: UserRef): Promise<boolean> {
    const { session, records, messenger } = this.#parts;
    const { store, device: own, signal } = session;
    const { root } = this;
    const base = { root, device: own };
    const body = token !== undefined ? { ...base, had: [], token } : {
      ...base,
      had: await had(store, root),
      ...given({
        key: author?.key,
        connections: records.connections()?.value,
      }),
    };
    const order = { kind: "thread" as const, to: user, device, body };
    const report = await messenger.send(token === undefined ? { ...order, id } : order, signal);
    return report.devices > 0;
  }
}

async function had(
  store: Parameters<typeof readThread>[0],
  root: PostName,
): Promise<readonly PostName[]> {
  const { posts, deletes } = await readThread(store, root);
  return [...deletes.slice(-(threadHadMax - posts.length)), ...posts];
}
