/**
 * How simulated peers are reached: the real watch over a simulated directory and links, without
 * addresses of a home network unless a test gives some.
 *
 * @module
 */

import type { Clock, Directory, Links } from "../../core/ports.ts";
import { ReachWatch, type ReachWatchOptions } from "../../net/reach/reach_watch.ts";

/** A watch that asks only when addresses are to be announced, unless it is started. */
export function simReach(
  ports: { readonly clock: Clock; readonly directory: Directory; readonly links: Links },
  options: Partial<ReachWatchOptions> = {},
): ReachWatch {
  return new ReachWatch({ ...ports, homeAddresses: () => [], ...options });
}
