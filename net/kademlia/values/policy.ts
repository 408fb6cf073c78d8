/**
 * The policy of a node that stores anything.
 *
 * @module
 */
import { anythingLivesMs } from "../constants.ts";
import type { ValuePolicy, Verdict } from "../ports.ts";

/**
 * Stores whatever comes, for a day; the later store wins. As trusting as a Python node: for tests and
 * for networks in which everybody is trusted.
 */
export const storeAnything: ValuePolicy = {
  scalars: true,
  check(_key: Uint8Array, value: Uint8Array, nowMs: number): Verdict {
    return { ok: true, decoded: value, expiresAtMs: nowMs + anythingLivesMs };
  },
  compare(): number {
    return 0;
  },
};
