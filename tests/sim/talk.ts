/**
 * What users do in conversations in a run of whole peers: they answer, pass on, delete, open threads, mute, and
 * block. Draws are made before anything is waited for, so that a seed tells one story.
 *
 * @module
 */

import type { MuteRequest, PostNameView, PostView } from "../../core/api.ts";
import { mentionsOf } from "../../core/model/mentions.ts";
import type { SimMachine } from "./peers.ts";
import type { SeededRandom } from "./random.ts";

/** Words that stand in some posts, and that users mute. */
export const talkWords = ["rain", "chess", "tea"] as const;

/** Something that a user of a machine does not want to see. */
export interface Unwanted {
  /** What it is: as muted, or a blocked user. */
  readonly kind: "user" | "word" | "thread" | "block";
  /** A username, a word, or AUTHOR/ID. */
  readonly what: string;
  /** How many events the machine had told when it was so. */
  readonly since: number;
}

/** What a run knows of conversations. */
export interface TalkTruth {
  /** Names of posts whose author has begun to delete them, and whether the peer said that it is done. */
  readonly deleted: Map<string, { readonly post: PostView; isDone: boolean }>;
  /** Names of reposts, and of the posts that they pass on. */
  readonly reposts: Map<string, string>;
  /** What users of machines have muted or blocked, as soon as they tried to. */
  readonly unwanted: Map<SimMachine, Unwanted[]>;
  /** `by whom`: users who tried to unfollow another. */
  readonly unfollowed: Set<string>;
  /** First posts of threads. */
  readonly roots: Map<string, PostNameView>;
}

/** A post's name as one word. */
export function nameOf({ author, id }: PostNameView): string {
  return `${author}/${id}`;
}

/** The thread that a post belongs to. */
export function threadOf(post: PostView): string {
  return nameOf(post.root ?? post.reply_to ?? post);
}

/** Whether a machine's user does not want to see a post, whoever may have sent it. */
export function isUnwanted(unwanted: readonly Unwanted[], post: PostView): boolean {
  const parts = post.repost_of === undefined ? [post] : [post, post.repost_of];
  return parts.some((part) =>
    unwanted.some(({ kind, what }) =>
      kind === "word"
        ? part.text.split(" ").includes(what)
        : what === (kind === "thread" ? threadOf(part) : part.author)
    )
  );
}

/** The users to whom a post speaks. */
export function addresseesIn({ author, text, reply_to, root, repost_of }: PostView): string[] {
  const named = [reply_to?.author, root?.author, repost_of?.author];
  const names = [...mentionsOf({ author, text }), ...named.filter((name) => name !== undefined)];
  return [...new Set(names)].filter((name) => name !== author);
}

/** What {@linkcode Talk} needs of a run. */
export interface TalkRun {
  /** Draws. */
  readonly random: SeededRandom;
  /** Users by name, with the posts that were acknowledged. */
  readonly acknowledged: ReadonlyMap<string, PostView[]>;
  /** A text that no other post has. */
  readonly text: (author: string) => string;
  /** Tells the story. */
  readonly note: (what: string, detail: string) => void;
  /** What may fail while faults last. */
  readonly expected: (error: unknown) => void;
}

/** See the module. */
export class Talk implements TalkTruth {
  readonly deleted = new Map<string, { readonly post: PostView; isDone: boolean }>();
  readonly reposts = new Map<string, string>();
  readonly unwanted = new Map<SimMachine, Unwanted[]>();
  readonly unfollowed = new Set<string>();
  readonly roots = new Map<string, PostNameView>();
  readonly #run: TalkRun;
  #hasBlocked = false;

  constructor(run: TalkRun) {
    this.#run = run;
  }

  /** A machine's user does one of these things. */
  step(machine: SimMachine, username: string): void {
    if (!machine.isReady) return;
    const { random } = this.#run;
    const [draw, choice] = [random.float(), random.float()];
    if (draw < 0.4) this.#reply(machine, username, choice);
    else if (draw < 0.55) this.#repost(machine, username, choice);
    else if (draw < 0.75) this.#delete(machine, username, choice);
    else if (draw < 0.87) this.#open(machine, username, choice);
    else if (draw < 0.97) this.#mute(machine, username, choice);
    else this.#block(machine, username, choice);
  }

  /** A post that a machine's user sees on the timeline or is told of, if there is any. */
  async #seen(machine: SimMachine, choice: number): Promise<PostView | undefined> {
    const { posts } = await machine.peer.timeline({ limit: 12 });
    const { notifications } = await machine.peer.notifications({ limit: 6 });
    const { requests } = await machine.peer.requests({ limit: 6 });
    const told = [...notifications, ...requests].map(({ post }) => post);
    const all = [...posts, ...told.filter((post) => post !== null)];
    return all[Math.floor(choice * all.length)];
  }

  #reply(machine: SimMachine, username: string, choice: number): void {
    const { text, note, expected, acknowledged } = this.#run;
    const said = text(username);
    note("reply", username);
    this.#seen(machine, choice).then(async (seen) => {
      if (seen === undefined || !machine.isReady) return;
      const { author, id } = seen.repost_of ?? seen;
      const post = await machine.peer.post({ text: said, replyTo: { author, id } });
      acknowledged.get(username)?.push(post);
      const root = post.root ?? post.reply_to ?? post;
      this.roots.set(nameOf(root), root);
    }).catch(expected);
  }

  #repost(machine: SimMachine, username: string, choice: number): void {
    const { note, expected, acknowledged } = this.#run;
    note("repost", username);
    this.#seen(machine, choice).then(async (seen) => {
      if (seen === undefined || !machine.isReady) return;
      const { author, id } = seen;
      const post = await machine.peer.repost({ author, id });
      if (post.repost_of !== undefined) this.reposts.set(nameOf(post), nameOf(post.repost_of));
      acknowledged.get(username)?.push(post);
    }).catch(expected);
  }

  #delete(machine: SimMachine, username: string, choice: number): void {
    const { note, expected, acknowledged } = this.#run;
    const mine = (acknowledged.get(username) ?? []).filter((post) =>
      !this.deleted.has(nameOf(post))
    );
    const post = mine[Math.floor(choice * mine.length)];
    if (post === undefined) return;
    note("delete", nameOf(post));
    const fate = { post, isDone: false };
    this.deleted.set(nameOf(post), fate);
    machine.peer.deletePosts({ ids: [post.id] }).then(() => fate.isDone = true, expected);
  }

  #open(machine: SimMachine, username: string, choice: number): void {
    const { note, expected } = this.#run;
    note("open a thread", username);
    this.#seen(machine, choice).then(async (seen) => {
      if (seen === undefined || !machine.isReady) return;
      await machine.peer.thread({ author: seen.author, id: seen.id });
    }).catch(expected);
  }

  #mute(machine: SimMachine, username: string, choice: number): void {
    const { note, expected, acknowledged } = this.#run;
    const others = [...acknowledged.keys()].filter((name) => name !== username);
    const roots = [...this.roots.keys()];
    const all: MuteRequest[] = [
      ...talkWords.map((what) => ({ kind: "word" as const, what })),
      ...others.slice(0, 2).map((what) => ({ kind: "user" as const, what })),
      ...roots.slice(0, 2).map((what) => ({ kind: "thread" as const, what })),
    ];
    const { kind = "word", what = "" } = all[Math.floor(choice * all.length)] ?? {};
    note("mute", `${kind} ${what} by ${username}`);
    const since = this.#add(machine, { kind, what });
    machine.peer.mute({ kind, what }).then(() => since(machine.events.length), expected);
  }

  #block(machine: SimMachine, username: string, choice: number): void {
    const { note, expected, acknowledged } = this.#run;
    if (this.#hasBlocked) return;
    this.#hasBlocked = true;
    const others = [...acknowledged.keys()].filter((name) => name !== username);
    const what = others[Math.floor(choice * others.length)] ?? "";
    note("block", `${what} by ${username}`);
    const since = this.#add(machine, { kind: "block", what });
    machine.peer.block({ username: what }).then(() => since(machine.events.length), expected);
  }

  /** Notes what a user tries not to see; what is returned says from which event on it is so. */
  #add(machine: SimMachine, { kind, what }: Omit<Unwanted, "since">): (events: number) => void {
    const list = this.unwanted.get(machine) ?? [];
    this.unwanted.set(machine, list);
    const at = list.push({ kind, what, since: Infinity }) - 1;
    return (since) => list[at] = { kind, what, since };
  }
}
