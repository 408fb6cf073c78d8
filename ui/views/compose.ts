/**
 * A post while it is written.
 *
 * The editor keeps text and cursor; here is what stands around it: the post that is answered, the count, what is
 * wrong, the draft, and names to complete.
 *
 * @module
 */

import type { PostNameView, PostView } from "../../core/api.ts";
import { mentionsMax, namedIn } from "../../core/model/mentions.ts";
import { postLength, postLengthMax, warningLengthMax } from "../../core/model/post_limits.ts";
import { type AuthorRow, authorRow } from "./authors.ts";
import { type Desk, problemOf } from "./desk.ts";
import { Draft, type DraftFiles, draftName } from "./drafts.ts";
import { type PostRow, postRow } from "./post_row.ts";

/** Names that are offered at once. */
export const candidatesMax = 8;

/** A post that is written, as it is shown. */
export interface ComposeView {
  /** The post that it answers; null where it answers none. Where that is not here, its row has no text. */
  readonly answers: { readonly author: AuthorRow; readonly row: PostRow | null } | null;
  /** The text, as the editor last gave it or as the draft had it. */
  readonly text: string;
  /** The content warning; empty for none. */
  readonly warning: string;
  /** Characters of the text, as a post counts them. */
  readonly length: number;
  /** The most that a post may have. */
  readonly lengthMax: number;
  /** `55 / 500`. */
  readonly count: string;
  /** What keeps the post from being sent, in a sentence; null where nothing does, or nothing was typed. */
  readonly problem: string | null;
  /** What the writer should know, in a sentence; null for nothing. */
  readonly notice: string | null;
  /** Whether it can be sent as it is. */
  readonly canSend: boolean;
  /** Where the text is kept: nowhere, because it is empty; soon; or on the disk. */
  readonly draft: "none" | "unsaved" | "saved";
  /** The same in words, such as `draft saved`; empty for none. */
  readonly draftText: string;
  /** `opening`: the draft is being read; `sent`: the post is published, and the editor can be closed. */
  readonly state: "opening" | "writing" | "sending" | "sent";
}

/** Names that would complete the one before the cursor. */
export interface Completion {
  /** Where the name begins, behind its `@`, in UTF-16 units. */
  readonly from: number;
  /** Where it ends: at the cursor. */
  readonly to: number;
  /** What can stand there, {@linkcode candidatesMax} at most: the users who are followed first. */
  readonly names: readonly string[];
}

/** The beginning of a name before the cursor, with where it begins; undefined where none stands there. */
export function nameBefore(
  text: string,
  cursor: number,
): { readonly from: number; readonly begin: string } | undefined {
  const found = /(?<![\p{L}\p{N}_@/.])@([A-Za-z0-9_]*)$/u.exec(text.slice(0, cursor));
  const begin = found?.[1];
  return begin === undefined
    ? undefined
    : { from: cursor - begin.length, begin: begin.toLowerCase() };
}

/** The text and the cursor once a name is completed. */
export function completed(
  text: string,
  { from, to }: Completion,
  name: string,
): { readonly text: string; readonly cursor: number } {
  const rest = text.slice(to);
  const space = rest === "" || /^[\p{L}\p{N}_]/u.test(rest) ? " " : "";
  const before = `${text.slice(0, from)}${name}${space}`;
  const isSpaced = space === "" && /^\s/.test(rest);
  return { text: before + rest, cursor: before.length + (isSpaced ? 1 : 0) };
}

/** What is written. */
export interface ComposeParts {
  /** Where drafts lie. */
  readonly files: DraftFiles;
  /** The post that is answered. */
  readonly replyTo?: PostNameView;
  /** That post, where it is at hand. */
  readonly post?: PostView;
}

/** A post that is written. */
export class Compose {
  readonly #desk: Desk;
  readonly #parts: ComposeParts;
  readonly #opened: Promise<void>;
  readonly #stop: () => void;
  #answered: PostView | undefined;
  #draft: Draft | undefined;
  #text = "";
  #warning = "";
  #state: ComposeView["state"] = "opening";
  #refused: string | null = null;
  #published: PostView | undefined;

  /** Opens the draft of such a post. */
  constructor(desk: Desk, parts: ComposeParts) {
    this.#desk = desk;
    this.#parts = parts;
    this.#answered = parts.post;
    // A peer that was gone is back: that it was gone keeps nothing from being sent.
    this.#stop = desk.onMissed(() => {
      this.#refused = null;
      desk.changed();
    });
    this.#opened = this.#open();
  }

  async #open(): Promise<void> {
    const { files, replyTo } = this.#parts;
    const name = draftName(this.#desk.self, replyTo);
    this.#draft = await Draft.open(files, this.#desk.time, name);
    this.#draft.onWritten = () => this.#desk.changed();
    // What was typed while the draft was read comes after it: neither is lost.
    const typed = this.#text;
    this.#text = this.#draft.text + typed;
    if (typed !== "") this.#draft.change(this.#text);
    this.#state = "writing";
    this.#desk.changed();
    if (replyTo === undefined || this.#answered !== undefined) return;
    const [post] = await this.#desk.api.postsNamed({ names: [replyTo] }).catch(() => []);
    this.#answered = post;
    this.#desk.changed();
  }

  /** Resolves once the draft was read. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  /** The post, once it is published. */
  get published(): PostView | undefined {
    return this.#published;
  }

  /** The post as it is now. */
  view(): ComposeView {
    const length = postLength(this.#text);
    const isEmpty = this.#text.trim() === "";
    const problem = this.#refused ?? this.#problem(length);
    return {
      answers: this.#answers(),
      text: this.#text,
      warning: this.#warning,
      length,
      lengthMax: postLengthMax,
      count: `${length} / ${postLengthMax}`,
      problem,
      notice: this.#notice(),
      canSend: !isEmpty && this.#problem(length) === null && this.#state === "writing",
      ...this.#draftView(isEmpty),
      state: this.#state,
    };
  }

  #answers(): ComposeView["answers"] {
    const { replyTo } = this.#parts;
    if (replyTo === undefined) return null;
    const post = this.#answered;
    const known = this.#desk.known({ isRevealed: () => true });
    return {
      author: authorRow(replyTo.author, known, post),
      row: post === undefined ? null : postRow(post, known),
    };
  }

  #problem(length: number): string | null {
    if (length > postLengthMax) {
      return `That has ${length} characters; a post has at most ${postLengthMax}`;
    }
    const warning = postLength(this.#warning);
    return warning <= warningLengthMax
      ? null
      : `The warning has ${warning} characters; at most ${warningLengthMax} are allowed`;
  }

  #notice(): string | null {
    const named = namedIn(this.#text).length;
    return named <= mentionsMax
      ? null
      : `Of the ${named} users with @, only the first ${mentionsMax} are told`;
  }

  #draftView(isEmpty: boolean): Pick<ComposeView, "draft" | "draftText"> {
    if (isEmpty || this.#state === "sent") return { draft: "none", draftText: "" };
    return this.#draft?.isWritten
      ? { draft: "saved", draftText: "draft saved" }
      : { draft: "unsaved", draftText: "draft not saved yet" };
  }

  /** The text has changed. */
  change(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#refused = null;
    this.#draft?.change(text);
    this.#desk.changed();
  }

  /** The content warning has changed; the empty text takes it back. */
  warn(warning: string): void {
    this.#warning = warning;
    this.#refused = null;
    this.#desk.changed();
  }

  /** Names that would complete the one before the cursor; undefined where no name is begun there. */
  completion(cursor: number): Completion | undefined {
    const found = nameBefore(this.#text, cursor);
    if (found === undefined) return undefined;
    const { from, begin } = found;
    const names = this.#desk.namesFor(begin, candidatesMax, this.#parts.replyTo?.author);
    return names.length === 0 ? undefined : { from, to: cursor, names };
  }

  /** Publishes it; resolves to whether it is published. Where it is refused, {@linkcode ComposeView.problem} says why. */
  async send(): Promise<boolean> {
    await this.#opened;
    if (!this.view().canSend) return false;
    const { replyTo } = this.#parts;
    const text = this.#text;
    this.#state = "sending";
    this.#desk.changed();
    try {
      this.#published = await this.#desk.api.post({
        text,
        ...replyTo === undefined ? {} : { replyTo },
        ...this.#warning.trim() === "" ? {} : { warning: this.#warning.trim() },
      });
      this.#state = "sent";
    } catch (error) {
      this.#state = "writing";
      this.#refused = problemOf(error);
    }
    this.#desk.changed();
    if (this.#state !== "sent") {
      await this.#draft?.keep();
      return false;
    }
    this.#stop();
    await this.#draft?.clear();
    return true;
  }

  /** The editor is closed: the draft is kept. */
  async close(): Promise<void> {
    this.#stop();
    await this.#opened.catch(() => {});
    await this.#draft?.keep();
  }
}
