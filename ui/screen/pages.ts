/**
 * Which page follows which.
 *
 * @module
 */

import { safeText } from "../terminal/safe_text.ts";
import { wrapText } from "../terminal/width.ts";
import { plain, styled } from "./line.ts";
import { noticesPage } from "./notices_page.ts";
import type { Page, Stage, Tab } from "./page.ts";
import { peoplePage } from "./people_page.ts";
import type { PostLinks } from "./post_actions.ts";
import { postsPage } from "./posts_page.ts";
import { profileRows } from "./profile_head.ts";
import { searchPage } from "./search_page.ts";
import { textPage } from "./text_page.ts";
import { threadPage } from "./thread_page.ts";

/** Columns of what a line of the state is about. */
const labelColumns = 12;

/** Where posts and users lead to. */
function linksOf(stage: Stage): PostLinks {
  return {
    openThread: ({ target }) => stage.open(threadPage(stage, target, linksOf(stage))),
    openProfile: (username) => openProfile(stage, username),
  };
}

/** A page that the title names. */
export function tabPage(stage: Stage, tab: Tab): Page {
  const links = linksOf(stage);
  switch (tab) {
    case "home":
      return postsPage(stage, { list: stage.views.home, tab, links });
    case "mentions":
      return noticesPage(stage, links);
    case "people":
      return peoplePage(stage, links);
    case "search":
      return searchPage(stage, links);
  }
}

/** Opens a search. */
export function openSearch(stage: Stage, query: string): void {
  stage.open(searchPage(stage, linksOf(stage), query));
}

/** Opens the profile of a user. */
export function openProfile(stage: Stage, username: string): void {
  const profile = stage.views.profile(username);
  stage.open(postsPage(stage, {
    list: profile.posts,
    tab: undefined,
    links: linksOf(stage),
    above: {
      username,
      rows: (columns) => profileRows(profile.view(), columns),
      reload: () => profile.reload(),
      close: () => profile.close(),
    },
  }));
}

/** Opens the state of the peer, which is kept up to date. */
export function openReach(stage: Stage): void {
  stage.views.refresh();
  stage.open(textPage(stage, {
    title: "Your peer",
    rows: (columns) =>
      stage.views.reach().flatMap(({ label, text, tone }) =>
        wrapText(safeText(text), Math.max(10, columns - labelColumns)).map((line, at) => [
          styled((at === 0 ? label : "").padEnd(labelColumns), "dim"),
          tone === "plain" ? plain(line) : styled(line, tone),
        ])
      ),
  }));
}
