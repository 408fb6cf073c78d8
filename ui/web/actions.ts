/**
 * What a person can do in the page: each with how its argument is read, and what is said afterwards.
 *
 * The page reaches these alone of all that a peer does: no password, no key and no account can be had here.
 *
 * @module
 */

import type {
  MuteRequest,
  PeerCalls,
  PostDraft,
  PostNameView,
  ReadRequest,
} from "../../core/api.ts";
import {
  fields,
  flag,
  integer,
  oneOf,
  optional,
  type Reader,
  text,
} from "../../core/model/arguments.ts";
import { muteKinds } from "../../core/model/mute.ts";
import { type Deed, doDeed } from "../views/deeds.ts";
import { personDeeds } from "../views/relations.ts";

/** What became of an action. */
export interface Done {
  /** A sentence for the person; empty where nothing is to be said. */
  readonly said: string;
  /** The post that came of it. */
  readonly post?: { readonly author: string; readonly id: string };
}

/** An action: reads its argument, and does it. */
export type Action = (api: PeerCalls, argument: unknown, signal: AbortSignal) => Promise<Done>;

function action<T>(
  takes: Reader<T>,
  run: (api: PeerCalls, argument: T, signal: AbortSignal) => Promise<Done>,
): Action {
  return (api, argument, signal) => run(api, takes(argument, "the argument"), signal);
}

/** As long as the texts of the page are: the peer itself says what is too long. */
const word = text(1000);
const longText = text(20_000);

const postName = fields<PostNameView>({ author: word, id: word });
const user = fields<{ readonly username: string }>({ username: word });
const muted = fields<MuteRequest>({
  what: word,
  kind: optional(oneOf(...muteKinds)),
  forMs: optional(integer(60_000, 3_660 * 86_400_000)),
});

/** Something that a user does beside writing: done and said as on the full screen. */
function deedAction<T>(
  name: string,
  takes: Reader<T>,
  deedOf: (argument: T) => Deed,
): [string, Action] {
  const run = async (api: PeerCalls, argument: T, signal: AbortSignal) => ({
    said: await doDeed(api, deedOf(argument), signal),
  });
  return [name, action(takes, run)];
}

/** All actions, by the last part of their path. */
export const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  [
    "post",
    action(
      fields<PostDraft>({
        text: longText,
        replyTo: optional(postName),
        force: optional(flag),
        warning: optional(longText),
      }),
      async (api, draft) => {
        const { author, id } = await api.post(draft);
        return { said: "Posted.", post: { author, id } };
      },
    ),
  ],
  deedAction("repost", postName, (name) => ({ deed: "repost", name })),
  deedAction("delete", postName, (name) => ({ deed: "delete", name })),
  ...personDeeds.map((deed) => deedAction(deed, user, ({ username }) => ({ deed, username }))),
  deedAction("muteWhat", muted, (request) => ({ deed: "muteWhat", request })),
  deedAction("unmuteWhat", muted, (request) => ({ deed: "unmuteWhat", request })),
  [
    "read",
    action(
      fields<ReadRequest>({
        what: oneOf("timeline", "notifications", "requests"),
        id: optional(word),
      }),
      async (api, request) => {
        await api.markRead(request);
        return { said: "" };
      },
    ),
  ],
  [
    "about",
    action(
      fields<{ readonly name?: string; readonly about?: string; readonly link?: string }>({
        name: optional(word),
        about: optional(word),
        link: optional(word),
      }),
      async (api, about, signal) => {
        await api.about(about, signal);
        return { said: "Saved. Others see it within some minutes." };
      },
    ),
  ],
]);
