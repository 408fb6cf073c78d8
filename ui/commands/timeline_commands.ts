/**
 * The commands on posts and people, and `status`.
 *
 * @module
 */

import type { PeerEvent, PostView, TimelineRequest } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { parseSnowflakeText } from "../../core/model/snowflake.ts";
import { renderPost, renderTimeline } from "../output/render_post.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { parseNumber } from "../settings/number.ts";
import { expecting } from "../settings/flags.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { type Command, command } from "./command.ts";
import { untilQuiet } from "./fetching.ts";
import {
  following,
  runTask,
  runTasks,
  showingProfile,
  showingStatus,
  suggesting,
  unfollowing,
} from "./tasks.ts";

/** Posts of a page: what fits a screen, more or less. */
const limitDefault = 20;

const limit = expecting("a whole number from 1 to 1000", (text) => parseNumber(text, 1, 1000));
const postId = expecting(
  "the id of a post",
  (text) => parseSnowflakeText(text) === undefined ? undefined : text,
);
const fingerprint = expecting(
  "a fingerprint of 16 hexadecimal digits",
  (text) => /^[0-9a-f]{16}$/i.test(text) ? text.toLowerCase() : undefined,
);

/** The page, oldest first for people, then each post as it arrives, until interrupted. */
async function watchTimeline(
  context: Context,
  access: Access,
  request: TimelineRequest,
  reveal: boolean,
): Promise<void> {
  const { output, signal } = context;
  const author = request.author?.toLowerCase();
  const early: PostView[] = [];
  let show = (view: PostView) => void early.push(view);
  const end = Promise.withResolvers<void>();
  const stop = await access.subscribe((event: PeerEvent) => {
    if (event.event === "post") show(event.post);
    if (event.event === "logout") end.resolve();
  });
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  try {
    const posts = await access.api.timeline(request);
    const oldestFirst = [...posts].reverse();
    // A script reads one kind of line: the page is told as the posts that come later are.
    if (output.json) {
      for (const post of oldestFirst) {
        await output.line({ event: "post", post }, () => "");
      }
    } else await output.line({ posts }, (look) => renderTimeline(oldestFirst, { ...look, reveal }));
    const shown = new Set(posts.map((view) => `${view.author}/${view.id}`));
    show = (view) => {
      if (shown.delete(`${view.author}/${view.id}`)) return;
      if (author !== undefined && author !== view.author) return;
      void output.line(
        { event: "post", post: view },
        (look) => `\n${renderPost(view, { ...look, reveal })}`,
      );
    };
    early.forEach(show);
    if (!signal.aborted) await Promise.race([end.promise, access.ended]);
  } finally {
    stop();
  }
}

/** `status`. */
export const statusCommand: Command = command(
  (program) =>
    program.command("status")
      .description("the state of the peer: network, links, clock, database"),
  (context) => runTask(context, "any", showingStatus, undefined),
);

/** The commands on posts and people. */
export const timelineCommands: readonly Command[] = [
  command(
    (program) =>
      program.command("timeline")
        .description("own posts and those of the users you follow, newest first")
        .option("--limit <n>", "posts at most, 1 to 1000", limit, limitDefault)
        .option("--before <id>", "only posts older than this one, for the next page", postId)
        .option("--author <user>", "only this author's posts")
        .option("--reveal", "also show texts that have a content warning", false)
        .option(
          "--watch",
          'stay, and show posts as they arrive; with --json one line a post: {"event":"post","post":…}',
        ),
    async (context, { watch, limit, before, author, reveal }) => {
      const request = { limit, ...given({ before, author }) };
      await withPeer(context, "user", async (access) => {
        if (watch) return await watchTimeline(context, access, request, reveal);
        // A command's own peer, just logged in, still fetches what it missed while it was away.
        if (access.own) await withSpinner(context.io, "Fetching", untilQuiet(context, access));
        const posts = await access.api.timeline(request);
        await context.output.line({ posts }, (look) => renderTimeline(posts, { ...look, reveal }));
      });
    },
  ),
  command(
    (program) =>
      program.command("follow").description("follow users: their posts come to your timeline")
        .argument("<user...>")
        .option(
          "--fingerprint <hex>",
          "trust this key for the name from now on, even if you trusted another",
          fingerprint,
        ),
    (context, usernames, options) =>
      runTasks(
        context,
        following,
        usernames.map((username) => ({ username, ...given(options) })),
      ),
    (usernames, options) =>
      usernames.length > 1 && options.fingerprint !== undefined
        ? "--fingerprint goes with one name only"
        : undefined,
  ),
  command(
    (program) =>
      program.command("unfollow").description("unfollow users, and remove their posts here")
        .argument("<user...>"),
    (context, usernames) =>
      runTasks(context, unfollowing, usernames.map((username) => ({ username }))),
  ),
  command(
    (program) =>
      program.command("profile")
        .description("followers, following and posts of a user; your own without a name")
        .argument("[user]"),
    (context, username) => runTask(context, "user", showingProfile, given({ username })),
  ),
  command(
    (program) => program.command("suggest").description("users whom you might follow, and why"),
    (context) => runTask(context, "user", suggesting, undefined),
  ),
];
