/**
 * The index of a user's posts: an SQLite database beside the Deno KV database, with the words of the posts
 * (FTS5), their places in threads, and nothing of their texts.
 *
 * All here is synchronous and may throw what SQLite throws; `index_upkeep.ts` deals with that, and keeps the index in
 * step with the posts.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Post, type PostName, postOrder, rootOf } from "../core/model/post.ts";
import { authorTerm, type SearchQuery, searchTerms } from "../core/model/search_query.ts";
import { parseSnowflake, snowflakeMax } from "../core/model/snowflake.ts";
import type { PostPlace } from "./layout.ts";

/** What the tables look like. An index of another version is thrown away. */
const indexVersion = 1;

/** KiB of pages that SQLite keeps in memory: half of its default. A search touches some 20 pages. */
const cacheKiB = 1_000;

/** The bits of an id below its millisecond. */
const withinMsBits = 22n;
const withinMsMax = (1n << withinMsBits) - 1n;

/**
 * `row` is the id of the post, or where two authors have posts of one id a free number of the same millisecond. So
 * rows are in the order of time, and SQLite finds the newest without sorting. `id` is there where it is not
 * the row. FTS5 keeps no copy of the texts (`content=''`); the tokenizer takes every term as it is, because
 * `core/model/words.ts` has cut and folded the text already.
 */
const tables = `
  BEGIN;
  CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE posts(
    row INTEGER PRIMARY KEY, id INTEGER, author TEXT NOT NULL, number INTEGER NOT NULL,
    root_author TEXT, root_id INTEGER, reply_author TEXT, reply_id INTEGER
  ) STRICT;
  CREATE INDEX displaced ON posts(id) WHERE id IS NOT NULL;
  CREATE INDEX threads ON posts(root_id, root_author) WHERE root_id IS NOT NULL;
  CREATE INDEX replies ON posts(reply_id, reply_author) WHERE reply_id IS NOT NULL;
  CREATE VIRTUAL TABLE texts USING fts5(
    terms, content='', contentless_delete=1, tokenize="ascii tokenchars '#@=_'"
  );
  PRAGMA user_version = ${indexVersion};
  COMMIT;
`;

/** A row as a search finds it. */
interface Row {
  readonly row: bigint;
  readonly id: bigint | null;
  readonly author: string;
  readonly number: bigint;
}

/** Values that outlive the process. */
export interface IndexState {
  /** The number of the last change of posts that the index has in it. */
  readonly change?: bigint;
  /** While it is being built: posts with this id and higher ones are in it. */
  readonly builtDownTo?: bigint;
  /** Posts of the database at that change, as the database counts them. */
  readonly total?: bigint;
}

/** Which rows a search looks at, ids both included. */
interface Bounds {
  readonly from: bigint;
  readonly to: bigint;
}

/** The query in FTS5's language. Each term stands in quotation marks, and no term has one in it. */
function matchOf({ parts, authors }: SearchQuery): string | undefined {
  const all = parts.map(({ terms, isBeginning }) =>
    `"${terms.join(" ")}"${isBeginning ? " *" : ""}`
  );
  if (authors.length > 0) {
    all.push(`(${authors.map((author) => `"${authorTerm(author)}"`).join(" OR ")})`);
  }
  return all.length === 0 ? undefined : all.join(" AND ");
}

function msOf(id: bigint): bigint {
  return id >> withinMsBits;
}

/**
 * From one number tried to the next: odd, so that all 2^22 of a millisecond come up, and another for each author, so
 * that many authors with posts of one id (as authors can arrange) are soon apart. FNV-1a.
 */
function stepOf(author: string): bigint {
  let hash = 0x811c9dc5;
  for (let at = 0; at < author.length; at++) {
    hash = Math.imul(hash ^ author.charCodeAt(at), 0x01000193);
  }
  return BigInt((hash >>> 0) | 1);
}

function placeOf({ row, id, author, number }: Row): PostPlace {
  const ownId = id ?? row;
  return { author, id: ownId, device: parseSnowflake(ownId).device, number: Number(number) };
}

/** One user's index. */
export class PostIndex {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Whether a post may have a row that is not its id. */
  #hasDisplaced = true;

  /** Opens the file, which must be there, and makes the tables if it is empty. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    try {
      // No other program opens it, so that SQLite needs no file for what processes share.
      this.#database.exec(
        `PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;
         PRAGMA cache_size = -${cacheKiB}`,
      );
      const { version } = this.#row("SELECT user_version AS version FROM pragma_user_version") as {
        version: bigint;
      };
      if (version === 0n) this.#database.exec(tables);
      else if (version !== BigInt(indexVersion)) {
        throw new Error(`the index has the version ${version}`);
      }
      this.#hasDisplaced = this.#row("SELECT 1 FROM posts WHERE id IS NOT NULL") !== undefined;
      // What is not on the disk after a power cut is indexed anew; what is there is sound.
      this.#database.exec("PRAGMA synchronous = NORMAL");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** What it has of a database; all is absent in a new index. */
  state(): IndexState {
    const rows = this.#all("SELECT name, value FROM state") as { name: string; value: bigint }[];
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  /** Writes values, in the transaction that is open. Those that are undefined are removed. */
  setState(state: { readonly [Name in keyof IndexState]: bigint | undefined }): void {
    for (const [name, value] of Object.entries(state)) {
      if (value === undefined) this.#run("DELETE FROM state WHERE name = ?", name);
      else this.#run("INSERT OR REPLACE INTO state VALUES (?, ?)", name, value);
    }
  }

  /** Opens a transaction, unless one is open. */
  begin(): void {
    if (!this.#database.isTransaction) this.#database.exec("BEGIN");
  }

  /** Ends the transaction that is open, if one is. */
  commit(): void {
    if (this.#database.isTransaction) this.#database.exec("COMMIT");
  }

  /** Takes a post in; whether it was not there. A delete has nothing to be found by. */
  add(post: Post): boolean {
    if (post.deletes !== undefined) return false;
    if (this.#hasDisplaced && this.#rowOf(post) !== undefined) return false;
    let row = post.id;
    if (!this.#insert(row, post)) {
      if (this.#rowOf(post) !== undefined) return false;
      this.#hasDisplaced = true;
      // Another author has a post of that id, or one that gave way to it.
      const step = stepOf(post.author);
      do row = (msOf(row) << withinMsBits) | ((row + step) & withinMsMax); while (
        !this.#insert(row, post)
      );
    }
    this.#run("INSERT INTO texts(rowid, terms) VALUES (?, ?)", row, searchTerms(post).join(" "));
    return true;
  }

  #insert(row: bigint, post: Post): boolean {
    const { id, author, number, replyTo } = post;
    const root = replyTo === undefined ? undefined : rootOf(post);
    const { changes } = this.#run(
      "INSERT OR IGNORE INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      row,
      row === id ? null : id,
      author,
      number,
      root?.author ?? null,
      root?.id ?? null,
      replyTo?.author ?? null,
      replyTo?.id ?? null,
    );
    return Number(changes) > 0;
  }

  /** Takes a post out; whether it was there. */
  remove(name: PostName): boolean {
    const row = this.#rowOf(name);
    if (row === undefined) return false;
    this.#run("DELETE FROM texts WHERE rowid = ?", row);
    this.#run("DELETE FROM posts WHERE row = ?", row);
    return true;
  }

  #rowOf({ author, id }: PostName): bigint | undefined {
    const found = this.#row(
      "SELECT row FROM posts WHERE row = ? AND author = ? AND id IS NULL",
      id,
      author,
    ) ?? this.#row("SELECT row FROM posts WHERE id = ? AND author = ?", id, author);
    return (found as { row: bigint } | undefined)?.row;
  }

  /** Posts in it. */
  count(): number {
    return Number((this.#row("SELECT count(*) AS count FROM posts") as { count: bigint }).count);
  }

  /**
   * Places of the newest posts that are found, newest first. There are more than `limit` only where the last ones are
   * of one millisecond; there are fewer only where no more are found.
   */
  search(query: SearchQuery, limit: number): PostPlace[] {
    const { since = 0n, before = snowflakeMax + 1n } = query;
    if (before <= since || before <= 0n) return [];
    const match = matchOf(query);
    const sql = match === undefined
      ? "SELECT row, id, author, number FROM posts WHERE row >= ? AND row <= ? ORDER BY row DESC"
      : "SELECT p.row, p.id, p.author, p.number FROM texts JOIN posts AS p ON p.row = texts.rowid " +
        "WHERE texts.rowid >= ? AND texts.rowid <= ? AND texts MATCH ? ORDER BY texts.rowid DESC";
    const bounds = { from: since, to: before - 1n };
    return this.#page(sql, bounds, limit, match === undefined ? [] : [match])
      .sort((a, b) => postOrder(b, a));
  }

  /** Places of the posts of a thread, newest first; as many as {@linkcode search} would give. */
  thread(root: PostName, before: bigint | undefined, limit: number): PostPlace[] {
    const bounds = { from: 0n, to: (before ?? snowflakeMax + 1n) - 1n };
    if (bounds.to < 0n) return [];
    const page = this.#page(
      "SELECT row, id, author, number FROM posts WHERE row >= ? AND row <= ? " +
        "AND root_id = ? AND root_author = ? ORDER BY row DESC",
      bounds,
      limit,
      [root.id, root.author],
    ).sort((a, b) => postOrder(b, a));
    const last = page.length < limit ? undefined : page.at(-1);
    const isOnPage = root.id <= bounds.to && (last === undefined || root.id >= last.id);
    const row = isOnPage ? this.#rowOf(root) : undefined;
    if (row !== undefined) {
      page.push(
        placeOf(this.#row("SELECT row, id, author, number FROM posts WHERE row = ?", row) as Row),
      );
    }
    return page.sort((a, b) => postOrder(b, a));
  }

  /** How many posts answer one directly. */
  replyCount({ author, id }: PostName): number {
    const { count } = this.#row(
      "SELECT count(*) AS count FROM posts WHERE reply_id = ? AND reply_author = ?",
      id,
      author,
    ) as { count: bigint };
    return Number(count);
  }

  /** Reads rows in the order of time, up to the end of a millisecond, because rows within one are in no order. */
  #page(
    sql: string,
    { from, to }: Bounds,
    limit: number,
    values: readonly (string | bigint)[],
  ): PostPlace[] {
    const page: PostPlace[] = [];
    let last: bigint | undefined;
    const first = msOf(from) << withinMsBits;
    const rows = this.#prepared(sql).iterate(first, to | withinMsMax, ...values);
    for (const found of rows as Iterable<unknown> as Iterable<Row>) {
      const place = placeOf(found);
      if (page.length >= limit && msOf(place.id) !== last) break;
      if (place.id < from || place.id > to) continue;
      page.push(place);
      last = msOf(place.id);
    }
    return page;
  }

  /**
   * One step in giving back what removed posts have left in the index of words; whether there is more to do.
   *
   * @param isFirst Whether a new round begins, which takes in all parts of the index.
   */
  tidy(isFirst: boolean): boolean {
    const changes = () =>
      (this.#row("SELECT total_changes() AS changes") as { changes: bigint }).changes;
    const before = changes();
    this.#run(
      "INSERT INTO texts(texts, rank) VALUES ('merge', ?)",
      isFirst ? -tidyPages : tidyPages,
    );
    // SQLite counts the statement itself as one change (its documentation of FTS5, section 6.8).
    return changes() - before >= 2n;
  }

  /** Closes it. What is in a transaction that is open is forgotten. */
  close(): void {
    this.#database.close();
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run(sql: string, ...values: Value[]): { readonly changes: number | bigint } {
    return this.#prepared(sql).run(...values);
  }

  #row(sql: string, ...values: Value[]): unknown {
    return this.#prepared(sql).get(...values);
  }

  #all(sql: string, ...values: Value[]): unknown[] {
    return this.#prepared(sql).all(...values);
  }
}

type Value = string | number | bigint | null;

/** Pages of 4 KiB that one step of {@linkcode PostIndex.tidy} writes: some 3 ms. */
const tidyPages = 100;
