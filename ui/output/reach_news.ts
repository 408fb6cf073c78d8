/**
 * Which changes of how others reach a peer are news to the person who reads along.
 *
 * @module
 */

import type { ReachView } from "../../core/api.ts";
import { reachChangeText } from "../views/status_words.ts";

/**
 * Remembers what a person was told. While other nodes come and go a peer loses sight of where others see it,
 * and finds it again: nothing has changed then, and nothing is to be said. A script gets every change.
 */
export class ReachNews {
  #told = "";

  /** Whether this is to be told; it then counts as told. */
  isNews(reach: ReachView): boolean {
    const isLost = reach.state === "unknown" && reach.addresses.length === 0;
    // One relay more or less makes no difference.
    const { text } = reachChangeText({ ...reach, relays: Math.min(reach.relays, 1) });
    if (text === this.#told || (isLost && this.#told !== "")) return false;
    this.#told = text;
    return true;
  }
}
