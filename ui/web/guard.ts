/**
 * What every request to the page has to be like before anything looks at it, and what every answer says to the
 * browser.
 *
 * @module
 */

/** Bytes of a request's body: a post of 500 characters has 2,000 bytes, and twelve times as many escaped. */
export const bodyBytesMax = 32_768;

/** Bytes of a path with its query: the longest is that of a search. */
export const pathBytesMax = 4_096;

/** What the guard looks at of a request. */
export interface Asked {
  /** The method. */
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Headers, names in lower case, in the order in which they came. */
  readonly headers: readonly (readonly [string, string])[];
}

/** Why a request is refused. */
export interface Refusal {
  /** The status. */
  readonly status: 400 | 403 | 405 | 413 | 414;
  /** What the body says. */
  readonly message: string;
}

/** Methods that are known; HEAD is answered as GET is, without a body. */
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST"]);

/** Headers of which there must not be two: what one part of a program reads, another might not. */
const single: ReadonlySet<string> = new Set([
  ...["host", "origin", "cookie", "content-length", "content-type", "camellia-token"],
  ...["sec-fetch-site", "transfer-encoding"],
]);

/**
 * Why a request is refused; undefined where it is not.
 *
 * `Host` has to be this very address and port: with another name a page elsewhere could have this address looked
 * up for its own name (DNS rebinding). What changes something has to say that it comes from this page, and so has
 * everything else that says where it comes from.
 */
export function refusalOf(asked: Asked, port: number): Refusal | undefined {
  const { method, path, headers } = asked;
  const of = (name: string) => headers.filter(([each]) => each === name).map(([, value]) => value);
  const origin = `http://127.0.0.1:${port}`;
  if (headers.some(([name]) => single.has(name) && of(name).length > 1)) {
    return { status: 400, message: "A header came twice." };
  }
  if (of("host")[0] !== `127.0.0.1:${port}`) {
    return { status: 403, message: "Cannot do that for another host." };
  }
  if (!methods.has(method)) return { status: 405, message: "There is no such method." };
  if (path.length > pathBytesMax) return { status: 414, message: "The address is too long." };
  if (!/^\/[\x21-\x7e]*$/.test(path)) return { status: 400, message: "That is no address." };
  const isForeign = of("origin").some((each) => each !== origin) ||
    of("sec-fetch-site").some((each) => each !== "same-origin" && each !== "none");
  if (isForeign) return { status: 403, message: "Cannot do that for another page." };
  if (method !== "POST") return undefined;
  if (of("origin").length !== 1) {
    return { status: 403, message: "Cannot do that for a request that does not name its page." };
  }
  if (Number(of("content-length")[0] ?? 0) > bodyBytesMax) {
    return { status: 413, message: "That is too long." };
  }
  return undefined;
}

/**
 * What a browser may do with an answer: run the page's own scripts alone, show its own style, connect to the peer
 * alone; no frame of another page, no form to elsewhere, no text as markup but through one function of the page.
 */
export const policy: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types camellia",
].join("; ");

/** Headers of every answer. */
export const safetyHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "permissions-policy":
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), display-capture=()",
  "cache-control": "no-store",
};
