/**
 * Which page follows which.
 *
 * @module
 */

import { showingProfile } from "../commands/tasks.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { postsPage } from "./posts_page.ts";
import type { Page, Stage } from "./page.ts";
import type { AfterPost } from "./post_actions.ts";
import { showText } from "./text_page.ts";
import { threadPage } from "./thread_page.ts";

/** What pages of posts open. */
function opening(stage: Stage): Omit<AfterPost, "reload"> {
  return {
    openThread: ({ target }) => stage.open(threadPage(stage, target, opening(stage))),
    openProfile: (username) => openProfile(stage, username),
  };
}

/** The timeline. */
export function homePage(stage: Stage): Page {
  return postsPage(stage, { list: stage.views.home, tab: "home", after: opening(stage) });
}

/** The profile of a user. */
export function openProfile(stage: Stage, username: string): void {
  showText(stage, safeLine(username), {
    ...showingProfile,
    call: (api, _request: void, signal) => showingProfile.call(api, { username }, signal),
    doing: () => `Reading the profile of ${safeLine(username)}`,
  });
}
