/**
 * What a user searches for: words, "phrases", beginnings of words (`wor*`), `#tags`, `@names`, `from:name`,
 * `since:2026-11-01`, `before:2026-12-01`, `sort:rank`. A post is found if it has all of them.
 *
 * Nothing that a user types is passed on as it is: what comes out of {@linkcode parseSearch} are terms.
 *
 * @module
 */

import { given } from "./arguments.ts";
import { CamelliaError } from "./errors.ts";
import { namedIn } from "./mentions.ts";
import type { Post } from "./post.ts";
import { firstSnowflakeAt } from "./snowflake.ts";
import { parseUsername } from "./username.ts";
import { tagsIn, type Term, termsOf } from "./words.ts";

/** The longest query, in UTF-16 units: a post's text fits in. */
const queryLengthMax = 1_000;

/** Parts of a query at most: the time that a search takes grows with them. */
const partsMax = 20;

/** Terms of one part at most: a phrase of 500 characters in a script without spaces fits in. */
const termsOfPartMax = 500;

/** Letters that a beginning of a word has at least: fewer stand for too many words. */
const beginningLengthMin = 2;

/** Terms that must follow one another in a post. */
export interface SearchPart {
  /** At least one; see {@linkcode searchTerms} for what they look like. */
  readonly terms: readonly string[];
  /** Whether the last one is only the beginning of a term. */
  readonly isBeginning: boolean;
}

/** What is searched for. */
export interface SearchQuery {
  /** All of them must be in a post. */
  readonly parts: readonly SearchPart[];
  /** Users of whom one must be the author; none: any author will do. */
  readonly authors: readonly string[];
  /** Only posts with this id or a higher one. */
  readonly since?: bigint;
  /** Only posts with a lower id. */
  readonly before?: bigint;
  /** What comes first: the newest, or what fits best. */
  readonly sort: "newest" | "rank";
}

function refused(why: string): CamelliaError {
  return new CamelliaError("invalid_argument", `Cannot search: ${why}.`);
}

/** What a user typed, short enough to be repeated in a message. */
function quoted(typed: string): string {
  return JSON.stringify(typed.length > 40 ? `${typed.slice(0, 40)}…` : typed);
}

const timePattern =
  /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;

/** Unix time in milliseconds of an ISO 8601 day or time; UTC unless it says otherwise. */
function parseTime(operator: string, typed: string): number {
  const [, day = "", time = "00:00", zone = "Z"] = timePattern.exec(typed) ?? [];
  const ms = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  // A day that does not exist, such as February 30, must not become another day.
  const isDay = Date.parse(day) >= 0 && new Date(Date.parse(day)).toISOString().startsWith(day);
  if (!isDay || Number.isNaN(ms)) {
    throw refused(
      `${operator}:${typed.slice(0, 40)} is no day or time. Write it as ` +
        `${operator}:2026-11-01 or ${operator}:2026-11-01T18:30, in UTC`,
    );
  }
  return ms;
}

/** A query that is being read. */
interface Draft {
  readonly parts: Map<string, SearchPart>;
  readonly authors: Set<string>;
  since?: bigint;
  before?: bigint;
  sort: SearchQuery["sort"];
}

function readOperator(draft: Draft, operator: string, value: string): void {
  switch (operator) {
    case "from":
      draft.authors.add(parseUsername(value.replace(/^@/, "")));
      break;
    case "since": {
      const since = firstSnowflakeAt(parseTime(operator, value));
      if (draft.since === undefined || since > draft.since) draft.since = since;
      break;
    }
    case "before": {
      const before = firstSnowflakeAt(parseTime(operator, value));
      if (draft.before === undefined || before < draft.before) draft.before = before;
      break;
    }
    default:
      if (value !== "newest" && value !== "rank") {
        throw refused("what comes first is sort:newest or sort:rank");
      }
      draft.sort = value;
  }
}

/** The part that finds these terms one after another. */
function partOf(terms: readonly Term[], isBeginning: boolean): SearchPart {
  const words = terms.map(({ term }) => term);
  const [last, previous] = [terms.at(-1), terms.at(-2)];
  // A run goes on in a post where it ends in a query: its pairs are there, its end may not be.
  if (last?.run === "end" && previous?.run === "pair") {
    return { terms: words.slice(0, -1), isBeginning: false };
  }
  return { terms: words, isBeginning: isBeginning || last?.run === "end" };
}

function addPart(draft: Draft, typed: string, part: SearchPart): void {
  const { terms, isBeginning } = part;
  if (terms.length === 0) return;
  if (terms.length > termsOfPartMax) throw refused(`${quoted(typed)} is too long`);
  draft.parts.set(`${terms.join(" ")}${isBeginning ? "*" : ""}`, part);
}

function readWord(draft: Draft, typed: string): void {
  const isBeginning = typed.endsWith("*");
  const sigil = typed.replaceAll("＃", "#").charAt(0);
  const [name] = sigil === "#" ? tagsIn(typed) : sigil === "@" ? namedIn(typed) : [];
  if (name !== undefined) {
    return addPart(draft, typed, { terms: [sigil + name], isBeginning });
  }
  const terms = termsOf(typed);
  const last = terms.at(-1);
  if (isBeginning && last?.run === undefined && last !== undefined) {
    if ([...last.term].length < beginningLengthMin) {
      throw refused(
        `${quoted(typed)} stands for too many words. A beginning has at least ` +
          `${beginningLengthMin} letters`,
      );
    }
  }
  addPart(draft, typed, partOf(terms, isBeginning));
}

/** A phrase in quotation marks, which may lack the second one, or anything else up to the next space. */
const piecePattern = /"([^"]*)"?|([^\s"]+)/g;

const operatorPattern = /^(from|since|before|sort):(.*)$/is;

/**
 * Reads what a user typed. What has no letter, digit or emoji in it is passed over, and so are `AND`, `NEAR` and the
 * like: they are words as any other.
 *
 * @throws {CamelliaError} `invalid_argument` or `invalid_username`, in words for that user.
 */
export function parseSearch(typed: string): SearchQuery {
  if (typed.length > queryLengthMax) {
    throw refused(
      `the query has ${typed.length} characters; at most ${queryLengthMax} are allowed`,
    );
  }
  const draft: Draft = { parts: new Map(), authors: new Set(), sort: "newest" };
  // Keyboards put quotation marks of many shapes.
  for (const [, phrase, word = ""] of typed.replaceAll(/[“”„‟″]/g, '"').matchAll(piecePattern)) {
    const [, operator, value = ""] = operatorPattern.exec(word) ?? [];
    if (operator !== undefined) readOperator(draft, operator.toLowerCase(), value);
    else if (phrase === undefined) readWord(draft, word);
    else addPart(draft, phrase, partOf(termsOf(phrase), false));
  }
  const { authors, since, before, sort } = draft;
  const parts = [...draft.parts.values()];
  if (parts.length + authors.size > partsMax) {
    throw refused(`the query asks for more than ${partsMax} things at once`);
  }
  if (parts.length + authors.size === 0 && since === undefined && before === undefined) {
    throw refused(
      'the query has no word in it. Write words, "a phrase", the beginning of a word (camel*), ' +
        "#tag, @name, from:name, since:2026-11-01 or before:2026-12-01",
    );
  }
  return { parts, authors: [...authors], sort, ...given({ since, before }) };
}

/** The term that stands for a post's author. */
export function authorTerm(author: string): string {
  return `=${author}`;
}

/**
 * The terms by which a post is found, in this order: those of its warning, its author (`=bob`), its tags (`#tag`)
 * and the users it names (`@bob`), those of its text. No word has one of these signs in it, so no phrase reaches
 * from warning to text. A repost has the text of what it passes on; a delete has none, and is never found.
 */
export function searchTerms({ author, text, warning, repostOf }: Post): string[] {
  const shown = repostOf?.text ?? text;
  const hidden = repostOf === undefined ? warning : repostOf.warning;
  return [
    ...(hidden === undefined ? [] : termsOf(hidden).map(({ term }) => term)),
    authorTerm(author),
    ...tagsIn(shown).map((tag) => `#${tag}`),
    ...(shown.includes("@") ? namedIn(shown).map((name) => `@${name}`) : []),
    ...termsOf(shown).map(({ term }) => term),
  ];
}

/** How often a part is in the terms of a post. */
function countOf({ terms, isBeginning }: SearchPart, all: readonly string[]): number {
  const last = terms.length - 1;
  let count = 0;
  for (let at = 0; at + last < all.length; at++) {
    const isHere = terms.every((term, i) =>
      i === last && isBeginning ? all[at + i]?.startsWith(term) : all[at + i] === term
    );
    if (isHere) count++;
  }
  return count;
}

/** Whether a post is what is searched for; the index answers this for all posts at once. */
export function isFound(query: SearchQuery, post: Post): boolean {
  const { parts, authors, since, before } = query;
  if (post.deletes !== undefined) return false;
  if (authors.length > 0 && !authors.includes(post.author)) return false;
  if (since !== undefined && post.id < since) return false;
  if (before !== undefined && post.id >= before) return false;
  const terms = searchTerms(post);
  return parts.every((part) => countOf(part, terms) > 0);
}

/** Posts that `sort:rank` chooses among at most: the newest that are found. */
export const rankedMax = 500;

/** BM25 (Robertson and Zaragoza 2009): how soon repeating a word says nothing more, and how much length counts. */
const saturation = 1.2;
const lengthWeight = 0.75;

/** Terms of an ordinary post. */
const usualLength = 20;

/**
 * How well a post that is found fits: BM25 without the part for rare words, which would be the same for all,
 * because each post has all parts.
 */
function fitOf({ parts }: SearchQuery, post: Post): number {
  const terms = searchTerms(post);
  const length = 1 - lengthWeight + lengthWeight * terms.length / usualLength;
  return parts.reduce((sum, part) => {
    const count = countOf(part, terms);
    // A whole word says more than the beginning of a longer one.
    const whole = part.isBeginning ? countOf({ ...part, isBeginning: false }, terms) : count;
    const weighed = (count + whole) / 2;
    return sum + weighed * (saturation + 1) / (weighed + saturation * length);
  }, 0);
}

/** Posts that are found, given newest first: what fits best comes first, of equals the newest. */
export function ranked(query: SearchQuery, posts: readonly Post[]): Post[] {
  return posts.map((post) => ({ post, fit: fitOf(query, post) }))
    .sort((a, b) => b.fit - a.fit).map(({ post }) => post);
}
