/**
 * How commands reach a running peer: what both ends of the loopback port agree on.
 *
 * - `POST /call` with `{"method","arguments"}` is answered with `{"result"}`, or with an error status and
 *   `{"error":{"code","message"}}`.
 * - `GET /events` is answered with one JSON event a line, for as long as the client stays. The first
 *   line is empty: from then on nothing is missed.
 *
 * Both need `Authorization: Bearer <token>`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { PeerApi } from "../../core/api.ts";
import { CamelliaError } from "../../core/model/errors.ts";
import { parseNumber } from "../settings/endpoint.ts";

/** The file in the data folder that says where the running peer listens. */
export const portFileName = "peer.json";

/** Bytes of that file at most. */
export const portFileBytesMax = 1024;

/** Bytes of the token. */
export const tokenBytes = 32;

/** A request's body at most: a post of 2,000 bytes, or a sealed account of 8,000 in base64. */
export const bodyBytesMax = 65_536;

/** A response's body at most: 1,000 posts of 2,000 bytes, escaped; profiles of 10,000 names are smaller. */
export const responseBytesMax: number = 16 * 1024 * 1024;

/** What stands in the port file. */
export interface PortFile {
  /** TCP port on 127.0.0.1. */
  readonly port: number;
  /** 64 hexadecimal digits. */
  readonly token: string;
}

/** The content of a port file, or undefined when it is not one. */
export function parsePortFile(text: string): PortFile | undefined {
  try {
    const { port, token } = JSON.parse(text) as Record<string, unknown>;
    if (typeof token !== "string" || !/^[0-9a-f]{64}$/.test(token)) return undefined;
    const number = parseNumber(String(port), 1, 65_535);
    return number === undefined ? undefined : { port: number, token };
  } catch {
    return undefined;
  }
}

/** Arguments of a call, checked when they are taken out. */
export class CallArguments {
  readonly #values: Readonly<Record<string, unknown>>;

  /**
   * The arguments of one call.
   *
   * @param values Whatever the request's JSON held.
   */
  constructor(values: unknown) {
    this.#values = typeof values === "object" && values !== null
      ? values as Record<string, unknown>
      : {};
  }

  /** A text that has to be there. */
  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw this.#wrong(name, "a text");
    return value;
  }

  /** A text that may be missing. */
  optionalText(name: string): string | undefined {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "string") throw this.#wrong(name, "a text");
    return value;
  }

  /** A whole number in a range. */
  integer(name: string, min: number, max: number): number {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    const isFit = typeof value === "number" && Number.isInteger(value) && value >= min &&
      value <= max;
    if (!isFit) throw this.#wrong(name, `a whole number from ${min} to ${max}`);
    return value;
  }

  /** Another set of arguments inside, or undefined. */
  optionalNested(name: string): CallArguments | undefined {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
    return value === undefined || value === null ? undefined : new CallArguments(value);
  }

  #wrong(name: string, expected: string): CamelliaError {
    return new CamelliaError("invalid_argument", `Cannot do that: ${name} is not ${expected}`);
  }
}

type Call = (api: PeerApi, a: CallArguments, signal: AbortSignal) => Promise<unknown>;

/** Leaves out what is undefined, as exact optional properties want it. */
export function given<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

const credentials = (a: CallArguments) => ({
  username: a.text("username"),
  password: a.text("password"),
});

function replyTo(a: CallArguments): { author: string; id: string } | undefined {
  const reply = a.optionalNested("replyTo");
  return reply === undefined ? undefined : { author: reply.text("author"), id: reply.text("id") };
}

/** The calls that there are: those of {@linkcode PeerApi}, with checked arguments. */
const calls: Readonly<Record<string, Call>> = {
  register: (api, a, signal) => api.register(credentials(a), signal),
  login: (api, a, signal) => api.login(credentials(a), signal),
  logout: (api, _a, signal) => api.logout(signal),
  whoami: (api) => api.whoami(),
  users: (api) => api.users(),
  changePassword: (api, a, signal) =>
    api.changePassword({ old: a.text("old"), new: a.text("new") }, signal),
  exportAccount: async (api) => Buffer.from(await api.exportAccount()).toString("base64"),
  importAccount: (api, a) =>
    api.importAccount(new Uint8Array(Buffer.from(a.text("sealed"), "base64"))),
  post: (api, a) => api.post({ text: a.text("text"), ...given({ replyTo: replyTo(a) }) }),
  timeline: (api, a) =>
    api.timeline({
      limit: a.integer("limit", 1, 1000),
      ...given({ before: a.optionalText("before"), author: a.optionalText("author") }),
    }),
  follow: (api, a, signal) => {
    const fingerprint = a.optionalText("fingerprint");
    return api.follow({ username: a.text("username"), ...given({ fingerprint }) }, signal);
  },
  unfollow: (api, a, signal) => api.unfollow({ username: a.text("username") }, signal),
  profile: (api, a, signal) => api.profile(given({ username: a.optionalText("username") }), signal),
  suggest: (api, _a, signal) => api.suggest(signal),
  status: (api) => api.status(),
  drain: (api, a) => api.drain(a.integer("timeoutMs", 0, 60_000)),
};

/**
 * Does what the parsed body of a request asks for.
 *
 * @throws {CamelliaError} `invalid_argument` for what is no call, and whatever the peer throws.
 */
export async function perform(api: PeerApi, body: unknown, signal: AbortSignal): Promise<unknown> {
  const request = new CallArguments(body);
  const method = request.text("method");
  const call = Object.hasOwn(calls, method) ? calls[method] : undefined;
  if (call === undefined) {
    throw new CamelliaError("invalid_argument", "Cannot do that: there is no such method");
  }
  const nested = request.optionalNested("arguments") ?? new CallArguments({});
  return await call(api, nested, signal) ?? null;
}
