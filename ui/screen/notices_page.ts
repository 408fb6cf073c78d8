/**
 * Mentions: what the user is told of, and what strangers say.
 *
 * @module
 */

import type { NoticeRow, Notices, NoticesView } from "../views/notices.ts";
import { safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import type { Action, Place } from "./key_table.ts";
import { cut, type Piece, plain, spread, styled } from "./line.ts";
import type { Block, Entries } from "./list_pane.ts";
import { ListPage } from "./list_page.ts";
import type { Drawing, Page, Size, Stage } from "./page.ts";
import { actOnPost, type PostLinks } from "./post_actions.ts";
import { authorPieces, bodyRows, marginColumns, type PostLook, withMargin } from "./post_block.ts";
import { tabsRow } from "./tabs.ts";
import { actOnUser } from "./user_actions.ts";

/** Lines of a post that are shown; the thread has all. */
const linesMax = 4;

const gone = "(the post is no longer here)";

/** Entries before the end at which more is asked for. */
const loadBefore = 30;

/** What an entry says, as rows. */
function noticeBlock(
  row: NoticeRow,
  { columns, isChosen, revealKey }: Pick<PostLook, "columns" | "isChosen" | "revealKey">,
): Block {
  const inner = columns - marginColumns - 1;
  const head: Piece[] = row.kind === "security"
    ? [styled("! ", "error"), plain(safeText(row.text).replace(/\s*\n\s*/g, " "))]
    : [...authorPieces(row.who), styled(` ${row.text}`, "dim")];
  const age = [styled(row.age, "dim")];
  const heads = row.kind === "security"
    ? wrapText(head.map(({ text }) => text).join(""), inner).map((line) => [styled(line, "error")])
    : [spread(head, age, inner)];
  const body = row.post === null ? [] : bodyRows(row.post, inner, revealKey);
  const shown = body.slice(0, linesMax);
  if (body.length > shown.length) shown.push([styled("…", "dim")]);
  if (row.isPostGone) shown.push([styled(gone, "dim")]);
  return [...heads, ...shown].map((pieces, at) =>
    withMargin(cut(pieces, inner), {
      isChosen,
      mark: at === 0 && row.isUnread ? styled("•", "accent") : undefined,
    })
  );
}

/** Notifications and requests. */
class NoticesPage extends ListPage {
  readonly tab = "mentions";
  readonly #links: PostLinks;
  readonly #lists: readonly Notices[];
  #shown = 0;
  #view: NoticesView;
  #wantsTop = true;

  constructor(stage: Stage, links: PostLinks) {
    super(stage);
    this.#links = links;
    this.#lists = [stage.views.notifications, stage.views.requests];
    this.#view = this.#list.view();
    this.#open();
  }

  get places(): readonly Place[] {
    const own = this.#shown === 0 ? [] : ["requests" as const];
    return [...own, "posts", "people", "everywhere"];
  }

  get #list(): Notices {
    return this.#lists[this.#shown] ?? this.stage.views.notifications;
  }

  #open(): void {
    this.#wantsTop = true;
    this.#list.open();
    this.#list.newest();
  }

  override get note(): string {
    const { waitingText, problem } = this.#view;
    if (problem !== null) return safeText(problem);
    return waitingText === "" ? "" : `↑ ${waitingText}: ${this.stage.key("top")}`;
  }

  protected override head(): Block {
    const { unread } = this.stage.views.frame();
    return [
      tabsRow(
        [
          { name: "Notifications", count: unread.notifications },
          { name: "Requests", count: unread.requests },
        ],
        this.#shown,
        this.columns,
      ),
    ];
  }

  protected entries(): Entries {
    const { rows } = this.#view;
    return {
      keys: rows.map(({ key }) => key),
      block: (index, isChosen) => {
        const row = rows[index];
        return row === undefined ? [[]] : noticeBlock(row, {
          columns: this.columns,
          isChosen,
          revealKey: this.stage.key("reveal"),
        });
      },
    };
  }

  protected nothing(): string {
    const { problem, emptyText } = this.#view;
    return problem ?? (emptyText === "" ? "Reading …" : emptyText);
  }

  override draw(size: Size): Drawing {
    this.#view = this.#list.view();
    const { rows: [newest], isLoading } = this.#view;
    const follows = this.#wantsTop || this.pane.index === 0;
    if (newest !== undefined && follows && this.pane.chosen !== newest.key && !isLoading) {
      this.pane.choose(newest.key);
      this.#list.select(newest.key, true);
      this.#wantsTop = false;
    }
    return super.draw(size);
  }

  protected override shown(): void {
    this.#list.seen();
  }

  protected override moved(): void {
    const { chosen, index } = this.pane;
    if (chosen === undefined) return;
    this.#list.select(chosen, index === 0);
    if (index + loadBefore > this.#view.rows.length) this.#list.older();
  }

  protected does(action: Action): boolean {
    switch (action) {
      case "next_tab":
        this.#shown = 1 - this.#shown;
        this.#open();
        this.stage.changed();
        return true;
      case "top":
      case "reload":
        this.#open();
        return true;
      case "mark_read":
        this.#list.seen();
        return true;
    }
    const row = this.#view.rows[this.pane.index];
    if (row === undefined) return false;
    if (action === "reveal") {
      this.#list.reveal(row.key);
      return true;
    }
    const { post, who: { username } } = row;
    if (actOnUser(this.stage, action, username)) return true;
    if (post !== null) return actOnPost(this.stage, action, post, this.#links);
    if (action !== "open" && action !== "profile") return false;
    this.#links.openProfile(username);
    return true;
  }

  close(): void {}
}

/** The page of what the user is told of. */
export function noticesPage(stage: Stage, links: PostLinks): Page {
  return new NoticesPage(stage, links);
}
