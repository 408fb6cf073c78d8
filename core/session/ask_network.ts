/**
 * Asking the network for a record, and again where it does not answer.
 *
 * @module
 */

import { delay } from "../../lib/waiting.ts";
import type { DirectoryAnswer, DirectoryQuery, Ports } from "../ports.ts";

/** The first pause between two questions, in milliseconds; each is twice as long as the one before. */
const againMs = 250;

/** No question is asked after so many milliseconds: a person waits for the answer. */
const askingMsMax = 4_000;

/**
 * What the network says. Where too few nodes answered to tell, it is asked again for some seconds: one
 * lost datagram is no answer. If it still says nothing, the answer has no record and is not absent.
 */
export async function askNetwork(
  { clock, directory }: Pick<Ports, "clock" | "directory">,
  query: DirectoryQuery,
  signal?: AbortSignal,
): Promise<DirectoryAnswer> {
  const untilMs = clock.monotonic() + askingMsMax;
  for (let waitMs = againMs;; waitMs *= 2) {
    const answer = await directory.get(query, signal);
    if (answer.record !== undefined || answer.isAbsent) return answer;
    const { joined, contacts } = directory.status();
    const isLonely = !joined && contacts === 0;
    if (isLonely || clock.monotonic() + waitMs >= untilMs) return answer;
    await delay(clock, waitMs, signal);
  }
}
