/**
 * Closing an account: its records are taken back (design, section 4).
 *
 * A record cannot be deleted from a DHT: holders keep it until it expires, and give it to newcomers. So
 * each is replaced by one that says nothing, and `public` by one that says that the account was closed.
 * These are numbered a day ahead of the clock: a device of the user that has not seen them yet is refused
 * with what it writes in the meantime, is shown them, and logs out.
 *
 * @module
 */

import { CamelliaError } from "../model/errors.ts";
import { type Body, type Namespace, pageNamespaceOf } from "../model/record_body.ts";
import { signFresh } from "../model/record_policy.ts";
import { mapBounded } from "../../lib/waiting.ts";
import type { AccountContext, OpenAccount } from "./open_account.ts";
import { storeByMost } from "./register.ts";

/** How far the numbers of the last records are ahead of the clock. */
const aheadMs = 86_400_000;

/** Pages replaced at a time: each takes a lookup with three queries in flight. */
const pagesParallel = 8;

/**
 * Tells the network that the account is closed. From here on it cannot be opened any more.
 *
 * @throws {CamelliaError} `not_joined`, `too_few_holders`: then the account is as it was.
 */
export async function announceClosing(
  { ports }: Pick<AccountContext, "ports">,
  { session, records }: OpenAccount,
  signal?: AbortSignal,
): Promise<void> {
  const { username } = session.self;
  const refused = (code: "not_joined" | "too_few_holders", why: string) =>
    new CamelliaError(code, `Cannot close the account ${username}: ${why}.`);
  if (!ports.directory.status().joined) {
    throw refused("not_joined", "without the network no other node would learn of it");
  }
  const none = { posts: 0, followers: 0, following: 0, heads: [], generation: 0, pages: 0 };
  const since = Math.floor(ports.clock.now());
  const last = lastRecord(session, records, "public", { since, ...none, isClosed: true });
  if (await storeByMost(ports, last, signal)) records.noteInForce(last);
  else throw refused("too_few_holders", "fewer than half of the nodes took that. Try again later");
}

/** Replaces the list pages and the sealed keys by empty ones, as far as holders are there. */
export async function emptyRecords(
  { ports }: Pick<AccountContext, "ports">,
  { session, records }: OpenAccount,
  { generation, pages }: { readonly generation: number; readonly pages: number },
  signal?: AbortSignal,
): Promise<void> {
  if (records.sealed.isPublished) {
    const body = { ...records.sealed.record.body, sealed: new Uint8Array() };
    const last = lastRecord(session, records, "private", body);
    await storeByMost(ports, last, signal);
    records.noteInForce(last);
  }
  await mapBounded([...Array(pages).keys()], pagesParallel, async (page) => {
    const namespace = pageNamespaceOf(generation, page);
    await ports.directory.put(lastRecord(session, records, namespace, { entries: [] }), signal);
  });
}

/** A record of the user that no later one is to follow. */
function lastRecord(
  { self: { username }, identity, ports }: OpenAccount["session"],
  records: OpenAccount["records"],
  namespace: Namespace,
  body: Body,
) {
  const now = Math.floor(ports.clock.now());
  const sequence = Math.max(records.sequence(namespace) + 1, now + aheadMs);
  return signFresh({ username, namespace, sequence, body }, now, identity);
}
