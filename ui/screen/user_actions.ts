/**
 * What keys do with a user: follow, mute, block, and each of them back.
 *
 * @module
 */

import {
  blocking,
  following,
  muting,
  removingFollower,
  type Task,
  unblocking,
  unfollowing,
  unmuting,
} from "../commands/tasks.ts";
import { safeLine } from "../terminal/safe_text.ts";
import type { Action } from "./key_table.ts";
import type { Stage } from "./page.ts";

/** Whether something holds of a user, as the peer says; then what to do. */
function asking(
  stage: Stage,
  question: () => Promise<boolean>,
  then: (holds: boolean) => void,
): void {
  const look: Task<void, boolean> = { doing: () => "", call: () => question(), text: () => "" };
  stage.tell(look, undefined, then);
}

/** Follows, or no longer, which removes the user's posts. */
function toggleFollow(stage: Stage, username: string, done: () => void): void {
  const name = safeLine(username);
  asking(stage, async () => (await stage.api.followed()).includes(username), (isFollowed) => {
    if (!isFollowed) return stage.tell(following, { username }, done);
    stage.confirm(`Follow ${name} no longer? Their posts are removed here.`, () => {
      stage.tell(unfollowing, { username }, done);
    });
  });
}

function toggleMute(stage: Stage, username: string, done: () => void): void {
  const request = { kind: "user", what: username } as const;
  const isMuted = async () =>
    (await stage.api.mutes()).some(({ kind, what }) =>
      kind === "user" && what.replace(/^@/, "") === username
    );
  asking(stage, isMuted, (muted) => stage.tell(muted ? unmuting : muting, request, done));
}

function toggleBlock(stage: Stage, username: string, done: () => void): void {
  asking(stage, async () => (await stage.api.blocks()).includes(username), (isBlocked) => {
    if (isBlocked) return stage.tell(unblocking, { username }, done);
    stage.confirm(`Block ${safeLine(username)}? Nothing of theirs is taken any more.`, () => {
      stage.tell(blocking, { username }, done);
    });
  });
}

/** Does what a key asks for with a user; false where that is nothing. */
export function actOnUser(
  stage: Stage,
  action: Action,
  username: string,
  done: () => void,
): boolean {
  if (
    action !== "follow" && action !== "mute" && action !== "block" && action !== "remove_follower"
  ) {
    return false;
  }
  if (username === stage.self) {
    stage.say("That is you.");
    return true;
  }
  if (action === "follow") toggleFollow(stage, username, done);
  else if (action === "mute") toggleMute(stage, username, done);
  else if (action === "block") toggleBlock(stage, username, done);
  else {
    stage.confirm(`Take ${safeLine(username)} out of your followers?`, () => {
      stage.tell(removingFollower, { username }, done);
    });
  }
  return true;
}
