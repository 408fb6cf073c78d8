import type { RecordContent } from "../../../core/model/record.ts";
import type { PublicBody } from "../../../core/model/record_body.ts";

/** When the sample was written, in Unix ms. */
export const now = Date.UTC(2026, 5, 1);

/** What a `public` record may say. */
export const body: PublicBody = {
  since: now,
  posts: 1,
  followers: 2,
  following: 3,
  heads: [{ device: 1, head: 1 }],
  generation: 1,
  pages: 2,
};

/** A record of alice's with that body, which expires a second later. */
export const content = {
  username: "alice",
  namespace: "public",
  sequence: now,
  expiresAt: now + 1_000,
  body,
} as const satisfies RecordContent<PublicBody>;
