/**
 * Does what was typed after a colon.
 *
 * @module
 */

import { showingBlocks, showingMutes } from "../commands/tasks.ts";
import { safeLine } from "../terminal/safe_text.ts";
import { findCommand } from "./command_table.ts";
import type { Typed } from "./command_line.ts";
import type { Action } from "./key_table.ts";
import type { Stage, Tab } from "./page.ts";
import { openProfile, openReach, openSearch } from "./pages.ts";
import { settingsPage } from "./settings_page.ts";
import { showText } from "./text_page.ts";

/** What commands do with the screen. */
export interface CommandParts {
  /** Goes to a page of the title. */
  readonly go: (tab: Tab) => void;
  /** Opens the help. */
  readonly help: () => void;
  /** Leaves the screen. */
  readonly quit: () => void;
  /** Does an entry of the menu, outside the screen. */
  readonly inMenu: (entry: string) => void;
  /** Does what a key does. */
  readonly act: (action: Action) => void;
}

/** What is done with a name, a word or the name of a post. */
const withArgument: Readonly<Record<string, (stage: Stage, what: string) => void>> = {
  search: (stage, query) => openSearch(stage, query),
  follow: (stage, username) => void stage.views.deeds.run({ deed: "follow", username }),
  unfollow: (stage, username) => void stage.views.deeds.run({ deed: "unfollow", username }),
  mute: (stage, what) => void stage.views.deeds.run({ deed: "muteWhat", request: { what } }),
  unmute: (stage, what) => void stage.views.deeds.run({ deed: "unmuteWhat", request: { what } }),
  block: (stage, username) => void stage.views.deeds.run({ deed: "block", username }),
  unblock: (stage, username) => void stage.views.deeds.run({ deed: "unblock", username }),
  remove: (stage, username) => void stage.views.deeds.run({ deed: "removeFollower", username }),
};

/** Does a command. */
export function runCommand(stage: Stage, { name, argument }: Typed, parts: CommandParts): void {
  const command = findCommand(name);
  if (command === undefined) {
    return stage.say(`There is no command ${safeLine(name)}; :help lists them.`, "error");
  }
  if (command.menu !== undefined) return parts.inMenu(command.menu);
  const takes = withArgument[command.name];
  if (takes !== undefined) {
    const what = argument.replace(/^@(?=[a-z])/i, command.name.endsWith("mute") ? "@" : "");
    if (what === "") {
      return stage.say(`:${command.name} takes ${command.takes ?? "something"}.`, "error");
    }
    return takes(stage, what);
  }
  switch (command.name) {
    case "post":
      return stage.write(argument === "" ? {} : { text: argument });
    case "requests":
      parts.go("mentions");
      return parts.act("next_tab");
    case "home":
    case "mentions":
    case "people":
      return parts.go(command.name);
    case "profile":
      return openProfile(stage, argument === "" ? stage.self : argument.replace(/^@/, ""));
    case "mutes":
      return showText(stage, "Muted", showingMutes);
    case "blocks":
      return showText(stage, "Blocked", showingBlocks);
    case "network":
      return openReach(stage);
    case "settings":
      return stage.open(settingsPage(stage, stage.settings));
    case "read":
      return parts.act("mark_read");
    case "help":
      return parts.help();
    case "quit":
      return parts.quit();
  }
}
