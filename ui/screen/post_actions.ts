/**
 * What keys do with a post.
 *
 * @module
 */

import { deleting, muting, reposting, unmuting } from "../commands/tasks.ts";
import { keyOf, type PostRow } from "../views/post_row.ts";
import type { Action } from "./key_table.ts";
import type { Stage } from "./page.ts";
import { actOnUser } from "./user_actions.ts";

/** Mutes the thread of a post, or shows it again. */
async function toggleThread(stage: Stage, row: PostRow, done: () => void): Promise<void> {
  const what = keyOf(row.target);
  const mutes = await stage.api.mutes().catch(() => []);
  const isMuted = mutes.some((mute) => mute.kind === "thread" && mute.what === what);
  stage.tell(isMuted ? unmuting : muting, { kind: "thread", what }, done);
}

/** What a page does after something has changed with its posts. */
export interface AfterPost {
  /** What is shown is to be read again. */
  readonly reload: () => void;
  /** Opens the thread of a post. */
  readonly openThread: (row: PostRow) => void;
  /** Opens the profile of a user. */
  readonly openProfile: (username: string) => void;
}

/** Does what a key asks for with a post; false where that is nothing. */
export function actOnPost(stage: Stage, action: Action, row: PostRow, after: AfterPost): boolean {
  switch (action) {
    case "open":
      after.openThread(row);
      return true;
    case "reply":
      stage.write({ replyTo: row.target });
      return true;
    case "repost":
      stage.tell(reposting, row.target);
      return true;
    case "delete":
      if (!row.isMine) {
        stage.say("Only posts of yours can be taken back.");
        return true;
      }
      stage.confirm("Take this post back? Peers that have it are asked to forget it.", () => {
        stage.tell(deleting, { ids: [row.name.id] });
      });
      return true;
    case "mute_thread":
      void toggleThread(stage, row, after.reload);
      return true;
    case "profile":
      after.openProfile(row.author.username);
      return true;
    default:
      return actOnUser(stage, action, row.author.username, after.reload);
  }
}
