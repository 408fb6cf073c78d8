/**
 * When a record counts: the rules of design section 4 that need nothing but the record and the time.
 *
 * They are the same wherever a record is met: stored, fetched, replicated, read from disk. Who may
 * claim a name is another matter, see `claims.ts`.
 *
 * @module
 */

import { compareBytes } from "./bytes.ts";
import type { Identity } from "./identity.ts";
import { type RecordContent, type SignedRecord, signRecord } from "./record.ts";
import {
  type Body,
  type BodyOf,
  kindOfNamespace,
  type Namespace,
  type PublicBody,
} from "./record_body.ts";

/** How far the clocks of owner and holder may differ. */
export const clockToleranceMs = 120_000;

const dayMs = 86_400_000;

/** How long records live by kind: the most that an owner may ask for. */
export const recordLifetimeMs: Readonly<Record<keyof BodyOf, number>> = {
  private: 365 * dayMs,
  public: 365 * dayMs,
  page: 365 * dayMs,
  connections: 15 * 60_000,
};

/** The expiry that an owner gives a record written now. */
export function expiryFor(namespace: Namespace, nowMs: number): number {
  return nowMs + recordLifetimeMs[kindOfNamespace(namespace) ?? "connections"];
}

/** Signs a record that is written now: it lives for as long as its kind may. */
export function signFresh<B extends Body>(
  content: Omit<RecordContent<B>, "expiresAt">,
  nowMs: number,
  identity: Identity,
): SignedRecord<B> {
  return signRecord({ ...content, expiresAt: expiryFor(content.namespace, nowMs) }, identity);
}

/** What is wrong with a record's date: it must lie in the time that its namespace allows, with the tolerance. */
export function dateVerdict(
  namespace: Namespace,
  expiresAt: number,
  nowMs: number,
): string | undefined {
  if (expiresAt + clockToleranceMs <= nowMs) return "has expired";
  if (expiresAt > expiryFor(namespace, nowMs) + clockToleranceMs) return "expires too late";
  return undefined;
}

/**
 * Above 0 when `a` wins over `b`, both of one owner: the higher sequence number, on a tie the higher
 * SHA-256 of the payload. 0 means that they say the same.
 */
export function compareRecords(a: SignedRecord, b: SignedRecord): number {
  return a.sequence - b.sequence || compareBytes(a.payloadHash, b.payloadHash);
}

/** A `public` record that lives no longer than this from its own `since` on takes a registration back. */
const withdrawalMs = dayMs;

/**
 * Whether a `public` record takes the registration back: its owner signed it because the name was not
 * won. Holders to whom the claim is not settled forget it at once rather than after a year.
 */
export function isWithdrawal(record: SignedRecord): boolean {
  return record.namespace === "public" &&
    record.expiresAt < (record.body as PublicBody).since + withdrawalMs;
}

/** The content of the record that takes back the registration made by `claim`, as of now. */
export function withdrawalOf(
  claim: SignedRecord<PublicBody>,
  nowMs: number,
): RecordContent<PublicBody> {
  const { username, namespace, sequence, body } = claim;
  const since = Math.max(body.since, nowMs);
  return {
    username,
    namespace,
    sequence: Math.max(sequence + 1, nowMs),
    expiresAt: nowMs,
    body: { ...body, since },
  };
}
