/**
 * A thread.
 *
 * @module
 */

import type { PostNameView } from "../../core/api.ts";
import type { Thread, ThreadListView } from "../views/thread.ts";
import type { Action, Place } from "./key_table.ts";
import { cut, type Piece, styled } from "./line.ts";
import type { Block, Entries } from "./list_pane.ts";
import { ListPage } from "./list_page.ts";
import type { Drawing, Page, Size, Stage } from "./page.ts";
import { actOnPost, type PostLinks } from "./post_actions.ts";
import { postBlock } from "./post_block.ts";

/** The posts of a thread, as a tree. */
class ThreadPage extends ListPage {
  readonly tab = undefined;
  readonly places: readonly Place[] = ["posts", "people", "everywhere"];
  readonly #thread: Thread;
  readonly #links: PostLinks;
  #view: ThreadListView;
  #hasIds = false;
  /** Whether the post that it was opened at is to be chosen once it is here. */
  #wantsOpened = true;

  constructor(stage: Stage, opened: PostNameView, links: PostLinks) {
    super(stage);
    this.#thread = stage.views.thread(opened);
    this.#links = links;
    this.#view = this.#thread.view();
  }

  override get note(): string {
    const { waitingText, isLoading } = this.#view;
    if (waitingText !== "") return `${waitingText}: ${this.stage.key("top")}`;
    return isLoading ? "asking others for replies …" : "";
  }

  protected override head(): Block {
    const { leftOut, problem, rows } = this.#view;
    const said = problem !== null && rows.length > 0 ? problem : leftOut;
    const title: Piece[] = [styled(" Thread", "bold")];
    return [cut(said === "" ? title : [...title, styled(`   ${said}`, "dim")], this.columns)];
  }

  protected entries(): Entries {
    const { rows } = this.#view;
    return {
      keys: rows.map(({ key }) => key),
      block: (index, isChosen) => {
        const row = rows[index];
        if (row === undefined) return [[]];
        // The place in the tree says what a post answers, unless that is not here.
        const shown = row.isLoose ? row : { ...row, answers: null };
        return postBlock(shown, {
          columns: this.columns,
          isChosen,
          depth: row.depth,
          hasId: this.#hasIds && isChosen,
          revealKey: this.stage.key("reveal"),
        });
      },
    };
  }

  protected nothing(): string {
    const { problem, isLoading } = this.#view;
    return isLoading ? "Asking for the thread …" : problem ?? "Nothing of this thread is here.";
  }

  override draw(size: Size): Drawing {
    this.#view = this.#thread.view();
    const opened = this.#view.rows.find(({ isOpened }) => isOpened);
    if (this.#wantsOpened && opened !== undefined) {
      this.#wantsOpened = false;
      this.pane.choose(opened.key, this.#view.rows[0] === opened ? 0 : 3);
      this.#thread.select(opened.key);
    }
    return super.draw(size);
  }

  protected override moved(): void {
    const { chosen } = this.pane;
    if (chosen !== undefined) this.#thread.select(chosen);
  }

  protected does(action: Action): boolean {
    if (action === "top" && this.#view.waiting > 0) {
      this.#thread.showWaiting();
      return true;
    }
    if (action === "reload") {
      this.#thread.again();
      return true;
    }
    if (action === "show_id") {
      this.#hasIds = !this.#hasIds;
      this.stage.changed();
      return true;
    }
    const row = this.#view.rows[this.pane.index];
    // What could be opened is open.
    if (row === undefined || action === "open") return action === "open";
    if (action === "reveal") {
      this.#thread.reveal(row.key);
      return true;
    }
    return actOnPost(this.stage, action, row, this.#links);
  }

  close(): void {
    this.#thread.close();
  }
}

/** The thread of a post. */
export function threadPage(
  stage: Stage,
  opened: PostNameView,
  links: PostLinks,
): Page {
  return new ThreadPage(stage, opened, links);
}
