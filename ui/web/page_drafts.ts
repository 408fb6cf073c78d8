/**
 * Drafts of the page: the peer keeps them beside those of the full screen, as one set. So a text that was begun in one
 * is there in the other, in another browser, and after a restart of the peer, whose page has another address then.
 *
 * @module
 */

import type { PostNameView } from "../../core/api.ts";
import { fields, optional, text } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { isUsername } from "../../core/model/username.ts";
import type { Time } from "../../lib/time.ts";
import { Draft, type DraftFiles, draftName } from "../views/drafts.ts";

/** Characters of a draft; a longer one stays in the browser. */
const draftLengthMax = 20_000;

const word = text(100);

/** Whose draft it is: a post's, or that of answers to one. */
const place = { replyTo: optional(fields<PostNameView>({ author: word, id: word })) };

const kept = fields<{ readonly text: string; readonly replyTo?: PostNameView }>({
  ...place,
  text: text(draftLengthMax),
});

/** Drafts of one user. */
export class PageDrafts {
  readonly #files: DraftFiles;
  readonly #time: Pick<Time, "after">;
  readonly #self: string;

  /** Drafts of that user, in these files. */
  constructor(files: DraftFiles, time: Pick<Time, "after">, self: string) {
    this.#files = files;
    this.#time = time;
    this.#self = self;
  }

  #open(replyTo: PostNameView | undefined): Promise<Draft> {
    // Both become part of a file's name.
    if (replyTo && !(isUsername(replyTo.author) && /^\d{1,20}$/.test(replyTo.id))) {
      throw new CamelliaError("invalid_argument", "Cannot keep the draft: that names no post.");
    }
    return Draft.open(this.#files, this.#time, draftName(this.#self, replyTo));
  }

  /** The draft of a post, or of answers to one, which is named as `author/id`; empty where there is none. */
  async read(replyTo: string | undefined): Promise<string> {
    const [author = "", id = ""] = replyTo?.split("/") ?? [];
    return (await this.#open(replyTo === undefined ? undefined : { author, id })).text;
  }

  /** Keeps a text, which is on the disk then; the empty one takes the draft away. */
  async keep(argument: unknown): Promise<void> {
    const { text, replyTo } = kept(argument, "the argument");
    const draft = await this.#open(replyTo);
    draft.change(text);
    await draft.keep();
  }

  /** The text was published. */
  async published(replyTo: PostNameView | undefined): Promise<void> {
    await (await this.#open(replyTo)).clear();
  }
}
