/**
 * Following what happens in a peer, for the commands that stay.
 *
 * @module
 */

import type { PeerEvent } from "../../core/api.ts";
import type { Access } from "../peer/access.ts";
import type { Context } from "../peer/host.ts";

/** What a command does with events. */
export interface Watcher {
  /** Says what there is before the first event; events that come meanwhile wait. */
  readonly begin: () => Promise<void>;
  /** Is called back for each event. */
  readonly tell: (event: PeerEvent) => void;
  /** Whether an event is the last one; by default the user's logout is. */
  readonly isLast?: (event: PeerEvent) => boolean;
}

/** Calls back for events until the program is to end, the last event has come, or the peer stops. */
export async function whileEvents(
  { signal }: Pick<Context, "signal">,
  access: Pick<Access, "subscribe" | "ended">,
  { begin, tell, isLast = ({ event }) => event === "logout" }: Watcher,
): Promise<void> {
  const end = Promise.withResolvers<void>();
  const early: PeerEvent[] = [];
  let take: typeof tell = (event) => void early.push(event);
  const stop = await access.subscribe((event) => {
    take(event);
    if (isLast(event)) end.resolve();
  });
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  try {
    await begin();
    take = tell;
    early.forEach(tell);
    if (!signal.aborted) await Promise.race([end.promise, access.ended]);
  } finally {
    stop();
  }
}
