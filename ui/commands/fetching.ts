/**
 * Waiting for what a peer still does for a command: posts that it fetches, users whom it tells.
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

/**
 * How long a command waits for a user to acknowledge a follow: a peer that was alone until a moment ago
 * learns its address and announces it within seconds, and the request goes out again after 2 s and 4 s more.
 */
const toldWaitMs = 8000;

/** Waits until every follow is acknowledged, some seconds at most; whether that is so. */
export async function untilTold({ io, signal }: Context, { api }: Access): Promise<boolean> {
  const giveUpMs = io.monotonic() + toldWaitMs;
  while ((await api.status()).pending > 0) {
    if (io.monotonic() >= giveUpMs) return false;
    await delay(io, quietMs / 4, signal);
  }
  return true;
}
