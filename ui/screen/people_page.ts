/**
 * People: whom the user follows, the followers, and whom to follow.
 *
 * @module
 */

import type { PeopleList, PeopleListView, PersonRow } from "../views/people.ts";
import { relationWords } from "../views/relations.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import type { Action, Place } from "./key_table.ts";
import { cut, type Piece, plain, spread, styled } from "./line.ts";
import type { Block, Entries } from "./list_pane.ts";
import { ListPage } from "./list_page.ts";
import type { Drawing, Page, Size, Stage } from "./page.ts";
import type { PostLinks } from "./post_actions.ts";
import { authorPieces, marginColumns, withMargin } from "./post_block.ts";
import { tabsRow } from "./tabs.ts";
import { actOnUser } from "./user_actions.ts";

const lists: readonly (readonly [PeopleList, string])[] = [
  ["following", "Following"],
  ["followers", "Followers"],
  ["suggestions", "Suggestions"],
];

/** A user as rows. */
function personBlock(row: PersonRow, columns: number, isChosen: boolean): Block {
  const inner = columns - marginColumns - 1;
  const online = row.isOnline === null
    ? plain("  ")
    : row.isOnline
    ? styled("● ", "good")
    : styled("○ ", "dim");
  const relation = relationWords(row.relation);
  const right = relation === "" ? [] : [styled(relation, "dim")];
  const rows: Piece[][] = [spread([online, ...authorPieces(row.author)], right, inner)];
  if (row.reason !== null) {
    const lines = wrapText(safeLine(row.reason), inner - 2);
    rows.push(...lines.map((line) => [styled(`  ${line}`, "dim")]));
  }
  if (isChosen && row.fingerprint !== null) {
    rows.push([styled(`  key ${safeLine(row.fingerprint)}`, "dim")]);
  }
  return rows.map((pieces) => withMargin(cut(pieces, inner), { isChosen }));
}

/** Lists of people. */
class PeoplePage extends ListPage {
  readonly tab = "people";
  readonly places: readonly Place[] = ["people", "everywhere"];
  readonly #links: PostLinks;
  #shown = 0;
  #view: PeopleListView;

  constructor(stage: Stage, links: PostLinks) {
    super(stage);
    this.#links = links;
    stage.views.people.open(this.#list);
    this.#view = stage.views.people.view(this.#list);
  }

  get #list(): PeopleList {
    return lists[this.#shown]?.[0] ?? "following";
  }

  override get note(): string {
    const { isLoading, problem, rows } = this.#view;
    if (problem !== null) return safeLine(problem);
    return isLoading && rows.length > 0 ? "looking who is online …" : "";
  }

  protected override head(): Block {
    return [tabsRow(lists.map(([, name]) => ({ name })), this.#shown, this.columns)];
  }

  protected entries(): Entries {
    const { rows } = this.#view;
    return {
      keys: rows.map(({ key }) => key),
      block: (index, isChosen) => {
        const row = rows[index];
        return row === undefined ? [[]] : personBlock(row, this.columns, isChosen);
      },
    };
  }

  protected nothing(): string {
    const { problem, emptyText } = this.#view;
    return problem ?? (emptyText === "" ? "Looking …" : emptyText);
  }

  override draw(size: Size): Drawing {
    this.#view = this.stage.views.people.view(this.#list);
    return super.draw(size);
  }

  protected does(action: Action): boolean {
    const { people } = this.stage.views;
    if (action === "next_tab") {
      this.#shown = (this.#shown + 1) % lists.length;
      people.open(this.#list);
      this.pane.choose(undefined);
      this.stage.changed();
      return true;
    }
    if (action === "reload") {
      people.reload(this.#list);
      return true;
    }
    const row = this.#view.rows[this.pane.index];
    if (row === undefined) return false;
    const { username } = row.author;
    if (action === "open" || action === "profile") {
      this.#links.openProfile(username);
      return true;
    }
    return actOnUser(this.stage, action, username);
  }

  close(): void {}
}

/** The page of people. */
export function peoplePage(stage: Stage, links: PostLinks): Page {
  return new PeoplePage(stage, links);
}
