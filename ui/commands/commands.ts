/**
 * What each command that asks something of a peer does, from its arguments to its result.
 *
 * @module
 */

import type { PeerEvent, PostView } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/context.ts";
import { sleep } from "../terminal/io.ts";
import { given } from "../settings/flags.ts";
import {
  renderFollow,
  renderPost,
  renderProfile,
  renderStatus,
  renderSuggestions,
  renderTimeline,
} from "../output/render.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** Standard input of `post -` at most; 500 characters are at most 2,000 bytes. */
const postInputBytesMax = 65_536;

/** A command's own peer, just logged in, is still fetching while a post came in within this time. */
const quietMs = 600;

/** And it is not waited for longer than this. */
const fetchWaitMs = 5000;

/** `status`. */
export async function status(context: Context): Promise<void> {
  await withPeer(context, "anybody", async ({ api }) => {
    const view = await api.status();
    await context.output.result(view, (look) => renderStatus(view, look));
  });
}

/** The text to post: the argument, or with `-` standard input without its last line break. */
async function postText(context: Context, argument: string): Promise<string> {
  if (argument !== "-") {
    // Deno puts U+FFFD in the place of bytes that are not UTF-8; nobody types that on purpose.
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

/** `post TEXT`. */
export async function post(
  context: Context,
  { text: argument, replyTo }: { text: string; replyTo?: { author: string; id: string } },
): Promise<void> {
  const text = await postText(context, argument);
  await withPeer(context, "user", async ({ api }) => {
    const view = await api.post({ text, ...given({ replyTo }) });
    await context.output.result({ post: view }, (look) => renderPost(view, look));
  });
}

/** What `timeline` shows. */
export interface TimelineOptions {
  /** Posts at most. */
  readonly limit: number;
  /** Only posts before this id. */
  readonly before?: string | undefined;
  /** Only this author's. */
  readonly author?: string | undefined;
  /** Whether to stay and show posts as they arrive. */
  readonly watch?: boolean | undefined;
}

/** Lets a command's own peer fetch what it missed while it was away. */
async function untilFetched(context: Context, access: Access): Promise<void> {
  const { io, signal } = context;
  if (!access.own) return;
  let lastMs = io.now();
  const giveUpMs = lastMs + fetchWaitMs;
  const stop = await access.subscribe((event) => {
    if (event.event === "post") lastMs = io.now();
  });
  try {
    while (io.now() < Math.min(lastMs + quietMs, giveUpMs)) await sleep(io, quietMs / 4, signal);
  } finally {
    stop();
  }
}

/** `timeline`. */
export async function timeline(context: Context, options: TimelineOptions): Promise<void> {
  const { limit, watch, ...rest } = options;
  await withPeer(context, "user", async (access) => {
    if (watch) return await watchTimeline(context, access, options);
    await withSpinner(context.io, "Fetching", untilFetched(context, access));
    const posts = await access.api.timeline({ limit, ...given(rest) });
    await context.output.result({ posts }, (look) => renderTimeline(posts, look));
  });
}

/** The page, oldest first for people, then each post as it arrives, until interrupted. */
async function watchTimeline(
  context: Context,
  access: Access,
  { limit, before, author }: TimelineOptions,
): Promise<void> {
  const { output, signal } = context;
  const early: PostView[] = [];
  let show = (view: PostView) => void early.push(view);
  const end = Promise.withResolvers<void>();
  const stop = await access.subscribe((event: PeerEvent) => {
    if (event.event === "post") show(event.post);
    if (event.event === "logout") end.resolve();
  });
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  try {
    const posts = await access.api.timeline({ limit, ...given({ before, author }) });
    await output.line({ posts }, (look) => renderTimeline([...posts].reverse(), look));
    const shown = new Set(posts.map((view) => `${view.author}/${view.id}`));
    show = (view) => {
      if (shown.delete(`${view.author}/${view.id}`)) return;
      if (author !== undefined && author.toLowerCase() !== view.author) return;
      void output.line({ event: "post", post: view }, (look) => `\n${renderPost(view, look)}`);
    };
    early.forEach(show);
    if (!signal.aborted) await Promise.race([end.promise, access.ended]);
  } finally {
    stop();
  }
}

/** `follow NAME`. */
export async function follow(
  context: Context,
  request: { username: string; fingerprint?: string | undefined },
): Promise<void> {
  const { username, fingerprint } = request;
  await withPeer(context, "user", async ({ api }) => {
    const work = api.follow({ username, ...given({ fingerprint }) }, context.signal);
    const view = await withSpinner(context.io, `Looking for ${username}`, work);
    await context.output.result(view, (look) => renderFollow(view, look));
  });
}

/** `unfollow NAME`. */
export async function unfollow(context: Context, username: string): Promise<void> {
  await withPeer(context, "user", async ({ api }) => {
    const work = api.unfollow({ username }, context.signal);
    const view = await withSpinner(context.io, `Unfollowing ${username}`, work);
    await context.output.result(view, (look) => renderFollow(view, look));
  });
}

/** `profile [NAME]`. */
export async function profile(context: Context, username: string | undefined): Promise<void> {
  await withPeer(context, "user", async ({ api }) => {
    const work = api.profile(given({ username }), context.signal);
    const view = await withSpinner(context.io, "Looking", work);
    await context.output.result(view, (look) => renderProfile(view, look));
  });
}

/** `suggest`. */
export async function suggest(context: Context): Promise<void> {
  await withPeer(context, "user", async ({ api }) => {
    const suggestions = await withSpinner(context.io, "Asking around", api.suggest(context.signal));
    await context.output.result({ suggestions }, (look) => renderSuggestions(suggestions, look));
  });
}
