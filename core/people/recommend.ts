/**
 * Whom one might follow, and why (design, section 8).
 *
 * @module
 */

import type { SuggestionView } from "../api.ts";
import { equalBytes } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import type { ListEntry } from "../model/record_body.ts";
import { isUsername } from "../model/username.ts";
import type { Random } from "../ports.ts";
import type { Lists, People, Session } from "../session/interfaces.ts";
import { shuffled } from "../../lib/random.ts";
import { mapBounded } from "../../lib/waiting.ts";

/** Users whose lists are read in each of the two steps: more would change the ranking little. */
const sampleMax = 32;

/** Lists read at once. */
const readingMax = 8;

/** Suggestions of each kind. */
const perKindMax = 10;

/** What has been found after this long is shown. */
const searchMsMax = 4_000;

/** Candidates kept in one count: the lists of 32 users of 5,000 entries each, halved. */
const candidatesMax = 80_000;

/** Names that a reason spells out; the others are counted. */
const namesInReason = 2;

/** The parts of a session that suggestions need. */
export interface RecommenderParts {
  /** The session. */
  readonly session: Session;
  /** Reads others' lists. */
  readonly people: Pick<People, "find" | "lists">;
  /** Whom the user follows. */
  readonly lists: Pick<Lists, "present">;
}

/** Names by whom each candidate was found. */
type Tally = Map<string, Set<string>>;

/** Makes suggestions. */
export class Recommender {
  readonly #parts: RecommenderParts;

  /** The suggestions of one session. */
  constructor(parts: RecommenderParts) {
    this.#parts = parts;
  }

  /** Suggestions, best first within each kind; nobody twice. Takes a few seconds at most. */
  async suggest(signal?: AbortSignal): Promise<SuggestionView[]> {
    const { session } = this.#parts;
    signal?.throwIfAborted();
    const deadline = new AbortController();
    const timer = session.ports.clock.after(searchMsMax, () => deadline.abort());
    const signals = [session.signal, deadline.signal];
    const until = AbortSignal.any(signal === undefined ? signals : [...signals, signal]);
    try {
      const suggestions = await this.#search(until);
      signal?.throwIfAborted();
      return suggestions;
    } finally {
      timer.cancel();
    }
  }

  async #search(until: AbortSignal): Promise<SuggestionView[]> {
    const { session: { self, ports }, lists } = this.#parts;
    const followed = lists.present("following");
    const excluded = new Set([self.username, ...followed.map((entry) => entry.username)]);
    const found: SuggestionView[] = [];
    const add = (suggestion: SuggestionView) => {
      excluded.add(suggestion.username);
      found.push(suggestion);
    };
    if (followed.length > 0) {
      const followers = await this.#readLists(sample(followed, ports.random), "followers", until);
      for (const one of know(followers, excluded)) add(one);
      const similar = await this.#similar(followers, followed, until);
      for (const one of interest(similar, excluded)) add(one);
    }
    if (found.length === 0) { for (const one of await this.#popular(excluded, until)) add(one); }
    return found;
  }

  /** One list of each of these users, as far as it could be read. */
  async #readLists(
    users: readonly UserRef[],
    list: ListEntry["list"],
    until: AbortSignal,
  ): Promise<Map<string, ListEntry[]>> {
    const { people } = this.#parts;
    const read = new Map<string, ListEntry[]>();
    await mapBounded(users, readingMax, async (user) => {
      if (until.aborted) return;
      try {
        const person = await people.find(user.username, until);
        if (person === undefined || !equalBytes(person.key, user.key)) return;
        const entries = await people.lists(person, until);
        read.set(user.username, entries.filter((entry) => entry.list === list));
      } catch {
        // Whoever cannot be read contributes nothing.
      }
    });
    return read;
  }

  /** Users who follow the same as this one, and whom they follow besides; see {@linkcode interest}. */
  async #similar(
    followers: ReadonlyMap<string, readonly ListEntry[]>,
    followed: readonly ListEntry[],
    until: AbortSignal,
  ): Promise<{ overlap: Map<string, number>; following: Map<string, ListEntry[]> }> {
    const { self } = this.#parts.session;
    const overlap = new Map<string, number>();
    const users = new Map<string, UserRef>();
    for (const entries of followers.values()) {
      for (const entry of entries) {
        if (entry.username === self.username || overlap.size >= candidatesMax) continue;
        overlap.set(entry.username, (overlap.get(entry.username) ?? 0) + 1);
        users.set(entry.username, entry);
      }
    }
    const best = [...users.values()]
      .sort((a, b) => byCount(overlap, a.username, b.username))
      .slice(0, sampleMax);
    const following = await this.#readLists(best, "following", until);
    // Their own lists tell the overlap in full, the sample only in part.
    const mine = new Set(followed.map((entry) => entry.username));
    for (const [username, entries] of following) {
      overlap.set(username, entries.filter((entry) => mine.has(entry.username)).length);
    }
    return { overlap, following };
  }

  async #popular(
    excluded: ReadonlySet<string>,
    until: AbortSignal,
  ): Promise<SuggestionView[]> {
    const sampled = await this.#parts.session.ports.directory.sample(until).catch(() => []);
    return sampled
      .filter(({ username }) => isUsername(username) && !excluded.has(username))
      .sort((a, b) => b.followers - a.followers || (a.username < b.username ? -1 : 1))
      .filter((one, i, all) => all.findIndex((other) => other.username === one.username) === i)
      .slice(0, perKindMax)
      .map(({ username, followers }) => ({
        username,
        kind: "popular",
        reason: `followed by ${followers} ${followers === 1 ? "user" : "users"} nearby`,
      }));
  }
}

/** At most {@linkcode sampleMax} of the users, drawn at random where there are more. */
function sample(users: readonly UserRef[], random: Random): readonly UserRef[] {
  if (users.length <= sampleMax) return users;
  return shuffled(users, random).slice(0, sampleMax);
}

/** The higher count first, then by name. */
function byCount(counts: ReadonlyMap<string, number>, a: string, b: string): number {
  return (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || (a < b ? -1 : 1);
}

/** The names, the first few spelt out. */
function spellOut(names: readonly string[]): string {
  const shown = names.slice(0, namesInReason);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.join(" and ");
}

/** Who is named in whose lists, without those excluded. */
function tallied(
  lists: ReadonlyMap<string, readonly ListEntry[]>,
  excluded: ReadonlySet<string>,
): Tally {
  const tally: Tally = new Map();
  for (const [owner, entries] of lists) {
    for (const { username } of entries) {
      if (excluded.has(username) || tally.size >= candidatesMax) continue;
      const owners = tally.get(username) ?? new Set();
      owners.add(owner);
      tally.set(username, owners);
    }
  }
  return tally;
}

/** People you may know: followers of the users you follow. */
function know(
  followers: ReadonlyMap<string, readonly ListEntry[]>,
  excluded: ReadonlySet<string>,
): SuggestionView[] {
  const tally = tallied(followers, excluded);
  return [...tally.keys()]
    .sort((a, b) => (tally.get(b)?.size ?? 0) - (tally.get(a)?.size ?? 0) || (a < b ? -1 : 1))
    .slice(0, perKindMax)
    .map((username) => ({
      username,
      kind: "know",
      reason: `follows ${spellOut([...tally.get(username) ?? []].sort())}, whom you follow`,
    }));
}

/** People who may interest you: followed by those who follow the same users; ranked by overlap. */
function interest(
  similar: { overlap: ReadonlyMap<string, number>; following: ReadonlyMap<string, ListEntry[]> },
  excluded: ReadonlySet<string>,
): SuggestionView[] {
  const { overlap, following } = similar;
  const tally = tallied(following, excluded);
  const scores = new Map<string, number>();
  for (const [username, owners] of tally) {
    let score = 0;
    for (const owner of owners) score += overlap.get(owner) ?? 0;
    if (score > 0) scores.set(username, score);
  }
  return [...scores.keys()]
    .sort((a, b) => byCount(scores, a, b))
    .slice(0, perKindMax)
    .map((username) => {
      const owners = [...tally.get(username) ?? []].sort((a, b) => byCount(overlap, a, b));
      const shared = overlap.get(owners[0] ?? "") ?? 0;
      const who = owners.length === 1 ? "who shares" : "the first of whom shares";
      return {
        username,
        kind: "interest",
        reason: `followed by ${spellOut(owners)}, ${who} ${shared} of the users you follow`,
      };
    });
}
