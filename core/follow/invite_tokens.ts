/**
 * One-time tokens of invites: made once, used up by the first user who presents one.
 *
 * The database has their hashes alone: a reader of it cannot use what is open. A token is first marked
 * with the key of the user who presents it and removed when its use is done, so that a crash between the
 * two neither loses the use nor gives the token to a second user.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { equalBytes, utf8 } from "../model/bytes.ts";
import { CamelliaError } from "../model/errors.ts";
import { inviteTokenBytes } from "../model/invite.ts";
import { asArray, asBytes, asInteger, attempt, decode, encode } from "../../lib/msgpack.ts";
import type { Session } from "../session/interfaces.ts";
import { Mutex } from "../../lib/slots.ts";

/** The note that keeps them. */
const noteName = "invites";

/** Open tokens at most: 100 friends invited in a week, in 8 KB. */
export const openTokensMax = 100;

/** Bytes of the note at most; an entry has 79. */
const noteBytesMax = 16_384;

/** What is kept of one token. */
interface OpenToken {
  /** SHA-256; see {@linkcode hashOf}. */
  readonly hash: Uint8Array;
  /** Unix time in milliseconds from which on it is worth nothing. */
  readonly expires: number;
  /** The key of the user who has presented it, where its use has begun. */
  readonly user?: Uint8Array;
}

/** A token is worth something to one inviter alone, so the inviter's key is hashed with it. */
function hashOf(token: Uint8Array, inviter: Uint8Array): Uint8Array {
  return createHash("sha256").update(utf8("camellia/invite-token/1\0")).update(inviter)
    .update(token).digest();
}

/** The tokens of one session's user. */
export class InviteTokens {
  readonly #session: Session;
  /** The note is read, changed and written as one. */
  readonly #mutex = new Mutex();

  /** Tokens that earlier sessions made stay open. */
  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Makes a token, and resolves to it once it is on the disk.
   *
   * @throws {CamelliaError} `invalid_argument` where a hundred are open.
   */
  issue(expires: number): Promise<Uint8Array> {
    return this.#mutex.run(async () => {
      const { self, ports } = this.#session;
      const open = await this.#read();
      if (open.length >= openTokensMax) {
        const soonest = new Date(Math.min(...open.map((one) => one.expires))).toISOString();
        throw new CamelliaError(
          "invalid_argument",
          `Cannot make a one-time invite: ${openTokensMax} are open, the most there can be. ` +
            `The next one expires at ${soonest}; invite without --once until then.`,
        );
      }
      const token = ports.random.bytes(inviteTokenBytes);
      await this.#write([...open, { hash: hashOf(token, self.key), expires }]);
      return token;
    });
  }

  /**
   * Does what an open token is for, and uses the token up. A token that is unknown, expired or another
   * user's does nothing. Rejects with what `use` or the disk fails with: the same user may try again then.
   *
   * @param user The key of the user who presents the token.
   */
  redeem(token: Uint8Array, user: Uint8Array, use: () => Promise<void>): Promise<void> {
    return this.#mutex.run(async () => {
      const hash = hashOf(token, this.#session.self.key);
      const open = await this.#read();
      // What is compared are hashes of random bytes: how long it takes tells nothing of use.
      const found = open.find((one) => equalBytes(one.hash, hash));
      if (found === undefined) return;
      if (found.user !== undefined && !equalBytes(found.user, user)) return;
      if (found.user === undefined) {
        await this.#write(open.map((one) => one === found ? { ...one, user } : one));
      }
      await use();
      await this.#write(open.filter((one) => one !== found));
    });
  }

  /** Those that have not expired; a damaged note has none. */
  async #read(): Promise<OpenToken[]> {
    const { store, ports } = this.#session;
    const bytes = await store.getNote(noteName);
    const now = ports.clock.now();
    return (bytes && attempt(() => readTokens(bytes)) || []).filter(({ expires }) => now < expires);
  }

  async #write(tokens: readonly OpenToken[]): Promise<void> {
    const written = tokens.map(({ hash, expires, user }) => [hash, expires, user ?? null]);
    await this.#session.store.putNote(
      noteName,
      written.length === 0 ? undefined : encode(written),
    );
  }
}

function readTokens(bytes: Uint8Array): OpenToken[] {
  const limits = { maxBytes: noteBytesMax, maxArrayLength: openTokensMax, maxDepth: 2 };
  return asArray(decode(bytes, limits), "invites", 0, openTokensMax).map((value) => {
    const [hash, expires, user] = asArray(value, "invite", 3);
    const token = { hash: asBytes(hash, "hash", 32), expires: asInteger(expires, "expiry") };
    return user === null ? token : { ...token, user: asBytes(user, "user", 32) };
  });
}
