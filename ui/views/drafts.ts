/**
 * Texts that were begun and not published: they survive the program, and a crash.
 *
 * @module
 */

import type { Time, Timer } from "../../lib/time.ts";
import type { PostNameView } from "../../core/api.ts";
import { utf8 } from "../../core/model/bytes.ts";

/** Bytes of a draft at most. */
export const draftBytesMax = 100_000;

/** How long after the last key a draft is written. */
const writeAfterMs = 1_000;

/** Where drafts lie: files that only their owner can read. */
export interface DraftFiles {
  /** The bytes of a file, undefined where there is none. */
  read(name: string, bytesMax: number): Promise<Uint8Array | undefined>;
  /** Writes a file, in place of an earlier one. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file if it is there. */
  remove(name: string): Promise<void>;
}

/** The name of the draft of a user's own posts, or of answers to one post. */
export function draftName(username: string, replyTo?: PostNameView): string {
  return `draft-${username}${replyTo === undefined ? "" : `-${replyTo.author}-${replyTo.id}`}`;
}

/**
 * Drafts that the disk does not have yet: a text that is opened again at once must not be read from the disk,
 * which may be slow.
 */
const unwritten = new WeakMap<DraftFiles, Map<string, Draft | Promise<Draft>>>();

function unwrittenOf(files: DraftFiles): Map<string, Draft | Promise<Draft>> {
  const drafts = unwritten.get(files) ?? new Map();
  unwritten.set(files, drafts);
  return drafts;
}

/** The draft of one text. */
export class Draft {
  readonly #files: DraftFiles;
  readonly #time: Pick<Time, "after">;
  readonly #name: string;
  #text = "";
  #written = "";
  #timer: Timer | undefined;
  /** Writes and removals, one after another. */
  #writing: Promise<void> = Promise.resolve();
  /** Called when what is on the disk has changed. */
  onWritten: () => void = () => {};

  private constructor(files: DraftFiles, time: Pick<Time, "after">, name: string) {
    this.#files = files;
    this.#time = time;
    this.#name = name;
  }

  /** The draft of that name; see {@linkcode draftName}. */
  static open(files: DraftFiles, time: Pick<Time, "after">, name: string): Promise<Draft> {
    const drafts = unwrittenOf(files);
    const draft = drafts.get(name) ?? Draft.#read(files, time, name);
    drafts.set(name, draft);
    return Promise.resolve(draft);
  }

  static async #read(files: DraftFiles, time: Pick<Time, "after">, name: string): Promise<Draft> {
    const draft = new Draft(files, time, name);
    const bytes = await files.read(name, draftBytesMax).catch(() => undefined);
    draft.#text = new TextDecoder().decode(bytes);
    draft.#written = draft.#text;
    unwrittenOf(files).delete(name);
    return draft;
  }

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  /** Whether the text so far is on the disk. */
  get isWritten(): boolean {
    return this.#text === this.#written;
  }

  /** The text has changed: it is written a moment later. */
  change(text: string): void {
    this.#text = text;
    unwrittenOf(this.#files).set(this.#name, this);
    this.#timer?.cancel();
    this.#timer = this.#time.after(writeAfterMs, () => void this.keep());
  }

  /** Writes the text now. A draft that cannot be written is lost with the program; it stops no one from posting. */
  async keep(): Promise<void> {
    this.#timer?.cancel();
    this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    await this.#writing;
  }

  async #write(): Promise<void> {
    const text = this.#text;
    if (text !== this.#written) {
      if (text === "") await this.#files.remove(this.#name);
      else await this.#files.write(this.#name, utf8(text));
      this.#written = text;
      this.onWritten();
    }
    const drafts = unwrittenOf(this.#files);
    if (this.isWritten && drafts.get(this.#name) === this) drafts.delete(this.#name);
  }

  /** The text was published. */
  async clear(): Promise<void> {
    this.#text = "";
    await this.keep();
  }
}
