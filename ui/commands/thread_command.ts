/**
 * `thread`: a post, the replies to it, and the replies to those.
 *
 * @module
 */

import type { PeerEvent, PostNameView, PostView, ThreadView } from "../../core/api.ts";
import { threadName, threadPostsMax } from "../../core/model/thread.ts";
import { BoundedMap } from "../../lib/bounded_map.ts";
import { Coalesced } from "../../lib/coalesced.ts";
import { pause } from "../../lib/waiting.ts";
import { renderPost } from "../output/render_post.ts";
import { renderThread } from "../output/render_thread.ts";
import { type Access, withPeer } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";
import { withSpinner } from "../terminal/spinner.ts";
import { whileEvents } from "./watching.ts";

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

/** Posts of a thread that are remembered as shown: those that one page has, and as many that came in their place. */
const shownMax = 2 * threadPostsMax;

/** Shows what comes to a thread, each post once, until interrupted. */
async function follow(
  context: Context,
  access: Access,
  { thread, reveal }: { readonly thread: ThreadView; readonly reveal: boolean },
): Promise<void> {
  const { io, output, signal } = context;
  const { root } = thread;
  const shown = new BoundedMap<string, true>(shownMax);
  for (const post of thread.posts) shown.set(threadName(post), true);
  let isLocal = true;
  const reading = new Coalesced(async () => {
    const local = isLocal;
    isLocal = true;
    const { posts } = await access.api.thread({ ...root, ...local ? { local } : {} });
    for (const post of posts) {
      const name = threadName(post);
      if (shown.touch(name)) continue;
      shown.set(name, true);
      await output.line(
        { event: "post", post },
        (look) => `\n${renderPost(post, { ...look, reveal })}`,
      );
    }
  });
  // What could not be read is read at the next occasion; a peer that has ended ends the command.
  const read = () => reading.run().catch(() => {});
  const waiting = new AbortController();
  const until = AbortSignal.any([signal, waiting.signal]);
  const asking = (async () => {
    for (;;) {
      await pause(io, againMs, until);
      if (until.aborted) return;
      isLocal = false;
      void read();
    }
  })();
  try {
    await whileEvents(context, access, {
      // What came between the first reading and now was told of to no listener.
      begin: () => Promise.resolve(void read()),
      tell: (event) => {
        if (concerns(event, root)) void read();
      },
    });
  } finally {
    waiting.abort();
    await asking;
    await reading.settled();
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
