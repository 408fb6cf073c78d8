/**
 * A timeline: Home, and the posts of one author.
 *
 * @module
 */

import type { PostList, PostListView } from "../views/post_list.ts";
import type { PostRow } from "../views/post_row.ts";
import { hiddenText } from "../views/words.ts";
import { safeText } from "../terminal/safe_text.ts";
import type { Action, Place } from "./key_table.ts";
import type { Block, Entries } from "./list_pane.ts";
import { ListPage } from "./list_page.ts";
import type { Drawing, Page, Size, Stage, Tab } from "./page.ts";
import { actOnPost, type PostLinks } from "./post_actions.ts";
import { postBlock } from "./post_block.ts";
import { actOnUser } from "./user_actions.ts";

/** Posts before the end of what is loaded at which more is asked for: more than a screen has. */
const loadBefore = 30;

/** What is said where there are no posts. */
function nothingYet({ key }: Stage): string {
  return `Nothing here yet. ${key("write")} writes a post; ${key("people")} shows people, and ` +
    `suggestions whom to follow; ${key("command")}invite makes an invite for a friend.`;
}

/** What a page of posts is made from. */
export interface PostsPageParts {
  /** The posts. */
  readonly list: PostList;
  /** What the title calls it; without a name there, the list ends with the page. */
  readonly tab: Tab | undefined;
  /** What it opens. */
  readonly links: PostLinks;
  /** What stands above the posts, and is read and closed with them. */
  readonly above?: PostsAbove;
}

/** What stands above posts: whose they are. */
export interface PostsAbove {
  /** The user; keys for users act on this one. */
  readonly username: string;
  /** Its rows. */
  readonly rows: (columns: number) => Block;
  /** It is to be read anew. */
  readonly reload: () => void;
  /** It is no longer shown. */
  readonly close: () => void;
}

/** A list of posts that is read in windows. */
class PostsPage extends ListPage {
  readonly tab: Tab | undefined;
  readonly places: readonly Place[] = ["posts", "people", "everywhere"];
  readonly #list: PostList;
  readonly #links: PostLinks;
  readonly #above: PostsAbove | undefined;
  #hasIds = false;
  /** Whether the newest post is to be chosen once it is here. */
  #wantsTop = true;
  #view: PostListView;

  constructor(stage: Stage, { list, tab, links, above }: PostsPageParts) {
    super(stage);
    this.#list = list;
    this.tab = tab;
    this.#links = links;
    this.#above = above;
    this.#list.open();
    this.#view = list.view();
  }

  override get note(): string {
    const { waitingText, problem, hidden } = this.#view;
    if (problem !== null) return safeText(problem);
    if (waitingText !== "") return `↑ ${waitingText}: ${this.stage.key("top")}`;
    return hidden > 0 ? hiddenText(hidden) : "";
  }

  protected entries(): Entries {
    const { rows, line } = this.#view;
    return {
      keys: rows.map(({ key }) => key),
      block: (index, isChosen) => {
        const row = rows[index];
        if (row === undefined) return [[]];
        const hasLine = line !== null && line.above === row.key;
        return postBlock(row, {
          columns: this.columns,
          isChosen,
          hasId: this.#hasIds && isChosen,
          revealKey: this.stage.key("reveal"),
          ...hasLine ? { line: line.text } : {},
        });
      },
    };
  }

  protected override head(): Block {
    return this.#above?.rows(this.columns) ?? [];
  }

  protected nothing(): string {
    const { loading, problem, hasOlder } = this.#view;
    return problem ?? (loading !== null || hasOlder ? "Reading …" : this.#nothingHere());
  }

  #nothingHere(): string {
    return this.#above === undefined ? nothingYet(this.stage) : "No posts of theirs are here.";
  }

  override draw(size: Size): Drawing {
    this.#view = this.#list.view();
    const { rows: [newest], isLive, loading } = this.#view;
    if (newest !== undefined && (isLive || this.#wantsTop) && loading !== "first") {
      // A reader at the top follows what comes; anywhere else the list is not live, and nothing moves.
      if (this.pane.chosen !== newest.key) {
        this.pane.choose(newest.key);
        this.#list.select(newest.key, true);
      }
      this.#wantsTop = false;
    }
    return super.draw(size);
  }

  protected override shown(keys: readonly string[]): void {
    this.#list.seen(keys);
  }

  protected override moved(): void {
    const { index, chosen } = this.pane;
    if (chosen === undefined) return;
    this.#list.select(chosen, index === 0);
    if (index + loadBefore > this.#view.rows.length) this.#list.older();
    if (index < loadBefore && this.#view.hasNewer) this.#list.newer();
  }

  protected does(action: Action): boolean {
    switch (action) {
      case "top":
        this.#wantsTop = true;
        this.#list.newest();
        return true;
      case "mark_read":
        this.#list.markAllRead();
        this.stage.say("All is marked as read.");
        return true;
      case "show_id":
        this.#hasIds = !this.#hasIds;
        this.stage.changed();
        return true;
      case "reload":
        this.#list.reload();
        this.#above?.reload();
        return true;
    }
    // A profile acts on its user, also where nothing of theirs is here.
    if (this.#above !== undefined && actOnUser(this.stage, action, this.#above.username)) {
      return true;
    }
    const row: PostRow | undefined = this.#view.rows[this.pane.index];
    if (row === undefined) return false;
    if (action === "reveal") {
      this.#list.reveal(row.key);
      return true;
    }
    return actOnPost(this.stage, action, row, this.#links);
  }

  close(): void {
    if (this.tab === undefined) this.#list.close();
    this.#above?.close();
  }
}

/** A page of posts that are read in windows. */
export function postsPage(stage: Stage, parts: PostsPageParts): Page {
  return new PostsPage(stage, parts);
}
