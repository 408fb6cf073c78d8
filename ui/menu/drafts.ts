/**
 * Texts that were begun and not published: they survive the menu, and a crash.
 *
 * @module
 */

import { joinPath } from "../../lib/paths.ts";
import type { Timer } from "../../lib/time.ts";
import { utf8 } from "../../core/model/bytes.ts";
import type { MenuContext } from "./questions.ts";

/** Bytes of a draft at most. */
const draftBytesMax = 100_000;

/** How long after the last key a draft is written. */
const writeAfterMs = 1_000;

/** The draft of one text. */
export class Draft {
  readonly #menu: MenuContext;
  readonly #path: string;
  #text = "";
  #written = "";
  #timer: Timer | undefined;
  /** Writes and removals, one after another. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(menu: MenuContext, path: string) {
    this.#menu = menu;
    this.#path = path;
  }

  /** The draft of a user's own posts, or of answers to one post. */
  static async open(menu: MenuContext, name: string): Promise<Draft> {
    const draft = new Draft(menu, joinPath(menu.dataFolder, `draft-${name}`));
    const bytes = await menu.io.readFile(draft.#path, draftBytesMax).catch(() => undefined);
    draft.#text = new TextDecoder().decode(bytes);
    draft.#written = draft.#text;
    return draft;
  }

  /** The text so far. */
  get text(): string {
    return this.#text;
  }

  /** The text has changed: it is written a moment later. */
  change(text: string): void {
    this.#text = text;
    this.#timer?.cancel();
    this.#timer = this.#menu.io.after(writeAfterMs, () => void this.keep());
  }

  /** Writes the text now. A draft that cannot be written is lost with the menu; it stops no one from posting. */
  async keep(): Promise<void> {
    this.#timer?.cancel();
    this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    await this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#text === this.#written) return;
    this.#written = this.#text;
    const { host } = this.#menu;
    if (this.#text === "") await host.tools.remove(this.#path);
    else await host.writePrivate(this.#path, utf8(this.#text));
  }

  /** The text was published. */
  async clear(): Promise<void> {
    this.#text = "";
    await this.keep();
  }
}
