/**
 * Which changes of a peer's state are news to the person who reads along.
 *
 * @module
 */

import type { PeerEvent, ReachView } from "../../core/api.ts";
import { reachChangeText } from "../views/status_words.ts";

type NetworkEvent = PeerEvent & { readonly event: "network" };

/** What a person cares for in a change of the network: not how many contacts there are. */
function keyOf({ joined, carrier, hindrance }: NetworkEvent): string {
  return JSON.stringify(joined ? [joined, carrier === "tcp"] : [joined, hindrance]);
}

/**
 * Remembers what a person was told of the network and of reach. While other nodes come and go a peer joins
 * once more, or loses sight of where others see it and finds it again: nothing has changed then, and nothing
 * is to be said. A script gets every change.
 */
export class StateNews {
  #network = "";
  #reach = "";

  /** Whether an event is to be told; it then counts as told. Events that are not on the state always are. */
  isNews(event: PeerEvent): boolean {
    if (event.event === "reach") return this.#isReachNews(event);
    if (event.event !== "network") return true;
    const key = keyOf(event);
    if (key === this.#network) return false;
    this.#network = key;
    return true;
  }

  #isReachNews(reach: ReachView): boolean {
    const isLost = reach.state === "unknown" && reach.addresses.length === 0;
    // One relay more or less makes no difference.
    const { text } = reachChangeText({ ...reach, relays: Math.min(reach.relays, 1) });
    if (text === this.#reach || (isLost && this.#reach !== "")) return false;
    this.#reach = text;
    return true;
  }
}
