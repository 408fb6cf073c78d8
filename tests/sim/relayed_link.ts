/**
 * Frames between simulated peers through a relay: the real relay's bytes, and in place of CURVE a greeting
 * that the device answers if it has the key that the sender means.
 *
 * @module
 */

import type { Endpoint } from "../../core/ports.ts";
import { fromHex, toHex } from "../../core/model/bytes.ts";
import type { Time } from "../../lib/time.ts";
import { within } from "../../lib/waiting.ts";
import type { Route } from "../../net/links/addresses.ts";
import { ByteReader, writeAll } from "../../net/links/byte_reader.ts";
import { dialMsMax, frameBytesMax, handshakeMsMax } from "../../net/links/link_limits.ts";
import { socksAnswer, socksChoice, socksGreeting, socksRequest } from "../../net/links/socks.ts";
import type { SimLinkNetwork, SimListener } from "./links_network.ts";

const keyBytes = 32;
const met = 1;

/** Opens a connection, as a program on the sender's machine. */
export type ConnectTcp = (to: Endpoint, signal: AbortSignal) => Promise<Deno.TcpConn>;

/** Has a relay connect to a device; the connection, if both take it in time. */
export async function dialThrough(
  { time, connect, route, linkKey, from }: {
    readonly time: Time;
    readonly connect: ConnectTcp;
    readonly route: Route;
    /** The device's link key, in hexadecimal digits. */
    readonly linkKey: string;
    readonly from: Endpoint;
  },
  what: "probe" | "frames" = "frames",
): Promise<Deno.TcpConn | undefined> {
  const key = fromHex(linkKey);
  if (key === undefined) return undefined;
  let conn: Deno.TcpConn | undefined;
  const dial = async (signal: AbortSignal): Promise<true> => {
    const opened = conn = await connect({ ip: route.address.ip, port: route.port }, signal);
    const reader = new ByteReader(opened);
    await writeAll(opened, socksGreeting);
    await reader.take(socksChoice.length);
    await writeAll(opened, socksRequest(key));
    const [, reply] = await reader.take(socksAnswer("granted").length);
    if (reply !== 0) throw new Error(`Cannot connect: the relay answers ${reply}`);
    if (what === "probe") return true;
    await writeAll(opened, Uint8Array.of(...key, ...packed(from)));
    const [verdict] = await reader.take(1);
    if (verdict !== met) throw new Error("Cannot connect: the device has another key");
    return true;
  };
  const limit = { clock: time, ms: what === "probe" ? dialMsMax : dialMsMax + handshakeMsMax };
  const isUp = await within(limit, dial).catch(() => undefined);
  if (isUp === true && what === "frames") return conn;
  conn?.close();
  return isUp === true ? conn : undefined;
}

/** Sends a frame on such a connection. */
export function sendFrame(conn: Deno.TcpConn, frame: Uint8Array): Promise<void> {
  const bytes = new Uint8Array(4 + frame.length);
  new DataView(bytes.buffer).setUint32(0, frame.length);
  bytes.set(frame, 4);
  return writeAll(conn, bytes);
}

/** Takes what comes on a connection that a relay told of, until it ends. Never rejects. */
export async function takeFrames(
  conn: Deno.TcpConn,
  { network, listener }: {
    readonly network: SimLinkNetwork;
    /** Who listens now; none once the peer has closed. */
    readonly listener: () => SimListener | undefined;
  },
): Promise<void> {
  try {
    const reader = new ByteReader(conn);
    const key = toHex(await reader.take(keyBytes));
    const from = unpacked(await reader.take(packedBytes));
    if (listener()?.publicKey !== key) return;
    await writeAll(conn, Uint8Array.of(met));
    for (;;) {
      const length = new DataView((await reader.take(4)).buffer).getUint32(0);
      if (length > frameBytesMax) return;
      const frame = await reader.take(length);
      const to = listener();
      if (to === undefined) return;
      network.handOver(from, to, frame);
    }
  } catch {
    // The sender or the relay has gone.
  } finally {
    conn.close();
  }
}

const packedBytes = 6;

/** An IPv4 address and a port in six bytes. */
function packed({ ip, port }: Endpoint): number[] {
  return [...ip.split(".").map(Number), port >> 8, port & 255];
}

function unpacked(bytes: Uint8Array): Endpoint {
  const [a, b, c, d, high = 0, low = 0] = bytes;
  return { ip: `${a}.${b}.${c}.${d}`, port: high * 256 + low };
}
