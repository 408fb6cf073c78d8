/**
 * TCP connections over lines that lose packets.
 *
 * @module
 */

import type { Endpoint } from "../../lib/ip_address.ts";
import type { Time } from "../../lib/time.ts";
import { settledWithin } from "../../lib/waiting.ts";

/**
 * A connection that takes longer is tried a second time beside the first: the system repeats a lost SYN only
 * after a second. Most round trips are shorter, and where they are not a second SYN costs 60 bytes.
 */
export const secondConnectMs = 300;

/** Why an attempt ends; a reason made anew for each costs more than the connection. */
const notWanted = new Error(
  "Cannot use the connection: another one came first, or it is not wanted any more",
);

/** Opens a TCP connection. */
export type Connect = (to: Endpoint, signal: AbortSignal) => Promise<Deno.TcpConn>;

/** {@linkcode Connect} by the system. */
export async function connectOnce(
  { ip, port }: Endpoint,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: ip, port, signal });
  conn.setNoDelay(true);
  return conn;
}

/**
 * Connects, with a second attempt after {@linkcode secondConnectMs}; the first connection that comes about
 * counts, and another is closed.
 *
 * @param once One attempt; replaceable for tests.
 * @throws What the first attempt to fail throws, if the other fails as well.
 */
export async function connectTwice(
  time: Pick<Time, "after">,
  to: Endpoint,
  signal: AbortSignal,
  once: Connect = connectOnce,
): Promise<Deno.TcpConn> {
  const ended = new AbortController();
  const abort = () => ended.abort(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  const attempt = async (): Promise<Deno.TcpConn> => {
    const conn = await once(to, ended.signal);
    if (!ended.signal.aborted) {
      ended.abort(notWanted);
      return conn;
    }
    conn.close();
    throw notWanted;
  };
  try {
    const first = attempt();
    if (await settledWithin(time, first, secondConnectMs)) return await first;
    return await Promise.any([first, attempt()]);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
