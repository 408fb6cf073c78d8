/**
 * Whether requests go by UDP or by TCP: found out from which answers come. No I/O.
 *
 * @module
 */

import { BoundedMap } from "../../lib/bounded_map.ts";
import {
  askedMax,
  firstSilenceMs,
  laterSilenceMs,
  laterSilenceRequests,
  surenessMs,
  udpAgain,
} from "./stream_limits.ts";

/** How requests may go. */
export type Carrier = "udp" | "tcp";

/** What requests go by: `both` while neither answers. */
export type CarrierMode = Carrier | "both";

/** Which ways one request takes. */
export type Ways = Readonly<Record<Carrier, boolean>>;

/**
 * UDP is the rule. Where it has been silent, TCP is tried beside it; where TCP answers and UDP does not, TCP
 * is used, and UDP tried now and then. The first answer by UDP ends that.
 */
export class CarrierChoice {
  #mode: CarrierMode = "udp";
  /** Whether the present carrier has ever answered. */
  #hasAnswered = false;
  /** Requests since its last answer, and when the first of them was sent. */
  #unanswered = 0;
  #silentSinceMs = 0;
  /** Requests that went by UDP: what answers none of them is no sign that UDP works. */
  readonly #asked = new BoundedMap<number, true>(askedMax);
  #tcpSinceMs = 0;
  /** Until when requests by TCP go by UDP, too, and when that begins again. */
  #copyUntilMs = 0;
  #copyAgainMs = 0;

  /** What requests go by. */
  get mode(): CarrierMode {
    return this.#mode;
  }

  /** Whether UDP has answered, and is what is used. */
  get hasUdp(): boolean {
    return this.#mode === "udp" && this.#hasAnswered;
  }

  /** Whether TCP alone has answered for so long that no lost datagram explains it. */
  isUdpBlocked(nowMs: number): boolean {
    return this.#mode === "tcp" && nowMs - this.#tcpSinceMs >= surenessMs;
  }

  /** A request is to be sent. */
  ways(requestId: number, nowMs: number): Ways {
    if (this.#unanswered++ === 0) this.#silentSinceMs = nowMs;
    this.look(nowMs);
    const tcp = this.#mode !== "udp";
    const udp = this.#mode !== "tcp" || this.#isCopied(nowMs);
    if (udp) this.#asked.set(requestId, true);
    return { udp, tcp };
  }

  /** Asks both ways from now on, if the one that is used has been silent for long; whether it has. */
  look(nowMs: number): boolean {
    if (this.#mode === "both" || this.#unanswered === 0) return false;
    const [requests, ms] = this.#hasAnswered
      ? [laterSilenceRequests, laterSilenceMs]
      : [1, firstSilenceMs];
    if (this.#unanswered < requests || nowMs - this.#silentSinceMs < ms) return false;
    this.#mode = "both";
    return true;
  }

  /** An answer came. */
  answered(carrier: Carrier, requestId: number, nowMs: number): void {
    if (carrier === "udp" ? !this.#asked.has(requestId) : this.#mode === "udp") return;
    if (carrier === "tcp" && this.#mode === "both") {
      this.#tcpSinceMs = nowMs;
      this.#copyUntilMs = nowMs + surenessMs;
      this.#copyAgainMs = this.#copyUntilMs + udpAgain.everyMs;
    }
    this.#mode = carrier;
    this.#hasAnswered = true;
    this.#unanswered = 0;
  }

  #isCopied(nowMs: number): boolean {
    if (nowMs >= this.#copyAgainMs) {
      this.#copyUntilMs = nowMs + udpAgain.forMs;
      this.#copyAgainMs = nowMs + udpAgain.everyMs;
    }
    return nowMs < this.#copyUntilMs;
  }
}
