/**
 * What the user has muted and blocked, as the other parts ask for it. Both stay on this device: no other user
 * learns of them.
 *
 * @module
 */

import type { MuteRequest, MuteView, PostView } from "../api.ts";
import { given } from "../model/arguments.ts";
import { equalBytes } from "../model/bytes.ts";
import { CamelliaError } from "../model/errors.ts";
import {
  type Block,
  blocksMax,
  type Mute,
  mutedWordLengthMax,
  type MuteKind,
  mutesMax,
} from "../model/mute.ts";
import type { PostName } from "../model/post.ts";
import { rootOf } from "../model/post.ts";
import { parseSnowflakeText } from "../model/snowflake.ts";
import { threadName } from "../model/thread.ts";
import { isUsername, parseUsername } from "../model/username.ts";
import type { UserRef } from "../model/user.ts";
import type { People, Session } from "../session/interfaces.ts";
import { keptPost } from "../session/kept_post.ts";
import { Mutex } from "../../lib/slots.ts";
import { WordMatcher } from "./word_matcher.ts";

/** What {@linkcode Mutes} need. */
export interface MutesParts {
  /** The session. */
  readonly session: Session;
  /** Which words are names of known users. */
  readonly people: Pick<People, "pin">;
}

/** See the module. */
export class Mutes {
  readonly #parts: MutesParts;
  readonly #mutex = new Mutex();
  /** By kind and what. */
  readonly #mutes = new Map<string, Mute>();
  readonly #blocks = new Map<string, Block>();
  /** Made anew when it is needed after a change. */
  #matcher: WordMatcher | undefined;
  /** When the first mute that is not for good ends. */
  #nextEnd = Infinity;
  #version = 0;

  /** Nothing is muted before {@linkcode load}. */
  constructor(parts: MutesParts) {
    this.#parts = parts;
  }

  /** Takes in what earlier sessions stored. */
  async load(): Promise<void> {
    const { store } = this.#parts.session;
    for (const mute of await store.unwanted.mutes()) this.#mutes.set(nameOf(mute), mute);
    for (const block of await store.unwanted.blocks()) this.#blocks.set(block.username, block);
    this.#changed();
  }

  /** Whether a post is not shown: of itself, or for the post that it passes on. Own posts always are. */
  hides(post: PostView): boolean {
    if (post.author === this.#parts.session.self.username) return false;
    this.#forgetEnded();
    return this.#hides(post) || (post.repost_of !== undefined && this.#hides(post.repost_of));
  }

  /** Whether what a user does is not shown. */
  hidesUser(username: string): boolean {
    this.#forgetEnded();
    return this.#mutes.has(nameOf({ kind: "user", what: username })) || this.#blocks.has(username);
  }

  /** Whether nothing is muted and no user is blocked. */
  get hidesNothing(): boolean {
    this.#forgetEnded();
    return this.#mutes.size === 0 && this.#blocks.size === 0;
  }

  /** Another number whenever what is hidden has changed. */
  get version(): number {
    this.#forgetEnded();
    return this.#version;
  }

  /** Whether nothing is taken from a user: by the name, or by the key where that is known. */
  isBlocked({ username, key }: UserRef): boolean {
    if (this.#blocks.size === 0) return false;
    if (this.#blocks.has(username)) return true;
    return this.#blocks.values().some((block) =>
      block.key !== undefined && equalBytes(block.key, key)
    );
  }

  /** Whether the user has blocked someone of that name. */
  blocksName(username: string): boolean {
    return this.#blocks.has(username);
  }

  /** What is muted, by kind and what. */
  list(): MuteView[] {
    this.#forgetEnded();
    return [...this.#mutes.values()].map(muteView)
      .sort((a, b) => a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.what < b.what ? -1 : 1);
  }

  /** Names of the blocked users, sorted. */
  blocked(): string[] {
    return [...this.#blocks.keys()].sort();
  }

  /**
   * Mutes, in place of an earlier mute of the same.
   *
   * @throws {CamelliaError} `invalid_argument`, `invalid_username`, or what the database fails with.
   */
  async mute({ what, kind, forMs }: MuteRequest): Promise<MuteView> {
    const named = await this.#resolve(what, kind);
    const { session } = this.#parts;
    if (named.kind === "user" && named.what === session.self.username) {
      throw refused("mute", "your own posts cannot be muted.");
    }
    const until = forMs === undefined ? undefined : Math.floor(session.ports.clock.now()) + forMs;
    const mute = { ...named, ...given({ until }) };
    return await this.#mutex.run(async () => {
      this.#forgetEnded();
      if (this.#mutes.size >= mutesMax && !this.#mutes.has(nameOf(mute))) {
        throw refused(
          "mute",
          `${mutesMax} mutes are the most there can be. Unmute something first.`,
        );
      }
      await session.store.unwanted.putMute(mute);
      this.#mutes.set(nameOf(mute), mute);
      this.#changed();
      return muteView(mute);
    });
  }

  /**
   * Shows again what was muted.
   *
   * @throws {CamelliaError} `invalid_argument` where it is not muted, or what the database fails with.
   */
  async unmute({ what, kind }: MuteRequest): Promise<MuteView> {
    const named = await this.#resolve(what, kind);
    return await this.#mutex.run(async () => {
      this.#forgetEnded();
      const word: Mute = { kind: "word", what: what.trim() };
      // A word may have become the name of a known user since it was muted.
      const mute = this.#mutes.get(nameOf(named)) ??
        (kind === undefined ? this.#mutes.get(nameOf(word)) : undefined);
      if (mute === undefined) {
        throw refused("unmute", `${named.kind} ${JSON.stringify(named.what)} is not muted.`);
      }
      await this.#parts.session.store.unwanted.dropMute(mute);
      this.#mutes.delete(nameOf(mute));
      this.#changed();
      return muteView(mute);
    });
  }

  /**
   * Takes nothing from a user any more. The caller unfollows and removes the user from the followers.
   *
   * @throws {CamelliaError} `invalid_argument`, or what the database fails with.
   */
  async block(block: Block): Promise<void> {
    await this.#mutex.run(async () => {
      if (this.#blocks.size >= blocksMax && !this.#blocks.has(block.username)) {
        throw refused("block", `${blocksMax} blocks are the most there can be.`);
      }
      await this.#parts.session.store.unwanted.putBlock(block);
      this.#blocks.set(block.username, block);
      this.#changed();
    });
  }

  /**
   * Takes what a user sends again.
   *
   * @throws {CamelliaError} `invalid_argument` where the user is not blocked, or what the database fails with.
   */
  async unblock(username: string): Promise<void> {
    await this.#mutex.run(async () => {
      if (!this.#blocks.has(username)) throw refused("unblock", `${username} is not blocked.`);
      await this.#parts.session.store.unwanted.dropBlock(username);
      this.#blocks.delete(username);
      this.#changed();
    });
  }

  #hides({ author, id, text, warning = "", reply_to, root }: PostView): boolean {
    if (this.hidesUser(author)) return true;
    const thread = threadName(root ?? reply_to ?? { author, id });
    return this.#mutes.has(nameOf({ kind: "thread", what: thread })) ||
      this.#words().isIn(`${warning}\n${text}`);
  }

  #words(): WordMatcher {
    const words = this.#mutes.values().filter(({ kind }) => kind === "word");
    return this.#matcher ??= new WordMatcher(words.map(({ what }) => what));
  }

  /** What a person means by a word. */
  async #resolve(typed: string, kind?: MuteKind): Promise<Pick<Mute, "kind" | "what">> {
    const what = typed.trim();
    const post = readName(what);
    const name = what.replace(/^@/, "").toLowerCase();
    const { people } = this.#parts;
    if (kind === "thread" || (kind === undefined && post !== undefined)) {
      if (post === undefined) throw refused("mute", `${shown(what)} is not AUTHOR/ID of a post.`);
      return { kind: "thread", what: await this.#threadOf(post) };
    }
    const isName = what.startsWith("@") || (isUsername(name) && people.pin(name) !== undefined);
    if (kind === "user" || (kind === undefined && isName)) {
      return { kind: "user", what: parseUsername(name) };
    }
    if (!/\S/.test(what.replace(/[\p{Cc}\p{Cf}]/gu, "")) || !what.isWellFormed()) {
      throw refused("mute", "the word is empty. Name a @user, a word, or AUTHOR/ID of a post.");
    }
    if (what.length > mutedWordLengthMax) {
      throw refused("mute", `the word is longer than ${mutedWordLengthMax} characters.`);
    }
    return { kind: "word", what };
  }

  /** The thread that a post belongs to, as far as that post is here. */
  async #threadOf(name: PostName): Promise<string> {
    const { store } = this.#parts.session;
    const post = await keptPost(store, name);
    const { author, id } = post === undefined ? name : rootOf(post.repostOf ?? post);
    return threadName({ author, id });
  }

  #forgetEnded(): void {
    const { clock } = this.#parts.session.ports;
    if (this.#nextEnd > clock.now()) return;
    for (const [name, mute] of this.#mutes) {
      if (mute.until === undefined || mute.until > clock.now()) continue;
      this.#mutes.delete(name);
      // Where the disk fails it is forgotten again after the next start.
      this.#parts.session.store.unwanted.dropMute(mute).catch(() => {});
    }
    this.#changed();
  }

  #changed(): void {
    this.#matcher = undefined;
    this.#version++;
    this.#nextEnd = this.#mutes.values()
      .reduce((first, { until = Infinity }) => Math.min(first, until), Infinity);
  }
}

function nameOf({ kind, what }: Pick<Mute, "kind" | "what">): string {
  return `${kind} ${what}`;
}

function readName(text: string): PostName | undefined {
  const [author = "", idText = "", ...rest] = text.split("/");
  const id = parseSnowflakeText(idText);
  const name = author.replace(/^@/, "").toLowerCase();
  if (rest.length > 0 || id === undefined || !isUsername(name)) return undefined;
  return { author: name, id };
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function muteView({ kind, what, until }: Mute): MuteView {
  return { kind, what, until: until === undefined ? null : new Date(until).toISOString() };
}

function refused(what: string, why: string): CamelliaError {
  return new CamelliaError("invalid_argument", `Cannot ${what}: ${why}`);
}
