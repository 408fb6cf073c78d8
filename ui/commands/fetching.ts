/**
 * Waiting for posts that a peer is fetching.
 *
 * @module
 */

import { delay } from "../../lib/waiting.ts";
import type { Access } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";

/** A peer is still fetching while a post came in within this time. */
const quietMs = 600;

/** And no command waits for it longer than this. */
const fetchWaitMs = 5000;

/** Waits until no more posts come in, some seconds at most. */
export async function untilQuiet({ io, signal }: Context, access: Access): Promise<void> {
  let lastMs = io.monotonic();
  const giveUpMs = lastMs + fetchWaitMs;
  const stop = await access.subscribe((event) => {
    if (event.event === "post") lastMs = io.monotonic();
  });
  try {
    while (io.monotonic() < Math.min(lastMs + quietMs, giveUpMs)) {
      await delay(io, quietMs / 4, signal);
    }
  } finally {
    stop();
  }
}
