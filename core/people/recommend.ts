/**
 * Suggestions: whom the user might follow, and why (design, section 8).
 *
 * @module
 */

import type { SuggestionView } from "../api.ts";
import { equalBytes } from "../model/bytes.ts";
import type { UserRef } from "../model/user.ts";
import type { ListEntry } from "../model/record_body.ts";
import { isUsername } from "../model/username.ts";
import type { Lists, People, Session } from "../session/interfaces.ts";
import { shuffled } from "../../lib/random.ts";
import { mapBounded, within } from "../../lib/waiting.ts";

/** Users whose lists are read in each of the two steps: more would change the ranking little. */
const sampleMax = 32;

/** Lists read at once. */
const readingMax = 8;

/** Suggestions of each kind. */
const perKindMax = 10;

/** Looked at of each kind: some may have closed their accounts. */
const candidatesPerKind = perKindMax + 5;

/** What has been found after this long is shown. */
const searchMsMax = 4_000;

/** How long the candidates' records are looked for; whose record is not found by then is suggested. */
const standingMsMax = 1_500;

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

/** Makes suggestions. */
export class Recommender {
  readonly #parts: RecommenderParts;

  /** The suggestions of one session. */
  constructor(parts: RecommenderParts) {
    this.#parts = parts;
  }

  /** Suggestions, best first within each kind, no user twice. Takes 4 s at most. */
  async suggest(signal?: AbortSignal): Promise<SuggestionView[]> {
    const { session } = this.#parts;
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
      const sample = shuffled(followed, ports.random).slice(0, sampleMax);
      const followers = await this.#readLists(sample, "followers", until);
      for (const one of await this.#standing(know(followers, excluded), until)) add(one);
      const similar = await this.#similar(followers, followed, until);
      for (const one of await this.#standing(interest(similar, excluded), until)) add(one);
    }
    if (found.length > 0) return found;
    return await this.#standing(await this.#popular(excluded, until), until);
  }

  /** The best of the candidates, without those who have closed their accounts: lists go on naming them. */
  async #standing(
    candidates: readonly SuggestionView[],
    until: AbortSignal,
  ): Promise<SuggestionView[]> {
    const { people, session: { ports: { clock } } } = this.#parts;
    const closed = new Set<string>();
    await within({ clock, ms: standingMsMax }, async (limit) => {
      await mapBounded(candidates, readingMax, async ({ username }) => {
        if (limit.aborted) return;
        const person = await people.find(username, limit).catch(() => undefined);
        if (person?.public?.isClosed) closed.add(username);
      });
    }, until).catch(() => {}); // What has been found by the deadline is shown.
    return candidates.filter(({ username }) => !closed.has(username)).slice(0, perKindMax);
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
        // A user whose lists cannot be read contributes nothing.
      }
    });
    return read;
  }

  /** Users who follow the same as this user, and whom they follow besides; see {@linkcode interest}. */
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
    const best = ranked(overlap, sampleMax).flatMap((username) => users.get(username) ?? []);
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
    const counts = new Map<string, number>();
    for (const { username, followers } of sampled) {
      if (!isUsername(username) || excluded.has(username)) continue;
      counts.set(username, Math.max(followers, counts.get(username) ?? 0));
    }
    return ranked(counts, candidatesPerKind).map((username) => {
      const followers = counts.get(username);
      const reason = `followed by ${followers} ${followers === 1 ? "user" : "users"} nearby`;
      return { username, kind: "popular", reason };
    });
  }
}

/** The higher count first, then by name. */
function byCount(counts: ReadonlyMap<string, number>, a: string, b: string): number {
  return (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || (a < b ? -1 : 1);
}

/** The names with the highest counts, at most so many. */
function ranked(counts: ReadonlyMap<string, number>, namesMax: number): string[] {
  return [...counts.keys()].sort((a, b) => byCount(counts, a, b)).slice(0, namesMax);
}

/** The names, the first few spelt out. */
function spellOut(names: readonly string[]): string {
  const shown = names.slice(0, namesInReason);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(", ")} and ${more} more`;
  return shown.join(" and ");
}

/** The owners of the lists that name each user, without the users excluded. */
function ownersByName(
  lists: ReadonlyMap<string, readonly ListEntry[]>,
  excluded: ReadonlySet<string>,
): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const [owner, entries] of lists) {
    for (const { username } of entries) {
      const known = owners.get(username);
      if (known !== undefined) known.push(owner);
      else if (!excluded.has(username) && owners.size < candidatesMax) {
        owners.set(username, [owner]);
      }
    }
  }
  return owners;
}

/** People you may know: followers of the users you follow. */
function know(
  followers: ReadonlyMap<string, readonly ListEntry[]>,
  excluded: ReadonlySet<string>,
): SuggestionView[] {
  const owners = ownersByName(followers, excluded);
  const counts = new Map([...owners].map(([username, { length }]) => [username, length]));
  return ranked(counts, candidatesPerKind).map((username) => ({
    username,
    kind: "know",
    reason: `follows ${spellOut(owners.get(username)?.sort() ?? [])}, whom you follow`,
  }));
}

/** People who may interest you: followed by those who follow the same users; ranked by overlap. */
function interest(
  { overlap, following }: {
    overlap: ReadonlyMap<string, number>;
    following: ReadonlyMap<string, ListEntry[]>;
  },
  excluded: ReadonlySet<string>,
): SuggestionView[] {
  const followers = ownersByName(following, excluded);
  const scores = new Map<string, number>();
  for (const [username, names] of followers) {
    const score = names.reduce((sum, name) => sum + (overlap.get(name) ?? 0), 0);
    if (score > 0) scores.set(username, score);
  }
  return ranked(scores, candidatesPerKind).map((username) => {
    const names = followers.get(username)?.sort((a, b) => byCount(overlap, a, b)) ?? [];
    const shared = overlap.get(names[0] ?? "") ?? 0;
    const who = names.length === 1 ? "who shares" : "the first of whom shares";
    return {
      username,
      kind: "interest",
      reason: `followed by ${spellOut(names)}, ${who} ${shared} of the users you follow`,
    };
  });
}
