/**
 * What keys do with a user: follow, mute, block, and each of them back.
 *
 * @module
 */

import { safeLine } from "../terminal/safe_text.ts";
import type { PersonDeed } from "../views/relations.ts";
import type { Action } from "./key_table.ts";
import type { Stage } from "./page.ts";

/** What a key asks for with a user, as they stand to the user of this peer; undefined for nothing. */
function deedOf(stage: Stage, action: Action, username: string): PersonDeed | undefined {
  const { isFollowed, isMuted, isBlocked } = stage.views.desk.relations.of(username);
  switch (action) {
    case "follow":
      return isFollowed ? "unfollow" : "follow";
    case "mute":
      return isMuted ? "unmute" : "mute";
    case "block":
      return isBlocked ? "unblock" : "block";
    case "remove_follower":
      return "removeFollower";
    case "dismiss":
      return "dismiss";
    default:
      return undefined;
  }
}

/** What is asked before something is done that cannot simply be taken back. */
const questions: Readonly<Partial<Record<PersonDeed, (name: string) => string>>> = {
  unfollow: (name) => `Follow ${name} no longer? Their posts are removed here.`,
  block: (name) => `Block ${name}? Nothing of theirs is taken any more.`,
  removeFollower: (name) => `Take ${name} out of your followers?`,
};

/** Does what a key asks for with a user; false where that is nothing. */
export function actOnUser(stage: Stage, action: Action, username: string): boolean {
  const deed = deedOf(stage, action, username);
  if (deed === undefined) return false;
  if (username === stage.self) {
    stage.say("That is you.");
    return true;
  }
  const run = () => void stage.views.deeds.run({ deed, username });
  const question = questions[deed];
  if (question === undefined) run();
  else stage.confirm(question(safeLine(username)), run);
  return true;
}
