/**
 * The commands on posts, people and devices, and `status`: what most runs of the program do. They import no
 * more than they need with a running peer.
 *
 * @module
 */

import type { PostView, SearchView, TimelineRequest } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import type { Look } from "../output/look.ts";
import { renderFound, renderPost, renderTimeline } from "../output/render_post.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { untilQuiet } from "./fetching.ts";
import {
  following,
  removingDevice,
  runTask,
  runTasks,
  searching,
  showingDevices,
  showingProfile,
  showingStatus,
  suggesting,
  unfollowing,
} from "./tasks.ts";
import { whileEvents } from "./watching.ts";

/** Posts of a page: what fits a screen, more or less. */
const limitDefault = 20;

/** The page, oldest first for people, then each post as it arrives, until interrupted. */
async function watchTimeline(
  context: Context,
  access: Access,
  request: TimelineRequest,
  reveal: boolean,
): Promise<void> {
  const { output } = context;
  const author = request.author?.toLowerCase();
  const nameOf = ({ author, id }: PostView) => `${author}/${id}`;
  /** Those of the page, until their events come as well. */
  const shown = new Set<string>();
  await whileEvents(context, access, {
    begin: async () => {
      const page = await access.api.timeline(request);
      const oldestFirst = [...page.posts].reverse();
      for (const post of oldestFirst) shown.add(nameOf(post));
      // A script reads one kind of line: the page is told as the posts that come later are.
      if (output.json) {
        for (const post of oldestFirst) await output.line({ event: "post", post }, () => "");
      } else {
        const turned = { ...page, posts: oldestFirst };
        await output.line(page, (look) => renderTimeline(turned, { ...look, reveal }));
      }
    },
    tell: (event) => {
      if (event.event !== "post") return;
      const { post } = event;
      if (shown.delete(nameOf(post))) return;
      if (author !== undefined && author !== post.author) return;
      void output.line(event, (look) => `\n${renderPost(post, { ...look, reveal })}`);
    },
  });
}

/** `status`. */
export async function status(context: Context): Promise<void> {
  await runTask(context, "any", showingStatus, undefined);
}

/** `timeline`. */
export async function timeline(
  context: Context,
  { watch, limit = limitDefault, reveal = false, ...which }: {
    readonly watch?: boolean;
    readonly reveal?: boolean;
    readonly limit?: number;
    readonly before?: string;
    readonly author?: string;
  },
): Promise<void> {
  const request = { limit, ...which };
  await withPeer(context, "user", async (access) => {
    if (watch) return await watchTimeline(context, access, request, reveal);
    // A command's own peer, just logged in, still fetches what it missed while it was away.
    if (access.own) await withSpinner(context.io, "Fetching", untilQuiet(context, access));
    const page = await access.api.timeline(request);
    await context.output.line(page, (look) => renderTimeline(page, { ...look, reveal }));
  });
}

/** `search`. */
export async function search(
  context: Context,
  { words, limit = limitDefault, reveal = false, ...which }: {
    readonly words: readonly string[];
    readonly limit?: number;
    readonly before?: string;
    readonly reveal?: boolean;
  },
): Promise<void> {
  const showing = {
    ...searching,
    text: (found: SearchView, look: Look) => renderFound(found, { ...look, reveal }),
  };
  await runTask(context, "user", showing, { query: words.join(" "), limit, ...which });
}

/** `follow`. */
export async function follow(
  context: Context,
  { usernames, fingerprint }: {
    readonly usernames: readonly string[];
    readonly fingerprint?: string;
  },
): Promise<void> {
  const requests = usernames.map((username) => ({ username, ...given({ fingerprint }) }));
  await runTasks(context, following, requests);
}

/** `unfollow`. */
export async function unfollow(
  context: Context,
  { usernames }: { readonly usernames: readonly string[] },
): Promise<void> {
  await runTasks(context, unfollowing, usernames.map((username) => ({ username })));
}

/** `profile`. */
export async function profile(
  context: Context,
  { username }: { readonly username: string | undefined },
): Promise<void> {
  await runTask(context, "user", showingProfile, given({ username }));
}

/** `suggest`. */
export async function suggest(context: Context): Promise<void> {
  await runTask(context, "user", suggesting, undefined);
}

/** `devices`. */
export async function devices(context: Context): Promise<void> {
  await runTask(context, "user", showingDevices, undefined);
}

/** `devices remove`. */
export async function removeDevice(
  context: Context,
  request: { readonly device: number },
): Promise<void> {
  await runTask(context, "user", removingDevice, request);
}
