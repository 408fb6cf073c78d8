/**
 * Sessions of browsers: what each has to show for reading, and what besides for writing.
 *
 * Browsers send a cookie to every port of a host, so another program that listens on 127.0.0.1 could be sent
 * this one. The cookie's path is therefore a secret of its own, and the token for writing is no cookie: the page
 * keeps it where browsers keep the ports apart.
 *
 * @module
 */

import type { Time } from "../../lib/time.ts";
import { equalSecrets, freshSecret, type RandomBytes } from "./secrets.ts";

/** Sessions at a time; one person has some browsers. Beyond them the one that was used least recently ends. */
export const sessionsMax = 8;

/** A session that was not used for so long has ended. */
export const idleMsMax = 24 * 3_600_000;

/** Bytes of the part of the address that stands for the session. */
const keyBytes = 16;

/** Bytes of cookie and token. */
const secretBytes = 32;

/** A browser that has redeemed a code. */
export interface Session {
  /** The first part of every path of it. */
  readonly key: string;
  /** What the cookie holds. */
  readonly cookie: string;
  /** What a write has to show in the header {@linkcode tokenHeader}. */
  readonly token: string;
  /** The user who was logged in when it began: it is no session of another one. */
  readonly username: string;
}

/** The name of the cookie. */
export const cookieName = "camellia";

/** The header that every write has to carry, with the session's token. */
export const tokenHeader = "camellia-token";

/** The value of a cookie of that name in a request's header; undefined where it has none, or more than one. */
export function readCookie(header: string | undefined): string | undefined {
  const found = (header ?? "").split(";").map((each) => each.trim())
    .filter((each) => each.startsWith(`${cookieName}=`));
  return found.length === 1 ? found[0]?.slice(cookieName.length + 1) : undefined;
}

/** The header that gives a session's cookie to a browser. */
export function cookieOf({ key, cookie }: Session): string {
  return `${cookieName}=${cookie}; Path=/${key}; HttpOnly; SameSite=Strict`;
}

/** The sessions that are open. */
export class Sessions {
  readonly #time: Pick<Time, "monotonic">;
  readonly #randomBytes: RandomBytes;
  /** By key, the one that was used least recently first. */
  readonly #open = new Map<string, { readonly session: Session; readonly usedAt: number }>();

  /** None yet. */
  constructor(time: Pick<Time, "monotonic">, randomBytes: RandomBytes) {
    this.#time = time;
    this.#randomBytes = randomBytes;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Begins one. */
  begin(username: string): Session {
    const fresh = (length: number) => freshSecret(this.#randomBytes, length);
    const session = {
      key: fresh(keyBytes),
      cookie: fresh(secretBytes),
      token: fresh(secretBytes),
      username,
    };
    this.#open.set(session.key, { session, usedAt: this.#time.monotonic() });
    const [oldest] = this.#open.keys();
    if (this.#open.size > sessionsMax && oldest !== undefined) this.#open.delete(oldest);
    return session;
  }

  /** The session of a path's first part, if the cookie is its own. */
  find(key: string, cookie: string | undefined): Session | undefined {
    const entry = this.#open.get(key);
    const now = this.#time.monotonic();
    // A request without cookie takes as long as one with a wrong one.
    const isOwn = equalSecrets(entry?.session.cookie ?? "", cookie ?? "") && cookie !== undefined;
    if (entry === undefined || !isOwn) return undefined;
    this.#open.delete(key);
    if (now - entry.usedAt >= idleMsMax) return undefined;
    this.#open.set(key, { session: entry.session, usedAt: now });
    return entry.session;
  }

  /** Ends one. */
  end({ key }: Session): void {
    this.#open.delete(key);
  }

  /** Ends all. */
  clear(): void {
    this.#open.clear();
  }
}
