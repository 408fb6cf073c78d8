/**
 * What keys do with a post.
 *
 * @module
 */

import { keyOf, type PostRow } from "../views/post_row.ts";
import type { Action } from "./key_table.ts";
import type { Stage } from "./page.ts";
import { actOnUser } from "./user_actions.ts";

/** Mutes the thread of a post, or shows it again. */
async function toggleThread({ api, views }: Stage, row: PostRow): Promise<void> {
  const request = { kind: "thread", what: keyOf(row.target) } as const;
  const mutes = await api.mutes().catch(() => []);
  const isMuted = mutes.some(({ kind, what }) => kind === "thread" && what === request.what);
  await views.deeds.run({ deed: isMuted ? "unmuteWhat" : "muteWhat", request });
}

/** Which pages a post leads to. */
export interface PostLinks {
  /** Opens the thread of a post. */
  readonly openThread: (row: PostRow) => void;
  /** Opens the profile of a user. */
  readonly openProfile: (username: string) => void;
}

/** Does what a key asks for with a post; false where that is nothing. */
export function actOnPost(stage: Stage, action: Action, row: PostRow, links: PostLinks): boolean {
  const { deeds } = stage.views;
  switch (action) {
    case "open":
      links.openThread(row);
      return true;
    case "reply":
      stage.write({ replyTo: row.target });
      return true;
    case "repost":
      void deeds.run({ deed: "repost", name: row.target });
      return true;
    case "delete":
      if (!row.isMine) {
        stage.say("Only posts of yours can be taken back.");
        return true;
      }
      stage.confirm("Take this post back? Peers that have it are asked to forget it.", () => {
        void deeds.run({ deed: "delete", name: row.name });
      });
      return true;
    case "mute_thread":
      void toggleThread(stage, row);
      return true;
    case "profile":
      links.openProfile(row.author.username);
      return true;
    default:
      return actOnUser(stage, action, row.author.username);
  }
}
