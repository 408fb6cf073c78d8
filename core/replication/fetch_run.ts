/**
 * Fetching one author's posts: from the author, then from fellow followers (docs/DESIGN.md).
 *
 * @module
 */

import type { MessageOf } from "../messages/kinds/mod.ts";
import { equalBytes } from "../model/bytes.ts";
import type { DeviceEntry, Head } from "../model/record_body.ts";
import { isSame, refOf, type UserRef } from "../model/user.ts";
import { shuffled } from "../../lib/random.ts";
import type { Job, Scheduler } from "../../lib/scheduler.ts";
import { Slots } from "../../lib/slots.ts";
import { mapBounded, pause, settledWithin } from "../../lib/waiting.ts";
import type { FeedsParts } from "./known_feeds.ts";
import type { Questions } from "./questions.ts";

/** Without an answer for so long the author counts as gone. */
const authorSilenceMs = 1_500;

/** After so much silence of the author, fellow followers are looked up, to be asked if it stays silent. */
const prepareAfterMs = 300;

/** Fellow followers asked at once, and how long one may be silent. */
const placesMax = 3;
const followerSilenceMs = 250;

/** Fellow followers asked in one run at most. */
const candidatesMax = 256;

/**
 * Fellow followers asked in vain in one run at most: of twelve at random one has what exists, even if two
 * thirds lie. Heads that an author promises and that are nowhere cost others no more than that.
 */
export const askedInVainMax = 12;

/** Fellow followers that are looked up ahead, so that a place never waits for the DHT. */
const lookedUpAheadMax = 12;

/** Devices of one user that are asked. */
const devicesAskedMax = 4;

/** How often one device is asked while its answers bring something and leave something out. */
const repeatsMax = 5;

/** How long late answers are waited for once all have been asked. */
const graceMs = 1_500;

/** Where nothing tells how far an author's feeds reach, so many full answers are enough. */
const answersEnough = 3;

/** How a question ended: answered to the end, silent for too long, or not heard because no peer listens there. */
export type Outcome = "done" | "silent" | "refused";

/** A `want` that has been sent to one device. */
export class Question {
  /** Whom it was put to. */
  readonly user: UserRef;
  /** The id of the `want`. */
  readonly id: Uint8Array;
  /** Resolves when the device gives up its place; a late answer may still come. */
  readonly outcome: Promise<Outcome>;
  /** How far the device says to have the feeds; a step without room for them says nothing. */
  heads: readonly Head[] = [];
  /** How many posts of the answer were new. */
  added = 0;
  /** Whether the last step has come. */
  hasLastCome = false;
  readonly #silence: Job;
  readonly #silenceMs: number;
  readonly #close: (outcome: Outcome) => void;
  /** Steps of the answer that are being dealt with. */
  #handling = 0;

  /** Silence is counted from now on; the signal ends the waiting. */
  constructor(
    options: { user: UserRef; id: Uint8Array; scheduler: Scheduler; silenceMs: number },
    signal: AbortSignal,
  ) {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.user = options.user;
    this.id = options.id;
    this.outcome = promise;
    this.#close = resolve;
    this.#silenceMs = options.silenceMs;
    this.#silence = options.scheduler.job(() => resolve("silent"));
    this.#silence.dueIn(options.silenceMs);
    signal.addEventListener("abort", () => resolve("silent"), { once: true });
  }

  /** Whether the whole answer has come and has been dealt with. */
  get isDone(): boolean {
    return this.hasLastCome && this.#handling === 0;
  }

  /** A step of the answer has come and is going to be dealt with. */
  begin({ more, heads }: MessageOf<"posts">["body"]): void {
    this.#handling++;
    if (heads.length > 0) this.heads = heads;
    if (more === undefined) this.hasLastCome = true;
    this.#silence.cancel();
  }

  /** A step of the answer has been dealt with, and so many of its posts were new. */
  end(added: number): void {
    this.added += added;
    this.#handling--;
    if (this.isDone) this.#close("done");
    else if (this.#handling === 0) this.#silence.dueIn(this.#silenceMs);
  }
}

/** What a run needs. */
export interface FetchParts extends FeedsParts {
  /** Asks. */
  readonly questions: Questions;
}

/** One run, from the first question to the last answer. */
export class FetchRun {
  readonly #parts: FetchParts;
  readonly #author: UserRef;
  readonly #questions: Question[] = [];
  readonly #abort = new AbortController();
  #candidates: Promise<UserRef[]> | undefined;
  /** Whether the author, or the author's public record, has told how far the feeds reach. */
  #isPromiseKnown = false;
  #isComplete = false;
  #hasAuthorAnswered = false;
  /** Whether the network says that no device of the author is announced. */
  #isAuthorGone = false;
  /** Fellow followers that are being asked, or were and brought nothing; and how many may be. */
  #inVain = 0;
  readonly #inVainMax: number;

  /** A run that has not begun. */
  constructor(parts: FetchParts, author: UserRef, inVainMax = askedInVainMax) {
    this.#parts = parts;
    this.#author = author;
    this.#inVainMax = inVainMax;
  }

  /** Whether an answer has brought a new post. */
  get hasHelped(): boolean {
    return this.#questions.some(({ added }) => added > 0);
  }

  /**
   * Whether the author may have more than is known: a device is or may be announced, and none has answered to the
   * end. What is public about the heads may be half a minute old.
   */
  get isInDoubt(): boolean {
    return !this.#isAuthorGone &&
      !this.#questions.some(({ user, isDone }) => isDone && isSame(user, this.#author));
  }

  /** Fetches; resolves to whether all that was promised is there. Never rejects but for the database. */
  async run(): Promise<boolean> {
    const { session: { signal }, feeds } = this.#parts;
    if (signal.aborted) return false;
    const ended = () => this.#abort.abort(signal.reason);
    signal.addEventListener("abort", ended, { once: true });
    try {
      if (!feeds.keeps(this.#author)) return true;
      await this.#askAuthor();
      if (await this.check()) return true;
      await this.#askFollowers();
      return await this.check();
    } finally {
      signal.removeEventListener("abort", ended);
      this.#abort.abort();
    }
  }

  /** The question that a message of that user answers, if it was asked in this run. */
  questionOf(id: Uint8Array, user: UserRef): Question | undefined {
    return this.#questions.find((question) =>
      isSame(question.user, user) && equalBytes(question.id, id)
    );
  }

  /** A message of an answer has come. */
  begin(question: Question, body: MessageOf<"posts">["body"]): void {
    if (isSame(question.user, this.#author)) this.#hasAuthorAnswered = true;
    question.begin(body);
  }

  /** It has been dealt with, and so many of its posts were new. */
  async end(question: Question, added: number): Promise<void> {
    // What the author's answer says of the heads has been taken in by now.
    const hasHeads = question.heads.length > 0 || question.hasLastCome;
    if (isSame(question.user, this.#author) && hasHeads) this.#isPromiseKnown = true;
    await this.check();
    question.end(added);
  }

  /** Looks whether all that is promised is there, and ends the run if so. */
  async check(): Promise<boolean> {
    if (this.#isComplete) return true;
    const { session, records, feeds } = this.#parts;
    if (this.#author.username === session.self.username) {
      feeds.promise(session.self.username, records.heads());
    }
    // Of an author unfollowed meanwhile nothing is wanted any more.
    if (feeds.keeps(this.#author)) {
      const full = this.#questions.filter((question) => question.isDone).length;
      if (!this.#isPromiseKnown && full < answersEnough) return false;
      if (await feeds.lacks(this.#author)) return false;
    }
    this.#isComplete = true;
    this.#abort.abort();
    return true;
  }

  async #askAuthor(): Promise<void> {
    const { clock } = this.#parts.session.ports;
    const asking = this.#askDevicesOf(this.#author);
    if (await settledWithin(clock, asking, prepareAfterMs)) return void await asking;
    if (!this.#hasAuthorAnswered) void this.#findCandidates();
    const isOver = await settledWithin(clock, asking, authorSilenceMs - prepareAfterMs);
    if (isOver || this.#hasAuthorAnswered) await asking;
  }

  /** Asks the author's devices one after another until all is there, those that have moved as well. */
  async #askDevicesOf(user: UserRef): Promise<void> {
    const former = await this.#devicesOf(user);
    const { session: { self }, people } = this.#parts;
    this.#isAuthorGone = former.length === 0 && (isSame(user, self) || people.isGone(user));
    const outcome = await this.#askEach(user, former, authorSilenceMs);
    if (outcome !== "refused" || former.length === 0 || this.#abort.signal.aborted) return;
    this.#parts.people.forgetDevices(user, former);
    const devices = await this.#devicesOf(user);
    const moved = devices.filter((device) => !former.some((other) => isAtSamePlace(device, other)));
    await this.#askEach(user, moved, authorSilenceMs);
  }

  async #askEach(
    user: UserRef,
    devices: readonly DeviceEntry[],
    silenceMs: number,
  ): Promise<Outcome> {
    let best: Outcome = "refused";
    for (const device of devices.slice(0, devicesAskedMax)) {
      if (this.#abort.signal.aborted) return "done";
      const outcome = await this.#askDevice(user, device, silenceMs);
      if (outcome === "done" && await this.check()) return outcome;
      if (best === "refused" || outcome === "done") best = outcome;
    }
    return best;
  }

  async #devicesOf(user: UserRef): Promise<DeviceEntry[]> {
    return await this.#unlessOver(this.#parts.messenger.devices(user, this.#abort.signal)) ?? [];
  }

  /** Asks a device, and again while it has more than has come: messages may have been lost. */
  async #askDevice(user: UserRef, device: DeviceEntry, silenceMs: number): Promise<Outcome> {
    for (let count = 1;; count++) {
      const question = await this.#askOnce(user, device, silenceMs);
      if (question === undefined) return "refused";
      const outcome = await question.outcome;
      const mayHelp = count < repeatsMax && question.added > 0 && !this.#abort.signal.aborted;
      if (!mayHelp || !await this.#parts.feeds.lacks(this.#author, question.heads)) return outcome;
    }
  }

  /** Puts the question; undefined where no peer listens. */
  async #askOnce(
    user: UserRef,
    device: DeviceEntry,
    silenceMs: number,
  ): Promise<Question | undefined> {
    const { session, messenger, feeds, questions } = this.#parts;
    const { ports, scheduler, signal: ended } = session;
    const { signal } = this.#abort;
    const listens = await ports.links.probe(device, silenceMs, signal).catch(() => false);
    if (!listens || signal.aborted) return undefined;
    const body = await feeds.wantOf(this.#author);
    const forget = messenger.expect(user);
    let question: Question | undefined;
    try {
      const report = await this.#unlessOver(
        questions.ask(user, device.device, body, signal),
      );
      if (report === undefined || report.devices === 0) return undefined;
      question = new Question({ user, id: report.id, scheduler, silenceMs }, signal);
      this.#questions.push(question);
      return question;
    } finally {
      // A late answer is not worth less for being late.
      void Promise.resolve(question?.outcome)
        .then(() => pause(ports.clock, graceMs, ended)).then(forget);
    }
  }

  /** Fellow followers in the order in which they are asked. Looked up once in a run. */
  #findCandidates(): Promise<UserRef[]> {
    this.#candidates ??= this.#unlessOver(this.#lookUpCandidates()).then((found) => found ?? []);
    // The caller sees the error when it waits; it may not wait yet.
    this.#candidates.catch(() => {});
    return this.#candidates;
  }

  async #lookUpCandidates(): Promise<UserRef[]> {
    const { session: { self }, people, lists, feeds } = this.#parts;
    const { signal } = this.#abort;
    if (isSame(this.#author, self)) {
      this.#isPromiseKnown = true;
      return this.#inOrder(lists.present("followers"));
    }
    const person = await people.find(this.#author.username, signal);
    if (person === undefined || !isSame(person, this.#author)) return [self];
    if (person.public !== undefined) {
      feeds.promise(person.username, person.public.heads);
      this.#isPromiseKnown = true;
      if (await this.check()) return [];
    }
    const entries = await people.lists(person, signal);
    return this.#inOrder(entries.filter(({ list }) => list === "followers"));
  }

  /**
   * Fellow followers in the order in which they are asked: one's own other devices, which follow whom
   * one follows; those heard of before, who are likely to be online; the others, in random order, so
   * that not all peers ask the same ones.
   */
  #inOrder(followers: readonly UserRef[]): UserRef[] {
    const { session: { self, ports: { random } }, messenger } = this.#parts;
    const others = followers
      .filter((user) => !isSame(user, this.#author) && user.username !== self.username)
      .map(refOf);
    const { heard = [], silent = [] } = Object.groupBy(
      shuffled(others, random),
      (user) => messenger.heardAt(user) === undefined ? "silent" : "heard",
    );
    const own = isSame(this.#author, self) ? [] : [self];
    return [...own, ...heard, ...silent].slice(0, candidatesMax);
  }

  async #askFollowers(): Promise<void> {
    const candidates = await this.#findCandidates();
    if (await this.check()) return;
    const places = new Slots(placesMax);
    await mapBounded(candidates, lookedUpAheadMax, (user) => this.#askFollower(user, places));
    if (await this.check() || this.#questions.every((question) => question.isDone)) return;
    await pause(this.#parts.session.ports.clock, graceMs, this.#abort.signal);
  }

  async #askFollower(user: UserRef, places: Slots): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted || this.#inVain >= this.#inVainMax) return;
    const devices = await this.#devicesOf(user);
    if (devices.length === 0 || signal.aborted) return;
    const outcome = await places.run(async () => {
      if (this.#inVain >= this.#inVainMax) return "done";
      this.#inVain++;
      const outcome = await this.#askEach(user, devices, followerSilenceMs);
      const hasHelped = this.#questions.some((question) =>
        isSame(question.user, user) && question.added > 0
      );
      if (outcome === "refused" || hasHelped) this.#inVain--;
      return outcome;
    });
    if (outcome === "refused" && !signal.aborted) this.#parts.people.forgetDevices(user, devices);
  }

  /** The result; undefined where the work failed because the run is over. */
  async #unlessOver<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (this.#abort.signal.aborted) return undefined;
      throw error;
    }
  }
}

function isAtSamePlace(a: DeviceEntry, b: DeviceEntry): boolean {
  return a.device === b.device && a.port === b.port &&
    a.addresses.join() === b.addresses.join();
}
