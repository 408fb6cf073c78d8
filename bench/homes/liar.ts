/**
 * The front door of a relay that lies. It stands before that of an honest node: reservations and knocks
 * pass, so that devices trust the relay and announce it, and senders are betrayed.
 *
 *     deno run -A bench/homes/liar.ts 7099 31.4.7.2 7000
 *
 * takes connections on port 7099 (a rule of the firewall sends there what is for port 7000) and reads its
 * manners from standard input, one word a line.
 *
 * @module
 */

import { ByteReader, writeAll } from "../../net/links/byte_reader.ts";
import { socksAnswer, socksByte, socksChoice } from "../../net/links/socks.ts";
import { sleep } from "../delivery/measure.ts";
import { isManner, type Manner } from "./plan.ts";

/** What the lie called `slow` adds to each piece. */
const slowMs = 3_000;

/** Bytes of an answer to SOCKS's two questions: they pass, so that the sender believes in its circuit. */
const answersBytes = socksChoice.length + socksAnswer("granted").length;

/** Bytes read at once. */
const pieceBytes = 16_384;

let manner: Manner = "honest";

async function hear(): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of Deno.stdin.readable) {
    const word = decoder.decode(bytes).trim().split("\n").at(-1) ?? "";
    if (isManner(word)) manner = word;
  }
  Deno.exit(0);
}

/** A piece as it comes out at the other side; undefined where it does not. */
async function betray(piece: Uint8Array): Promise<Uint8Array | undefined> {
  if (manner === "slow") await sleep(slowMs);
  if (manner === "half") return Math.random() < 0.5 ? piece : undefined;
  if (manner === "garbage") return crypto.getRandomValues(new Uint8Array(piece.length));
  return manner === "nothing" ? undefined : piece;
}

/** Bytes of a node's answers that a sender still waits for; afterwards its circuit may be betrayed. */
interface Trust {
  left: number;
}

async function pass(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  trust: Trust,
  isAnswer: boolean,
): Promise<void> {
  const buffer = new Uint8Array(pieceBytes);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return await to.closeWrite();
    const piece = buffer.slice(0, count);
    const passed = trust.left > 0 ? piece : await betray(piece);
    if (isAnswer) trust.left -= count;
    if (passed !== undefined) await writeAll(to, passed);
  }
}

/** Says that the circuit is there, and joins it to nothing. */
async function swallow(conn: Deno.TcpConn, reader: ByteReader): Promise<void> {
  const [, methods = 0] = await reader.take(2);
  await reader.take(methods);
  await writeAll(conn, socksChoice);
  const [, , , , length = 0] = await reader.take(5);
  await reader.take(length + 2);
  await writeAll(conn, socksAnswer("granted"));
  for (;;) await reader.take(1);
}

async function serve(conn: Deno.TcpConn, node: Deno.ConnectOptions): Promise<void> {
  using _conn = conn;
  const first = new Uint8Array(1);
  if (await conn.read(first) === null) return;
  const isSender = first[0] === socksByte;
  if (isSender && manner === "nothing") return await swallow(conn, new ByteReader(conn, first));
  using there = await Deno.connect(node);
  await writeAll(there, first);
  const trust = { left: isSender ? answersBytes : Infinity };
  await Promise.race([pass(conn, there, trust, false), pass(there, conn, trust, true)]);
}

if (import.meta.main) {
  const [at, hostname = "", port] = Deno.args;
  void hear();
  for await (const conn of Deno.listen({ hostname: "::", port: Number(at) })) {
    void serve(conn, { hostname, port: Number(port) }).catch(() => {});
  }
}
