/**
 * People in a simulation who talk to one another, and the truth about it: who follows, who said what to whom, what
 * was taken back. What each of them has to see follows from that.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { NotificationView, PostNameView, PostView } from "../../core/api.ts";
import type { SimMachine } from "../sim/peers.ts";
import { SimWorld } from "../sim/peers.ts";

/** A post as its author made it. */
export interface Said {
  readonly post: PostView;
  /** What it replies to, or what it passes on. */
  readonly about: Said | undefined;
  readonly isRepost: boolean;
}

/** One of them. */
export interface Person {
  readonly name: string;
  readonly machine: SimMachine;
  readonly follows: Set<string>;
  /** Whom the person has ever followed: those were told of it. */
  readonly followed: Set<string>;
  readonly blocked: Set<string>;
  readonly mutedWords: Set<string>;
}

/** What a person is shown, each thing in a word or two. */
export interface Sight {
  /** The timeline, newest first. */
  readonly timeline: readonly string[];
  /** What the person was told of, sorted. */
  readonly notifications: readonly string[];
  /** What strangers said, sorted. */
  readonly requests: readonly string[];
}

/** A post in a word or two. */
export function brief({ author, text, repost_of: original }: PostView): string {
  return `${author}: ${original === undefined ? text : `[${brief(original)}]`}`;
}

/** Told in a word or two. */
function told({ kind, from, post }: NotificationView): string {
  return post === null ? `${kind} ${from}` : `${kind} ${brief(post)}`;
}

/** See the module. */
export class Evening {
  readonly world: SimWorld;
  readonly people: ReadonlyMap<string, Person>;
  readonly said: Said[] = [];
  readonly deleted: Set<Said> = new Set();

  private constructor(world: SimWorld, people: ReadonlyMap<string, Person>) {
    this.world = world;
    this.people = people;
  }

  /** People who have registered, each on a machine of their own. */
  static async of(...names: string[]): Promise<Evening> {
    const world = new SimWorld({ seed: 20261127 });
    const machines = await world.register(...names);
    const people = new Map<string, Person>();
    for (const [i, machine] of machines.entries()) {
      const name = names[i] ?? "";
      const follows = new Set<string>();
      const followed = new Set<string>();
      people.set(name, {
        ...{ name, machine, follows, followed, blocked: new Set(), mutedWords: new Set() },
      });
    }
    return new Evening(world, people);
  }

  /** A person by name. */
  person(name: string): Person {
    return this.people.get(name) ?? assert.fail(`there is no ${name}`);
  }

  /** The peer of a person. */
  peer(name: string): SimMachine["peer"] {
    return this.person(name).machine.peer;
  }

  /** Lets time pass until something is done. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.world.run(promise);
  }

  async follow(name: string, ...others: string[]): Promise<void> {
    for (const username of others) {
      const { acknowledged } = await this.run(this.peer(name).follow({ username }));
      assert.ok(acknowledged);
      this.person(name).follows.add(username);
      this.person(name).followed.add(username);
    }
  }

  /** Someone says something, a moment after what was said before. */
  async say(author: string, text: string, about?: Said): Promise<Said> {
    await this.world.clock.advance(20);
    const replyTo = about?.post;
    // People answer what they have read.
    if (replyTo !== undefined) await this.#has(author, replyTo);
    const draft = replyTo === undefined ? { text } : { text, replyTo: nameOf(replyTo) };
    const post = await this.run(this.peer(author).post(draft));
    return this.#note({ post, about, isRepost: false });
  }

  async repost(author: string, about: Said): Promise<Said> {
    await this.world.clock.advance(20);
    await this.#has(author, about.post);
    const post = await this.run(this.peer(author).repost(nameOf(about.post)));
    return this.#note({ post, about, isRepost: true });
  }

  async delete(said: Said): Promise<void> {
    const { author, id } = said.post;
    assert.deepEqual(await this.run(this.peer(author).deletePosts({ ids: [id] })), [id]);
    this.deleted.add(said);
  }

  /** Blocks: neither of the two follows the other afterwards, as far as the blocker is concerned. */
  async block(name: string, other: string): Promise<void> {
    await this.run(this.peer(name).block({ username: other }));
    const person = this.person(name);
    person.blocked.add(other);
    person.follows.delete(other);
  }

  async muteWord(name: string, word: string): Promise<void> {
    await this.run(this.peer(name).mute({ what: word, kind: "word" }));
    this.person(name).mutedWords.add(word);
  }

  async #has(name: string, post: PostView): Promise<void> {
    const thread = () => this.peer(name).thread({ ...nameOf(post), local: true });
    const isHere = async () =>
      await thread().then(({ posts }) => posts.some(({ id }) => id === post.id), () => false);
    await this.world.until(`${name} has ${brief(post)}`, isHere);
  }

  #note(said: Said): Said {
    this.said.push(said);
    return said;
  }

  /** Whether a person wants to see a post, wherever it may come to stand. */
  #isWanted(to: Person, { post, about, isRepost }: Said): boolean {
    if (to.blocked.has(post.author)) return false;
    if (post.author !== to.name && [...to.mutedWords].some((word) => post.text.includes(word))) {
      return false;
    }
    return !isRepost || about === undefined || this.#isWanted(to, about);
  }

  /** Whether a post, or what it passes on, was taken back. */
  isGone(said: Said): boolean {
    const { about, isRepost } = said;
    return this.deleted.has(said) || (isRepost && about !== undefined && this.isGone(about));
  }

  /** What a person has to see, by what was said. */
  expected(name: string): Sight {
    const to = this.person(name);
    const notifications: string[] = [];
    const requests: string[] = [];
    for (const one of this.people.values()) {
      const isTold = one.followed.has(name) && !to.blocked.has(one.name);
      if (isTold) notifications.push(`follow ${one.name}`);
    }
    const wanted = this.said.filter((said) => this.#isWanted(to, said));
    for (const said of wanted) {
      const { post, about, isRepost } = said;
      const isAbout = about?.post.author === name || post.root?.author === name;
      if (post.author === name || !(isAbout || post.mentions?.includes(name))) continue;
      const kind = isAbout ? isRepost ? "repost" : "reply" : "mention";
      const isKnown = to.follows.has(post.author) || this.person(post.author).follows.has(name);
      const line = `${kind} ${this.isGone(said) ? post.author : brief(post)}`;
      (isKnown ? notifications : requests).push(line);
    }
    const timeline = wanted
      .filter((said) => !this.isGone(said))
      .filter(({ post: { author } }) => author === name || to.follows.has(author))
      .map(({ post }) => brief(post));
    return {
      timeline: timeline.reverse(),
      notifications: notifications.sort(),
      requests: requests.sort(),
    };
  }

  /** What a person sees. */
  async sight(name: string): Promise<Sight> {
    const { machine } = this.person(name);
    const [timeline, { notifications }, { requests }] = await this.run(Promise.all([
      machine.timeline(),
      machine.peer.notifications({ limit: 1000 }),
      machine.peer.requests({ limit: 1000 }),
    ]));
    return {
      timeline: timeline.map(brief),
      notifications: notifications.map(told).sort(),
      requests: requests.map(told).sort(),
    };
  }

  /** Waits until everyone sees what they have to see; says what differs where they do not. */
  async settle(): Promise<void> {
    await this.world.clock.advance(30_000);
    for (const name of this.people.keys()) {
      assert.deepEqual(await this.sight(name), this.expected(name), `what ${name} sees`);
    }
  }
}

/** The name of a post. */
export function nameOf({ author, id }: PostNameView): PostNameView {
  return { author, id };
}
