/**
 * The commands on posts and people, and `status`.
 *
 * @module
 */

import { Argument } from "@commander-js/extra-typings";
import type { PeerEvent, PostView, TimelineRequest } from "../../core/api.ts";
import { given } from "../../core/model/arguments.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseSnowflakeText } from "../../core/model/snowflake.ts";
import { renderPost, renderTimeline } from "../output/render.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { parseNumber } from "../settings/number.ts";
import { expecting } from "../settings/flags.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { type Command, command } from "./command.ts";
import { untilQuiet } from "./fetching.ts";
import {
  following,
  posting,
  runTask,
  showingProfile,
  showingStatus,
  suggesting,
  unfollowing,
} from "./tasks.ts";

/** Standard input of `post -` at most; 500 characters are at most 2,000 bytes. */
const postInputBytesMax = 65_536;

/** Posts of a page: what fits a screen, more or less. */
const limitDefault = 20;

/** `AUTHOR/ID`, the name of a post. */
function parsePostName(text: string): { author: string; id: string } | undefined {
  const [author = "", id = "", ...rest] = text.split("/");
  if (author === "" || rest.length > 0 || parseSnowflakeText(id) === undefined) return undefined;
  return { author, id };
}

const postName = expecting("AUTHOR/ID, the name of a post as the timeline shows it", parsePostName);
const limit = expecting("a whole number from 1 to 1000", (text) => parseNumber(text, 1, 1000));
const postId = expecting(
  "the id of a post",
  (text) => parseSnowflakeText(text) === undefined ? undefined : text,
);
const fingerprint = expecting(
  "a fingerprint of 16 hexadecimal digits",
  (text) => /^[0-9a-f]{16}$/i.test(text) ? text.toLowerCase() : undefined,
);

/** The text to post: the argument, or with `-` standard input without its last line break. */
async function postText(context: Context, argument: string): Promise<string> {
  if (argument !== "-") {
    // Deno puts U+FFFD in the place of bytes that are not UTF-8; people do not type it on purpose.
    if (!argument.includes("\ufffd")) return argument;
    const advice = "If the character U+FFFD is meant, give the text on standard input: post -";
    throw new CamelliaError("invalid_text", `Cannot post: the text is not UTF-8. ${advice}`);
  }
  const bytes = await context.io.input(postInputBytesMax);
  if (bytes === undefined) {
    throw new CamelliaError(
      "post_too_long",
      `Cannot post: standard input has more than ${postInputBytesMax} bytes, far more than 500 characters`,
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
      .replace(/\r?\n$/, "");
  } catch (error) {
    const message = "Cannot post: standard input is not UTF-8 text";
    throw new CamelliaError("invalid_text", message, { cause: error });
  }
}

/** The page, oldest first for people, then each post as it arrives, until interrupted. */
async function watchTimeline(
  context: Context,
  access: Access,
  request: TimelineRequest,
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
    } else await output.line({ posts }, (look) => renderTimeline(oldestFirst, look));
    const shown = new Set(posts.map((view) => `${view.author}/${view.id}`));
    show = (view) => {
      if (shown.delete(`${view.author}/${view.id}`)) return;
      if (author !== undefined && author !== view.author) return;
      void output.line({ event: "post", post: view }, (look) => `\n${renderPost(view, look)}`);
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
      program.command("post").description("publish a post of at most 500 characters")
        .addArgument(
          new Argument("<text>", "the text; - reads standard input; after -- it may begin with -"),
        )
        .option("--reply-to <author/id>", "the post that this one replies to", postName)
        .addHelpText(
          "after",
          '\nExamples:\n  camellia post "Hello"\n  fortune | camellia post -\n' +
            "  camellia post --reply-to bob/7340032 'I agree'\n  camellia post -- '-5 degrees'",
        ),
    async (context, argument, { replyTo }) => {
      const text = await postText(context, argument);
      await runTask(context, "user", posting, { text, ...given({ replyTo }) });
    },
  ),
  command(
    (program) =>
      program.command("timeline")
        .description("own posts and those of the users you follow, newest first")
        .option("--limit <n>", "posts at most, 1 to 1000", limit, limitDefault)
        .option("--before <id>", "only posts older than this one, for the next page", postId)
        .option("--author <user>", "only this author's posts")
        .option(
          "--watch",
          'stay, and show posts as they arrive; with --json one line a post: {"event":"post","post":…}',
        ),
    async (context, { watch, limit, before, author }) => {
      const request = { limit, ...given({ before, author }) };
      await withPeer(context, "user", async (access) => {
        if (watch) return await watchTimeline(context, access, request);
        // A command's own peer, just logged in, still fetches what it missed while it was away.
        if (access.own) await withSpinner(context.io, "Fetching", untilQuiet(context, access));
        const posts = await access.api.timeline(request);
        await context.output.line({ posts }, (look) => renderTimeline(posts, look));
      });
    },
  ),
  command(
    (program) =>
      program.command("follow").description("follow a user: their posts come to your timeline")
        .argument("<user>")
        .option(
          "--fingerprint <hex>",
          "trust this key for the name from now on, even if you trusted another",
          fingerprint,
        ),
    (context, username, options) =>
      runTask(context, "user", following, { username, ...given(options) }),
  ),
  command(
    (program) =>
      program.command("unfollow").description("unfollow a user, and remove their posts here")
        .argument("<user>"),
    (context, username) => runTask(context, "user", unfollowing, { username }),
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
