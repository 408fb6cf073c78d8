/**
 * `thread`: a post, the replies to it, and the replies to those.
 *
 * @module
 */

import type { PeerEvent, PostNameView, PostView, ThreadView } from "../../core/api.ts";
import { threadName } from "../../core/model/thread.ts";
import { pause } from "../../lib/waiting.ts";
import { renderPost } from "../output/render_post.ts";
import { renderThread } from "../output/render_thread.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { withSpinner } from "../terminal/spinner.ts";

/** How often a thread that is watched is asked for anew, in milliseconds. */
const againMs = 30_000;

/** Whether an event may have changed a thread. */
function concerns(event: PeerEvent, root: PostNameView): boolean {
  const isIn = ({ author, id, reply_to, root: begin }: PostView) =>
    threadName(begin ?? reply_to ?? { author, id }) === threadName(root);
  switch (event.event) {
    case "thread":
      return threadName(event.root) === threadName(root);
    case "post":
      return isIn(event.post);
    case "notification":
      return event.notification.post !== null && isIn(event.notification.post);
    case "request":
      return event.request.post !== null && isIn(event.request.post);
    default:
      return false;
  }
}

/** Shows what comes to a thread, each post once, until interrupted. */
async function follow(
  { io, output, signal }: Context,
  access: Access,
  { thread, reveal }: { readonly thread: ThreadView; readonly reveal: boolean },
): Promise<void> {
  const { root } = thread;
  const shown = new Set(thread.posts.map(threadName));
  const end = Promise.withResolvers<void>();
  const waiting = new AbortController();
  const until = AbortSignal.any([signal, waiting.signal]);
  let reading = Promise.resolve();
  const read = (local: boolean) => {
    reading = reading.then(async () => {
      const { posts } = await access.api.thread({ ...root, ...local ? { local } : {} });
      for (const post of posts) {
        if (shown.has(threadName(post))) continue;
        shown.add(threadName(post));
        await output.line(
          { event: "post", post },
          (look) => `\n${renderPost(post, { ...look, reveal })}`,
        );
      }
    }).catch(() => {
      // What could not be read is read at the next occasion; a peer that has ended ends the command.
    });
  };
  const stop = await access.subscribe((event) => {
    if (concerns(event, root)) read(true);
    if (event.event === "logout") end.resolve();
  });
  // What came between the first reading and now was told of to no listener.
  read(true);
  try {
    signal.addEventListener("abort", () => end.resolve(), { once: true });
    let isOver = signal.aborted;
    const over = Promise.race([end.promise, access.ended]).finally(() => isOver = true);
    while (!isOver) {
      await Promise.race([over, pause(io, againMs, until)]);
      if (!isOver) read(false);
    }
  } finally {
    waiting.abort();
    stop();
    await reading;
  }
}

/** `thread`. */
export async function thread(
  context: Context,
  { post, watch = false, reveal = false }: {
    readonly post: PostNameView;
    readonly watch?: boolean;
    readonly reveal?: boolean;
  },
): Promise<void> {
  const { io, output } = context;
  await withPeer(context, "user", async (access) => {
    const thread = await withSpinner(io, "Looking for replies", access.api.thread(post));
    const text = (look: Parameters<typeof renderThread>[1]) =>
      renderThread(thread, { ...look, reveal });
    if (!watch) return await output.line(thread, text);
    if (output.json) {
      for (const post of thread.posts) await output.line({ event: "post", post }, () => "");
    } else await output.line(thread, text);
    await follow(context, access, { thread, reveal });
  });
}
