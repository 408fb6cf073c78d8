/**
 * Fetching one author's posts: from the author, then from fellow followers (design, section 6,
 * behaviour 2).
 *
 * @module
 */

import { feedOf, missingUpTo } from "../model/feed.ts";
import type { MessageBodyOf } from "../messages/kinds/mod.ts";
import type { UserRef } from "../model/user.ts";
import type { DeviceEntry, Head } from "../model/record_body.ts";
import { mapBounded, pause, settledWithin } from "../../lib/waiting.ts";
import { Ask, type AskOutcome } from "./fetch_ask.ts";
import { inOrder } from "./fetch_candidates.ts";
import { type FetchParts, wantOf } from "./fetch_parts.ts";
import { isSame } from "../model/user.ts";
import { Slots } from "../../lib/slots.ts";

/** Without an answer for so long the author counts as gone (design, section 6). */
const authorSilenceMs = 1_500;

/** After so much silence of the author, fellow followers are looked up, to be asked if it stays silent. */
const prepareAfterMs = 300;

/** Fellow followers asked at once, and how long one may be silent (design, section 6). */
const placesMax = 3;
const followerSilenceMs = 250;

/** Fellow followers that are looked up ahead, so that a place never waits for the DHT. */
const lookedUpAheadMax = 12;

/** Devices of one user that are asked. */
const devicesAskedMax = 4;

/** How often one device is asked while its answers bring something and leave something out. */
const repeatsMax = 5;

/** How long late answers are waited for once everybody has been asked. */
const graceMs = 1_500;

/** Where nothing tells how far an author's feeds reach, so many full answers are enough. */
const answersEnough = 3;

/** One run, from the first question to the last answer. */
export class FetchRun {
  readonly #parts: FetchParts;
  readonly #author: UserRef;
  readonly #asks: Ask[] = [];
  readonly #abort = new AbortController();
  #candidates: Promise<UserRef[]> | undefined;
  /** Whether the author, or the author's public record, has told how far the feeds reach. */
  #isPromiseKnown = false;
  #isComplete = false;
  #hasAuthorAnswered = false;

  /** A run that has not begun. */
  constructor(parts: FetchParts, author: UserRef) {
    this.#parts = parts;
    this.#author = author;
  }

  /** Whose posts. */
  get author(): UserRef {
    return this.#author;
  }

  /** Fetches; resolves to whether all that was promised is there. Never rejects but for the database. */
  async run(): Promise<boolean> {
    const { session: { signal } } = this.#parts;
    const ended = () => this.#abort.abort(signal.reason);
    signal.addEventListener("abort", ended, { once: true });
    try {
      if (signal.aborted) return false;
      if (!this.#parts.intake.keeps(this.#author)) return true;
      await this.#askAuthor();
      if (await this.check()) return true;
      await this.#askFollowers();
      return await this.check();
    } finally {
      signal.removeEventListener("abort", ended);
      this.#abort.abort();
      for (const ask of this.#asks) ask.close("silent");
    }
  }

  /** The question that a message of that user answers, if it was asked in this run. */
  askOf(id: Uint8Array, user: UserRef): Ask | undefined {
    return this.#asks.find((ask) => isSame(ask.user, user) && ask.id.every((b, i) => b === id[i]));
  }

  /** A message of an answer has come. */
  begin(ask: Ask, message: MessageBodyOf["posts"]): void {
    if (isSame(ask.user, this.#author)) this.#hasAuthorAnswered = true;
    ask.begin(message);
  }

  /** It has been dealt with, and so many of its posts were new. */
  async end(ask: Ask, added: number): Promise<void> {
    // What the author's full answer says of the heads has been taken in by now.
    if (isSame(ask.user, this.#author)) this.#isPromiseKnown = true;
    await this.check();
    ask.end(added);
  }

  /** Looks whether all that is promised is there, and ends the run if so. */
  async check(): Promise<boolean> {
    if (this.#isComplete) return true;
    const { session, heads, records, intake } = this.#parts;
    const { username } = this.#author;
    if (username === session.self.username) heads.raise(username, records.heads());
    // Of an author unfollowed meanwhile nothing is wanted any more.
    if (intake.keeps(this.#author)) {
      const full = this.#asks.filter((ask) => ask.isDone).length;
      if (!this.#isPromiseKnown && full < answersEnough) return false;
      if (await this.#lacks(heads.of(username))) return false;
    }
    this.#isComplete = true;
    this.#abort.abort();
    for (const ask of this.#asks) ask.close("done");
    return true;
  }

  /** Whether something up to these heads is missing. This device's own feed has no gaps. */
  async #lacks(heads: readonly Head[]): Promise<boolean> {
    const { session, intake } = this.#parts;
    const { username } = this.#author;
    const isSelf = username === session.self.username;
    const feeds = intake.held.without(username, await session.store.feeds(username));
    return heads.some(({ device, head }) => {
      if (isSelf && device === session.device) return false;
      return missingUpTo(feedOf(feeds, device), head).length > 0;
    });
  }

  async #askAuthor(): Promise<void> {
    const { clock } = this.#parts.session.ports;
    const asking = this.#askDevicesOf(this.#author, authorSilenceMs);
    if (await settledWithin(clock, asking, prepareAfterMs)) return void await asking;
    if (!this.#hasAuthorAnswered) void this.#findCandidates();
    const isOver = await settledWithin(clock, asking, authorSilenceMs - prepareAfterMs);
    if (isOver || this.#hasAuthorAnswered) await asking;
  }

  /** Asks one of a user's devices after the other until all is there. */
  async #askDevicesOf(user: UserRef, silenceMs: number): Promise<AskOutcome> {
    const { people } = this.#parts;
    const former = await this.#devicesOf(user);
    let outcome = await this.#askEach(user, former, silenceMs);
    const mayHaveMoved = outcome === "refused" && former.length > 0;
    if (!mayHaveMoved || this.#abort.signal.aborted) return outcome;
    people.forgetDevices(user);
    const devices = await this.#devicesOf(user);
    const moved = devices.filter((device) => !former.some((other) => isAtSamePlace(device, other)));
    if (moved.length > 0) outcome = await this.#askEach(user, moved, silenceMs);
    return outcome;
  }

  async #askEach(
    user: UserRef,
    devices: readonly DeviceEntry[],
    silenceMs: number,
  ): Promise<AskOutcome> {
    let best: AskOutcome = "refused";
    for (const device of devices.slice(0, devicesAskedMax)) {
      if (this.#abort.signal.aborted) return "done";
      const outcome = await this.#askDevice(user, device, silenceMs);
      if (outcome === "done" && await this.check()) return outcome;
      if (best === "refused" || outcome === "done") best = outcome;
    }
    return best;
  }

  async #devicesOf(user: UserRef): Promise<DeviceEntry[]> {
    try {
      return await this.#parts.messenger.devices(user, this.#abort.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) return [];
      throw error;
    }
  }

  /** Asks a device, and again while it has more than has come: messages may have been lost. */
  async #askDevice(user: UserRef, device: DeviceEntry, silenceMs: number): Promise<AskOutcome> {
    for (let count = 1;; count++) {
      const { outcome, ask } = await this.#askOnce(user, device, silenceMs);
      const mayHelp = outcome !== "refused" && count < repeatsMax && ask !== undefined &&
        ask.added > 0;
      if (!mayHelp || this.#abort.signal.aborted || !await this.#lacks(ask.heads)) return outcome;
    }
  }

  async #askOnce(
    user: UserRef,
    device: DeviceEntry,
    silenceMs: number,
  ): Promise<{ outcome: AskOutcome; ask?: Ask }> {
    const { session, messenger } = this.#parts;
    const { clock, links } = session.ports;
    const { signal } = this.#abort;
    const listens = await links.probe(device, silenceMs, signal).catch(() => false);
    if (!listens || signal.aborted) return { outcome: "refused" };
    const body = await wantOf(this.#parts, this.#author);
    const forget = messenger.expect(user);
    const order = { kind: "want" as const, to: user, body, device: device.device };
    try {
      const { id, devices } = await messenger.send(order, signal);
      if (devices === 0) return { outcome: "refused" };
      const ask = new Ask({ user, id, clock, silenceMs });
      this.#asks.push(ask);
      signal.addEventListener("abort", () => ask.close("silent"), { once: true });
      return { outcome: await ask.outcome, ask };
    } catch (error) {
      if (signal.aborted) return { outcome: "refused" };
      throw error;
    } finally {
      // A late answer should not be worth less for being late.
      pause(clock, graceMs, session.signal).then(forget);
    }
  }

  /** Fellow followers in the order in which they are asked. Looked up once in a run. */
  #findCandidates(): Promise<UserRef[]> {
    this.#candidates ??= this.#lookUpCandidates().catch((error: unknown) => {
      if (this.#abort.signal.aborted) return [];
      throw error;
    });
    // Whoever waits for it sees the error; nobody may be waiting yet.
    this.#candidates.catch(() => {});
    return this.#candidates;
  }

  async #lookUpCandidates(): Promise<UserRef[]> {
    const { session, people, lists, heads } = this.#parts;
    const { signal } = this.#abort;
    let followers: readonly UserRef[] = [];
    if (isSame(this.#author, session.self)) {
      this.#isPromiseKnown = true;
      followers = lists.present("followers");
    } else {
      const person = await people.find(this.#author.username, signal);
      if (person === undefined || !isSame(person, this.#author)) return [session.self];
      if (person.public !== undefined) {
        heads.raise(person.username, person.public.heads);
        this.#isPromiseKnown = true;
        if (await this.check()) return [];
      }
      followers = (await people.lists(person, signal)).filter(({ list }) => list === "followers");
    }
    return inOrder(this.#parts, this.#author, followers);
  }

  async #askFollowers(): Promise<void> {
    const { session: { ports: { clock } } } = this.#parts;
    const candidates = await this.#findCandidates();
    if (await this.check()) return;
    const places = new Slots(placesMax);
    await mapBounded(candidates, lookedUpAheadMax, (user) => this.#askFollower(user, places));
    if (await this.check()) return;
    if (this.#asks.every((ask) => ask.isDone)) return;
    await pause(clock, graceMs, this.#abort.signal);
  }

  async #askFollower(user: UserRef, places: Slots): Promise<void> {
    const { signal } = this.#abort;
    if (signal.aborted) return;
    const devices = await this.#devicesOf(user);
    if (devices.length === 0 || signal.aborted) return;
    const outcome = await places.run(() => this.#askEach(user, devices, followerSilenceMs));
    if (outcome === "refused" && !signal.aborted) this.#parts.people.forgetDevices(user);
  }
}

function isAtSamePlace(a: DeviceEntry, b: DeviceEntry): boolean {
  return a.device === b.device && a.port === b.port &&
    a.addresses.join() === b.addresses.join();
}
